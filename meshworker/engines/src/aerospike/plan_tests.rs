use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use meshworker_core::{
    Answer, Departure, Evidence, Objection, Peer, Place, Presence, Reason, Refusal, Report, Roster,
    Sighting, Unanswered, View, Witness,
};
use proptest::prelude::*;

use super::super::detail::{ClusterKey, Edition};
use super::*;

#[path = "leaving_tests.rs"]
mod leaving;
#[path = "room_tests.rs"]
mod room;

/// What a pass saw, by the last number of an address: 5 is 10.0.1.5.
struct Seen {
    answers: BTreeMap<Place, Answer<Detail>>,
    reports: Vec<Report>,
    joining: BTreeMap<Place, u32>,
    rules: Rules,
}

fn at(n: u32) -> Place {
    Place::from((0x0A00_0100 + n).to_be_bytes())
}

fn port(n: u32) -> SocketAddr {
    at(n).socket(3002)
}

/// Ids in another order than addresses, as real ones are.
fn id(n: u32) -> String {
    format!("BB9{:04X}0A4202", n.swap_bytes() >> 16)
}

fn key(key: u64) -> Option<ClusterKey> {
    NonZeroU64::new(key).map(ClusterKey)
}

fn list(members: &[u32]) -> Arc<[Peer]> {
    let mut peers: Vec<Peer> = members
        .iter()
        .map(|n| Peer {
            node: id(*n),
            address: Some(at(*n)),
            alive: true,
        })
        .collect();
    peers.sort();
    peers.into()
}

impl Seen {
    /// Clusters that have formed, each with its members.
    fn clusters(clusters: &[&[u32]]) -> Seen {
        let mut seen = Seen {
            answers: BTreeMap::new(),
            reports: Vec::new(),
            joining: BTreeMap::new(),
            rules: Rules {
                cluster_name: None,
                heartbeat_port: 3002,
            },
        };
        for (number, members) in clusters.iter().enumerate() {
            let peers = list(members);
            for member in *members {
                let view = View {
                    node: id(*member),
                    cluster_name: Some("mesh-it".into()),
                    role: None,
                    size: members.len(),
                    peers: Arc::clone(&peers),
                    working: None,
                    holdings: Default::default(),
                    detail: Detail {
                        build: "8.0.0.15".into(),
                        edition: Edition::Enterprise,
                        key: key(0xA0 + number as u64),
                        integrity: true,
                        is_member: true,
                        principal: members.iter().map(|n| id(*n)).max(),
                        uptime: 27,
                        departed: Arc::from([]),
                        namespaces: None,
                        to_send: None,
                    },
                };
                seen.answers.insert(at(*member), Ok(view));
            }
        }
        seen.dns_lists_who_answers()
    }

    fn dns(mut self, members: &[u32]) -> Seen {
        let addresses = members.iter().map(|n| at(*n));
        self.reports = vec![Report::addresses(Witness::Dns, addresses)];
        self
    }

    fn dns_lists_who_answers(mut self) -> Seen {
        let addresses = self.answers.keys().copied();
        self.reports = vec![Report::addresses(Witness::Dns, addresses)];
        self
    }

    fn docker(mut self, n: u32, presence: Presence) -> Seen {
        let mut report = self.reports[0].clone();
        report.witness = Witness::Docker;
        report
            .sightings
            .retain(|sighting| sighting.address != at(n));
        if presence != Presence::Absent {
            let sighting = Sighting {
                presence,
                ..Sighting::at(at(n))
            };
            report.sightings.push(sighting);
        }
        self.reports.push(report);
        self
    }

    fn named(mut self, name: &str) -> Seen {
        self.rules.cluster_name = Some(name.into());
        self
    }

    fn silent(mut self, n: u32) -> Seen {
        self.answers.insert(at(n), Err(Unanswered::Timeout));
        self.dns_lists_who_answers()
    }

    fn each(mut self, members: &[u32], change: impl Fn(&mut View<Detail>)) -> Seen {
        for member in members {
            let view = self.answers.get_mut(&at(*member)).unwrap();
            change(view.as_mut().unwrap());
        }
        self
    }

    fn remembering(self, members: &[u32], departed: &[u32]) -> Seen {
        let departed: Arc<[Place]> = departed.iter().map(|n| at(*n)).collect();
        self.each(members, |view| view.detail.departed = Arc::clone(&departed))
    }

    fn proposal(&self) -> Proposal<Request> {
        let views = self.answers.values().flatten();
        let alive: BTreeSet<Place> = views
            .flat_map(|view| view.alive().filter_map(|peer| peer.address))
            .collect();
        let roster = Roster::merge(&self.reports, &alive);
        let situation = Situation {
            joining: &self.joining,
            ..Situation::of(&roster, &self.answers)
        };
        self.rules.propose(&situation)
    }

    fn says(&self, n: u32) -> Evidence {
        let view = self.answers[&at(n)].as_ref().unwrap();
        let key = view.detail.key.map_or("0".into(), |key| key.to_string());
        let said = format!("cluster_size={};cluster_key={key}", view.size);
        Evidence::view(id(n), said)
    }

    fn identity(&self, n: u32) -> Identity {
        Identity::of(self.answers[&at(n)].as_ref().unwrap())
    }

    fn tip(&self, told: u32, about: u32) -> Step<Request> {
        Step::new(
            at(told),
            Request::Tip {
                seed: port(about),
                guest: self.identity(about),
                host: self.identity(told),
            },
            vec![self.says(told), self.says(about)],
        )
    }
}

fn nothing(unity: Unity) -> Proposal<Request> {
    Proposal::nothing(unity)
}

fn wrong_name(n: u32, what: &str, expected: &str, found: &str) -> Refusal {
    Refusal {
        what: what.into(),
        reason: Reason::WrongCluster {
            expected: expected.into(),
            found: found.into(),
        },
        evidence: vec![Evidence::view(id(n), format!("cluster-name={found}"))],
    }
}

fn not_started(view: &mut View<Detail>) {
    view.size = 0;
    view.detail.key = None;
    view.detail.integrity = false;
    view.detail.is_member = false;
    view.detail.uptime = 1;
}

#[test]
fn nothing_is_proposed_for_a_formed_cluster() {
    let seen = Seen::clusters(&[&[5, 6, 7]]);
    assert_eq!(seen.proposal(), nothing(Unity::One { size: 3 }));
}

#[test]
fn nothing_is_proposed_when_nobody_answers() {
    let seen = Seen::clusters(&[]).silent(5).silent(6);
    let expected = nothing(Unity::apart("no member answers"));
    assert_eq!(seen.proposal(), expected);
}

#[test]
fn three_fragments_take_two_tips() {
    let seen = Seen::clusters(&[&[5, 6], &[7, 8, 9], &[10]]);
    let expected = Proposal {
        // The smaller sides are told, each about the largest one's first member.
        steps: vec![seen.tip(5, 7), seen.tip(10, 7)],
        ..nothing(Unity::apart("3 clusters instead of one"))
    };
    assert_eq!(seen.proposal(), expected);
}

/// Tips that arrive before the first clustering round make one cluster in it.
#[test]
fn nodes_that_have_not_clustered_yet_are_tipped_at_once() {
    let seen = Seen::clusters(&[&[5], &[6], &[7]]).each(&[5, 6, 7], not_started);
    let expected = Proposal {
        steps: vec![seen.tip(6, 5), seen.tip(7, 5)],
        ..nothing(Unity::apart("3 clusters instead of one"))
    };
    assert_eq!(seen.proposal(), expected);
}

#[test]
fn a_thousand_singletons_take_999_tips() {
    let all: Vec<u32> = (1..=1000).collect();
    let singles: Vec<&[u32]> = all.chunks(1).collect();
    let seen = Seen::clusters(&singles);
    let proposal = seen.proposal();
    let expected: Vec<_> = (2..=1000).map(|n| seen.tip(n, 1)).collect();
    assert_eq!(proposal.steps, expected);
}

#[test]
fn a_formed_cluster_of_a_thousand_is_left_alone() {
    let all: Vec<u32> = (1..=1000).collect();
    let seen = Seen::clusters(&[&all]);
    assert_eq!(seen.proposal(), nothing(Unity::One { size: 1000 }));
}

/// Two nodes that list each other have met, whatever their keys say.
#[test]
fn nodes_that_have_met_are_not_tipped_again() {
    let seen = Seen::clusters(&[&[5, 6, 7]]).each(&[7], |view| {
        view.detail.key = key(0xBB);
        view.peers = view.peers.to_vec().into();
    });
    let unity = "10.0.1.7: does not agree with the others on who is in yet";
    assert_eq!(seen.proposal(), nothing(Unity::apart(unity)));
}

#[test]
fn a_node_wanted_under_two_addresses_is_one_node() {
    let mut seen = Seen::clusters(&[&[5, 6]]);
    let second = "fd00::5".parse().unwrap();
    seen.answers.insert(second, seen.answers[&at(5)].clone());
    let seen = seen.dns_lists_who_answers();
    assert_eq!(seen.proposal(), nothing(Unity::One { size: 2 }));
}

#[test]
fn a_node_of_another_name_is_left_alone() {
    for seen in [
        Seen::clusters(&[&[5], &[6], &[7]]),
        Seen::clusters(&[&[5], &[6], &[7]]).named("mesh-it"),
    ] {
        let seen = seen.each(&[6], |view| view.cluster_name = Some("other".into()));
        let expected = Proposal {
            steps: vec![seen.tip(7, 5)],
            refusals: vec![wrong_name(6, "join 10.0.1.6", "mesh-it", "other")],
            strangers: BTreeSet::from([at(6)]),
            ..nothing(Unity::apart("10.0.1.6 is of cluster 'other'"))
        };
        assert_eq!(seen.proposal(), expected);
    }
}

#[test]
fn a_node_without_a_name_does_not_have_the_configured_one() {
    let seen = Seen::clusters(&[&[5], &[6]])
        .named("mesh-it")
        .each(&[6], |view| view.cluster_name = None);
    let refusals = seen.proposal().refusals;
    let expected = wrong_name(6, "join 10.0.1.6", "mesh-it", "null");
    assert_eq!(refusals, [expected]);
}

#[test]
fn without_a_majority_for_a_name_nobody_is_joined() {
    let seen = Seen::clusters(&[&[5], &[6], &[7], &[8]])
        .each(&[6, 8], |view| view.cluster_name = Some("other".into()));
    let refuse = |n, expected, found| {
        let what = format!("join {}, unless cluster-name says whom", at(n));
        wrong_name(n, &what, expected, found)
    };
    let expected = Proposal {
        refusals: vec![
            refuse(5, "other", "mesh-it"),
            refuse(6, "mesh-it", "other"),
            refuse(7, "other", "mesh-it"),
            refuse(8, "mesh-it", "other"),
        ],
        ..nothing(Unity::apart(
            "the members give different cluster names, none of them more than half",
        ))
    };
    assert_eq!(seen.proposal(), expected);
}

/// The old script tipped once, also nodes that did not listen yet, and never
/// again.
#[test]
fn tip_before_the_database_starts_is_repeated() {
    let seen = Seen::clusters(&[&[5]]).silent(6);
    assert_eq!(seen.proposal().steps, []);
    let seen = Seen::clusters(&[&[5], &[6]]);
    for _ in 0..2 {
        // It is proposed for as long as it has not taken.
        assert_eq!(seen.proposal().steps, [seen.tip(6, 5)]);
    }
}

/// The old script told newcomers about its last known list, the dead included.
#[test]
fn nobody_is_told_about_a_node_that_does_not_answer() {
    let seen = Seen::clusters(&[&[5, 6, 7], &[8]]).silent(5);
    assert_eq!(seen.proposal().steps, [seen.tip(8, 6)]);
}

/// The old script told only the first address when all of them had changed.
#[test]
fn every_newcomer_is_told_when_all_addresses_changed() {
    let seen = Seen::clusters(&[&[15], &[16], &[17]]);
    assert_eq!(seen.proposal().steps, [seen.tip(16, 15), seen.tip(17, 15)]);
}

#[test]
fn when_a_tip_does_not_take_others_have_their_turn() {
    for (uptime, told, about) in [
        (59, 8, 5),
        (60, 5, 8),
        (120, 8, 6),
        (180, 6, 8),
        (360, 8, 5),
    ] {
        let seen =
            Seen::clusters(&[&[5, 6, 7], &[8]]).each(&[8], |view| view.detail.uptime = uptime);
        assert_eq!(seen.proposal().steps, [seen.tip(told, about)], "{uptime} s");
    }
}

fn clear(told: u32, gone: u32, by: u32) -> Step<Request> {
    Step::new(
        at(told),
        Request::TipClear(port(gone)),
        vec![Evidence::view(
            id(by),
            format!("services-alumni: {}", at(gone)),
        )],
    )
}

fn reset(told: u32, seeds: &[u32], listed: &str) -> Step<Request> {
    Step::new(
        at(told),
        Request::AlumniReset {
            departed: seeds.iter().map(|n| port(*n)).collect(),
        },
        vec![Evidence::view(
            id(told),
            format!("services-alumni: {listed}"),
        )],
    )
}

/// The old script never cleared a tip: each survivor is asked, since nobody can
/// see who holds the seed.
#[test]
fn every_survivor_clears_the_tips_of_a_departed_node() {
    let seen = Seen::clusters(&[&[5, 6, 7]]).remembering(&[6, 7], &[8]);
    let expected = Proposal {
        departures: vec![Departure {
            node: "10.0.1.8".into(),
            address: Some(at(8)),
            objections: vec![],
            steps: vec![clear(5, 8, 6), clear(6, 8, 6), clear(7, 8, 7)],
        }],
        cleanup: vec![reset(6, &[8], "10.0.1.8"), reset(7, &[8], "10.0.1.8")],
        ..nothing(Unity::One { size: 3 })
    };
    assert_eq!(seen.proposal(), expected);
}

#[test]
fn a_former_peer_that_another_member_sees_alive_is_not_forgotten() {
    let seen = Seen::clusters(&[&[5, 6], &[7, 8]])
        .remembering(&[5, 6], &[8])
        .dns(&[5, 6, 7]);
    let mut seen = seen;
    seen.answers.remove(&at(8));
    let proposal = seen.proposal();
    let objection = Objection::AliveTo {
        node: id(7),
        said: "10.0.1.8 is its peer".into(),
    };
    assert_eq!(proposal.departures[0].objections, [objection]);
    assert_eq!(proposal.cleanup, []);
}

#[test]
fn an_address_that_a_newcomer_of_this_service_has_is_not_forgotten() {
    // Nobody answers there yet.
    let seen = Seen::clusters(&[&[5, 6]])
        .remembering(&[5, 6], &[7])
        .silent(7);
    let expected = nothing(Unity::One { size: 2 });
    assert_eq!(seen.proposal(), expected);
    // It answers, and is about to join.
    let seen = Seen::clusters(&[&[5, 6], &[7]]).remembering(&[5, 6], &[7]);
    let expected = Proposal {
        steps: vec![seen.tip(7, 5)],
        ..nothing(Unity::apart("2 clusters instead of one"))
    };
    assert_eq!(seen.proposal(), expected);
}

/// A survivor that still dials the address would warn for ever, and the
/// stranger would hear from it.
#[test]
fn an_address_that_a_stranger_has_now_is_forgotten() {
    let seen = Seen::clusters(&[&[5, 6], &[7]])
        .remembering(&[5, 6], &[7])
        .each(&[7], |view| view.cluster_name = Some("other".into()));
    let departure = &seen.proposal().departures[0];
    assert_eq!(
        (departure.node.as_str(), departure.address),
        ("10.0.1.7", None)
    );
    assert_eq!(departure.steps, [clear(5, 7, 5), clear(6, 7, 6)]);
}

/// A reset forgets all former peers at once.
#[test]
fn nothing_is_reset_while_a_former_peer_may_come_back() {
    let seen = Seen::clusters(&[&[5, 6]])
        .remembering(&[5], &[7, 8])
        .remembering(&[6], &[8])
        .silent(7);
    let proposal = seen.proposal();
    let departed: Vec<_> = proposal
        .departures
        .iter()
        .map(|d| d.node.as_str())
        .collect();
    assert_eq!(departed, ["10.0.1.8"]);
    assert_eq!(proposal.cleanup, [reset(6, &[8], "10.0.1.8")]);
}

/// A stale record of the name server leads to another service's node, which
/// carries the same name.
#[test]
fn a_node_that_the_task_list_does_not_know_is_told_nothing() {
    let seen = Seen::clusters(&[&[5, 6], &[7]])
        .remembering(&[5, 6, 7], &[8])
        .docker(7, Presence::Absent);
    let proposal = seen.proposal();
    assert_eq!(proposal.steps, []);
    assert_eq!(
        proposal.departures[0].steps,
        [clear(5, 8, 5), clear(6, 8, 6)]
    );
    assert_eq!(proposal.unity, Unity::One { size: 2 });
}

#[test]
fn a_member_on_its_way_out_is_no_flaw_and_clears_tips_too() {
    let seen = Seen::clusters(&[&[5, 6, 7]])
        .remembering(&[5], &[8])
        .docker(7, Presence::Leaving);
    let proposal = seen.proposal();
    assert_eq!(proposal.unity, Unity::One { size: 2 });
    assert_eq!(proposal.departures[0].steps.len(), 3);
}

#[test]
fn one_cluster_is_only_what_all_members_agree_on() {
    type Change = fn(&mut View<Detail>);
    let cases: [(Change, &str); 5] = [
        (not_started, "10.0.1.6: has not formed a cluster yet"),
        (
            |view| view.detail.integrity = false,
            "10.0.1.6: cluster_integrity is not true",
        ),
        (
            |view| view.detail.is_member = false,
            "10.0.1.6: cluster_is_member is not true",
        ),
        (|view| view.size = 4, "10.0.1.6: counts 4 nodes and lists 3"),
        (
            |view| view.peers = list(&[5, 6]),
            "10.0.1.6: does not list 10.0.1.7 yet",
        ),
    ];
    for (change, missing) in cases {
        let seen = Seen::clusters(&[&[5, 6, 7]]).each(&[6], change);
        assert_eq!(seen.proposal(), nothing(Unity::apart(missing)));
    }
    let seen = Seen::clusters(&[&[5, 6, 7]]).dns(&[5, 6]);
    let missing = "10.0.1.5: has a peer that no witness wants: 10.0.1.7";
    assert_eq!(seen.proposal(), nothing(Unity::apart(missing)));
}

proptest! {
    /// Whatever the fragments: one tip less than there are, and when all of
    /// them take, one cluster.
    #[test]
    fn the_tips_connect_everything(
        sizes in prop::collection::vec(1_usize..5, 1..20),
        uptime in 0_u64..1000,
    ) {
        let mut next = 0;
        let clusters: Vec<Vec<u32>> = sizes
            .iter()
            .map(|size| {
                let first = next + 1;
                next += *size as u32;
                (first..=next).collect()
            })
            .collect();
        let borrowed: Vec<&[u32]> = clusters.iter().map(Vec::as_slice).collect();
        let all: Vec<u32> = (1..=next).collect();
        let seen = Seen::clusters(&borrowed).each(&all, |view| view.detail.uptime = uptime);
        let steps = seen.proposal().steps;
        prop_assert_eq!(steps.len(), sizes.len() - 1);
        let tips = steps.iter().filter_map(|step| {
            Some((step.to, meshworker_core::Request::introduces(&step.request)?))
        });
        let inside = clusters.iter().flat_map(|c| c.iter().map(|n| (at(*n), at(c[0]))));
        let joined = meshworker_core::fragments(all.iter().map(|n| at(*n)), tips.chain(inside));
        prop_assert_eq!(joined.len(), 1);
    }
}
