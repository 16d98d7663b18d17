//! A worker with a cluster, and the server that operators ask.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use governor::Quota;
use meshworker::board::{Board, Powers};
use meshworker::dashboard;
use meshworker::http::certificate::Certificate;
use meshworker::http::{Readers, Server, Tokens, limited, limited_to, restricted};
use meshworker::log_level::LogLevel;
use meshworker::operators;
use meshworker::scale::Scaling;
use meshworker::token_file::TokenFile;
use meshworker::worker;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::reply::{Reply, exchange, request};
use super::support::{World, until};
use meshworker::status::{ClusterStatus, Event, Events};

/// What acts must carry.
pub const TOKEN: &str = "a-token-of-the-tests";

/// How an office is opened.
#[derive(Default)]
pub struct Opening {
    pub powers: Powers,
    /// What is answered from; a board of its own without it.
    pub board: Option<Arc<Board>>,
    /// Nobody has a token.
    pub without_token: bool,
    pub tls: Option<Arc<Certificate>>,
    /// Reading needs this token, or that for acts.
    pub read_token: Option<&'static str>,
    /// What can change services; nothing without it.
    pub scaling: Option<Arc<Scaling>>,
    /// How many requests a client may send; as many as of any worker without it.
    pub quota: Option<Quota>,
    /// What the worker is told besides.
    pub settings: &'static [(&'static str, &'static str)],
}

/// A worker, its board and a server for operators, until it is closed.
pub struct Office {
    pub board: Arc<Board>,
    pub address: SocketAddr,
    pub file: tempfile::NamedTempFile,
    _readers: tempfile::NamedTempFile,
    /// What is logged can be changed for as long as this lives.
    _log: reload::Layer<EnvFilter, Registry>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Office {
    /// Looks after the nodes of this world.
    pub async fn open(world: &World, how: Opening) -> Office {
        let cluster = world.cluster(how.settings);
        let mut office = Office::without_worker(how).await;
        let (board, stopped) = (Arc::clone(&office.board), office.stop.subscribe());
        let work = worker::run(cluster, board, None, stopped);
        office.tasks.push(tokio::spawn(work));
        until(
            "the cluster is known",
            async || office.board.sheets().len(),
            |n| *n == 1,
        )
        .await;
        office
    }

    /// Answers, and looks after nothing.
    pub async fn without_worker(how: Opening) -> Office {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TOKEN).unwrap();
        let readers = tempfile::NamedTempFile::new().unwrap();
        let board = how.board.unwrap_or_else(|| Board::new(how.powers));
        if let Some(certificate) = &how.tls {
            board.watch_certificate(Arc::clone(certificate));
        }
        let token = Tokens::in_file(TokenFile::new(file.path())).unwrap();
        let token = (!how.without_token).then_some(token);
        let (log, level) = reload::Layer::new(EnvFilter::new("warn"));
        let desk = operators::Desk::new(Arc::clone(&board))
            .with_token(token)
            .with_scaling(how.scaling)
            .with_log_level(Some(LogLevel::new(level)));
        let reading = how.read_token.map(|token| {
            std::fs::write(readers.path(), token).unwrap();
            Readers {
                own: Tokens::in_file(TokenFile::new(readers.path())).unwrap(),
                operators: Some(Tokens::in_file(TokenFile::new(file.path())).unwrap()),
            }
        });
        let router = restricted(reading, operators::router(desk).merge(dashboard::router()));
        let router = match how.quota {
            Some(quota) => limited_to(quota, None, router),
            None => limited(None, router),
        };
        let server = Server::bind(([127, 0, 0, 1], 0).into(), router, "tests");
        let server = server.await.unwrap().with_tls(how.tls);
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        Office {
            board,
            address,
            file,
            _readers: readers,
            _log: log,
            stop,
            tasks: vec![tokio::spawn(server.run(stopped))],
        }
    }

    /// Ends the worker and the server, and waits until both have.
    pub async fn close(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes, and looks at the answer: none may hold the token.
    pub async fn send(&self, bytes: &[u8]) -> Reply {
        let reply = exchange(self.connect().await, bytes).await.unwrap();
        let whole = format!("{}{}", reply.head, reply.text);
        assert!(!whole.contains(TOKEN), "the token is told: {reply:?}");
        reply
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(&request(&format!("GET {path}"), &[], "")).await
    }

    /// What stands there, as what it is meant to be.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        serde_json::from_str(&reply.text).unwrap()
    }

    /// An order, with the token.
    pub async fn order(&self, order: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [
            ("authorization", &*bearer),
            ("content-type", "application/json"),
        ];
        let line = format!("POST /v1/clusters/db/{order}");
        self.send(&request(&line, &headers, body.to_string())).await
    }

    /// An order that is taken.
    pub async fn ordered(&self, order: &str, body: Value) -> String {
        let reply = self.order(order, &body).await;
        assert_eq!(reply.status, 200, "{order}: {reply:?}");
        reply.json()["done"].as_str().unwrap().to_owned()
    }

    /// Holds the cluster, or lets it go.
    pub async fn hold(&self, hold: bool) {
        let order = if hold { "hold" } else { "resume" };
        self.ordered(order, json!({ "why": "a test" })).await;
    }

    /// Waits until the cluster is like this; and what it is.
    pub async fn when(&self, what: &str, is_so: impl Fn(&ClusterStatus) -> bool) -> ClusterStatus {
        let seen = Mutex::new(None);
        let look = async || {
            let reply = self.get("/v1/clusters/db").await;
            let status = serde_json::from_str::<ClusterStatus>(&reply.text).ok();
            seen.lock().unwrap().clone_from(&status);
            status
        };
        until(what, look, |status: &Option<ClusterStatus>| {
            status.as_ref().is_some_and(&is_so)
        })
        .await;
        seen.into_inner().unwrap().unwrap()
    }

    /// Waits until so many members are one cluster.
    pub async fn one(&self, size: usize) -> ClusterStatus {
        self.when("one cluster", |s| s.one && s.joined() == size)
            .await
    }

    /// Waits for so many more whole passes.
    pub async fn passes(&self, more: u64) {
        let status: ClusterStatus = self.when("a pass", |_| true).await;
        let enough = status.pass.number + more + 1;
        self.when("passes", |status| status.pass.number >= enough)
            .await;
    }

    /// Everything that has happened.
    pub async fn history(&self) -> Vec<Event> {
        let events: Events = self.read("/v1/events?limit=1000").await;
        events.events
    }
}
