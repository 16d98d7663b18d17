//! One replica: who it is, where it is, and what each witness says of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::{Disk, Grade, NodeName, Place, Witness};

/// Who a member is. Addresses change with every restart, the slot does not;
/// the address is the identity only where nothing better is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberId {
    /// Replica `slot` of this service of Swarm, or this StatefulSet of Kubernetes.
    Slot {
        /// The service's full name, such as `db_redis`.
        service: String,
        /// The replica's number: Swarm counts from 1, Kubernetes from 0 or what it is told.
        slot: u64,
    },
    /// Known by its address alone.
    Address(Place),
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemberId::Slot { service, slot } => write!(f, "{service}.{slot}"),
            MemberId::Address(address) => write!(f, "{address}"),
        }
    }
}

impl Serialize for MemberId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What one witness says of one member. Unknown is never absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there, and meant to be.
    Present,
    /// It is meant to be there, and its database is not started before the one
    /// that had its slot has stopped.
    Waiting,
    /// It volunteers: its database is not started, and will not be before it is nominated.
    Spare,
    /// It still runs, and is meant to go.
    Leaving,
    /// It is being stopped at this moment, and nothing holds it back any more.
    Stopping,
    /// It was let go, and its process has ended: its supervisor saw that.
    Ended,
    /// It is not there: the witness gave a complete list without it.
    Absent,
    /// It may or may not run: its swarm node is down, or the managers do not hear
    /// of it. Nobody's wish, and no testimony against whoever is heard elsewhere.
    OutOfSight,
    /// The witness could not say, and why.
    Unknown(Grade),
}

impl Presence {
    /// Whether it is on its way out, or has ended.
    pub fn is_going(&self) -> bool {
        matches!(
            self,
            Presence::Leaving | Presence::Stopping | Presence::Ended
        )
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Presence::Present => f.write_str("present"),
            Presence::Waiting => f.write_str("waits to start"),
            Presence::Spare => f.write_str("spare"),
            Presence::Leaving => f.write_str("leaving"),
            Presence::Stopping => f.write_str("stopping"),
            Presence::Ended => f.write_str("let go, and ended"),
            Presence::Absent => f.write_str("absent"),
            Presence::OutOfSight => f.write_str("out of sight, its node is down"),
            Presence::Unknown(grade) => write!(f, "unknown ({grade})"),
        }
    }
}

/// What follows from all sightings of a member together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It belongs into the cluster.
    Wanted,
    /// It is there and stays, and its database is not started: nobody waits for it, counts
    /// it or asks it, until it is nominated.
    Spare,
    /// It is on its way out.
    Leaving,
    /// A name server lists it, the task list does not: a stale record whose
    /// address may belong to a stranger by now.
    Disowned,
    /// Only the database knows it: not to be joined, not to be forgotten.
    Unlisted,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Standing::Wanted => "wanted",
            Standing::Spare => "spare",
            Standing::Leaving => "leaving",
            Standing::Disowned => "disowned",
            Standing::Unlisted => "unlisted",
        })
    }
}

/// One replica, as all witnesses together see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Who it is.
    pub id: MemberId,
    /// Where it is now.
    pub address: Place,
    /// The swarm node that it runs on, where a witness knows it.
    pub node: Option<String>,
    /// That node's name, for people, where a witness knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<NodeName>,
    /// The swarm task, where a witness knows it.
    pub task: Option<String>,
    /// Of which of the cluster's services it is, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What each witness says of it.
    pub seen: BTreeMap<Witness, Presence>,
    /// What it has on its disk, where it waits to be told how to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Box<Disk>>,
    /// The number of the slot under whose name the others look for it, where its data came
    /// from another slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_as: Option<u64>,
    /// Whether an operator has ordered it to leave.
    #[serde(skip)]
    pub ordered: bool,
    /// Whether it is the last to go: others, who do not come back, hand over to it first.
    #[serde(skip)]
    pub last: bool,
}

impl Member {
    /// What follows from all sightings together.
    ///
    /// Joining is optimistic: one witness that sees the member is enough,
    /// unless the task list, which leads DNS in both directions, objects.
    pub fn standing(&self) -> Standing {
        if self.last {
            return Standing::Wanted;
        }
        // Whoever says of itself that it goes, goes, whatever the lists say yet; and so
        // does whom an operator orders to.
        let announced = self.seen.get(&Witness::Announce);
        if self.ordered || announced.is_some_and(Presence::is_going) {
            return Standing::Leaving;
        }
        // Its place is there, whatever the lists call it: only it knows what it runs.
        let here = match announced {
            Some(Presence::Spare) => Standing::Spare,
            _ => Standing::Wanted,
        };
        match self.listed() {
            Some(Presence::Present) => return here,
            Some(Presence::Leaving | Presence::Stopping) => return Standing::Leaving,
            // The engine of its node died, or is cut off from the managers: whoever
            // is heard by us or by its fellows runs on, and was asked by nobody to go.
            Some(Presence::OutOfSight) => {
                return if self.is_heard() {
                    here
                } else {
                    Standing::Leaving
                };
            }
            Some(Presence::Absent) => return Standing::Disowned,
            Some(Presence::Waiting | Presence::Spare | Presence::Ended | Presence::Unknown(_))
            | None => {}
        }
        if let Some(Presence::Present | Presence::Waiting | Presence::Spare) = announced {
            return here;
        }
        match self.seen.get(&Witness::Dns) {
            Some(Presence::Present) => Standing::Wanted,
            _ => Standing::Unlisted,
        }
    }

    /// What the task list says of it, where there is one.
    pub fn listed(&self) -> Option<&Presence> {
        let mut seen = self.seen.iter();
        let (_, presence) = seen.find(|(witness, _)| witness.is_task_list())?;
        Some(presence)
    }

    /// Whether it is meant to go and may still be there.
    pub(crate) fn is_going(&self) -> bool {
        self.standing() == Standing::Leaving
    }

    /// Whether it says itself that it is there, or the database does.
    fn is_heard(&self) -> bool {
        let says = |witness, presence| self.seen.get(&witness) == Some(&presence);
        says(Witness::Announce, Presence::Present)
            || says(Witness::Announce, Presence::Spare)
            || says(Witness::Database, Presence::Present)
    }

    /// Whether it volunteers: it is there, and its database is not started.
    pub fn is_spare(&self) -> bool {
        self.standing() == Standing::Spare
    }

    /// Whether the task list has lost sight of it: its place is to be filled again
    /// as long as nobody else has it.
    pub fn is_out_of_sight(&self) -> bool {
        self.listed() == Some(&Presence::OutOfSight)
    }

    /// Whether it waits, once it is meant to go, until it is told that it may:
    /// so do members that run under a supervisor, as long as they can, and whoever ordered
    /// a member to leave.
    pub fn is_patient(&self) -> bool {
        self.seen.get(&Witness::Announce) == Some(&Presence::Leaving)
            || self.ordered && !self.is_stopping() && !self.has_ended()
    }

    /// Whether it is meant to go, will wait until it may, and has not been told so yet:
    /// the task list is ahead of its supervisor.
    pub(crate) fn is_untold(&self) -> bool {
        self.standing() == Standing::Leaving
            && !self.ordered
            && self.seen.get(&Witness::Announce) == Some(&Presence::Present)
    }

    /// Whether somebody who knows says that it exists: it itself, or the task
    /// list. A name server alone may list whoever is long gone.
    pub fn is_vouched(&self) -> bool {
        let exists = |p: &Presence| !matches!(p, Presence::Absent | Presence::Unknown(_));
        self.told().any(exists)
    }

    /// Whether one of those says that it is there and stays.
    pub fn is_vouched_to_stay(&self) -> bool {
        self.told().any(|presence| *presence == Presence::Present)
    }

    /// What those say who know.
    fn told(&self) -> impl Iterator<Item = &Presence> {
        let told = self.seen.iter().filter(|(witness, _)| witness.vouches());
        told.map(|(_, presence)| presence)
    }

    /// Whether a witness of ours names it, so that it may be shown credentials.
    /// A record that the task list disowns, and what only the database says, may
    /// lead to anybody.
    pub fn is_named(&self) -> bool {
        match self.standing() {
            Standing::Wanted | Standing::Spare | Standing::Leaving => true,
            Standing::Disowned => false,
            Standing::Unlisted => self.is_vouched(),
        }
    }

    /// Whether it was let go and its process has ended, as its supervisor saw.
    pub fn has_ended(&self) -> bool {
        self.seen.get(&Witness::Announce) == Some(&Presence::Ended)
    }

    /// Whether it stops by now, whatever anybody says.
    pub fn is_stopping(&self) -> bool {
        self.seen.get(&Witness::Announce) == Some(&Presence::Stopping)
    }
}
