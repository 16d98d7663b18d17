//! What must not be left out, left out.

/// A rule that is left out, to see that its absence is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A store says that it has kept what a power cut undoes.
    SkipsTheSync,
    /// A store that was lost begins anew under its old name.
    ReusesItsId,
    /// Every slot founds at once, and takes itself for all of them.
    FoundsFromAnySlot,
    /// An act is made before its intent is committed.
    ActsWithoutIntent,
    /// A leader counts on its majority for longer than that follows it.
    LeasesTooLong,
    /// Whoever hands over acts until its lease is over.
    ActsWhileHandingOver,
    /// Whoever woke votes at once.
    VotesOnWaking,
}

impl Mutation {
    /// All, by their names.
    pub const ALL: [(&'static str, Mutation); 7] = [
        ("skips-the-sync", Mutation::SkipsTheSync),
        ("reuses-its-id", Mutation::ReusesItsId),
        ("founds-from-any-slot", Mutation::FoundsFromAnySlot),
        ("acts-without-intent", Mutation::ActsWithoutIntent),
        ("leases-too-long", Mutation::LeasesTooLong),
        ("acts-while-handing-over", Mutation::ActsWhileHandingOver),
        ("votes-on-waking", Mutation::VotesOnWaking),
    ];
}
