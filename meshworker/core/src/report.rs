//! What one witness said in this pass.

use std::net::IpAddr;

use serde::Serialize;

use crate::{Disk, Grade, MemberId, Presence, Witness};

/// One member as one witness sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The member's address on the network that it shares with the worker.
    pub address: IpAddr,
    /// The member's slot, where this witness knows it.
    pub member: Option<MemberId>,
    /// The swarm node that it runs on, where this witness knows it.
    pub node: Option<String>,
    /// The swarm task, where this witness knows it.
    pub task: Option<String>,
    /// Present, leaving, or out of sight.
    pub presence: Presence,
    /// What it has on its disk, where it waits to be told how to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Box<Disk>>,
}

impl Sighting {
    /// A bare address that is present: all that DNS can tell.
    pub fn at(address: IpAddr) -> Sighting {
        Sighting {
            address,
            member: None,
            node: None,
            task: None,
            presence: Presence::Present,
            disk: None,
        }
    }
}

/// Everything that one witness said in this pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Who speaks.
    pub witness: Witness,
    /// How good the answer was.
    pub grade: Grade,
    /// Who is there. A partial list is possible with a grade other than `Answer`.
    pub sightings: Vec<Sighting>,
    /// How many replicas the service is meant to have, where this witness knows it.
    pub desired: Option<usize>,
}

impl Report {
    /// An answer that lists these addresses; [`Grade::Empty`] when there are none.
    pub fn addresses(witness: Witness, addresses: impl IntoIterator<Item = IpAddr>) -> Report {
        let sightings: Vec<_> = addresses.into_iter().map(Sighting::at).collect();
        let grade = if sightings.is_empty() {
            Grade::Empty
        } else {
            Grade::Answer
        };
        Report {
            witness,
            grade,
            sightings,
            desired: None,
        }
    }

    /// No usable answer, and why.
    pub fn unknown(witness: Witness, grade: Grade) -> Report {
        Report {
            witness,
            grade,
            sightings: Vec::new(),
            desired: None,
        }
    }
}
