//! What instances say to each other: who is there, and what each lacks.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::http::Reply;
use crate::membership::{Instance, Roll};
use crate::repository::{Entry, Have};
use crate::server::Server;

/// Between two exchanges.
const EACH: Duration = Duration::from_millis(100);

/// For so long another server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one instance says to another one of its cluster.
#[derive(Debug, Serialize, Deserialize)]
pub struct Word {
    /// Who speaks: its repository's id.
    pub from: String,
    /// Which repository it takes the other one for.
    pub to: String,
    pub roll: Roll,
    /// What it has: the other one answers with what it lacks.
    pub have: Have,
    /// What the other one lacked when it spoke last.
    pub entries: Vec<Entry>,
}

/// What it is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub roll: Roll,
    pub have: Have,
    pub entries: Vec<Entry>,
}

/// Exchanges for ever with all instances of all clusters of which a repository here is.
pub async fn exchange(server: Arc<Server>) {
    loop {
        join_all(words(&server).into_iter().map(|(name, other, word)| {
            let server = Arc::clone(&server);
            async move { speak(&server, &name, &other, word).await }
        }))
        .await;
        sleep(EACH).await;
    }
}

/// What is to be said, of which repository and to whom.
fn words(server: &Server) -> Vec<(String, Instance, Word)> {
    let repositories = server.repositories();
    let mut words = Vec::new();
    for (name, repository) in repositories.iter() {
        let Some(membership) = &repository.membership else {
            continue;
        };
        let stopped = membership
            .roll
            .get(&membership.me)
            .is_some_and(|me| me.stopped);
        if repository.broken || stopped {
            continue;
        }
        let others = membership.roll.instances.iter();
        for other in others.filter(|other| other.name != membership.me) {
            let word = Word {
                from: repository.id.clone(),
                to: other.repository.clone(),
                roll: membership.roll.clone(),
                have: repository.have().clone(),
                entries: Vec::new(),
            };
            words.push((name.clone(), other.clone(), word));
        }
    }
    words
}

/// Speaks once to another one; whether it answered.
pub async fn speak(server: &Server, name: &str, other: &Instance, mut word: Word) -> bool {
    for _ in 0..2 {
        let path = format!("/sim/word/{name}");
        let body = serde_json::to_string(&word).unwrap_or_default();
        let login = (other.user.clone(), other.password.clone());
        let host = server.options.address_of(&other.host);
        let reply = send(&host, other.port, Method::POST, &path, &login, body).await;
        let Some(reply) = reply.filter(|reply| reply.status == 200) else {
            return false;
        };
        let Ok(answer) = serde_json::from_str::<Answer>(&reply.body) else {
            return false;
        };
        server.hear(&word.to);
        let mut repositories = server.repositories();
        let Some(repository) = repositories.get_mut(name) else {
            return false;
        };
        let learned = heed(repository, &answer.roll);
        let taken = repository.take(answer.entries);
        if learned.is_err() || taken.is_err() {
            return false;
        }
        // What the other one lacks it gets at once.
        word.entries = repository.since(&answer.have);
        word.have = repository.have().clone();
        if word.entries.is_empty() {
            break;
        }
    }
    true
}

/// Takes a newer roll for the own one.
pub fn heed(repository: &mut crate::repository::Repository, roll: &Roll) -> std::io::Result<()> {
    let Some(membership) = &mut repository.membership else {
        return Ok(());
    };
    if membership.roll.cluster == roll.cluster && roll.version > membership.roll.version {
        membership.roll = roll.clone();
        return repository.keep();
    }
    Ok(())
}

/// One request to another server; none where no reply came in time.
pub async fn send(
    host: &str,
    port: u16,
    method: Method,
    path: &str,
    login: &(String, String),
    body: String,
) -> Option<Reply> {
    let pair = STANDARD.encode(format!("{}:{}", login.0, login.1));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .header(AUTHORIZATION, format!("Basic {pair}"))
        .body(Full::new(Bytes::from(body)))
        .ok()?;
    let exchange = async {
        let stream = TcpStream::connect((host, port)).await.ok()?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        let driver = tokio::spawn(async move { drop(connection.await) });
        let reply = sender.send_request(request).await.ok()?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.ok()?.to_bytes();
        driver.abort();
        Some(Reply::error(status, String::from_utf8_lossy(&body)))
    };
    timeout(PATIENCE, exchange).await.ok()?
}
