//! What is known of a member that is out of sight.

/// What a member was about when it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    /// A name server alone has listed it, and it has not answered yet: it may be a stranger.
    Listed,
    /// It was wanted by its own word or the task list's, and has not answered yet.
    Awaited,
    /// It was wanted, and has answered.
    Wanted,
    /// It was meant to go and waited for its turn, or only a list said so.
    Leaving,
    /// It was let go, or said itself that it stops: so it has stopped by now.
    Parted,
}

impl Stance {
    /// Whether it has ever answered.
    pub(crate) fn has_answered(self) -> bool {
        !matches!(self, Stance::Listed | Stance::Awaited)
    }

    /// Whether it was on its way out.
    pub(crate) fn has_left(self) -> bool {
        matches!(self, Stance::Leaving | Stance::Parted)
    }
}
