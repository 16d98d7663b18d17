//! Waits, before the database is started, until a worker says how.
//!
//! ```text
//! what is on the disk ──> announcement ──> worker
//! start, if nobody spoke under a higher fence <── fenced answer ──┘
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use meshworker_core::{Start, Tell};
use meshworker_engines::Nominated;
use tracing::{info, warn};

use super::around::Around;
use super::course::{Event, FencedTell};
use super::signals::Signals;

/// The file in the slot's directory with the highest fence that its member was started by.
const FENCE: &str = "fence";

/// More than a number has.
const LONGEST: u64 = 32;

/// The fence of this directory: whoever is told to start by a lower one was told so by a
/// worker that acts no more.
///
/// # Errors
///
/// The file cannot be read, or holds no number.
fn fence(directory: &Path) -> io::Result<u64> {
    let path = directory.join(FENCE);
    let mut text = String::new();
    match File::open(&path) {
        Ok(file) => file.take(LONGEST).read_to_string(&mut text)?,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(0),
        Err(why) => return Err(why),
    };
    fence_in(&text).ok_or_else(|| {
        let why = format!("{}: it holds no number", path.display());
        io::Error::new(ErrorKind::InvalidData, why)
    })
}

/// The fence in the text of such a file.
pub(crate) fn fence_in(text: &str) -> Option<u64> {
    text.trim_end().parse().ok()
}

/// Keeps it, whole or not at all, and before anything is started by it.
fn keep(directory: &Path, fence: u64) -> io::Result<()> {
    let unfinished = directory.join(format!("{FENCE}.new"));
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{fence}")?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(FENCE))?;
    File::open(directory)?.sync_all()
}

impl Around {
    /// Waits until this member is told how to start, however long that takes, unless what
    /// is in this directory starts unasked; or the number of a signal that came before.
    ///
    /// # Errors
    ///
    /// The directory cannot be used.
    pub(super) async fn nominated(
        &mut self,
        way: &Nominated,
        directory: &Path,
        signals: &mut Signals,
    ) -> io::Result<Result<Start, i32>> {
        let disk = (way.disk)(directory);
        if let Some(start) = (way.unasked)(&disk) {
            info!("starts as its disk says");
            return Ok(Ok(start));
        }
        self.fences.obeyed(fence(directory)?);
        self.checker.latch().waits_to_be_told();
        let generation = self.waits_with(disk);
        info!("waits until a worker says how its database is to be started");
        let mut refused = String::new();
        loop {
            let mut event = tokio::select! {
                biased;
                signal = signals.end() => return Ok(Err(signal)),
                Some(event) = self.coming.recv() => event,
            };
            self.hear(&mut event);
            let Event::Round(round) = event else {
                continue;
            };
            let Some(FencedTell {
                fence,
                tell: Tell::Start(start),
            }) = round.told(generation)
            else {
                continue;
            };
            match start.check(way.variables) {
                Ok(()) => {
                    keep(directory, *fence)?;
                    info!("started by a worker, under fence {fence}");
                    return Ok(Ok(start.clone()));
                }
                Err(why) if why != refused => {
                    warn!("is not started as a worker says: {why}");
                    refused = why;
                }
                Err(_) => {}
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
            keep(directory, number).unwrap();
            assert_eq!(fence(directory).unwrap(), number);
        }
        fs::write(directory.join(FENCE), "seven").unwrap();
        let why = fence(directory).unwrap_err().to_string();
        assert!(why.ends_with("fence: it holds no number"), "{why}");
    }
}
