//! Helpers for tests that start nodes: addresses that no other test uses, processes that end with their test, clients that write,
//! and waiting for a condition.

mod process;
mod writers;

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use process::{Process, called, installed};
pub use writers::Writers;

/// Far more than anything takes: only what is broken waits so long, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The port whose taking reserves a block of addresses. No node listens on it.
const CLAIM_PORT: u16 = 2999;
/// The pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A block of 65 000 loopback addresses that no other process uses as long as this value lives.
#[derive(Debug)]
pub struct Loopback {
    second: u8,
    _claim: TcpListener,
}

impl Loopback {
    /// Reserves a block; `None` when all are taken.
    #[must_use]
    pub fn claim() -> Option<Self> {
        // Whoever holds the port has the block, for as long as the process lives. To begin at the process's own number only saves
        // attempts.
        let first = (std::process::id() % 200) as u8;
        (0..200_u8).find_map(|step| {
            let second = 20 + (u16::from(first) + u16::from(step)).rem_euclid(200) as u8;
            let claim =
                TcpListener::bind((Ipv4Addr::new(127, second, 255, 254), CLAIM_PORT)).ok()?;
            Some(Self {
                second,
                _claim: claim,
            })
        })
    }

    /// The n-th address of the block, from 0.
    #[must_use]
    pub fn address(&self, number: u16) -> IpAddr {
        let [third, fourth] = (number + 1).to_be_bytes();
        Ipv4Addr::new(127, self.second, third, fourth).into()
    }
}

/// Looks again and again until something is so.
///
/// # Errors
/// What was last seen, when it was not so before the deadline.
pub async fn wait_for<S: Debug>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> S,
    is_so: impl Fn(&S) -> bool,
) -> Result<S, String> {
    let deadline = Instant::now() + within;
    loop {
        let seen = look().await;
        if is_so(&seen) {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "{what}: not within {within:?}; last seen: {seen:?}"
            ));
        }
        sleep(LOOK_EVERY).await;
    }
}
