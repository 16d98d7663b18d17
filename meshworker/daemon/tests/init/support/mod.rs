//! What all these tests need.

mod supervisor;
mod worker;

use std::net::{Ipv4Addr, TcpListener};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use supervisor::{Start, Supervisor, TOKEN, init, played};
pub use worker::{FakeWorker, Reply, held, in_place, may_start, released, runs_elsewhere};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `look` returns something; fails with what it last said instead.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() > PATIENCE => {
                panic!("waited for {what}; last seen:\n{seen}")
            }
            Err(_) => sleep(Duration::from_millis(20)),
        }
    }
}

/// A port on which somebody listens who never answers: a database that is up
/// and stuck.
pub fn listening() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A database that says when it is up, stops when it is asked to, and says so.
pub const DATABASE: &str =
    "trap 'echo database stops; exit 7' TERM; echo database up; while :; do sleep 0.05; done";
