//! Which members share a node, and what its death would cost.

use std::net::IpAddr;

use meshworker_core::{MemberId, Presence, Report, Roster, Sighting, Witness, shared_nodes};

/// Members in the slots 1, 2, ..., each announced on its node.
fn announced(nodes: &[Option<&str>]) -> Roster {
    let sightings = (1..).zip(nodes).map(|(slot, node)| Sighting {
        member: Some(MemberId::Slot {
            service: "db".into(),
            slot,
        }),
        node: node.map(str::to_owned),
        ..Sighting::at(IpAddr::from([10, 0, 1, slot as u8]))
    });
    let report = Report {
        sightings: sightings.collect(),
        ..Report::addresses(Witness::Announce, [IpAddr::from([10, 0, 1, 1])])
    };
    Roster::merge(&[report], &Default::default())
}

fn told(nodes: &[Option<&str>], copies: usize) -> Vec<String> {
    let shared = shared_nodes(&announced(nodes), copies);
    shared.iter().map(ToString::to_string).collect()
}

const A: Option<&str> = Some("a");
const B: Option<&str> = Some("b");

/// After a node's loss its member runs on another one for good, and the next loss
/// cost 652 acknowledged writes, of which nothing had warned.
#[test]
fn two_members_on_one_node_and_none_on_another_were_silent() {
    assert_eq!(told(&[A, B, Some("c")], 2), Vec::<String>::new());
    assert_eq!(
        told(&[A, B, A], 2),
        [
            "2 of 3 members run on node a: db.1, db.3; its death costs about 33 % of the data; \
             `docker service update --force db` spreads them again"
        ]
    );
    // With a third copy elsewhere nothing is lost.
    assert_eq!(
        told(&[A, B, A], 3),
        [
            "2 of 3 members run on node a: db.1, db.3; `docker service update --force db` spreads them again"
        ]
    );
}

#[test]
fn what_a_node_s_death_costs_is_counted_for_each_size() {
    let stake = |nodes: &[Option<&str>], copies| {
        let shared = shared_nodes(&announced(nodes), copies);
        shared.iter().map(|node| node.at_stake).collect::<Vec<_>>()
    };
    // Two of five hold both copies of a tenth.
    assert_eq!(stake(&[A, A, B, Some("c"), Some("d")], 2), [0.1]);
    assert_eq!(stake(&[A, A, B, B], 2), [1.0 / 6.0, 1.0 / 6.0]);
    assert_eq!(stake(&[A, A], 2), [1.0]);
    assert_eq!(stake(&[A, A], 3), [1.0]);
    assert_eq!(stake(&[A, A, B], 1), [2.0 / 3.0]);
    // Whose node is not known may be anywhere.
    assert_eq!(stake(&[A, None, None], 2), Vec::<f64>::new());
    assert_eq!(stake(&[A, A, None], 2), [1.0 / 3.0]);
}

#[test]
fn whoever_leaves_shares_a_node_with_nobody() {
    let leaving = Sighting {
        node: Some("a".into()),
        presence: Presence::Leaving,
        ..Sighting::at(IpAddr::from([10, 0, 1, 1]))
    };
    let staying = Sighting {
        node: Some("a".into()),
        ..Sighting::at(IpAddr::from([10, 0, 1, 2]))
    };
    let report = Report {
        sightings: vec![leaving, staying],
        ..Report::addresses(Witness::Announce, [IpAddr::from([10, 0, 1, 1])])
    };
    let roster = Roster::merge(&[report], &Default::default());
    assert_eq!(shared_nodes(&roster, 2), vec![]);
}
