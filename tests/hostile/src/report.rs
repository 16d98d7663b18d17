//! What became of the attacks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// So much of what each trap hears is kept.
const HEARD: usize = 64 * 1024;

/// What was answered, and what was heard.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// By attack, and by what was answered, how often.
    pub answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// By trap, what whoever came said: printable characters alone.
    pub heard: BTreeMap<String, String>,
    /// By trap, how many came.
    pub came: BTreeMap<String, u64>,
}

/// The report, as it grows.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Report>);

impl Tally {
    /// Notes that this attack was answered so.
    pub(crate) fn answered(&self, attack: &str, how: &str) {
        let mut report = self.lock();
        let answers = report.answers.entry(attack.to_owned()).or_default();
        *answers.entry(how.to_owned()).or_default() += 1;
    }

    /// Notes that somebody came to this trap.
    pub(crate) fn came(&self, trap: &str) {
        *self.lock().came.entry(trap.to_owned()).or_default() += 1;
    }

    /// Notes what somebody said there.
    pub(crate) fn heard(&self, trap: &str, bytes: &[u8]) {
        let mut report = self.lock();
        let heard = report.heard.entry(trap.to_owned()).or_default();
        let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let room = HEARD.saturating_sub(heard.len());
        let words = bytes.iter().filter(|byte| printable(byte)).take(room);
        heard.extend(words.map(|byte| char::from(*byte)));
    }

    /// What is known so far.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        // Each change is whole in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
