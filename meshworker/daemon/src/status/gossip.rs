//! What a gossip router knows of JGroups' members.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the gossip router of this process knows of JGroups' members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct GossipStatus {
    /// Whether this process is a gossip router.
    pub listens: bool,
    /// So many members' connections have said something.
    pub connections: usize,
    /// So many other routers share what they have.
    pub routers: usize,
    /// So many have gone a short while ago: what they had is still told.
    pub lost_routers: usize,
    /// So many members' messages were not passed on since the router started, because whom
    /// they were for took nothing; members send again what counts.
    pub lost_messages: u64,
    /// The groups of members that are registered.
    pub groups: Vec<GossipGroup>,
}

/// One group of members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GossipGroup {
    /// The name that they give it.
    pub name: String,
    /// Who is registered. That is no view: who coordinates, only the members know.
    pub members: Vec<GossipMember>,
}

/// One member that is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GossipMember {
    /// Its logical name.
    pub name: Option<String>,
    /// Who it is: drawn anew with each start.
    pub address: String,
    /// Where the others reach it.
    pub at: Vec<String>,
    /// For so long it is known here, in seconds.
    pub known_seconds: u64,
    /// Whether it is connected to this router.
    pub here: bool,
    /// To so many others it is.
    pub elsewhere: usize,
}
