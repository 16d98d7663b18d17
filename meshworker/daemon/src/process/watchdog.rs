//! Ends a process that hangs: whatever keeps its one thread, another process begins
//! anew within a second, and a worker loses nothing by that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;
use tracing::error;

/// How often the thread is to show that it lives, and is looked at.
const BEAT: Duration = Duration::from_secs(1);

/// So many looks in a row may find it as it was: much more than a pass over a thousand
/// members takes, or a machine that is short of time. Looks are counted and not seconds,
/// so that a process that was stopped, or a machine that slept, is no reason.
const PATIENCE: u32 = 60;

/// Until the last words are written, if they can be.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Watches the runtime that this is called on, until the process ends.
///
/// # Errors
///
/// There is no room for a thread.
pub fn watch_this_runtime() -> std::io::Result<()> {
    let beats = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&beats);
    thread::Builder::new()
        .name("watchdog".into())
        .spawn(move || {
            let mut watch = Watch::default();
            while watch.lives(seen.load(Ordering::Relaxed)) {
                thread::sleep(BEAT);
            }
            // Where the words go may be what hangs.
            let seconds = BEAT.as_secs() * u64::from(PATIENCE);
            let _ = thread::Builder::new().spawn(move || {
                error!(
                    "nothing has moved here for {seconds} s, which is a bug: the process ends, to be started again"
                );
            });
            thread::sleep(LAST_WORDS);
            std::process::abort();
        })?;
    tokio::spawn(async move {
        loop {
            beats.fetch_add(1, Ordering::Relaxed);
            sleep(BEAT).await;
        }
    });
    Ok(())
}

/// What the looks have found so far.
#[derive(Debug, Default)]
struct Watch {
    beats: u64,
    in_vain: u32,
}

impl Watch {
    /// Whether the thread lives, by its beats until now.
    fn lives(&mut self, beats: u64) -> bool {
        self.in_vain = match beats == self.beats {
            true => self.in_vain + 1,
            false => 0,
        };
        self.beats = beats;
        self.in_vain < PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_hung_was_never_started_again() {
        let mut watch = Watch::default();
        for beat in 1..1000 {
            assert!(watch.lives(beat), "one that moves");
        }
        for look in 1..PATIENCE {
            assert!(watch.lives(999), "look {look}");
        }
        let mut moved = Watch { ..watch };
        assert!(moved.lives(1000));
        assert!(!watch.lives(999));
    }
}
