//! What is known of a member that is out of sight.

/// What a member was about when it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    /// It was wanted, and has not answered yet.
    Listed,
    /// It was wanted, and has answered.
    Wanted,
    /// It was meant to go and waited for its turn, or only a list said so.
    Leaving,
    /// It was let go, or said itself that it stops: so it has stopped by now.
    Parted,
}

impl Stance {
    /// Whether it was on its way out.
    pub(crate) fn has_left(self) -> bool {
        matches!(self, Stance::Leaving | Stance::Parted)
    }
}
