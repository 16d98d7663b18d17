//! What writer, reader and marks share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::Report;
use crate::meter::Meter;

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Figures {
    pub acknowledged: u64,
    pub unknown: Option<u64>,
    pub reads: u64,
    pub mismatches: u64,
    pub first_mismatch: Option<String>,
    pub retries: u64,
    pub last_setback: Option<String>,
    pub writes_meter: Meter,
    pub reads_meter: Meter,
}

/// The figures, behind a lock.
pub(crate) struct Shared(Mutex<Figures>);

impl Shared {
    /// A run that continues after so many acknowledged writes.
    pub fn new(acknowledged: u64) -> Self {
        let now = Instant::now();
        Self(Mutex::new(Figures {
            acknowledged,
            unknown: None,
            reads: 0,
            mismatches: 0,
            first_mismatch: None,
            retries: 0,
            last_setback: None,
            writes_meter: Meter::new(now),
            reads_meter: Meter::new(now),
        }))
    }

    /// The figures; never held over an await.
    pub fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt came to nothing.
    pub fn setback(&self, why: &str) {
        let mut figures = self.figures();
        figures.retries += 1;
        figures.last_setback = Some(why.to_owned());
    }

    /// What there is to say at a mark; the stalls begin anew.
    pub fn mark(&self, name: &str) -> Report {
        let now = Instant::now();
        let mut figures = self.figures();
        let milliseconds =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Report {
            mark: name.to_owned(),
            acknowledged: figures.acknowledged,
            reads: figures.reads,
            read_mismatches: figures.mismatches,
            first_mismatch: figures.first_mismatch.clone(),
            retries: figures.retries,
            last_setback: figures.last_setback.take(),
            write_stall_ms: milliseconds(figures.writes_meter.mark(now)),
            read_stall_ms: milliseconds(figures.reads_meter.mark(now)),
            write_stall_overall_ms: milliseconds(figures.writes_meter.overall()),
        }
    }
}
