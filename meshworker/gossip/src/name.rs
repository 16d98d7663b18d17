//! The name of a group or of a member.

use std::fmt;
use std::sync::Arc;

use meshworker_core::Told;

/// The name of a group, or a member's logical name: bytes in Java's modified UTF-8, kept as
/// they came, so that they are passed on as they came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<[u8]>);

impl Name {
    /// The longest that is taken, in bytes. Java allows 65 535; nobody's are so long, and
    /// whoever sends such ones would fill the table.
    pub const LONGEST: usize = 255;

    /// This name.
    pub fn of(bytes: impl AsRef<[u8]>) -> Name {
        Name(bytes.as_ref().into())
    }

    /// As it goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// For people: one line, and nothing that would do something else than stand there.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        f.write_str(&Told::<256>::from(&*text))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
