//! Where `meshworker run` listens, and to whom.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use clap::parser::ValueSource;
use meshworker_engines::SecretFile;

use crate::announce::Registry;
use crate::api::{self, Server, State, Token};
use crate::config::Origin;

use super::Failed;

const LISTEN: &str = "listen";
const TOKEN_FILE: &str = "token-file";

/// Where to listen, and to whom.
pub struct Listen {
    address: SocketAddr,
    token: Token,
}

impl Listen {
    /// What the command line and the variables say; none when nothing is to
    /// listen.
    ///
    /// # Errors
    ///
    /// The address is none, or there is no token that could be asked for.
    pub fn read(args: &ArgMatches) -> Result<Option<Listen>, Failed> {
        let Some((address, origin)) = given(args, LISTEN) else {
            return Ok(None);
        };
        let address = address.trim().parse().map_err(|_| {
            Failed::Input(format!(
                "{LISTEN} ({origin}): found '{address}'; allowed: ADDR:PORT, such as 0.0.0.0:4747"
            ))
        })?;
        let (file, origin) = given(args, TOKEN_FILE).ok_or_else(|| {
            Failed::Input(format!(
                "{TOKEN_FILE} ({}): found nothing beside {LISTEN}; allowed: a file that holds a token",
                Origin::Default
            ))
        })?;
        let token = Token::in_file(SecretFile::new(PathBuf::from(file)))
            .map_err(|error| Failed::Input(format!("{TOKEN_FILE} ({origin}): {error}")))?;
        Ok(Some(Listen { address, token }))
    }

    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub async fn bind(self) -> Result<(Server, Arc<Registry>), Failed> {
        let Listen { address, token } = self;
        let registry = Registry::new();
        let state = State {
            token: Arc::new(token),
            registry: Arc::clone(&registry),
        };
        let server = Server::bind(address, api::router(state)).await;
        let server =
            server.map_err(|error| Failed::Goal(format!("{LISTEN}: {address}: {error}")))?;
        Ok((server, registry))
    }
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
