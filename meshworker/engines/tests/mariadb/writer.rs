//! Clients that write one row after another, and know which were acknowledged.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::server::{connect, tell};

/// The pause after a write.
const PAUSE: Duration = Duration::from_millis(2);

/// What a connection may take.
const DIAL: Duration = Duration::from_millis(500);

/// Who may write, and is no administrator.
pub const USER: &str = "app";

/// Clients that write to whoever takes writes, each one row after another.
pub struct Writers {
    told: Arc<Mutex<Told>>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Told {
    /// Where to write now, and how often that has changed.
    primary: Option<(SocketAddr, u64)>,
    acknowledged: BTreeSet<(u64, u64)>,
    last: Option<Instant>,
    longest_pause: Duration,
}

/// Makes the table and the user of clients.
pub async fn prepare(primary: SocketAddr) {
    tell(primary, "CREATE DATABASE app").await;
    tell(
        primary,
        "CREATE TABLE app.kv (writer INT, number INT, PRIMARY KEY (writer, number))",
    )
    .await;
    let password = crate::program::PASSWORD;
    tell(
        primary,
        &format!("CREATE USER {USER}@'%' IDENTIFIED BY '{password}'"),
    )
    .await;
    tell(primary, &format!("GRANT ALL ON app.* TO {USER}@'%'")).await;
}

impl Writers {
    /// So many of them, which follow the primary as they are told.
    pub fn start(count: u64) -> Writers {
        let told = Arc::new(Mutex::new(Told::default()));
        let tasks = (0..count).map(|writer| tokio::spawn(write(writer, Arc::clone(&told), None)));
        let tasks = tasks.collect();
        Writers { told, tasks }
    }

    /// One more that writes here, whatever becomes of it.
    pub fn attach(&mut self, at: SocketAddr) {
        let writer = self.tasks.len() as u64;
        let told = Arc::clone(&self.told);
        self.tasks.push(tokio::spawn(write(writer, told, Some(at))));
    }

    /// This one takes writes now.
    pub fn follow(&self, primary: Option<SocketAddr>) {
        let mut told = self.told.lock().unwrap();
        let before = told.primary;
        if let Some(at) = primary
            && before.is_none_or(|(before, _)| before != at)
        {
            told.primary = Some((at, before.map_or(0, |(_, changes)| changes + 1)));
        }
    }

    /// Nobody writes any more.
    pub fn end(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Waits until so many were acknowledged.
    pub async fn until(&self, goal: usize) {
        while self.acknowledged() < goal {
            sleep(PAUSE).await;
        }
    }

    /// How many were acknowledged to the client of this number.
    pub fn acknowledged_at(&self, writer: u64) -> usize {
        let told = self.told.lock().unwrap();
        told.acknowledged
            .range((writer, 0)..(writer + 1, 0))
            .count()
    }

    /// How many were acknowledged to those that follow the primary.
    pub fn followed(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.acknowledged.range(..(2, 0)).count()
    }

    /// How many were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.told.lock().unwrap().acknowledged.len()
    }

    /// The longest pause between two acknowledgements, since this was asked last.
    pub fn longest_pause(&self) -> Duration {
        let mut told = self.told.lock().unwrap();
        let since = told.last.map_or(Duration::ZERO, |last| last.elapsed());
        let longest = told.longest_pause.max(since);
        told.longest_pause = Duration::ZERO;
        longest
    }

    /// Which acknowledged writes this server does not have.
    pub async fn missing(&self, at: SocketAddr) -> Vec<(u64, u64)> {
        let all = self.told.lock().unwrap().acknowledged.clone();
        let mut conn = connect(at, "root").await.unwrap();
        let rows: Vec<(u64, u64)> = conn
            .query("SELECT writer, number FROM app.kv")
            .await
            .unwrap();
        let rows: BTreeSet<(u64, u64)> = rows.into_iter().collect();
        all.difference(&rows).copied().collect()
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn write(writer: u64, told: Arc<Mutex<Told>>, fixed: Option<SocketAddr>) {
    let mut number = 0;
    let mut conn: Option<(Conn, u64)> = None;
    loop {
        let target = match fixed {
            Some(at) => Some((at, 0)),
            None => told.lock().unwrap().primary,
        };
        let Some((at, changes)) = target else {
            sleep(PAUSE).await;
            continue;
        };
        // A relay cuts whoever is connected with an earlier primary.
        let own = match conn.take().filter(|(_, before)| *before == changes) {
            Some((conn, _)) => Some(conn),
            None => match timeout(DIAL, connect(at, USER)).await {
                Ok(Ok(conn)) => Some(conn),
                _ => None,
            },
        };
        let Some(mut own) = own else {
            sleep(PAUSE).await;
            continue;
        };
        number += 1;
        let row = format!("INSERT INTO app.kv VALUES ({writer}, {number})");
        let written = tokio::select! {
            written = own.query_drop(row) => written.is_ok(),
            () = moved(&told, changes), if fixed.is_none() => false,
        };
        if written {
            let now = Instant::now();
            let mut told = told.lock().unwrap();
            told.acknowledged.insert((writer, number));
            if fixed.is_none() {
                let pause = told.last.map_or(Duration::ZERO, |last| now - last);
                told.longest_pause = told.longest_pause.max(pause);
                told.last = Some(now);
            }
            conn = Some((own, changes));
        }
        sleep(PAUSE).await;
    }
}

/// Resolves once another primary is told.
async fn moved(told: &Mutex<Told>, changes: u64) {
    loop {
        let now = told.lock().unwrap().primary;
        if now.is_some_and(|(_, now)| now != changes) {
            return;
        }
        sleep(PAUSE).await;
    }
}
