//! One info command, taken apart: `name`, `name:key=value;key=value` or `name/argument`.

use std::str::FromStr;

/// A command as it was sent, and its parts.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    /// What was sent, without the line end. The reply repeats it byte for byte.
    pub raw: &'a [u8],
    /// The part before the colon.
    pub name: &'a str,
    /// The part after the colon.
    params: &'a str,
}

impl<'a> Command<'a> {
    /// Takes a line apart. Bytes that are no text make a name that no command has.
    pub fn parse(raw: &'a [u8]) -> Self {
        let text = std::str::from_utf8(raw).unwrap_or("");
        let (name, params) = text.split_once(':').unwrap_or((text, ""));
        Self { raw, name, params }
    }

    /// The commands of a request body: every line that is not empty. The last one may lack its line end.
    pub fn all(body: &'a [u8]) -> impl Iterator<Item = Self> {
        body.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(Self::parse)
    }

    /// The value of a parameter. An item without `=` is no parameter.
    pub fn param(&self, wanted: &str) -> Option<&'a str> {
        self.params
            .split(';')
            .filter_map(|item| item.split_once('='))
            .find_map(|(key, value)| (key == wanted).then_some(value))
    }

    /// The value of a parameter as a number or the like: `None` when missing, `Some(Err)` when it is something else.
    pub fn parsed<T: FromStr>(&self, wanted: &str) -> Option<Result<T, T::Err>> {
        self.param(wanted).map(str::parse)
    }

    /// What this command is counted as: without parameters or namespace names, so that the table stays short.
    pub fn counted_as(&self) -> &'a str {
        self.name.split('/').next().unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let tip = Command::parse(b"tip:host=10.0.1.6;port=3002");
        assert_eq!(
            (tip.name, tip.param("host"), tip.param("port")),
            ("tip", Some("10.0.1.6"), Some("3002"))
        );
        assert_eq!(Command::parse(b"tip:bogus").param("host"), None);
        assert_eq!(Command::parse(b"tip:host=;port=1").param("host"), Some(""));
        assert_eq!(Command::parse(b"namespace/test").counted_as(), "namespace");
        assert_eq!(Command::parse(&[0xFF, b':']).name, "");
    }

    #[test]
    fn a_body_is_cut_at_line_ends() {
        let names: Vec<&str> = Command::all(b"build\n\nnode\nstatus")
            .map(|command| command.name)
            .collect();
        assert_eq!(names, ["build", "node", "status"]);
        assert_eq!(Command::all(b"").count(), 0);
    }
}
