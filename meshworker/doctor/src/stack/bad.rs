//! A stack file that cannot be used.

use crate::finding::Place;

/// The most characters that are said of what is wrong.
const LONGEST: usize = 300;

/// A stack file that cannot be used: one line that says where, what was found,
/// and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStack {
    /// The file could not be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file, as it was named.
        file: String,
        /// Why.
        why: String,
    },
    /// What stands at this place cannot be used.
    #[error("{}: line {}, column {}: {what}", place.file, place.line, place.column)]
    At {
        /// Where.
        place: Place,
        /// What is wrong there.
        what: String,
    },
}

impl BadStack {
    /// What stands at this place cannot be used. It may hold words of the file:
    /// whoever shows it makes them harmless.
    pub fn at(place: &Place, what: impl Into<String>) -> BadStack {
        let what: String = what.into();
        BadStack::At {
            place: place.clone(),
            what: what.chars().take(LONGEST).collect(),
        }
    }
}
