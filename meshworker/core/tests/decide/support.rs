//! A database whose planner proposes whatever a test wants, so that what the
//! common half makes of it can be seen alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use meshworker_core::{
    Answer, Authority, Capabilities, Context, Departure, Grade, Leave, Limits, MemberId, Mind,
    Moment, Observation, Orders, Peer, Place, Plan, Planner, Presence, Proposal, Report, Request,
    Sighting, Situation, Step, StepKind, Unity, View, Witness,
};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Ask {
    Join(Place),
    /// A join that the database usually makes by itself.
    JoinAfterAll(Place),
    Forget(String),
    Tidy,
    HandOver,
    /// An arrangement that tells of somebody.
    Arrange(Place),
    /// An arrangement that gives away what nobody has.
    DealOut,
    /// To acknowledge no write of the primary any more.
    Seal,
    /// To take its place.
    Promote,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Join(address) | Ask::JoinAfterAll(address) => write!(f, "join {address}"),
            Ask::Forget(node) => write!(f, "forget {node}"),
            Ask::Tidy => f.write_str("tidy"),
            Ask::HandOver => f.write_str("hand over"),
            Ask::DealOut => f.write_str("deal out"),
            Ask::Seal => f.write_str("seal"),
            Ask::Promote => f.write_str("promote"),
            Ask::Arrange(address) => write!(f, "arrange {address}"),
        }
    }
}

impl Request for Ask {
    fn kind(&self) -> StepKind {
        match self {
            Ask::Join(_) | Ask::JoinAfterAll(_) => StepKind::Join,
            Ask::Forget(_) | Ask::Tidy => StepKind::Forget,
            Ask::HandOver => StepKind::Leave,
            Ask::Arrange(_) | Ask::DealOut => StepKind::Arrange,
            Ask::Seal | Ask::Promote => StepKind::Succeed,
        }
    }

    fn introduces(&self) -> Option<Place> {
        match self {
            Ask::Join(address) | Ask::JoinAfterAll(address) | Ask::Arrange(address) => {
                Some(*address)
            }
            Ask::Forget(_)
            | Ask::Tidy
            | Ask::HandOver
            | Ask::DealOut
            | Ask::Seal
            | Ask::Promote => None,
        }
    }

    fn deals_out(&self) -> bool {
        *self == Ask::DealOut
    }

    fn hurries(&self) -> bool {
        self.kind() == StepKind::Succeed
    }

    fn is_last_resort(&self) -> bool {
        matches!(self, Ask::JoinAfterAll(_))
    }
}

/// Proposes always the same.
#[derive(Debug, Clone)]
pub struct Toy(pub Proposal<Ask>);

impl Planner for Toy {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, _: &Situation<'_, ()>) -> Proposal<Ask> {
        self.0.clone()
    }
}

/// A database that wants nothing.
pub fn content() -> Toy {
    Toy(Proposal::nothing(Unity::One { size: 3 }))
}

pub fn ip(last: u8) -> Place {
    [10, 0, 0, last].into()
}

pub fn step(to: u8, request: Ask) -> Step<Ask> {
    Step {
        fence: Authority::alone().fence(),
        ..Step::new(ip(to), request, Vec::new())
    }
}

/// A node that is gone, last seen at this address, to be forgotten at 1.
pub fn departed(last: u8) -> Departure<Ask> {
    let node = format!("n{last}");
    Departure {
        steps: vec![step(1, Ask::Forget(node.clone()))],
        address: Some(ip(last)),
        objections: Vec::new(),
        node,
    }
}

/// A member that is meant to go and holds nothing alone.
pub fn leave(last: u8) -> Leave<Ask> {
    Leave {
        steps: vec![step(last, Ask::HandOver)],
        ..Leave::of(ip(last), &format!("n{last}"))
    }
}

pub fn slot(slot: u64) -> MemberId {
    MemberId::Slot {
        service: "db".into(),
        slot,
    }
}

/// The replica of this slot, at this address.
pub fn replica(of: u64, last: u8, presence: Presence) -> Sighting {
    Sighting {
        member: Some(slot(of)),
        presence,
        ..Sighting::at(ip(last))
    }
}

/// What a witness that knows slots says: everybody has the slot of its address.
pub fn says(witness: Witness, members: &[(u8, Presence)], desired: Option<usize>) -> Report {
    let members = members.iter();
    Report {
        witness,
        grade: Grade::Answer,
        sightings: members
            .map(|(last, presence)| replica(u64::from(*last), *last, presence.clone()))
            .collect(),
        coming: Vec::new(),
        desired,
    }
}

/// What the members announce of themselves.
pub fn announced(members: &[(u8, Presence)]) -> Report {
    says(Witness::Announce, members, None)
}

/// What the task list says.
pub fn tasks(members: &[(u8, Presence)], desired: usize) -> Report {
    says(Witness::Docker, members, Some(desired))
}

pub fn view(last: u8, peers: &[u8]) -> Answer<()> {
    let peers: Vec<Peer> = peers
        .iter()
        .map(|peer| Peer {
            node: format!("n{peer}"),
            address: Some(ip(*peer)),
            alive: true,
        })
        .collect();
    Ok(View {
        node: format!("n{last}"),
        cluster_name: None,
        role: None,
        size: peers.len(),
        peers: peers.into(),
        working: None,
        holdings: Default::default(),
        detail: (),
    })
}

pub fn dns(members: &[u8]) -> Report {
    Report::addresses(Witness::Dns, members.iter().map(|last| ip(*last)))
}

pub fn docker(members: &[u8], desired: usize) -> Report {
    Report {
        desired: Some(desired),
        grade: Grade::Answer,
        ..Report::addresses(Witness::Docker, members.iter().map(|last| ip(*last)))
    }
}

/// Members that all answer and see each other, as these witnesses list them.
pub fn seen(reports: Vec<Report>, members: &[u8]) -> Observation<()> {
    let answers: BTreeMap<Place, Answer<()>> = members
        .iter()
        .map(|last| (ip(*last), view(*last, members)))
        .collect();
    Observation::of(reports, answers)
}

/// A worker's memory and clock.
pub struct Clock {
    pub now: Duration,
    pub limits: Limits,
    pub min_members: usize,
    pub orders: Orders,
    pub authority: Authority,
    pub busy: BTreeSet<Place>,
    pub seed: u64,
    mind: Mind,
}

impl Clock {
    pub fn start() -> Clock {
        Clock {
            now: Duration::from_secs(1000),
            limits: Limits::default(),
            min_members: 1,
            orders: Orders::default(),
            authority: Authority::alone().clone(),
            busy: BTreeSet::new(),
            seed: 0,
            mind: Mind::default(),
        }
    }

    /// A pass, some seconds after the last one.
    pub fn after(
        &mut self,
        seconds: u64,
        toy: &impl Planner<Detail = (), Request = Ask>,
        observed: &Observation<()>,
    ) -> Plan<Ask> {
        self.now += Duration::from_secs(seconds);
        let context = Context {
            now: Moment(self.now),
            limits: &self.limits,
            min_members: self.min_members,
            orders: &self.orders,
            seed: self.seed,
            authority: &self.authority,
            busy: &self.busy,
        };
        self.mind.decide(toy, &context, observed)
    }

    /// The same, of which nothing is done: a dry run.
    pub fn only_thought(
        &mut self,
        seconds: u64,
        toy: &Toy,
        observed: &Observation<()>,
    ) -> Plan<Ask> {
        self.orders.dry_run = true;
        let plan = self.after(seconds, toy, observed);
        self.orders.dry_run = false;
        plan
    }

    /// The worker is killed and started again.
    pub fn restart(&mut self) {
        self.mind = Mind::default();
    }
}
