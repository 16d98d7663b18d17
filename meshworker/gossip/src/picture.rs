//! What a router knows, for people and programs.

use meshworker_core::Moment;

/// What a router knows, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// So many connections have said something.
    pub connections: usize,
    /// So many other routers are heard.
    pub routers: usize,
    /// So many are not any more: what they had is still told.
    pub lost_routers: usize,
    /// Its groups, by their names.
    pub groups: Vec<GroupPicture>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPicture {
    /// What it is called.
    pub name: String,
    /// Who is in it.
    pub members: Vec<MemberPicture>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPicture {
    /// What people call it.
    pub name: Option<String>,
    /// Who it is.
    pub address: String,
    /// Where others reach it.
    pub at: Vec<String>,
    /// Since when it is known here.
    pub since: Moment,
    /// Whether it is connected to this router.
    pub here: bool,
    /// To so many others it is.
    pub elsewhere: usize,
}
