//! The server: its state, its port, and who may ask it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::act;
use crate::behave::Behaviour;
use crate::http::{Asked, Reply};
use crate::options::Options;
use crate::peers;
use crate::repository::{self, Repository};

/// Without a word for so long, an instance is out of reach.
const SILENT: Duration = Duration::from_millis(1500);

/// A server.
pub struct Server {
    pub options: Options,
    repositories: Mutex<BTreeMap<String, Repository>>,
    pub behaviour: Mutex<Behaviour>,
    /// When each repository was heard last, by its id.
    heard: Mutex<HashMap<String, Instant>>,
    /// Until when copies are made here, by the repository's id.
    pub copying: Mutex<HashMap<String, Instant>>,
}

impl Server {
    pub fn repositories(&self) -> MutexGuard<'_, BTreeMap<String, Repository>> {
        locked(&self.repositories)
    }

    /// Notes that this repository was heard.
    pub fn hear(&self, id: &str) {
        locked(&self.heard).insert(id.to_owned(), Instant::now());
    }

    /// Whether it was heard a moment ago.
    pub fn hears(&self, id: &str) -> bool {
        locked(&self.heard)
            .get(id)
            .is_some_and(|at| at.elapsed() < SILENT)
    }

    /// For so long a copy is made.
    pub fn copy_time(&self) -> Duration {
        let told = locked(&self.behaviour).copy;
        told.or(Duration::try_from_secs_f64(self.options.copy_seconds).ok())
            .unwrap_or_default()
    }

    /// Whether these are an account's, as it stands in its file at this moment.
    pub fn admits(&self, login: Option<&(String, String)>) -> bool {
        let Some((user, password)) = login else {
            return false;
        };
        let plain = user.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let file = self.options.settings.join("user").join(user);
        let kept = std::fs::read_to_string(file);
        plain && kept.is_ok_and(|kept| kept.lines().next() == Some(password))
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Option<Reply> {
        let Ok(asked) = Asked::read(request).await else {
            return None;
        };
        let first = asked.path.first().map(String::as_str);
        if first == Some("sim") && asked.path.get(1).map(String::as_str) == Some("behave") {
            *locked(&self.behaviour) = Behaviour::of(&asked.query);
            return Some(Reply::nothing());
        }
        let behaviour = locked(&self.behaviour).clone();
        tokio::time::sleep(behaviour.slow).await;
        if behaviour.hangs {
            std::future::pending::<()>().await;
        }
        if let Some(number) = behaviour.fails.filter(|_| first == Some("repositories")) {
            return Some(Reply::error(number, "it is told to fail"));
        }
        if !matches!(first, Some("version" | "hostname")) && !self.admits(asked.login.as_ref()) {
            return Some(Reply::error(401, "bad credentials"));
        }
        if behaviour.echoes && asked.changes() && first != Some("sim") {
            return Some(Reply::error(400, format!("cannot do {}", asked.words)));
        }
        let reply = act::answer(self, &asked).await;
        let forgets = behaviour.forgets && asked.changes() && first != Some("sim");
        (!forgets).then_some(reply)
    }
}

/// Listens until a signal comes.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let repositories = repository::all(&options.data).context("the data's folder")?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("port {}", options.listen))?;
    let server = Arc::new(Server {
        options,
        repositories: Mutex::new(repositories),
        behaviour: Mutex::default(),
        heard: Mutex::default(),
        copying: Mutex::default(),
    });
    let (mut term, mut int) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::spawn(peers::exchange(Arc::clone(&server)));
    loop {
        let (stream, _): (_, SocketAddr) = tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => continue,
            },
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let server = Arc::clone(&server);
                async move { replied(server.answer(request).await) }
            });
            // Whoever goes away is gone.
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(served.await);
        });
    }
}

/// No reply ends the connection.
fn replied(reply: Option<Reply>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let gone = || std::io::Error::other("it forgets to reply");
    reply.map(Reply::written).ok_or_else(gone)
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
