//! Whole proposals, from what members say and have.

mod birth;
mod leave;
mod life;
mod numbers;
mod refuse;
mod restart;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use meshworker_core::{
    Answer, Disk, Grade, Holds, Ids, MemberId, Nomination, Observation, Orders, Place, Presence,
    Promise, Proposal, Report, Role, Sighting, Situation, Start, Step, StepKind, Tell, Touches,
    Unanswered, Unity, View, Wishes, Witness,
};

use super::{Planner, Rules};
use crate::etcd::alarm::Alarm;
use crate::etcd::detail::{Detail, Listed};
use crate::etcd::request::{Act, EtcdRequest};

/// The usual address of slot `n`.
pub fn at(n: u8) -> Place {
    Place::from([10, 0, 0, n])
}

/// The id of the member of slot `n`.
pub fn id(n: u8) -> String {
    format!("{n:x}a")
}

/// Slots 1 to 5 of one service, of which some run a member and others wait. Member 1 leads,
/// and all are connected with all.
pub struct Scene {
    pub rules: Rules,
    pub desired: Option<usize>,
    pub wishes: Wishes,
    /// The cluster that the workers have noted as begun.
    pub born: Option<&'static str>,
    /// By which number a member joined, where that is not its slot's.
    pub numbers: BTreeMap<u8, u8>,
    /// Who votes.
    pub voters: Vec<u8>,
    /// Who is listed without a vote, and whether it was ever started.
    pub learner: Option<(u8, bool)>,
    /// Who answers.
    pub answers: BTreeSet<u8>,
    /// Who waits, with what.
    pub waits: BTreeMap<u8, Disk>,
    /// Who says that it leaves.
    pub leaving: BTreeSet<u8>,
    /// Who is in the task list; by default whoever runs or waits and does not leave.
    pub tasks: Option<Vec<u8>>,
    /// On which swarm nodes they are.
    pub hosts: BTreeMap<u8, &'static str>,
    pub leader: Option<u8>,
    pub alarm: Option<(u8, Alarm)>,
    /// Who has not been connected for 5 s.
    pub fresh: BTreeSet<u8>,
    /// Of whom a name server alone knows.
    pub unvouched: BTreeSet<u8>,
    /// What else one says.
    pub change: fn(u8, &mut View<Detail>),
}

impl Scene {
    /// These vote and answer, as many are to be there.
    pub fn of(voters: &[u8]) -> Scene {
        Scene {
            rules: Rules {
                service_port: 2379,
                scheme: "http",
                peer_url: "http://etcd-{slot}.mesh:2380".into(),
                ideal: None,
                initial: None,
            },
            desired: Some(voters.len()),
            wishes: Wishes::none(),
            born: None,
            numbers: BTreeMap::new(),
            voters: voters.to_vec(),
            learner: None,
            answers: voters.iter().copied().collect(),
            waits: BTreeMap::new(),
            leaving: BTreeSet::new(),
            tasks: None,
            hosts: BTreeMap::new(),
            leader: voters.first().copied(),
            alarm: None,
            fresh: BTreeSet::new(),
            unvouched: BTreeSet::new(),
            change: |_, _| {},
        }
    }

    /// These wait with empty disks, and are meant to be there too.
    pub fn spares(mut self, slots: &[u8]) -> Scene {
        // Whoever has seen a cluster counts for no birth.
        let disk = match self.voters.is_empty() {
            true => Disk::Nothing,
            false => promised(u64::MAX, "c1"),
        };
        self.waits.extend(slots.iter().map(|n| (*n, disk.clone())));
        self.desired = self.desired.map(|desired| desired + slots.len());
        self
    }

    /// So many voters are wished for.
    pub fn wish(mut self, size: &str) -> Scene {
        self.wishes = Wishes::none().with("ideal-size", size);
        self
    }

    pub fn listed(&self) -> Vec<Listed> {
        let voters = self.voters.iter().map(|n| (*n, true, false));
        let learner = self.learner.map(|(n, started)| (n, started, true));
        let all = voters.chain(learner).map(|(n, started, learner)| {
            let number = self.numbers.get(&n).unwrap_or(&n);
            Listed {
                id: id(n),
                name: if started {
                    format!("etcd-{number}")
                } else {
                    String::new()
                },
                peer_urls: vec![format!("http://etcd-{number}.mesh:2380")],
                client_urls: if started {
                    vec![format!("http://{}:2379", at(n))]
                } else {
                    vec![]
                },
                learner,
            }
        });
        let mut all: Vec<Listed> = all.collect();
        all.sort();
        all
    }

    fn view(&self, n: u8) -> View<Detail> {
        let learner = self.learner.is_some_and(|(own, _)| own == n);
        let members = if learner { Vec::new() } else { self.listed() };
        let others = self.answers.iter().filter(|other| **other != n);
        let fresh = |other: &u8| self.fresh.contains(&n) || self.fresh.contains(other);
        let alarms = self.alarm.map(|(n, alarm)| (id(n), [alarm].into()));
        let mut view = View {
            node: id(n),
            cluster_name: None,
            role: Some(Role::of("follower")),
            size: members.len(),
            peers: [].into(),
            working: None,
            holdings: Default::default(),
            detail: Detail {
                cluster: "c1".into(),
                version: "3.4.23".into(),
                leader: self.leader.map(id),
                term: 2,
                index: 5000,
                revision: 40,
                learner,
                members: members.into(),
                connected: others.map(|other| (id(*other), !fresh(other))).collect(),
                away: BTreeSet::new(),
                alarms: alarms.into_iter().collect(),
                unchanged: false,
                overdue: false,
                missed: None,
                in_vain: Vec::new(),
                wish: None,
            },
        };
        (self.change)(n, &mut view);
        view
    }

    fn observed(&self) -> Observation<Detail> {
        let slots: BTreeSet<u8> = (self.answers.iter().chain(self.waits.keys()).copied()).collect();
        let silent = self
            .tasks
            .iter()
            .flatten()
            .filter(|n| !slots.contains(n))
            .copied();
        let silent: BTreeSet<u8> = silent.collect();
        let sighting = |n: u8, presence| Sighting {
            member: Some(member(n)),
            node: self.hosts.get(&n).map(|host| (*host).to_owned()),
            task: Some(format!("t{n}")),
            presence,
            ..Sighting::at(at(n))
        };
        let vouched = slots.difference(&self.unvouched);
        let said = vouched.clone().map(|n| Sighting {
            disk: self.waits.get(n).cloned().map(Box::new),
            ..sighting(
                *n,
                match (self.waits.contains_key(n), self.leaving.contains(n)) {
                    (_, true) => Presence::Leaving,
                    (true, _) => Presence::Spare,
                    _ => Presence::Present,
                },
            )
        });
        let usual = vouched
            .filter(|n| !self.leaving.contains(n))
            .copied()
            .collect();
        let tasks: Vec<u8> = self.tasks.clone().unwrap_or(usual);
        let listed = tasks.iter().map(|n| sighting(*n, Presence::Present));
        let report = |witness, sightings| Report {
            sightings,
            ..Report::unknown(witness, Grade::Answer)
        };
        let named = self.unvouched.iter().map(|n| Sighting::at(at(*n)));
        let mut reports = vec![
            report(Witness::Announce, said.collect()),
            report(Witness::Dns, named.collect()),
        ];
        if self.desired.is_some() {
            let mut docker = report(Witness::Docker, listed.collect());
            docker.desired = self.desired;
            reports.push(docker);
        }
        let answers = self.answers.iter().map(|n| (at(*n), Ok(self.view(*n))));
        let silence = || Err(Unanswered::Unreachable("refused".into()));
        let silent = silent.into_iter().map(|n| (at(n), silence()));
        let answers: BTreeMap<Place, Answer<Detail>> = answers.chain(silent).collect();
        Observation::of(reports, answers)
    }

    /// What is proposed, but for what is noted of a cluster that runs.
    pub fn propose(&self) -> Proposal<EtcdRequest> {
        Proposal {
            born: None,
            ..self.proposal()
        }
    }

    pub fn proposal(&self) -> Proposal<EtcdRequest> {
        let observed = self.observed();
        let roster = observed.roster();
        let orders = Orders {
            wishes: self.wishes.clone(),
            born: self.born.map(str::to_owned),
            ..Orders::default()
        };
        let situation = Situation {
            orders: &orders,
            ..Situation::of(&roster, &observed.answers)
        };
        self.rules.propose(&situation)
    }
}

/// Nothing is proposed to so many voters that are one cluster.
pub fn nothing(size: usize) -> Proposal<EtcdRequest> {
    Proposal::nothing(Unity::One { size })
}

/// Nothing is proposed, and this is missing.
pub fn missing(what: &str) -> Proposal<EtcdRequest> {
    Proposal::nothing(Unity::apart(what))
}

/// A request to member 1.
pub fn ask(act: Act, kind: StepKind) -> Step<EtcdRequest> {
    let node = id(1);
    Step::new(at(1), EtcdRequest { node, act, kind }, Vec::new())
}

/// That member `n` be let in as a learner.
pub fn let_in(n: u8) -> Step<EtcdRequest> {
    let peer_url = format!("http://etcd-{n}.mesh:2380");
    ask(Act::AddLearner { peer_url }, StepKind::Join)
}

pub fn tell(n: u8, tell: Tell) -> Nomination {
    let touches = match tell {
        Tell::Start(_) => Touches::All,
        _ => Touches::Parts([format!("slot {n}")].into()),
    };
    Nomination {
        address: at(n),
        tell,
        touches,
    }
}

/// Started with its name, its address, and these arguments.
pub fn start(n: u8, more: &[&str]) -> Tell {
    let own = [
        format!("--name=etcd-{n}"),
        format!("--advertise-client-urls=http://10.0.0.{n}:2379"),
    ];
    let more = more.iter().map(|argument| (*argument).to_owned());
    Tell::Start(Start {
        arguments: own.into_iter().chain(more).collect(),
        ..Start::default()
    })
}

pub fn member(n: u8) -> MemberId {
    MemberId::Slot {
        service: "db".into(),
        slot: n.into(),
    }
}

/// A disk with this member's data.
pub fn data(node: &str, cluster: &str) -> Disk {
    Disk::Holds(Holds {
        ids: Some(Ids {
            node: node.into(),
            cluster: cluster.into(),
        }),
        ..Holds::default()
    })
}

/// A disk with this promise alone.
pub fn promised(number: u64, to: &str) -> Disk {
    Disk::Holds(Holds {
        promise: Some(Promise {
            number,
            to: to.into(),
        }),
        ..Holds::default()
    })
}

/// What is refused, in words.
pub fn refusals(proposal: &Proposal<EtcdRequest>) -> Vec<String> {
    proposal.refusals.iter().map(ToString::to_string).collect()
}
