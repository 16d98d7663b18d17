//! What one witness said in this pass.

use serde::Serialize;

use crate::{Disk, Grade, MemberId, NodeName, Place, Presence, Witness};

/// One member as one witness sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The member's address on the network that it shares with the worker.
    pub address: Place,
    /// The member's slot, where this witness knows it.
    pub member: Option<MemberId>,
    /// The swarm node that it runs on, where this witness knows it.
    pub node: Option<String>,
    /// That node's name, for people, where this witness knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<NodeName>,
    /// The swarm task, where this witness knows it.
    pub task: Option<String>,
    /// Of which of the cluster's services it is, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Present, leaving, or out of sight.
    pub presence: Presence,
    /// What it has on its disk, where it waits to be told how to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Box<Disk>>,
    /// The number of the slot under whose name the others look for it, where its data came
    /// from another slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_as: Option<u64>,
}

impl Sighting {
    /// A bare address that is present: all that DNS can tell.
    pub fn at(address: Place) -> Sighting {
        Sighting {
            address,
            member: None,
            node: None,
            node_name: None,
            task: None,
            part: None,
            presence: Presence::Present,
            disk: None,
            known_as: None,
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
    /// Who is to be there and has no address yet.
    pub coming: Vec<MemberId>,
    /// How many replicas the service is meant to have, where this witness knows it.
    pub desired: Option<usize>,
}

impl Report {
    /// An answer that lists these addresses; [`Grade::Empty`] when there are none.
    pub fn addresses(witness: Witness, addresses: impl IntoIterator<Item = Place>) -> Report {
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
            coming: Vec::new(),
            desired: None,
        }
    }

    /// No usable answer, and why.
    pub fn unknown(witness: Witness, grade: Grade) -> Report {
        Report {
            witness,
            grade,
            sightings: Vec::new(),
            coming: Vec::new(),
            desired: None,
        }
    }

    /// Whether this report may testify against whoever it does not list, and is waited for
    /// until it is complete. An orchestrator's list that nobody allowed us to read is shown,
    /// and is no witness: all goes by the others.
    pub fn lists_everybody(&self) -> bool {
        self.witness.lists_everybody() && (!self.witness.is_task_list() || self.is_task_list())
    }

    /// Whether this is an orchestrator's list of tasks, which may be read.
    pub fn is_task_list(&self) -> bool {
        self.witness.is_task_list() && !self.is_forbidden()
    }

    fn is_forbidden(&self) -> bool {
        self.grade == Grade::Refused
    }

    /// The same, of the service that is this part of its cluster.
    pub fn of_part(mut self, part: &str) -> Report {
        for sighting in &mut self.sightings {
            sighting.part = Some(part.to_owned());
        }
        self
    }

    /// What a witness says of several services whose members are one cluster. It is
    /// complete when it is of each of them; otherwise its grade is the first that is not.
    /// How many are wished for is known when it is of each.
    pub fn together(witness: Witness, reports: Vec<Report>) -> Report {
        let grades = || reports.iter().map(|report| &report.grade);
        let said = |grade: &Grade| matches!(grade, Grade::Answer | Grade::Empty | Grade::NxDomain);
        let failed = grades().find(|grade| !said(grade));
        // Swarm's name server says of a service for a moment that it lists nobody.
        let doubtful = |grade: &Grade| {
            *grade == Grade::NxDomain || witness == Witness::Dns && *grade == Grade::Empty
        };
        let nobody = grades().find(|grade| doubtful(grade));
        let good = grades().find(|grade| **grade == Grade::Answer);
        let grade = failed.or(nobody).or(good).cloned();
        let grade = grade.unwrap_or(Grade::Empty);
        Report {
            witness,
            grade,
            desired: reports.iter().map(|report| report.desired).sum(),
            coming: reports.iter().flat_map(|r| r.coming.clone()).collect(),
            sightings: reports.into_iter().flat_map(|r| r.sightings).collect(),
        }
    }
}
