//! How much a router takes on.

/// The longest frame, in bytes. Members of a group send each other at most 64 000 in one
/// (`max_bundle_size`), unless somebody has set it higher.
pub const LONGEST: usize = 256 << 10;

/// What is not a message is shorter: a request with the longest names.
pub const SMALL: usize = 2 << 10;

/// How much a router takes on. What is over a limit is refused, and its connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many groups.
    pub groups: usize,
    /// So many members in all of them, of all routers. Above 32 767 in one group their
    /// number would no longer fit into an answer.
    pub members: usize,
    /// So many registrations of one connection.
    pub of_one: usize,
    /// So many other routers.
    pub routers: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            groups: 1024,
            members: 16_384,
            of_one: 256,
            routers: 32,
        }
    }
}
