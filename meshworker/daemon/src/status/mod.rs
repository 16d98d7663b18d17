//! What is told, as data: the words of the API, the commands and the dashboard.
//!
//! These types are the API's contract: they change only by addition. They are
//! made from what a pass saw and decided (`board/of`), and know nothing of engines.

mod cluster;
mod config;
mod event;
mod gossip;
mod group;
mod leaver;
mod member;
mod order;
mod plan;
mod topology;
mod turned_away;
mod witness;

pub use cluster::{ClusterStatus, Mode, PassStatus, Summary, WhoSees};
pub use config::{Config, ConfigValue};
pub use event::{Event, EventKind, Events, HOOK_REFUSED, Severity};
pub use gossip::{GossipGroup, GossipMember, GossipStatus};
pub use group::{GroupMember, GroupStatus, HandOver, Part, RemoveWorker, RestartGroup};
pub use leaver::LeaverStatus;
pub use member::{
    FigureStatus, MemberState, MemberStatus, ReplicationStatus, SightingStatus, SourceStatus,
    ViewStatus, Why,
};
pub use order::{
    Acknowledge, Done, Downtime, Drain, Failover, Forget, Health, Hold, Level, Log, Readiness,
    Scale, Size, Switchover, Uptime,
};
pub use plan::{PlanStatus, RefusalStatus, StepStatus};
pub use topology::{Placed, Topology};
pub use turned_away::TurnedAway;
pub use witness::WitnessStatus;
