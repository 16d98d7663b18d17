//! What clap finds wrong with a command line, in one line as all bad input.

use std::ffi::OsStr;

use clap::builder::{BoolishValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// Yes or no, as a variable gives it to a flag. Nothing at all is no: a stack
/// file's variable that nobody set.
#[derive(Debug, Clone)]
pub(super) struct YesOrNo;

impl TypedValueParser for YesOrNo {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<bool, clap::Error> {
        if value.is_empty() {
            return Ok(false);
        }
        let parsed = BoolishValueParser::new().parse_ref(command, arg, value);
        parsed.map_err(|mut error| {
            let allowed = ["yes", "no"].map(str::to_owned).to_vec();
            error.insert(ContextKind::ValidValue, ContextValue::Strings(allowed));
            error
        })
    }
}

/// The mistake, and what is allowed or was perhaps meant, in one line.
pub(super) fn line(error: &clap::Error) -> String {
    let said = |kind| error.get(kind).map(words).filter(|text| !text.is_empty());
    let argument = said(ContextKind::InvalidArg);
    let argument = argument.map(|argument| argument.replace(['<', '>'], ""));
    let value = said(ContextKind::InvalidValue);
    let meant = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(said)
    .map(|text| format!("; perhaps you mean {text}"))
    .unwrap_or_default();
    match (error.kind(), argument, value) {
        (ErrorKind::MissingRequiredArgument, Some(argument), _) => {
            format!("{argument}: found nothing; see --help for what is allowed")
        }
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(argument), value) => {
            let found = value.unwrap_or_default();
            let allowed =
                said(ContextKind::ValidValue).map_or("see --help".to_owned(), |words| words);
            format!("{argument}: found '{found}'; allowed: {allowed}{meant}")
        }
        (ErrorKind::UnknownArgument, Some(argument), _) => {
            // As other tools of the field have it.
            let meant = match argument.as_str() {
                "-o" | "-v" => "; perhaps you mean --json",
                _ => &meant,
            };
            format!(
                "found '{argument}', which is no option here{meant}; see --help for what is allowed"
            )
        }
        (ErrorKind::InvalidSubcommand, ..) => {
            let found = said(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("found '{found}', which is no command{meant}; see --help for what is allowed")
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let line = line.trim_start_matches("error: ");
            format!("{line}; see --help for what is allowed")
        }
    }
}

fn words(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => {
            let texts = texts.iter().filter(|text| !text.is_empty());
            texts.cloned().collect::<Vec<_>>().join(", ")
        }
        ContextValue::StyledStr(text) => text.to_string(),
        _ => String::new(),
    }
}
