//! The operator's side of the API: finds the workers, asks one, tells all.
//!
//! ```text
//! --api NAME ──> its addresses ──> ask the first that answers
//!                              └─> tell every one of them
//! ```
//!
//! Owns connections and the token's way into a request. What is asked and how
//! it looks is the commands' affair.

mod endpoint;
mod error;
mod follow;
mod sse;
mod worker;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use meshworker_engines::{Tls, tls};
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use crate::status::{Done, GroupStatus};
use crate::token_file::TokenFile;
use endpoint::Host;
use worker::{Ask, Worker};

pub use endpoint::{Endpoint, InvalidEndpoint, PORT};
pub use error::Unanswered;
pub use follow::{Follow, News};
pub use sse::{Message, Parser};

/// Where the workers are when nobody says: the service of this name in the
/// stack, all its tasks.
const SERVICE: &str = "tasks.meshworker";

/// A name server that is there answers in milliseconds.
const LOOK_UP: Duration = Duration::from_secs(2);

/// Connecting takes milliseconds; a dead node's address is not to take the
/// whole deadline from the next one.
const CONNECT: Duration = Duration::from_secs(2);

/// A stream says something every 15 s: after four times that it is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the workers are, and by what they know us.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The places to ask, in turn. None: the tasks of the service `meshworker`,
    /// and then this machine.
    pub endpoints: Vec<Endpoint>,
    /// The certificates to trust, PEM; none for the system's.
    pub ca_file: Option<PathBuf>,
    /// The file that holds the token for acts.
    pub token: Option<TokenFile>,
    /// The file that holds the token for reading; none for that for acts, or none.
    pub read_token: Option<TokenFile>,
}

/// Workers agree on another one that leads within a second; each is asked so often, that far
/// apart, before an order is given up.
const TURNS: usize = 20;
const A_TURN: Duration = Duration::from_millis(250);

/// The workers that were found.
#[derive(Debug)]
pub struct Client {
    workers: Vec<Worker>,
    /// Names that stand for no address now, and why.
    lost: Vec<String>,
    token: Option<TokenFile>,
    read_token: Option<TokenFile>,
    /// Who answered last: asked first, since events are numbered by each worker.
    answering: AtomicUsize,
}

impl Client {
    /// Finds the workers' addresses, and connects to none yet.
    ///
    /// # Errors
    ///
    /// The certificates cannot be used. A name without an address is no error
    /// here: it is told with the first request.
    pub async fn find(access: &Access) -> Result<Client, String> {
        let (found, lost) = addresses(&access.endpoints).await;
        let encrypted = found.iter().any(|(endpoint, _)| endpoint.secure);
        let tls = encrypted.then(|| Tls {
            ca_file: access.ca_file.clone(),
            client: None,
            server_name: None,
        });
        let tls = tls::config(tls.as_ref()).map_err(|error| format!("api-ca-file: {error}"))?;
        let workers = found
            .into_iter()
            .map(|(endpoint, addresses)| {
                let mut http = reqwest::Client::builder()
                    .tls_backend_preconfigured(tls.clone())
                    .user_agent(concat!("meshworker/", env!("CARGO_PKG_VERSION")))
                    .no_proxy()
                    .redirect(reqwest::redirect::Policy::none())
                    // A worker answers one request for each connection.
                    .pool_max_idle_per_host(0)
                    .connect_timeout(CONNECT)
                    .read_timeout(SILENCE);
                let mut name = endpoint.to_string();
                if let Host::Name(host) = &endpoint.host {
                    let sockets: Vec<_> = addresses.iter().map(|ip| (*ip, 0).into()).collect();
                    http = http.resolve_to_addrs(host, &sockets);
                    if let [address] = addresses[..] {
                        name = endpoint.at(address).to_string();
                    }
                }
                let invalid = |why: &dyn std::fmt::Display| format!("api: {endpoint}: {why}");
                Ok(Worker {
                    name,
                    base: Url::parse(&endpoint.to_string()).map_err(|error| invalid(&error))?,
                    http: http.build().map_err(|error| invalid(&error))?,
                })
            })
            .collect::<Result<_, String>>()?;
        Ok(Client {
            workers,
            lost,
            token: access.token.clone(),
            read_token: access.read_token.clone(),
            answering: AtomicUsize::new(0),
        })
    }

    /// Asks one worker after another until one answers.
    ///
    /// # Errors
    ///
    /// None did, or one refused.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<T, Unanswered> {
        let ask = &self.question(path, query)?;
        self.first(async |worker| worker.ask(ask).await).await
    }

    /// Has the first worker that answers do something; from then on that one is
    /// asked first. Says which.
    ///
    /// # Errors
    ///
    /// None answered, one refused, or there is no token.
    pub async fn tell_one(
        &self,
        path: &[&str],
        order: &impl Serialize,
    ) -> Result<(String, Done), Unanswered> {
        let ask = &self.order(path, order)?;
        self.first(async |worker| Ok((worker.name.clone(), worker.ask(ask).await?)))
            .await
    }

    /// Has the workers do something: one of them where they are a group, which agrees on it;
    /// else every one. Says what each answered.
    ///
    /// # Errors
    ///
    /// There is no token.
    pub async fn tell(
        &self,
        path: &[&str],
        order: &impl Serialize,
    ) -> Result<Vec<(String, Result<Done, Unanswered>)>, Unanswered> {
        if !self.is_group().await {
            return self.tell_all(path, order).await;
        }
        let mut turn = 0;
        loop {
            turn += 1;
            match self.tell_one(path, order).await {
                Ok((worker, done)) => return Ok(vec![(worker, Ok(done))]),
                // They may be about to agree on who leads.
                Err(why) if why.another_may() && turn < TURNS => sleep(A_TURN).await,
                Err(why) => {
                    let worker = self.answering().unwrap_or_default();
                    return Ok(vec![(worker, Err(why))]);
                }
            }
        }
    }

    /// Has the worker that acts do something, once there is one. Says which.
    ///
    /// # Errors
    ///
    /// Nobody acts, it refused, or there is no token.
    pub async fn tell_leader(
        &self,
        path: &[&str],
        order: &impl Serialize,
    ) -> Result<(String, Done), Unanswered> {
        let mut turn = 0;
        loop {
            turn += 1;
            let heard = self.groups().await?;
            let known = heard.iter();
            let known = known.filter_map(|(worker, status)| Some((worker, status.as_ref().ok()?)));
            let known: Vec<(&String, &GroupStatus)> = known.collect();
            if let Some((worker, _)) = known.iter().find(|(_, status)| status.acts) {
                return self.tell_this_one(worker, path, order).await;
            }
            if turn < TURNS && !known.is_empty() {
                // They may be about to agree on who leads.
                sleep(A_TURN).await;
                continue;
            }
            let why = known.into_iter().find_map(|(_, status)| status.why.clone());
            return Err(why.map_or_else(|| nobody(heard), Unanswered::NobodyActs));
        }
    }

    /// Has the worker of this name do something. Says which.
    ///
    /// # Errors
    ///
    /// It did not answer, or refused; or there is no token.
    pub async fn tell_this_one(
        &self,
        name: &str,
        path: &[&str],
        order: &impl Serialize,
    ) -> Result<(String, Done), Unanswered> {
        let ask = &self.order(path, order)?;
        let worker = self.workers.iter().find(|worker| worker.name == name);
        let worker = worker.ok_or_else(|| Unanswered::Nobody(vec![name.to_owned()]))?;
        Ok((worker.name.clone(), worker.ask(ask).await?))
    }

    /// How the workers stand, as each sees it. A name without addresses stands among them.
    ///
    /// # Errors
    ///
    /// A token cannot be read.
    pub async fn groups(
        &self,
    ) -> Result<Vec<(String, Result<GroupStatus, Unanswered>)>, Unanswered> {
        let ask = &self.question(&["v1", "group"], &[])?;
        let ask = async |worker: &Worker| (worker.name.clone(), worker.ask(ask).await);
        let answers = join_all(self.workers.iter().map(ask)).await;
        Ok(answers.into_iter().chain(self.lost()).collect())
    }

    /// Whether the workers agree on what is ordered, also while they agree on who leads. An older
    /// one knows of no groups.
    async fn is_group(&self) -> bool {
        let heard = self.groups().await.unwrap_or_default();
        let mut known = heard.iter().filter_map(|(_, status)| status.as_ref().ok());
        known.any(|status| status.group.is_some())
    }

    /// Names without addresses, and why.
    fn lost<T>(&self) -> impl Iterator<Item = (String, Result<T, Unanswered>)> {
        self.lost.iter().map(|lost| {
            let (worker, why) = lost.split_once(": ").unwrap_or((lost, ""));
            let unheard = Unanswered::Unheard {
                worker: worker.to_owned(),
                why: why.to_owned(),
            };
            (worker.to_owned(), Err(unheard))
        })
    }

    /// Has every worker do something, all at the same time, and says what each
    /// answered. A name without addresses stands among them.
    ///
    /// # Errors
    ///
    /// There is no token.
    pub async fn tell_all(
        &self,
        path: &[&str],
        order: &impl Serialize,
    ) -> Result<Vec<(String, Result<Done, Unanswered>)>, Unanswered> {
        let ask = &self.order(path, order)?;
        let tell = async |worker: &Worker| (worker.name.clone(), worker.ask(ask).await);
        let told = join_all(self.workers.iter().map(tell)).await;
        Ok(told.into_iter().chain(self.lost()).collect())
    }

    /// Who answered last.
    pub fn answering(&self) -> Option<String> {
        let worker = self.workers.get(self.answering.load(Ordering::Relaxed));
        worker.map(|worker| worker.name.clone())
    }

    /// Keeps only the worker that answered last.
    pub fn only_that_one(mut self) -> Client {
        let at = self.answering.load(Ordering::Relaxed);
        if at < self.workers.len() {
            self.workers = vec![self.workers.swap_remove(at)];
            self.lost.clear();
            self.answering = AtomicUsize::new(0);
        }
        self
    }

    /// Asks one worker after another, who answered last first.
    async fn first<T>(
        &self,
        ask: impl AsyncFn(&Worker) -> Result<T, Unanswered>,
    ) -> Result<T, Unanswered> {
        let mut said = self.lost.clone();
        let mut refused = None;
        let start = self.answering.load(Ordering::Relaxed);
        for turn in 0..self.workers.len() {
            let at = (start + turn) % self.workers.len();
            let Some(worker) = self.workers.get(at) else {
                continue;
            };
            match ask(worker).await {
                Ok(answer) => {
                    self.answering.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) if !error.another_may() => {
                    self.answering.store(at, Ordering::Relaxed);
                    return Err(error);
                }
                Err(error @ Unanswered::Refused { .. }) => refused = Some(error),
                Err(error) => said.push(error.to_string()),
            }
        }
        Err(refused.unwrap_or(Unanswered::Nobody(said)))
    }

    /// The request for what is only read, with a token where there is one.
    fn question(&self, path: &[&str], query: &[(&'static str, String)]) -> Result<Ask, Unanswered> {
        let token = match (&self.read_token, &self.token) {
            (Some(file), _) => Some(bearer("api-read-token-file", file)?),
            (None, Some(file)) => Some(bearer("api-token-file", file)?),
            (None, None) => None,
        };
        Ok(Ask::get(path, query).by(token))
    }

    /// The request for an act. The token is read now, and goes nowhere else.
    fn order(&self, path: &[&str], order: &impl Serialize) -> Result<Ask, Unanswered> {
        let file = self.token.as_ref().ok_or_else(|| {
            Unanswered::Token(
                "api-token-file: found nothing; allowed: a file that holds the API's token".into(),
            )
        })?;
        let token = bearer("api-token-file", file)?;
        let body = serde_json::to_vec(order)
            .map_err(|error| Unanswered::Token(format!("the order cannot be written: {error}")))?;
        Ok(Ask::post(path, body, token))
    }
}

/// That nobody answered, or that the first one that did refused.
pub(crate) fn nobody<T>(heard: Vec<(String, Result<T, Unanswered>)>) -> Unanswered {
    let mut said = Vec::new();
    for (_, answer) in heard {
        match answer {
            Err(refused @ Unanswered::Refused { .. }) => return refused,
            Err(why) => said.push(why.to_string()),
            Ok(_) => {}
        }
    }
    Unanswered::Nobody(said)
}

/// The token of this file, fit for a header. It is read now.
fn bearer(flag: &str, file: &TokenFile) -> Result<HeaderValue, Unanswered> {
    let unusable = |why: &dyn std::fmt::Display| Unanswered::Token(format!("{flag}: {why}"));
    let token = file.first().map_err(|why| unusable(&why))?;
    let token = HeaderValue::from_str(&format!("Bearer {}", token.as_str()));
    let mut token = token.map_err(|why| unusable(&why))?;
    token.set_sensitive(true);
    Ok(token)
}

/// A place with the addresses of one worker, and what became of names without.
type Found = (Vec<(Endpoint, Vec<IpAddr>)>, Vec<String>);

async fn addresses(endpoints: &[Endpoint]) -> Found {
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    if endpoints.is_empty() {
        let service = Endpoint {
            secure: false,
            host: Host::Name(SERVICE.to_owned()),
            port: PORT,
        };
        let here = service.at(IpAddr::from([127, 0, 0, 1]));
        // As it is: in a domain of the host's, that name is a stranger's.
        let workers = look_up(&format!("{SERVICE}.")).await.unwrap_or_default();
        found.extend(workers.into_iter().map(|one| (service.clone(), one)));
        // In a worker's own container that is one that listens for nobody else.
        found.push((here, Vec::new()));
    }
    for endpoint in endpoints {
        match &endpoint.host {
            Host::Address(_) => found.push((endpoint.clone(), Vec::new())),
            Host::Name(name) => match look_up(name).await {
                Ok(workers) => found.extend(workers.into_iter().map(|one| (endpoint.clone(), one))),
                Err(why) => lost.push(format!("{endpoint}: {why}")),
            },
        }
    }
    (found, lost)
}

/// The workers behind a name. All addresses of one machine's own are one.
async fn look_up(name: &str) -> Result<Vec<Vec<IpAddr>>, String> {
    let found = timeout(LOOK_UP, tokio::net::lookup_host((name, 0))).await;
    let found = found.map_err(|_| {
        format!(
            "the name server did not answer within {} s",
            LOOK_UP.as_secs()
        )
    })?;
    let found = found.map_err(|error| error::one_line(&error.to_string()))?;
    let mut addresses: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let (own, others): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.into_iter().partition(IpAddr::is_loopback);
    let others = others.into_iter().map(|address| vec![address]);
    let own = (!own.is_empty()).then_some(own);
    let workers: Vec<_> = own.into_iter().chain(others).collect();
    if workers.is_empty() {
        return Err("the name has no address".into());
    }
    Ok(workers)
}
