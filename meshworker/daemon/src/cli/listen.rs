//! Where `meshworker run` listens: for members, and for operators.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::config::Origin;
use crate::http::certificate::Certificate;
use crate::http::{Names, Readers, Tokens};
use crate::process::{ApiListen, Listen};
use crate::proof::Door;
use crate::token_file::TokenFile;

use super::Failed;

pub(super) const LISTEN: &str = "listen";
pub(super) const TOKEN_FILE: &str = "token-file";
pub(super) const API_LISTEN: &str = "api-listen";
const API_TOKEN_FILE: &str = "api-token-file";
const API_READ_TOKEN_FILE: &str = "api-read-token-file";
const API_NAMES: &str = "api-names";
const API_CERT_FILE: &str = "api-cert-file";
const API_KEY_FILE: &str = "api-key-file";

/// Where to listen for members, as the command line and the variables say; none when
/// nobody is to.
///
/// # Errors
///
/// The address is none, or there is no token that could be asked for.
pub fn members(args: &ArgMatches) -> Result<Option<Listen>, Failed> {
    let Some((address, origin)) = given(args, LISTEN) else {
        return Ok(None);
    };
    let address = place(LISTEN, address, &origin, 4747)?;
    let (file, origin) = given(args, TOKEN_FILE).ok_or_else(|| {
        Failed::Input(format!(
            "{TOKEN_FILE} ({}): found nothing beside {LISTEN}; allowed: a file that holds a token",
            Origin::Default
        ))
    })?;
    let token_file = TokenFile::new(file);
    let door = Door::of(token_file.clone())
        .map_err(|error| Failed::Input(format!("{TOKEN_FILE} ({origin}): {error}")))?;
    if let Some((operators, _)) = given(args, API_TOKEN_FILE)
        && token_file.shares_with(&TokenFile::new(operators))
    {
        return Err(Failed::Input(format!(
            "{TOKEN_FILE} ({origin}): found a token that {API_TOKEN_FILE} has too; allowed: \
                 others, or members could give orders"
        )));
    }
    Ok(Some(Listen {
        address,
        door,
        token_file,
    }))
}

/// The same for operators.
///
/// # Errors
///
/// The address is none, or a file cannot be used.
pub fn operators(args: &ArgMatches) -> Result<Option<ApiListen>, Failed> {
    let Some((address, origin)) = given(args, API_LISTEN) else {
        return Ok(None);
    };
    let address = place(API_LISTEN, address, &origin, 4748)?;
    let tokens = || {
        let given = given(args, API_TOKEN_FILE);
        let tokens = given.map(|(file, origin)| token(API_TOKEN_FILE, file, &origin));
        tokens.transpose()
    };
    let names = match given(args, API_NAMES) {
        None => Names::default(),
        Some((text, origin)) => Names::list(text)
            .map_err(|why| Failed::Input(format!("{API_NAMES} ({origin}): {why}")))?,
    };
    let tls = match (given(args, API_CERT_FILE), given(args, API_KEY_FILE)) {
        (None, None) => None,
        (Some((cert, _)), Some((key, _))) => {
            let read = Certificate::read(Path::new(cert), Path::new(key));
            let read = read.map_err(|why| Failed::Input(format!("{API_CERT_FILE}: {why}")))?;
            Some(Arc::new(read))
        }
        (cert, _) => {
            let (there, missing) = match cert {
                Some(_) => (API_CERT_FILE, API_KEY_FILE),
                None => (API_KEY_FILE, API_CERT_FILE),
            };
            return Err(Failed::Input(format!(
                "{missing} ({}): found nothing beside {there}; allowed: both files or none",
                Origin::Default
            )));
        }
    };
    Ok(Some(ApiListen {
        address,
        token: tokens()?,
        known: tokens()?,
        readers: readers(args)?,
        names,
        tls,
    }))
}

/// Who may read, where not everybody may.
fn readers(args: &ArgMatches) -> Result<Option<Readers>, Failed> {
    let Some((file, origin)) = given(args, API_READ_TOKEN_FILE) else {
        return Ok(None);
    };
    let own = token(API_READ_TOKEN_FILE, file, &origin)?;
    for (other, could) in [
        (TOKEN_FILE, "readers could announce members"),
        (API_TOKEN_FILE, "readers could give orders"),
    ] {
        if let Some((others, _)) = given(args, other)
            && TokenFile::new(file).shares_with(&TokenFile::new(others))
        {
            return Err(Failed::Input(format!(
                "{API_READ_TOKEN_FILE} ({origin}): found a token that {other} has too; allowed: \
                 others, or {could}"
            )));
        }
    }
    let operators = given(args, API_TOKEN_FILE);
    let operators = operators.map(|(file, origin)| token(API_TOKEN_FILE, file, &origin));
    Ok(Some(Readers {
        own,
        operators: operators.transpose()?,
    }))
}

/// The address that this text is.
pub(super) fn place(
    name: &str,
    text: &str,
    origin: &Origin,
    port: u16,
) -> Result<SocketAddr, Failed> {
    text.trim().parse().map_err(|_| {
        Failed::Input(format!(
            "{name} ({origin}): found '{text}'; allowed: ADDR:PORT, such as 0.0.0.0:{port}"
        ))
    })
}

fn token(name: &str, file: &str, origin: &Origin) -> Result<Tokens, Failed> {
    Tokens::in_file(TokenFile::new(file))
        .map_err(|error| Failed::Input(format!("{name} ({origin}): {error}")))
}

fn given<'a>(args: &'a ArgMatches, name: &str) -> Option<(&'a str, Origin)> {
    let value = args.get_one::<String>(name)?;
    let origin = match args.value_source(name) {
        // A variable that a stack file sets to nothing is not set.
        Some(ValueSource::EnvVariable) if value.trim().is_empty() => return None,
        Some(ValueSource::EnvVariable) => Origin::Variable,
        _ => Origin::Flag,
    };
    Some((value, origin))
}
