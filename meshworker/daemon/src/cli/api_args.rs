//! The flags of every command that asks a worker, and how its answers end.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::Failed;
use crate::client::{Access, Client, Endpoint, Unanswered};
use crate::status::Summary;
use crate::token_file::TokenFile;

/// What every page of help ends with.
pub const EXIT_CODES: &str = "Exit codes:\n  \
    0  done\n  \
    1  no worker answers, or one refuses\n  \
    2  input that cannot be used";

/// A command that asks a worker.
pub fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .args(reading())
        .after_help(EXIT_CODES)
}

/// A command that has a worker do something.
pub fn order(name: &'static str, about: &'static str) -> Command {
    command(name, about).arg(token())
}

/// The flags that asking about a cluster takes.
pub fn reading() -> [Arg; 4] {
    let [api, ca, token] = asking();
    let cluster = Arg::new("cluster")
        .long("cluster")
        .value_name("NAME")
        .help("The cluster; needed where the worker looks after several");
    [api, ca, token, cluster]
}

/// The flags that asking takes.
pub fn asking() -> [Arg; 3] {
    let api = Arg::new("api")
        .long("api")
        .value_name("URL,...")
        .env("MESHWORKER_API")
        .help(
            "Where workers answer: http://HOST:PORT, https://HOST:PORT or HOST:PORT, tried in turn; \
             a name stands for all its addresses [default: http://tasks.meshworker:4748, then \
             http://127.0.0.1:4748]",
        );
    let ca = Arg::new("api-ca-file")
        .long("api-ca-file")
        .value_name("FILE")
        .env("MESHWORKER_API_CA_FILE")
        .help("The certificates to trust for https, PEM [default: the system's]");
    let token = Arg::new("api-read-token-file")
        .long("api-read-token-file")
        .value_name("FILE")
        .env("MESHWORKER_API_READ_TOKEN_FILE")
        .help("The file that holds a token that may read, where reading needs one");
    [api, ca, token]
}

/// The flag that acting takes.
pub fn token() -> Arg {
    Arg::new("api-token-file")
        .long("api-token-file")
        .value_name("FILE")
        .env("MESHWORKER_API_TOKEN_FILE")
        .help("The file that holds the API's token")
}

/// A flag's value; an empty one is none, as in stack files.
pub fn given(args: &ArgMatches, name: &str) -> Option<String> {
    let value = args.try_get_one::<String>(name).ok().flatten()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// What these flags say.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where the workers are.
    pub access: Access,
    /// The cluster's name, if one was given.
    pub cluster: Option<String>,
}

impl Api {
    /// What these flags say.
    ///
    /// # Errors
    ///
    /// A place cannot be one.
    pub fn read(args: &ArgMatches) -> Result<Api, Failed> {
        let endpoints = match given(args, "api") {
            Some(list) => {
                Endpoint::list(&list).map_err(|error| Failed::Input(format!("api: {error}")))?
            }
            None => Vec::new(),
        };
        Ok(Api {
            access: Access {
                endpoints,
                ca_file: given(args, "api-ca-file").map(PathBuf::from),
                token: given(args, "api-token-file").map(TokenFile::new),
                read_token: given(args, "api-read-token-file").map(TokenFile::new),
            },
            cluster: given(args, "cluster"),
        })
    }

    /// What these flags say, for a command that has a worker do something.
    ///
    /// # Errors
    ///
    /// A place cannot be one, or there is no token.
    pub fn read_for_act(args: &ArgMatches) -> Result<Api, Failed> {
        let api = Api::read(args)?;
        let token = api.access.token.as_ref().ok_or_else(|| {
            Failed::Input(
                "api-token-file: found nothing; allowed: a file that holds the API's token".into(),
            )
        })?;
        // It is read again when it is used.
        token
            .read()
            .map_err(|error| Failed::Input(format!("api-token-file: {error}")))?;
        Ok(api)
    }

    /// The workers.
    ///
    /// # Errors
    ///
    /// The certificates cannot be used.
    pub async fn client(&self) -> Result<Client, Failed> {
        Client::find(&self.access).await.map_err(Failed::Input)
    }

    /// The clusters that are meant: the named one, or all.
    ///
    /// # Errors
    ///
    /// No worker answers, or none knows the named one.
    pub async fn clusters(&self, client: &Client) -> Result<Vec<Summary>, Failed> {
        let all: Vec<Summary> = client.get(&["v1", "clusters"], &[]).await?;
        if all.is_empty() {
            return Err(Failed::Goal("the worker looks after no cluster".into()));
        }
        let Some(name) = &self.cluster else {
            return Ok(all);
        };
        let names = names(&all);
        let named = all.into_iter().find(|cluster| cluster.name == *name);
        let named = named
            .ok_or_else(|| Failed::Input(format!("cluster: found '{name}'; allowed: {names}")))?;
        Ok(vec![named])
    }

    /// The one cluster that is meant.
    ///
    /// # Errors
    ///
    /// As [`Api::clusters`], or there are several and none was named.
    pub async fn one_cluster(&self, client: &Client) -> Result<Summary, Failed> {
        let mut clusters = self.clusters(client).await?;
        match clusters.pop() {
            Some(only) if clusters.is_empty() => Ok(only),
            last => {
                clusters.extend(last);
                Err(Failed::Input(format!(
                    "cluster: found nothing; allowed: one of these, by --cluster: {}",
                    names(&clusters)
                )))
            }
        }
    }
}

/// The clusters' names, in a line.
pub fn names(clusters: &[Summary]) -> String {
    let names: Vec<_> = clusters
        .iter()
        .map(|cluster| cluster.name.as_str())
        .collect();
    names.join(", ")
}

impl From<Unanswered> for Failed {
    fn from(error: Unanswered) -> Failed {
        if error.is_input() {
            Failed::Input(error.to_string())
        } else {
            Failed::Goal(error.to_string())
        }
    }
}
