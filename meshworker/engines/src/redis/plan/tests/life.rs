//! Whole departures, on a model of a cluster that does what it is asked.

use std::collections::BTreeMap;
use std::fmt::Write;

use meshworker_core::{Floor, Step};

use super::{Facts, SIX, Scene, at, id};
use crate::redis::request::{Act, RedisRequest};
use crate::redis::slots::Slots;

/// A cluster in which every request takes effect at once.
struct Model {
    replicas: usize,
    /// Each node's master, or the slots that it owns.
    nodes: BTreeMap<u8, Result<Slots, u8>>,
    leaving: Vec<u8>,
    story: String,
}

impl Model {
    /// So many masters with so many replicas each: masters have the low numbers.
    fn new(masters: u8, replicas: u8) -> Model {
        let piece = 16384 / u16::from(masters);
        let mut nodes = BTreeMap::new();
        for n in 1..=masters {
            let first = u16::from(n - 1) * piece;
            let last = if n == masters {
                16383
            } else {
                first + piece - 1
            };
            nodes.insert(n, Ok(Slots::from_ranges([(first, last)])));
            for more in 1..=replicas {
                nodes.insert(n + more * masters, Err(n));
            }
        }
        Model {
            replicas: usize::from(replicas),
            nodes,
            leaving: Vec::new(),
            story: String::new(),
        }
    }

    /// What its nodes say, in the words of `CLUSTER NODES`.
    fn scene(&self) -> Scene {
        let says = |asked: u8| -> String {
            let lines = self.nodes.iter().map(|(n, part)| {
                let myself = if *n == asked { "myself," } else { "" };
                let part = match part {
                    Ok(slots) => format!("{myself}master - 0 0 {n} connected {slots}"),
                    Err(master) => format!("{myself}slave {} 0 0 {n} connected", id(*master)),
                };
                format!("{} {}:6379@16379 {part}\n", id(*n), at(*n))
            });
            lines.collect()
        };
        let empty = Scene::replicas(self.replicas).leaving(&self.leaving);
        let nodes = self.nodes.keys();
        nodes.fold(empty, |scene, n| scene.raw(*n, &says(*n)))
    }

    /// What becomes of a master that has lost its last slot, and of its replicas.
    fn follow(&mut self, before: u8, now: u8) {
        for (n, part) in &mut self.nodes {
            if *n == before || *part == Err(before) {
                *part = Err(now);
            }
        }
        self.nodes.entry(now).and_modify(|part| {
            if part.is_err() {
                *part = Ok(Slots::default());
            }
        });
    }

    fn apply(&mut self, step: &Step<RedisRequest>) {
        writeln!(self.story, "{step}").unwrap();
        let number = |name: &str| (1..u8::MAX).find(|n| id(*n) == name).unwrap();
        let to = number(&step.request.node);
        match &step.request.act {
            Act::Failover => {
                let Some(Err(master)) = self.nodes.get(&to).cloned() else {
                    panic!("{to} is a master");
                };
                let slots = self.nodes[&master].clone();
                self.follow(master, to);
                self.nodes.insert(to, slots);
            }
            Act::Replicate { master } => {
                let empty = self.nodes[&to]
                    .as_ref()
                    .is_ok_and(|slots| !slots.is_empty());
                assert!(!empty, "{to} has slots");
                self.nodes.insert(to, Err(number(master)));
            }
            Act::Move { slots, target, .. } => {
                let target = number(target);
                assert!(!self.leaving.contains(&target), "{step}");
                let own = self.nodes[&to].clone().unwrap();
                let rest: Slots = own.iter().filter(|slot| !slots.contains(*slot)).collect();
                assert_eq!(rest.count() + slots.count(), own.count(), "{step}");
                let more = self.nodes[&target].clone().unwrap().union(slots);
                self.nodes.insert(target, Ok(more));
                let empty = rest.is_empty();
                self.nodes.insert(to, Ok(rest));
                if empty {
                    self.follow(to, target);
                }
            }
            act => panic!("{act:?}"),
        }
    }

    /// Lets go whoever is first and holds nothing, until all have gone; then
    /// until nothing is left to do.
    fn live(&mut self) {
        for _ in 0..1000 {
            let proposal = self.scene().proposal();
            for step in &proposal.steps {
                self.apply(step);
            }
            let Some(first) = proposal.leaves.first() else {
                if proposal.steps.is_empty() {
                    assert!(
                        proposal.unity.is_one(),
                        "{:?}\n{}",
                        proposal.unity,
                        self.story
                    );
                    return;
                }
                continue;
            };
            if !proposal.steps.is_empty() {
                continue;
            }
            assert!(
                proposal.unity.is_one(),
                "{:?}\n{}",
                proposal.unity,
                self.story
            );
            if first.holds.is_empty() {
                let gone = (1..u8::MAX).find(|n| id(*n) == first.node).unwrap();
                writeln!(self.story, "{gone} goes").unwrap();
                assert!(self.nodes[&gone].as_ref().map_or(true, Slots::is_empty));
                self.nodes.remove(&gone);
                self.leaving.retain(|n| *n != gone);
                continue;
            }
            assert!(!first.steps.is_empty(), "{:?}\n{}", first.holds, self.story);
            for step in &first.steps {
                self.apply(step);
            }
        }
        panic!("no end:\n{}", self.story);
    }

    fn masters(&self) -> usize {
        let parts = self.nodes.values().flatten();
        parts.filter(|slots| !slots.is_empty()).count()
    }

    fn owned(&self) -> usize {
        self.nodes.values().flatten().map(Slots::count).sum()
    }
}

#[test]
fn any_three_of_six_leave_three_masters() {
    for first in 1..=6 {
        for second in first + 1..=6 {
            for third in second + 1..=6 {
                let mut model = Model::new(3, 1);
                model.leaving = vec![first, second, third];
                model.live();
                assert_eq!(model.masters(), 3, "{}", model.story);
                assert_eq!(model.owned(), 16384, "{}", model.story);
                assert_eq!(model.nodes.len(), 3);
                // With a replica for each there is no slot to move.
                assert!(!model.story.contains("move slots"), "{}", model.story);
            }
        }
    }
}

#[test]
fn any_that_leave_larger_clusters_lose_no_slot() {
    // Where slots move there are many passes, so not all sets are tried.
    for (masters, replicas, leaving, each) in [
        (4, 0, 1, 3),
        (5, 0, 2, 9),
        (4, 1, 4, 23),
        (3, 2, 5, 11),
        (3, 2, 6, 11),
    ] {
        let size = masters * (replicas + 1);
        let sets = (0_u16..1 << size).filter(|set| set.count_ones() == leaving);
        for set in sets.step_by(each) {
            let mut model = Model::new(masters, replicas);
            model.leaving = (1..=size).filter(|n| set >> (n - 1) & 1 == 1).collect();
            model.live();
            assert_eq!(model.owned(), 16384, "{}", model.story);
            assert!(model.masters() >= 3, "{}", model.story);
        }
    }
}

#[test]
fn the_floor_is_three_and_never_more_than_there_were() {
    let floor = |members: usize, because: &str| Floor {
        members,
        because: because.into(),
    };
    let of = |masters| Model::new(masters, 0).scene().proposal().floor;
    assert_eq!(of(4), floor(3, "a Redis Cluster takes 3 masters"));
    assert_eq!(of(2), floor(2, "it has never had more than 2 members"));
}

/// What a replica dials was read as an address, and a name was none: such a replica
/// was never told again whom it follows.
#[test]
fn a_replica_that_dials_a_name_in_vain_was_never_told_again() {
    let scene = |dials: &'static str| {
        Scene::replicas(1).nodes(&[1, 2, 3, 4, 5], SIX).says(
            6,
            at(6),
            SIX,
            Facts {
                replication: dials,
                ..Facts::default()
            },
        )
    };
    const DOWN: &str = "master_host:db.1.node\r\nmaster_link_status:down\r\nmaster_sync_in_progress:0\r\n\
                        master_link_down_since_seconds:10\r\n";
    const NEVER_UP: &str = "uptime_in_seconds:12\r\nmaster_host:db.1.node\r\nmaster_link_status:down\r\n\
                            master_sync_in_progress:0\r\nmaster_link_down_since_seconds:-1\r\n";
    const OLD: &str = "master_host:10.0.0.9\r\nmaster_link_status:down\r\nmaster_sync_in_progress:0\r\n\
                       master_link_down_since_seconds:1\r\n";
    for (dials, said) in [
        (DOWN, "db.1.node"),
        (NEVER_UP, "db.1.node"),
        (OLD, "10.0.0.9"),
    ] {
        let proposal = scene(dials).proposal();
        let told = scene(dials).told();
        assert!(
            told.starts_with("10.0.0.6: CLUSTER REPLICATE #1\n"),
            "{told}"
        );
        let evidence = proposal.steps[0].evidence[0].to_string();
        assert!(evidence.contains(said), "{evidence}");
    }
    // It may come about by itself, or is under way.
    const SOON: &str = "master_host:db.1.node\r\nmaster_link_status:down\r\nmaster_sync_in_progress:0\r\n\
                        master_link_down_since_seconds:9\r\n";
    const COPIES: &str = "master_host:db.1.node\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\n\
                          master_link_down_since_seconds:99\r\n";
    const UP: &str =
        "master_host:db.1.node\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\n";
    const RIGHT: &str = "master_host:10.0.0.1\r\nmaster_link_status:down\r\nmaster_sync_in_progress:0\r\n\
                         master_link_down_since_seconds:100\r\n";
    for dials in [SOON, COPIES, UP, RIGHT] {
        let told = scene(dials).told();
        assert!(!told.contains("REPLICATE"), "{dials}: {told}");
    }
}
