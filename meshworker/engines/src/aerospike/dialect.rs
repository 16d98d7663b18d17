//! What versions call the same thing.
//!
//! 8.1 counts each `edition` and `services-alumni` as a deprecated request and
//! says so in its log; `release` and `alumni-clear-std` are what it prefers. 8.0
//! does not know `release`, and only servers of years ago lack the other. So the
//! newer words are tried first, and whoever does not know one is asked for the
//! older from then on, until another build answers at its address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::info::Value;
use super::view::QUESTIONS;
use meshworker_core::Place;

/// The most nodes whose dialect is remembered; beyond, all are asked anew.
const MOST: usize = 4096;

/// Where the answer that names the edition stands among all.
pub(super) const EDITION: usize = 2;
/// Where the list of former peers stands.
pub(super) const ALUMNI: usize = 7;

/// Which words a node knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `release`; otherwise `edition`.
    pub release: bool,
    /// `alumni-clear-std` or `alumni-tls-std`; otherwise `services-alumni`.
    pub alumni: bool,
}

impl Dialect {
    /// What a node is asked that nothing is known of.
    pub const NEWEST: Dialect = Dialect {
        release: true,
        alumni: true,
    };

    /// The older questions in place of those that these answers say are unknown.
    pub fn instead(self, answers: &[Value<'_>]) -> Vec<String> {
        let mut instead = Vec::new();
        if self.release && is_unknown(answers.get(EDITION)) {
            instead.push("edition".to_owned());
        }
        if self.alumni && is_unknown(answers.get(ALUMNI)) {
            instead.push("services-alumni".to_owned());
        }
        instead
    }

    /// All answers, in the order in which a view is read: the answer to
    /// `services-alumni` has a place of its own, before the last.
    pub fn complete<'a>(
        self,
        answers: &[Value<'a>],
        instead: &[Value<'a>],
    ) -> [Value<'a>; QUESTIONS] {
        let mut all = [UNASKED; QUESTIONS];
        for (place, answer) in all.iter_mut().zip(answers) {
            *place = *answer;
        }
        all[QUESTIONS - 1] = answers.last().copied().unwrap_or(UNASKED);
        all[ALUMNI + 1] = UNASKED;
        let mut instead = instead.iter().copied();
        if self.release && is_unknown(answers.get(EDITION)) {
            all[EDITION] = instead.next().unwrap_or(UNASKED);
        }
        if !self.alumni {
            all[ALUMNI + 1] = all[ALUMNI];
            all[ALUMNI] = UNASKED;
        } else if is_unknown(answers.get(ALUMNI)) {
            all[ALUMNI + 1] = instead.next().unwrap_or(UNASKED);
        }
        all
    }
}

/// What stands for the answer to a question that was not asked.
const UNASKED: Value<'static> = Value::Error {
    code: None,
    text: "not asked",
};

/// Whether the server does not know the command.
fn is_unknown(answer: Option<&Value<'_>>) -> bool {
    // 80 and 81: not authenticated, and not allowed to.
    !matches!(
        answer,
        None | Some(
            Value::Ok
                | Value::Data(_)
                | Value::Error {
                    code: Some(80 | 81),
                    ..
                }
        )
    )
}

/// The dialect of each node.
#[derive(Debug, Default)]
pub(super) struct Dialects {
    /// With the build that spoke it.
    nodes: Mutex<HashMap<Place, (Dialect, String)>>,
}

impl Dialects {
    /// The dialect of the node at this address.
    pub fn of(&self, node: Place) -> Dialect {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes
            .get(&node)
            .map_or(Dialect::NEWEST, |(known, _)| *known)
    }

    /// Takes in what the complete answers say, of a node that was asked so.
    pub fn learn(&self, node: Place, asked: Dialect, answers: &[Value<'_>], build: &str) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let another = nodes.get(&node).is_some_and(|(_, known)| known != build);
        if another {
            nodes.remove(&node);
            return;
        }
        let is_release = |said: &Value<'_>| matches!(said, Value::Data(all) if all.contains('='));
        let spoken = Dialect {
            release: asked.release && answers.get(EDITION).is_some_and(is_release),
            alumni: asked.alumni && !is_unknown(answers.get(ALUMNI)),
        };
        if spoken == Dialect::NEWEST {
            return;
        }
        if nodes.len() >= MOST {
            nodes.clear();
        }
        nodes
            .entry(node)
            .or_insert_with(|| (spoken, build.to_owned()))
            .0 = spoken;
    }
}
