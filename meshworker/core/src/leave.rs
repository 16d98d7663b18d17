//! A member that is meant to go while its database still runs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::{Change, Closed, Gate, MemberId, Place, Step, Touches};

/// What it takes for one member to go without loss, as its engine sees it. The
/// engine proposes; the release gates, the same for every engine, dispose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leave<R> {
    /// Where the member is.
    pub address: Place,
    /// Its id in the database.
    pub node: String,
    /// What would be lost, or not served, if it stopped now: "5461 slots",
    /// "not quiesced yet". Nothing when it may go.
    pub holds: Vec<String>,
    /// What brings it nearer to holding nothing. Made when its turn has come,
    /// or at once when it cannot wait.
    pub steps: Vec<Step<R>>,
    /// What takes it out of the cluster for good, where a member has to be out before
    /// it stops. Made once all its gates are open, until a look shows that it took:
    /// then none is left, and it may stop. One that is out sees none of the others any
    /// more: the engine names it in [`crate::Proposal::outsiders`].
    pub last: Vec<Step<R>>,
    /// Whether its engine has judged whether it is one with those that stay, and says in
    /// `holds` where it is not: gate 3 does not ask its own view then, which may know of
    /// nobody while it gets its data, and never of those that are not in yet.
    pub judged: bool,
    /// How much is left to do, where that can be counted.
    pub progress: Option<Progress>,
    /// Whom it must not go together with.
    pub touches: Touches,
}

impl<R> Leave<R> {
    /// Of a member that holds nothing and needs nothing; alone, unless its engine knows
    /// better.
    pub fn of(address: Place, node: &str) -> Leave<R> {
        Leave {
            address,
            node: node.to_owned(),
            holds: Vec::new(),
            steps: Vec::new(),
            last: Vec::new(),
            judged: false,
            progress: None,
            touches: Touches::All,
        }
    }

    /// Of one that stays where it is for now, and why.
    pub fn held(address: Place, node: &str, why: &str) -> Leave<R> {
        let mut leave = Leave::of(address, node);
        leave.holds.push(why.to_owned());
        leave
    }
}

/// How far a member has come on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is counted: "slots", "partitions".
    pub unit: &'static str,
    /// How many are left.
    pub left: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} left", crate::counted(self.left, self.unit))
    }
}

/// The fewest members on which a database keeps what it promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Floor {
    /// How many.
    pub members: usize,
    /// Why so many: "replication factor 2".
    pub because: String,
}

impl Floor {
    /// The higher of the two: what the database asks for, or the operator.
    pub(crate) fn or_at_least(self, min_members: usize) -> Floor {
        if min_members <= self.members {
            return self;
        }
        Floor {
            members: min_members,
            because: "min-members".into(),
        }
    }
}

impl Default for Floor {
    fn default() -> Floor {
        Floor {
            members: 1,
            because: "a cluster has a member".into(),
        }
    }
}

/// What kind of leaving this is, as far as the witnesses can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    /// The service has become smaller: nobody takes this slot again.
    ForGood,
    /// The same slot comes back: an update, a drained node, a restart.
    Back,
    /// Everybody goes at once: the service is removed. Nothing can be saved by
    /// waiting for one another.
    Everybody,
    /// No witness can tell.
    Unclear,
}

impl fmt::Display for Going {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Going::ForGood => "gone for good",
            Going::Back => "back in the same slot",
            Going::Everybody => "everybody at once",
            Going::Unclear => "no witness says whether it comes back",
        })
    }
}

/// One member in the leave queue, and whether it may stop now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaver {
    /// Who it is.
    pub member: MemberId,
    /// Where it is.
    pub address: Place,
    /// Its id in the database; empty while it has not said.
    pub node: String,
    /// What kind of leaving it is.
    pub going: Going,
    /// Its place in the queue, counted from 1.
    pub place: usize,
    /// How much is left to do before it may stop.
    pub progress: Option<Progress>,
    /// How long that will take, at the pace since it was counted first.
    pub estimate: Option<Duration>,
    /// Whether it waits until it may. Without a supervisor it stops in seconds,
    /// whatever is lost with it.
    pub patient: bool,
    /// Whether it may stop now.
    pub release: Release,
}

/// Whether a member that is meant to go may stop now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// It may.
    Granted,
    /// Not yet.
    Held {
        /// The first gate that is closed.
        gate: Gate,
        /// What was seen there.
        seen: String,
    },
}

impl Leaver {
    /// What is left to do and how long it will take, for people: "120 slots
    /// left, about 7 s".
    pub fn left(&self) -> Option<String> {
        let progress = self.progress.as_ref()?;
        Some(match self.estimate {
            Some(estimate) => format!("{progress}, about {:.0} s", estimate.as_secs_f64()),
            None => progress.to_string(),
        })
    }
}

impl Release {
    /// Whether the member may stop.
    pub fn is_granted(&self) -> bool {
        *self == Release::Granted
    }

    /// The gate that keeps the member.
    pub fn closed(&self) -> Option<Closed> {
        match self {
            Release::Granted => None,
            Release::Held { gate, seen } => Some(Change::Part.closed(*gate, seen.clone())),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.closed() {
            None => f.write_str("may stop"),
            Some(closed) => write!(f, "{closed}"),
        }
    }
}
