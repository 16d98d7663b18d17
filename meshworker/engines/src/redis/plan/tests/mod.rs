//! Whole proposals, from the texts that the nodes answer.

mod copies;
mod depart;
mod join;
mod large;
mod leave;
mod life;
mod parts;
mod slots;
mod versions;

use std::collections::BTreeMap;
use std::fmt::Write;

use meshworker_core::{
    Answer, Copies, Floor, Grade, Member, MemberId, Observation, Place, Presence, Proposal, Report,
    Roster, Sighting, Situation, Unanswered, Witness,
};

use super::{Rules, propose};
use crate::redis::detail::{Detail, Replies, Shared};
use crate::redis::heavy::Heavy;
use crate::redis::request::RedisRequest;

/// The id of node `n`.
pub fn id(n: u8) -> String {
    format!("{n:040x}")
}

/// The usual address of node `n`.
pub fn at(n: u8) -> Place {
    Place::from([10, 0, 0, n])
}

/// What the witnesses and the nodes say. A table is written one line per node,
/// `NUMBER[@LAST OCTET] FLAGS MASTER LINK SLOTS...`, and in the words of `CLUSTER
/// NODES` otherwise; `#n` stands for the id of node n.
pub struct Scene {
    rules: Rules,
    listed: Vec<Place>,
    answers: BTreeMap<Place, Answer<Detail>>,
    hosts: BTreeMap<Place, &'static str>,
    leaving: BTreeMap<Place, Presence>,
    tasks: BTreeMap<Place, Presence>,
    desired: Option<usize>,
    joining: BTreeMap<Place, u32>,
    shared: Shared,
}

/// What one node says besides its table.
#[derive(Clone, Copy)]
pub struct Facts {
    pub keys: u64,
    pub state: &'static str,
    pub replication: &'static str,
    pub run_id: &'static str,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            keys: 0,
            state: "ok",
            replication: "role:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\n",
            run_id: "",
        }
    }
}

impl Scene {
    /// Nobody is there, and each master is to have so many replicas.
    pub fn replicas(replicas: usize) -> Scene {
        Scene {
            rules: Rules {
                port: 6379,
                cluster_name: None,
                replicas,
                initial: 3,
            },
            listed: Vec::new(),
            answers: BTreeMap::new(),
            hosts: BTreeMap::new(),
            leaving: BTreeMap::new(),
            tasks: BTreeMap::new(),
            desired: None,
            joining: BTreeMap::new(),
            shared: Shared::of(6379),
        }
    }

    /// A new cluster waits for so many members.
    pub fn waits_for(mut self, members: usize) -> Scene {
        self.rules.initial = members;
        self
    }

    /// Nodes must announce this cluster name.
    pub fn named(mut self, name: &str) -> Scene {
        self.rules.cluster_name = Some(name.into());
        self
    }

    /// This node was introduced so often lately.
    pub fn introduced(mut self, n: u8, times: u32) -> Scene {
        self.joining.insert(at(n), times);
        self
    }

    /// The members run on these swarm nodes.
    pub fn on(mut self, hosts: &[(u8, &'static str)]) -> Scene {
        self.hosts
            .extend(hosts.iter().map(|(n, host)| (at(*n), *host)));
        self
    }

    /// This cannot be moved from node `n`.
    pub fn heavy(mut self, n: u8, heavy: Heavy) -> Scene {
        if let Some(Ok(view)) = self.answers.get_mut(&at(n)) {
            view.detail.heavy.push(heavy);
        }
        self
    }

    /// These nodes announce that they are meant to go.
    pub fn leaving(mut self, nodes: &[u8]) -> Scene {
        let leaving = nodes.iter().map(|n| (at(*n), Presence::Leaving));
        self.leaving.extend(leaving);
        self
    }

    /// This node announces that it stops, whatever anybody says.
    pub fn stopping(mut self, n: u8) -> Scene {
        self.leaving.insert(at(n), Presence::Stopping);
        self
    }

    /// The supervisor of this node has seen it end, after it was let go.
    pub fn ended(mut self, n: u8) -> Scene {
        self.leaving.insert(at(n), Presence::Ended);
        self
    }

    /// Node `n`, at its usual address, says this.
    pub fn node(self, n: u8, table: &str) -> Scene {
        self.says(n, at(n), table, Facts::default())
    }

    /// Nodes that all have this table.
    pub fn nodes(self, nodes: &[u8], table: &str) -> Scene {
        nodes.iter().fold(self, |scene, n| scene.node(*n, table))
    }

    /// Node `n`, at this address, says this.
    pub fn says(mut self, n: u8, address: Place, table: &str, facts: Facts) -> Scene {
        let lines: String = table.lines().map(|line| expand(n, line)).collect();
        self.raw_at(address, &lines, facts);
        self
    }

    /// Node `n` says this, in the words of `CLUSTER NODES`.
    pub fn raw(mut self, n: u8, text: &str) -> Scene {
        self.raw_at(at(n), text, Facts::default());
        self
    }

    fn raw_at(&mut self, address: Place, text: &str, facts: Facts) {
        let replies = Replies {
            nodes: text,
            cluster: &format!("cluster_state:{}\r\n", facts.state),
            info: &format!("run_id:{}\r\n{}", facts.run_id, facts.replication),
            keys: facts.keys,
        };
        let view = self.shared.view(address, replies).unwrap();
        self.listed.push(address);
        self.answers.insert(address, Ok(view));
    }

    /// The name server lists this address, where nobody gives a view.
    pub fn silent(mut self, n: u8, why: Unanswered) -> Scene {
        self.listed.push(at(n));
        self.answers.insert(at(n), Err(why));
        self
    }

    /// These nodes announce that they are there.
    pub fn announced(mut self, nodes: &[u8]) -> Scene {
        let present = nodes.iter().map(|n| (at(*n), Presence::Present));
        self.leaving.extend(present);
        self
    }

    /// The task list has this of some nodes, all others being there, and this
    /// many are meant to be.
    pub fn tasks(mut self, other: &[(u8, Presence)], desired: usize) -> Scene {
        let other = other.iter().map(|(n, presence)| (at(*n), presence.clone()));
        self.tasks.extend(other);
        self.desired = Some(desired);
        self
    }

    /// The name server no longer lists the node at this address, which answers.
    pub fn unlisted(mut self, n: u8) -> Scene {
        self.listed.retain(|address| *address != at(n));
        self
    }

    pub fn proposal(&self) -> Proposal<RedisRequest> {
        let sightings = self.listed.iter().map(|address| Sighting {
            node: self.hosts.get(address).map(|host| (*host).to_owned()),
            ..Sighting::at(*address)
        });
        let report = Report {
            sightings: sightings.collect(),
            ..Report::addresses(Witness::Dns, self.listed.iter().copied())
        };
        let announced = self.leaving.iter().map(|(address, presence)| Sighting {
            presence: presence.clone(),
            ..Sighting::at(*address)
        });
        let announced = Report {
            sightings: announced.collect(),
            ..Report::unknown(Witness::Announce, Grade::Answer)
        };
        let mut reports = vec![report, announced];
        if self.desired.is_some() {
            let listed = self.listed.iter().chain(self.tasks.keys());
            let sightings = listed.map(|address| Sighting {
                presence: self
                    .tasks
                    .get(address)
                    .cloned()
                    .unwrap_or(Presence::Present),
                ..Sighting::at(*address)
            });
            reports.push(Report {
                sightings: sightings.collect(),
                desired: self.desired,
                ..Report::unknown(Witness::Docker, Grade::Answer)
            });
        }
        let observed = Observation::of(reports, self.answers.clone());
        let roster = Roster::merge(&observed.reports, &observed.alive());
        let situation = Situation {
            joining: &self.joining,
            ..Situation::of(&roster, &observed.answers)
        };
        propose(&self.rules, &situation)
    }

    /// The whole proposal, in words: ids are written as `#n`.
    pub fn told(&self) -> String {
        let Proposal {
            steps,
            departures,
            cleanup,
            leaves,
            nominations: _,
            otherwise: _,
            born: _,
            succession: _,
            floor: _,
            strangers: _,
            outsiders: _,
            bystanders: _,
            quiet: _,
            stuck: _,
            copies: _,
            refusals,
            unity,
        } = self.proposal();
        let mut told = String::new();
        for step in steps.iter().chain(&cleanup) {
            writeln!(told, "{step}").unwrap();
            assert!(!step.evidence.is_empty(), "{step} rests on nothing");
        }
        for departure in &departures {
            write!(told, "gone: {}", departure.node).unwrap();
            match departure.address {
                Some(address) => write!(told, " from {address}").unwrap(),
                None => write!(told, " from nowhere").unwrap(),
            }
            for objection in &departure.objections {
                write!(told, "; {objection}").unwrap();
            }
            for step in &departure.steps {
                write!(told, "; {step}").unwrap();
            }
            told.push('\n');
        }
        for leave in &leaves {
            write!(told, "leaves: {} {}", leave.address, leave.holds.join(", ")).unwrap();
            if let Some(progress) = &leave.progress {
                write!(told, " ({progress})").unwrap();
            }
            for step in &leave.steps {
                write!(told, "; {step}").unwrap();
            }
            told.push('\n');
        }
        for refusal in &refusals {
            writeln!(told, "{refusal}").unwrap();
        }
        writeln!(told, "{unity}").unwrap();
        (0..=u8::MAX).fold(told, |told, n| told.replace(&id(n), &format!("#{n}")))
    }
}

/// A short line, as the node `asked` writes it.
fn expand(asked: u8, line: &str) -> String {
    let line = line.trim();
    let (who, rest) = line.split_once(' ').unwrap();
    let (who, name) = who.split_once(',').unwrap_or((who, ""));
    let (number, octet) = who.split_once('@').unwrap_or((who, who));
    let number: u8 = number.parse().unwrap();
    let (flags, rest) = rest.split_once(' ').unwrap();
    let (master, rest) = rest.split_once(' ').unwrap();
    let (link, slots) = rest.split_once(' ').unwrap_or((rest, ""));
    let myself = if number == asked { "myself," } else { "" };
    let place = match octet {
        "?" => ":0@0".to_owned(),
        octet => format!("10.0.0.{octet}:6379@16379"),
    };
    let text = format!(
        "{} {place},{name} {myself}{flags} {master} 0 1795247899590 {number} {link} {slots}\n",
        id(number)
    );
    // `#n` ends with the word or with the bracket.
    (0..=u8::MAX).fold(text, |text, n| {
        let text = text.replace(&format!("#{n} "), &format!("{} ", id(n)));
        text.replace(&format!("#{n}]"), &format!("{}]", id(n)))
    })
}

/// A right cluster of three masters without replicas.
pub const THREE: &str = "1 master - connected 0-5461
    2 master - connected 5462-10922
    3 master - connected 10923-16383";

/// A right cluster of three masters with one replica each.
pub const SIX: &str = "1 master - connected 0-5461
    2 master - connected 5462-10922
    3 master - connected 10923-16383
    4 slave #2 connected
    5 slave #3 connected
    6 slave #1 connected";

#[test]
fn nothing_is_proposed_for_a_right_cluster() {
    let three = Scene::replicas(1).nodes(&[1, 2, 3], THREE);
    let six = Scene::replicas(1).nodes(&[1, 2, 3, 4, 5, 6], SIX);
    for (scene, size) in [(three, 3), (six, 6)] {
        let nothing = Proposal {
            floor: Floor {
                members: 3,
                because: "a Redis Cluster takes 3 masters".into(),
            },
            quiet: true,
            // Without keys there is nothing to lose.
            copies: Copies {
                made: true,
                ..Copies::default()
            },
            ..Proposal::nothing(meshworker_core::Unity::One { size })
        };
        assert_eq!(scene.proposal(), nothing);
    }
}

#[test]
fn the_same_situation_gives_the_same_proposal() {
    let scene = || {
        Scene::replicas(0)
            .nodes(&[1, 2, 3], THREE)
            .node(7, "7 master - connected")
            .node(8, "8 master - connected")
    };
    assert_eq!(scene().proposal(), scene().proposal());
}

#[test]
fn members_are_ordered_by_slot_where_it_is_known() {
    let member = |slot| Member {
        id: MemberId::Slot {
            service: "db".into(),
            slot,
        },
        address: at(1),
        node: None,
        node_name: None,
        task: None,
        part: None,
        seen: BTreeMap::from([(Witness::Docker, Presence::Present)]),
        known_as: None,
        disk: None,
        ordered: false,
        last: false,
    };
    assert!(member(2).id < member(10).id);
    // By announced name: node 3 is replica 1, so it is the host of the meeting.
    let told = Scene::replicas(0)
        .node(1, "1,db.12 master - connected")
        .node(2, "2,db.2 master - connected")
        .node(3, "3,db.1 master - connected")
        .told();
    assert!(
        told.starts_with("10.0.0.3: CLUSTER MEET 10.0.0.2 6379\n"),
        "{told}"
    );
}

#[test]
fn no_answers_are_no_cluster() {
    let told = Scene::replicas(1).silent(1, Unanswered::Timeout).told();
    assert_eq!(told, "not one cluster: no member answers\n");
}

/// A pass over the largest cluster that Redis' makers recommend is a matter of
/// milliseconds; with a cost that grows by the square it would be seconds.
#[test]
fn a_thousand_members_are_no_burden() {
    let address = |n: u16| Place::from([10, 1, (n / 250) as u8, (n % 250) as u8 + 1]);
    let line = |n: u16, flags: &str| {
        let (first, last) = (n * 16, n * 16 + if n == 999 { 399 } else { 15 });
        let address = address(n);
        format!("{n:040x} {address}:6379@16379 {flags}master - 0 0 {n} connected {first}-{last}\n")
    };
    let mut scene = Scene::replicas(0);
    let mut lines: Vec<String> = (0..1000).map(|n| line(n, "")).collect();
    lines[0] = line(0, "myself,");
    scene.raw_at(address(0), &lines.concat(), Facts::default());
    let first = scene.answers[&address(0)].clone().unwrap();
    for n in 1..1000 {
        let mut view = first.clone();
        view.node = format!("{n:040x}");
        scene.listed.push(address(n));
        scene.answers.insert(address(n), Ok(view));
    }
    let begin = tokio::time::Instant::now();
    let proposal = scene.proposal();
    let took = begin.elapsed();
    eprintln!("1000 members: {took:?}");
    // The last one owns too many slots, which then go to the poorest.
    assert_eq!(proposal.steps.len(), 128);
}
