//! What the supervisor tells people.

use std::fmt;
use std::time::Duration;

use tracing::Level;

/// What the supervisor tells people, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Asked to stop, it asks the workers.
    Leaves,
    /// A worker holds the member back.
    Held {
        /// Which gate is closed, and what was seen there.
        why: String,
        /// What kind of leaving the worker takes it for.
        going: String,
        /// Its place in the queue, counted from 1.
        place: usize,
        /// What is left to do.
        progress: Option<String>,
    },
    /// A worker answered that has not looked yet.
    NoVerdict,
    /// The workers let it go, and why.
    Released(String),
    /// No worker has answered for so long.
    Alone(Duration),
    /// The own look holds the member back.
    HeldAlone(String),
    /// The own look lets it go.
    DecidedAlone(String),
    /// Neither members nor workers have a name any more.
    StackGone,
    /// No worker answers, and all members leave; why that is so.
    AllLeave(String),
    /// The database never answered.
    NeverUp,
    /// It still starts, was never in its place, and says this.
    NotUpYet(String),
    /// Workers answer and have no verdict, since the database does not answer.
    Mute(String),
    /// Workers have had no verdict for so long.
    AloneUnjudged(Duration),
    /// The database was asked to stop, and still runs.
    AsksAgain,
    /// Asked a second time.
    SecondSignal,
    /// The time for leaving is over; what held the member back last.
    Deadline {
        /// What was said last; none when nobody said anything.
        last: Option<Box<Note>>,
    },
    /// The database did not stop in time.
    Killed,
    /// The database has ended with this code.
    Ended(u8),
    /// It ended in good order, and nobody had asked it to: it was taken out of its cluster.
    TakenOut,
    /// A signal ended it: it may go on in this container.
    WaitsInPlace,
    /// A worker says that another one is primary since.
    Outranked,
}

impl Note {
    /// Whether it says something that `last` did not. A reason that only counts
    /// down is no news; how much is left to do is.
    pub(super) fn is_news_after(&self, last: &Note) -> bool {
        self.without_counts() != last.without_counts()
    }

    fn without_counts(&self) -> Note {
        let words = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect();
        let mut note = self.clone();
        if let Note::Held { why, .. } | Note::HeldAlone(why) = &mut note {
            *why = words(why);
        }
        note
    }

    /// How loud it is.
    pub fn level(&self) -> Level {
        match self {
            Note::Deadline { .. } | Note::Killed => Level::ERROR,
            Note::SecondSignal
            | Note::Outranked
            | Note::Alone(_)
            | Note::AloneUnjudged(_)
            | Note::HeldAlone(_)
            | Note::DecidedAlone(_)
            | Note::Mute(_)
            | Note::AsksAgain => Level::WARN,
            _ => Level::INFO,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Leaves => {
                f.write_str("asked to stop: asks the workers; the database keeps running")
            }
            Note::Held {
                why,
                going,
                place,
                progress,
            } => {
                write!(f, "waits: {why}; {going}; number {place} of the queue")?;
                match progress {
                    Some(progress) => write!(f, "; {progress}"),
                    None => Ok(()),
                }
            }
            Note::NoVerdict => f.write_str("waits: a worker has not looked yet"),
            Note::Released(why) => write!(f, "released by the workers ({why}): stops the database"),
            Note::Alone(silence) => write!(
                f,
                "no worker has answered for {} s: looks for itself",
                silence.as_secs_f64()
            ),
            Note::HeldAlone(why) => write!(f, "waits, as it sees it alone: {why}"),
            Note::DecidedAlone(why) => write!(f, "decided alone ({why}): stops the database"),
            Note::StackGone => f.write_str(
                "neither members nor workers have a name any more, so the whole stack is removed: stops the database",
            ),
            Note::AllLeave(why) => write!(
                f,
                "no worker answers, and the other members leave too ({why}): stops the database"
            ),
            Note::NeverUp => {
                f.write_str("the database has never answered, so nothing is waited for: stops it")
            }
            Note::NotUpYet(why) => write!(
                f,
                "the database is not up yet and was never in its place, so nothing is waited for: stops it ({why})"
            ),
            Note::Mute(why) => write!(
                f,
                "waits: the workers have no verdict, and the database itself does not answer: {why}"
            ),
            Note::AloneUnjudged(silence) => write!(
                f,
                "no worker has had a verdict for {} s: looks for itself",
                silence.as_secs_f64()
            ),
            Note::AsksAgain => f.write_str(
                "the database was asked to stop and still runs: asks again until it has ended",
            ),
            Note::SecondSignal => {
                f.write_str("asked to stop a second time: stops the database without a release")
            }
            Note::Deadline { last: Some(last) } => write!(
                f,
                "NOT RELEASED, and the grace period ends: stops the database all the same. Data may be lost. Last heard: {last}"
            ),
            Note::Deadline { last: None } => f.write_str(
                "NOT RELEASED, and the grace period ends: stops the database all the same. Data may be lost. No worker answered",
            ),
            Note::Killed => {
                f.write_str("the database did not stop before the grace period's end: kills it")
            }
            Note::Ended(code) => write!(f, "the database has ended with exit code {code}"),
            Note::TakenOut => {
                f.write_str("the database was taken out of its cluster: waits to be told anew")
            }
            Note::WaitsInPlace => {
                f.write_str("a signal ended the database: waits to be told how to start it again")
            }
            Note::Outranked => f.write_str(
                "another member is primary since a higher term began, as a worker says: kills the database",
            ),
        }
    }
}
