//! Why a worker's word is none.

/// Why a worker's word on who may go, or start, is none: another one is to be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWord {
    /// It does nothing.
    #[error("this worker only plans (dry-run): it lets nobody go and holds nobody")]
    OnlyPlans,
    /// It does not act: who does, for people.
    #[error("another worker acts: {0}")]
    Yields(String),
}
