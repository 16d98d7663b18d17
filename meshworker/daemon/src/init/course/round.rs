//! What all workers said to one announcement.

use std::net::SocketAddr;

use meshworker_core::Tell;

use crate::announce::{Answer, FencedTell};

use super::{Elsewhere, Note};

/// What all workers said to one announcement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// Those that answered.
    pub answers: Vec<(SocketAddr, Answer)>,
    /// Those that did not, and why; or why nobody could be asked.
    pub failures: Vec<String>,
}

/// What the workers said of a member that is leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It may go, and why.
    Granted(String),
    /// It may not, and why.
    Held(Note),
}

impl Round {
    /// Whether any worker answered.
    pub fn answered(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Whether any worker has heard this announcement.
    pub fn heard_of(&self, generation: u64) -> bool {
        let mut answers = self.answers.iter();
        answers.any(|(_, answer)| answer.generation == generation)
    }

    /// Whether a worker finds this member in its place.
    pub fn in_place(&self) -> bool {
        self.answers.iter().any(|(_, answer)| answer.in_place)
    }

    /// What those that answered say of a member that waits to start: one that
    /// holds it back is enough, and one that does not know yet does so too.
    pub fn elsewhere(&self) -> Elsewhere {
        let mut elsewhere = Elsewhere::Unheard;
        for (_, answer) in &self.answers {
            match &answer.verdict {
                None => return Elsewhere::Unheard,
                Some(verdict) if !verdict.granted => return Elsewhere::Runs(verdict.why.clone()),
                Some(_) => {
                    let settled = answer.in_place || elsewhere == Elsewhere::SETTLED;
                    elsewhere = Elsewhere::Nobody { settled };
                }
            }
        }
        elsewhere
    }

    /// What those that answered tell a member that waits: the word under
    /// the highest fence, unless one of them holds it back or knows too little.
    pub fn told(&self, generation: u64) -> Option<&FencedTell> {
        if !matches!(self.elsewhere(), Elsewhere::Nobody { .. }) {
            return None;
        }
        let answers = self.answers.iter().map(|(_, answer)| answer);
        let current = answers.filter(|answer| answer.generation == generation);
        let told = current.filter_map(|answer| answer.tell.as_ref());
        told.max_by_key(|told| told.fence)
    }

    /// Whether one of those that answered says that the database must end.
    pub fn kills(&self, generation: u64) -> bool {
        let answers = self.answers.iter().map(|(_, answer)| answer);
        let mut current = answers.filter(|answer| answer.generation == generation);
        current.any(|answer| {
            let tell = answer.tell.as_ref();
            tell.is_some_and(|told| matches!(told.tell, Tell::Kill { .. }))
        })
    }

    /// What those that answered say together: one that holds the member back
    /// is enough, and one that has not looked yet holds it back too.
    pub fn said(&self, generation: u64) -> Said {
        let mut granted = None;
        let mut held = None;
        for (_, answer) in &self.answers {
            // A verdict on another phase is none on this one.
            let current = answer.generation == generation;
            match answer.verdict.as_ref().filter(|_| current) {
                None => {
                    held.get_or_insert(Note::NoVerdict);
                }
                Some(verdict) if verdict.granted => {
                    granted.get_or_insert_with(|| verdict.why.clone());
                }
                // Its reason says more than that another one has not looked.
                Some(verdict) if matches!(held, None | Some(Note::NoVerdict)) => {
                    held = Some(Note::Held {
                        why: verdict.why.clone(),
                        going: verdict.going.clone(),
                        place: verdict.place,
                        progress: verdict.progress.clone(),
                    });
                }
                Some(_) => {}
            }
        }
        match (held, granted) {
            (Some(note), _) => Said::Held(note),
            (None, Some(why)) => Said::Granted(why),
            (None, None) => Said::Held(Note::NoVerdict),
        }
    }
}
