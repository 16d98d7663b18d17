//! Waits, before the database is started, until a worker says how.
//!
//! ```text
//! what is on the disk ──> announcement ──> worker
//! promise, put aside, start: if nobody spoke under a higher fence <── fenced answer ──┘
//! ```

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use meshworker_core::{Disk, Start, Tell};
use meshworker_engines::{Nominated, Own};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::around::Around;
use super::aside::put_aside;
use super::copies::Fetching;
use super::course::{Event, FencedTell};
use super::notes;
use super::promise::{promise, put_damaged_aside, with_promise};
use super::relay::Relay;
use super::signals::Signals;

/// The file in the slot's directory with the highest fence under which its member did what
/// it was told.
const FENCE: &str = "fence";

/// So long one with data waits for a worker that answers: its data may be another one's, or a
/// member's that was removed, and a worker knows. Where none answers nobody does.
const UNASKED: Duration = Duration::from_secs(3);

/// The file in the slot's directory with the number by which the others know its data.
const KNOWN_AS: &str = "known-as";

/// The number in this file; none where there is none. What is damaged is put aside: it says
/// no more than a disk that is new.
///
/// # Errors
///
/// The file cannot be read.
fn number(directory: &Path, name: &str) -> io::Result<Option<u64>> {
    let text = match notes::read(directory, name) {
        Err(why) if why.kind() == ErrorKind::InvalidData => Some(String::new()),
        text => text?,
    };
    let Some(text) = text else {
        return Ok(None);
    };
    let number = number_in(&text);
    if number.is_none() {
        let aside = put_aside(directory, name)?.unwrap_or_default();
        let slot = directory.display();
        warn!("{slot}: {name} holds no number, and is put aside as {aside}");
    }
    Ok(number)
}

/// The number in the text of such a file.
pub(crate) fn number_in(text: &str) -> Option<u64> {
    text.trim_end().parse().ok()
}

/// What is on the disk of a member that waits.
fn on_disk(way: &Nominated, directory: &Path) -> Disk {
    with_promise((way.disk)(directory), directory)
}

impl Around {
    /// Waits until this member is told how to start, however long that takes; or the number
    /// of a signal that came before. Meanwhile it leads clients to those that run. What is
    /// in this directory may start unasked where no worker answers for a while, but not where
    /// it has just `ended` by itself: it was taken out of its cluster.
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
        let slot = self.settings.identity.slot;
        let known_as = number(directory, KNOWN_AS)?.filter(|_| disk.ids().is_some());
        let access = &self.cluster.access;
        let own = Own {
            slot,
            known_as: known_as.unwrap_or(slot),
            address: self.address,
            port: access.service_port,
            tls: access.tls.is_some(),
        };
        self.known_as.send_replace(own.known_as);
        let mut unasked = (way.unasked)(&disk, &own).filter(|_| !ended);
        let fence = number(directory, FENCE)?;
        self.fences.obeyed(fence.unwrap_or_default());
        let mut patience = pin!(sleep(UNASKED));
        self.checker.latch().waits_to_be_told(way.spares);
        let mut generation = self.waits_with(disk.clone());
        info!("waits until a worker says how its database is to be started");
        let mut refused = String::new();
        let mut relay = JoinSet::new();
        let mut fetching = Fetching::default();
        loop {
            let mut event = tokio::select! {
                biased;
                signal = signals.end() => return Ok(Err(signal)),
                () = fetching.ended() => {
                    (disk, generation) = self.has_now(way, directory, disk, generation);
                    continue;
                }
                () = &mut patience, if unasked.is_some() => {
                    info!("no worker answers: starts as its disk says");
                    relay.shutdown().await;
                    // Its data needs no new number; without room for this note it starts.
                    let noted = notes::write(directory, KNOWN_AS, &own.known_as.to_string());
                    if let Err(why) = noted {
                        warn!("cannot note by which number the others know its data: {why}");
                    }
                    return Ok(Ok(unasked.unwrap_or_default()));
                }
                Some(event) = self.coming.recv() => event,
            };
            self.hear(&mut event);
            let Event::Round(round) = event else {
                continue;
            };
            if round.answered() {
                patience.as_mut().reset(Instant::now() + UNASKED);
            }
            // Who asks here until workers know that it waits, means the database.
            if way.spares && relay.is_empty() && round.heard_of(generation) {
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
            let highest = self
                .fences
                .highest()
                .map_or(*fence, |heard| heard.max(*fence));
            notes::write(directory, FENCE, &highest.to_string())?;
            match tell {
                Tell::Promise(asked) => promise(directory, asked)?,
                Tell::Aside { why } => {
                    if let Some(name) = put_aside(directory, way.data)? {
                        let here = directory.display();
                        warn!("its data is put aside, as {name} in {here}: {why}");
                    }
                    put_damaged_aside(directory)?;
                }
                Tell::Fetch { from } => {
                    // What cannot be read is not nothing.
                    let empty = disk == Disk::Nothing;
                    if let Some(copying) = way.copying.filter(|_| empty) {
                        fetching.begin(self.fetch(*from, &copying, way.data, directory));
                    }
                }
                // Nothing runs here.
                Tell::Kill { .. } => {}
                Tell::Start(start) => {
                    info!("started by a worker, under fence {fence}");
                    // The database is to listen where it does.
                    relay.shutdown().await;
                    let known_as = start.known_as.unwrap_or(slot);
                    notes::write(directory, KNOWN_AS, &known_as.to_string())?;
                    self.known_as.send_replace(known_as);
                    return Ok(Ok(start.clone()));
                }
            }
            (disk, generation) = self.has_now(way, directory, disk, generation);
            unasked = unasked.filter(|_| disk.ids().is_some());
        }
    }

    /// Announces what is on the disk by now, if that is something else.
    fn has_now(
        &self,
        way: &Nominated,
        directory: &Path,
        before: Disk,
        generation: u64,
    ) -> (Disk, u64) {
        let now = on_disk(way, directory);
        if now.ids().is_none() {
            self.known_as.send_replace(self.settings.identity.slot);
        }
        if now == before {
            return (before, generation);
        }
        (now.clone(), self.waits_with(now))
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
    fn a_fence_is_kept_for_the_next_start_and_what_is_none_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let fence = || number(directory, FENCE).unwrap();
        assert_eq!(fence(), None);
        for number in [7, u64::MAX] {
            notes::write(directory, FENCE, &number.to_string()).unwrap();
            assert_eq!(fence(), Some(number));
        }
        // Damaged, it kept the member from ever starting again.
        for damaged in ["seven", "", "-1"] {
            std::fs::write(directory.join(FENCE), damaged).unwrap();
            assert_eq!(fence(), None, "{damaged}");
            assert!(!directory.join(FENCE).exists());
        }
        std::fs::write(directory.join(FENCE), [0xff, 0xfe]).unwrap();
        assert_eq!(fence(), None);
        assert!(directory.join("fence.aside-4").exists());
    }
}
