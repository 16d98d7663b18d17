//! Waits, before the database is started, until a worker says how.
//!
//! ```text
//! what is on the disk ──> announcement ──> worker
//! promise, put aside, start: if nobody spoke under a higher fence <── fenced answer ──┘
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use meshworker_core::{Disk, Start, Tell};
use meshworker_engines::{Nominated, Own};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use super::around::Around;
use super::aside::put_aside;
use super::course::{Event, FencedTell};
use super::notes;
use super::promise::{promise, put_damaged_aside, with_promise};
use super::relay::Relay;
use super::signals::Signals;

/// The file in the slot's directory with the highest fence under which its member did what
/// it was told.
const FENCE: &str = "fence";

/// So long one with data waits for the word of a worker that sees its cluster: its data may
/// be another one's, or a member's that was removed. When all start at once nobody sees it.
const UNASKED: Duration = Duration::from_secs(3);

/// The fence of this directory: whoever says something under a lower one is a worker that
/// acts no more.
///
/// # Errors
///
/// The file cannot be read, or holds no number.
fn fence(directory: &Path) -> io::Result<u64> {
    let Some(text) = notes::read(directory, FENCE)? else {
        return Ok(0);
    };
    fence_in(&text).ok_or_else(|| notes::invalid(directory, FENCE, "no number"))
}

/// The fence in the text of such a file.
pub(crate) fn fence_in(text: &str) -> Option<u64> {
    text.trim_end().parse().ok()
}

/// What is on the disk of a member that waits.
fn on_disk(way: &Nominated, directory: &Path) -> Disk {
    with_promise((way.disk)(directory), directory)
}

impl Around {
    /// Waits until this member is told how to start, however long that takes; or the number
    /// of a signal that came before. Meanwhile it leads clients to those that run. What is
    /// in this directory may start unasked after a while, but not where it has just `ended`
    /// by itself: it was taken out of its cluster.
    ///
    /// # Errors
    ///
    /// The directory cannot be used.
    pub(super) async fn nominated(
        &mut self,
        way: &Nominated,
        directory: &Path,
        ended: bool,
        signals: &mut Signals,
    ) -> io::Result<Result<Start, i32>> {
        let mut disk = on_disk(way, directory);
        let own = Own {
            slot: self.settings.identity.slot,
            address: self.address,
        };
        let mut unasked = (way.unasked)(&disk, &own).filter(|_| !ended);
        match (fence(directory), &unasked) {
            (Ok(fence), _) => self.fences.obeyed(fence),
            (Err(why), None) => return Err(why),
            (Err(why), Some(start)) => {
                warn!("starts as its disk says: {why}");
                return Ok(Ok(start.clone()));
            }
        }
        let mut patience = pin!(sleep(UNASKED));
        self.checker.latch().waits_to_be_told();
        let mut generation = self.waits_with(disk.clone());
        info!("waits until a worker says how its database is to be started");
        let mut refused = String::new();
        let mut relay = JoinSet::new();
        loop {
            let mut event = tokio::select! {
                biased;
                signal = signals.end() => return Ok(Err(signal)),
                () = &mut patience, if unasked.is_some() => {
                    info!("no worker says otherwise: starts as its disk says");
                    relay.shutdown().await;
                    return Ok(Ok(unasked.unwrap_or_default()));
                }
                Some(event) = self.coming.recv() => event,
            };
            self.hear(&mut event);
            let Event::Round(round) = event else {
                continue;
            };
            // Who asks here until workers know that it waits, means the database.
            if relay.is_empty() && round.heard_of(generation) {
                self.open_relay(&mut relay).await;
            }
            let Some(FencedTell { fence, tell }) = round.told(generation) else {
                continue;
            };
            if let Tell::Start(start) = tell
                && let Err(why) = start.check(way.variables)
            {
                if why != refused {
                    warn!("is not started as a worker says: {why}");
                    refused = why;
                }
                continue;
            }
            notes::write(directory, FENCE, &fence.to_string())?;
            match tell {
                Tell::Promise(asked) => promise(directory, asked)?,
                Tell::Aside { why } => {
                    if let Some(name) = put_aside(directory, way.data)? {
                        let slot = directory.display();
                        warn!("its data is put aside, as {name} in {slot}: {why}");
                    }
                    put_damaged_aside(directory)?;
                }
                Tell::Start(start) => {
                    info!("started by a worker, under fence {fence}");
                    // The database is to listen where it does.
                    relay.shutdown().await;
                    return Ok(Ok(start.clone()));
                }
            }
            let now = on_disk(way, directory);
            if now != disk {
                generation = self.waits_with(now.clone());
                unasked = unasked.filter(|_| now.ids().is_some());
                disk = now;
            }
        }
    }

    /// Leads clients to those that run, from now on.
    async fn open_relay(&self, relay: &mut JoinSet<()>) {
        let at = SocketAddr::new(self.address, self.cluster.access.service_port);
        match Relay::open(at, self.siblings()).await {
            Ok(open) => {
                info!("leads clients that come to {at} to the members that run");
                relay.spawn(async move { open.run().await });
            }
            Err(why) => {
                warn!("cannot lead clients that come to {at} to the members that run: {why}");
                relay.spawn(std::future::pending());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_kept_for_the_next_start_and_what_is_none_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert_eq!(fence(directory).unwrap(), 0);
        for number in [7, u64::MAX] {
            notes::write(directory, FENCE, &number.to_string()).unwrap();
            assert_eq!(fence(directory).unwrap(), number);
        }
        notes::write(directory, FENCE, "seven").unwrap();
        let why = fence(directory).unwrap_err().to_string();
        assert!(why.ends_with("fence: it holds no number"), "{why}");
    }
}
