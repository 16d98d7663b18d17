//! All witnesses of a cluster, and what a look takes from them.
//!
//! ```text
//! witness ──> Ear ──┐  each asked on a clock of its own
//! witness ──> Ear ──┼──> Ears::take: what is there ──> observe
//! witness ──> Ear ──┘
//! ```
//!
//! None of them delays what another one has seen. A list that is older than
//! whoever another witness names since is no testimony against it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Grade, Place, Report, Witness};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::ear::{Ear, Heard};
use crate::witness::Source;

/// How long a look waits for witnesses that usually answer at once.
const PROMPT: Duration = Duration::from_millis(100);

/// A report that is older than this is no answer any more: each witness is asked
/// several times a second while something moves, and has a deadline of its own.
const OLD: Duration = Duration::from_secs(5);

/// How long a look may wait for witnesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// Something moves: only for those that are usually prompt.
    Quick,
    /// Nothing moves: for all that answer at all, until one has news.
    Patient,
    /// For all of them, each until its own deadline.
    None,
}

/// What a look takes from the witnesses.
#[derive(Debug)]
pub struct Taken {
    /// One report for each.
    pub reports: Vec<Report>,
    /// Whether each was asked, and answered, after the look began.
    pub whole: bool,
    /// How long they were waited for.
    pub waited: Duration,
    /// When the members were listened to: what was announced later is not in it.
    pub listened: Instant,
}

/// All witnesses of a cluster.
pub struct Ears {
    /// Those that are not listened to yet.
    sources: Vec<Arc<dyn Source>>,
    ears: Vec<Ear>,
    stir: Arc<watch::Sender<u64>>,
    /// The news that each had when a look took its report last.
    taken: Vec<u64>,
    /// Since when each address has been named by anybody.
    named: BTreeMap<Place, Instant>,
}

impl Ears {
    /// Nobody is asked before the first look.
    pub fn of(sources: Vec<Arc<dyn Source>>) -> Ears {
        Ears {
            sources,
            ears: Vec::new(),
            stir: Arc::new(watch::Sender::new(0)),
            taken: Vec::new(),
            named: BTreeMap::new(),
        }
    }

    /// One more witness.
    pub fn push(&mut self, source: Arc<dyn Source>) {
        self.sources.push(source);
    }

    /// How many witnesses there are.
    pub fn count(&self) -> usize {
        self.sources.len() + self.ears.len()
    }

    /// Asks all, waits as long as `haste` allows, and takes what is there.
    pub async fn take(&mut self, haste: Haste) -> Taken {
        let open = |source| Ear::open(source, Arc::clone(&self.stir));
        self.ears.extend(self.sources.drain(..).map(open));
        self.taken.resize(self.ears.len(), 0);
        let began = Instant::now();
        self.ears.iter().for_each(Ear::wish);
        self.wait(haste, began).await;

        let heard: Vec<Heard> = self.ears.iter().map(|ear| ear.heard().clone()).collect();
        self.taken = heard.iter().map(|heard| heard.news).collect();
        self.note_names(&heard);
        let asked = |of: Witness| {
            let mut ears = self.ears.iter().zip(&heard);
            let heard = ears.find(|(ear, _)| ear.witness() == of)?.1;
            heard.report.as_ref().map(|(_, asked)| *asked)
        };
        Taken {
            waited: began.elapsed(),
            whole: heard.iter().all(|heard| heard.is_since(began)),
            listened: asked(Witness::Announce).map_or(began, |asked| asked.min(began)),
            reports: self
                .ears
                .iter()
                .zip(heard)
                .map(|(ear, heard)| self.graded(ear.witness(), heard, began))
                .collect(),
        }
    }

    /// Resolves when any witness has said something else than the last look took.
    pub async fn news(&self) {
        let mut stir = self.stir.subscribe();
        loop {
            stir.mark_unchanged();
            if self.has_news() {
                return;
            }
            if stir.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn has_news(&self) -> bool {
        let mut ears = self.ears.iter().zip(&self.taken);
        ears.any(|(ear, taken)| ear.heard().news != *taken)
    }

    async fn wait(&self, haste: Haste, began: Instant) {
        let mut stir = self.stir.subscribe();
        let prompt = began + PROMPT;
        loop {
            stir.mark_unchanged();
            let in_time = Instant::now() < prompt;
            if self.is_enough(haste, began, in_time) {
                return;
            }
            let changed = stir.changed();
            // Either way it is looked again at what is there.
            if in_time {
                let _ = timeout_at(prompt, changed).await;
            } else if changed.await.is_err() {
                return;
            }
        }
    }

    /// Whether no witness is waited for any longer.
    fn is_enough(&self, haste: Haste, began: Instant, in_time: bool) -> bool {
        let heard: Vec<_> = self.ears.iter().map(Ear::heard).collect();
        let mut owing = heard.iter().filter(|heard| !heard.is_since(began));
        // Whoever was never heard is waited for as long as nobody else says anything.
        let lists = |heard: &Heard| {
            let report = heard.report.as_ref();
            report.is_some_and(|(report, _)| report.grade.is_complete())
        };
        let never = |heard: &Heard| heard.report.is_none();
        if heard.iter().any(|heard| never(heard)) && !heard.iter().any(|heard| lists(heard)) {
            return false;
        }
        match haste {
            Haste::None => owing.next().is_none(),
            Haste::Quick => {
                !in_time || owing.all(|heard| heard.is_silent() || heard.is_late(began))
            }
            Haste::Patient => owing.all(|heard| heard.is_silent()) || (!in_time && self.has_news()),
        }
    }

    /// Notes since when each address has been named.
    fn note_names(&mut self, heard: &[Heard]) {
        let before = std::mem::take(&mut self.named);
        for (report, asked) in heard.iter().filter_map(|heard| heard.report.as_ref()) {
            for sighting in &report.sightings {
                let at = sighting.address;
                let first = before.get(&at).unwrap_or(asked).min(asked);
                let since = self.named.entry(at).or_insert(*first);
                *since = (*since).min(*first);
            }
        }
    }

    /// What a look is to make of what was heard.
    fn graded(&self, witness: Witness, heard: Heard, began: Instant) -> Report {
        let Some((report, asked)) = heard.report else {
            return Report::unknown(witness, Grade::Timeout);
        };
        if asked >= began || !report.grade.is_complete() {
            return report;
        }
        let lists = |at: &Place| report.sightings.iter().any(|s| s.address == *at);
        let mut newer = self.named.iter().filter(|(_, since)| **since > asked);
        // Announcements list nobody who does not speak, at whatever age.
        let speaks_of_all = witness.lists_everybody();
        let misses = speaks_of_all && newer.any(|(at, _)| !lists(at));
        if misses || began.saturating_duration_since(asked) > OLD {
            return Report {
                grade: Grade::Timeout,
                ..report
            };
        }
        report
    }
}

#[cfg(test)]
mod tests;
