//! Rounds as a table of situations.

use super::*;
use std::net::IpAddr;

const SETTLE: Duration = Duration::from_secs(1);

fn member(last: u8) -> Member {
    let address = IpAddr::from([10, 0, 1, last]);
    Member {
        id: NodeId::derive(3001, address),
        incarnation: 1,
        address,
        service_port: 3000,
        heartbeat_port: 3002,
        fabric_port: 3001,
        quiesced: false,
    }
}

fn cluster(lasts: impl IntoIterator<Item = u8>) -> Arc<Cluster> {
    Arc::new(Cluster::form(lasts.into_iter().map(member).collect()))
}

fn neighbour(last: u8, cluster: Option<&Arc<Cluster>>) -> Neighbour {
    let member = member(last);
    Neighbour {
        member,
        ready: true,
        mutual_for: SETTLE,
        standing: cluster.map(|cluster| Standing {
            key: cluster.key(),
            size: cluster.size(),
            principal: cluster.principal().unwrap(),
        }),
        decision: cluster
            .filter(|cluster| cluster.principal() == Some(member.id))
            .cloned(),
        hears: HashSet::new(),
    }
}

fn situation<'a>(
    me: u8,
    current: Option<&'a Arc<Cluster>>,
    neighbours: &'a [Neighbour],
) -> Situation<'a> {
    Situation {
        me: member(me),
        ready: true,
        current: current.map(Arc::as_ref),
        neighbours,
        limit: 8,
        settle: SETTLE,
        recluster: false,
        known: nobody(),
    }
}

/// Nobody is known of but those that are heard.
fn nobody() -> &'static HashSet<NodeId> {
    static NOBODY: std::sync::LazyLock<HashSet<NodeId>> = std::sync::LazyLock::new(HashSet::new);
    &NOBODY
}

/// The last bytes of the addresses that a verdict forms a cluster of.
fn formed(verdict: &Verdict) -> Option<Vec<u8>> {
    let Verdict::Form(members) = verdict else {
        return None;
    };
    let mut lasts: Vec<u8> = members
        .iter()
        .map(|member| match member.address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        })
        .collect();
    lasts.sort_unstable();
    Some(lasts)
}

#[test]
fn a_node_alone_waits_for_its_first_round_and_then_stands_alone() {
    assert!(matches!(
        decide(&Situation {
            ready: false,
            ..situation(5, None, &[])
        }),
        Verdict::Stay
    ));
    assert_eq!(formed(&decide(&situation(5, None, &[]))), Some(vec![5]));
    assert!(matches!(
        decide(&situation(5, Some(&cluster([5])), &[])),
        Verdict::Stay
    ));
}

#[test]
fn those_that_start_together_are_one_cluster_in_the_first_round() {
    let starting = Neighbour {
        ready: false,
        mutual_for: Duration::ZERO,
        ..neighbour(5, None)
    };
    assert_eq!(
        formed(&decide(&situation(6, None, &[starting]))),
        Some(vec![5, 6])
    );
    assert!(matches!(
        decide(&situation(5, None, &[neighbour(6, None)])),
        Verdict::Stay
    ));
}

#[test]
fn a_newcomer_is_watched_before_it_is_taken_in() {
    let (mine, alone) = (cluster([6]), cluster([5]));
    let fresh = Neighbour {
        mutual_for: SETTLE / 2,
        ..neighbour(5, Some(&alone))
    };
    assert!(matches!(
        decide(&situation(6, Some(&mine), &[fresh])),
        Verdict::Stay
    ));
    let settled = [neighbour(5, Some(&alone))];
    assert_eq!(
        formed(&decide(&situation(6, Some(&mine), &settled))),
        Some(vec![5, 6])
    );
    let starting = [Neighbour {
        ready: false,
        ..neighbour(5, None)
    }];
    assert!(matches!(
        decide(&situation(6, Some(&mine), &starting)),
        Verdict::Stay
    ));
}

#[test]
fn the_highest_id_decides_and_the_others_follow() {
    let (mine, theirs) = (cluster([1, 2]), cluster([8, 9]));
    let neighbours = [
        neighbour(8, Some(&theirs)),
        neighbour(9, Some(&theirs)),
        neighbour(1, Some(&mine)),
    ];
    assert!(matches!(
        decide(&situation(2, Some(&mine), &neighbours)),
        Verdict::Stay
    ));
    let merged = cluster([1, 2, 8, 9]);
    let neighbours = [neighbour(9, Some(&merged)), neighbour(1, Some(&mine))];
    let Verdict::Adopt(adopted) = decide(&situation(2, Some(&mine), &neighbours)) else {
        panic!("not adopted")
    };
    assert_eq!(adopted.key(), merged.key());
    assert!(matches!(
        decide(&situation(2, Some(&merged), &neighbours)),
        Verdict::Stay
    ));
}

#[test]
fn who_is_gone_is_left_out_at_once() {
    let mine = cluster([5, 6, 7]);
    let left = [neighbour(5, Some(&mine))];
    assert_eq!(
        formed(&decide(&situation(6, Some(&mine), &left))),
        Some(vec![5, 6]),
        "the principal has died"
    );
    let restarted = Neighbour {
        member: Member {
            incarnation: 2,
            ..member(5)
        },
        ..neighbour(5, None)
    };
    let neighbours = [restarted, neighbour(6, Some(&mine))];
    assert_eq!(
        formed(&decide(&situation(7, Some(&mine), &neighbours))),
        Some(vec![5, 6, 7]),
        "came back empty"
    );
}

#[test]
fn nobody_takes_a_follower_from_a_principal_above() {
    let theirs = cluster([5, 9]);
    let follower = [neighbour(5, Some(&theirs))];
    let mine = cluster([6]);
    assert!(matches!(
        decide(&situation(6, Some(&mine), &follower)),
        Verdict::Stay
    ));
}

#[test]
fn the_ninth_is_left_out() {
    let full = cluster(1..=8);
    let mut neighbours: Vec<Neighbour> = (1..8).map(|last| neighbour(last, Some(&full))).collect();
    neighbours.push(neighbour(9, Some(&cluster([9]))));
    assert!(
        matches!(
            decide(&situation(8, Some(&full), &neighbours)),
            Verdict::Stay
        ),
        "full"
    );
    let neighbours: Vec<Neighbour> = (1..=8).map(|last| neighbour(last, Some(&full))).collect();
    assert_eq!(
        formed(&decide(&situation(9, None, &neighbours))),
        Some(vec![9]),
        "alone, although the highest"
    );
    assert!(matches!(
        decide(&situation(9, Some(&cluster([9])), &neighbours)),
        Verdict::Stay
    ));
}

#[test]
fn two_fragments_over_the_limit_fill_one_cluster() {
    let (low, high) = (cluster(1..=5), cluster(6..=10));
    let neighbours: Vec<Neighbour> = (1..=5)
        .map(|last| neighbour(last, Some(&low)))
        .chain((6..10).map(|last| neighbour(last, Some(&high))))
        .collect();
    assert_eq!(
        formed(&decide(&situation(10, Some(&high), &neighbours))),
        Some((3..=10).collect())
    );
}

#[test]
fn recluster_forms_anew() {
    let mine = cluster([5, 6]);
    let neighbours = [neighbour(5, Some(&mine))];
    let asked = Situation {
        recluster: true,
        ..situation(6, Some(&mine), &neighbours)
    };
    assert_eq!(formed(&decide(&asked)), Some(vec![5, 6]));
}

/// Recorded from Community Edition: nine that have met become a cluster of seven, and two are in none.
#[test]
fn nine_that_meet_are_not_eight_and_one() {
    let known: HashSet<NodeId> = (1..=9).map(|last| member(last).id).collect();
    let all_but = |left_out: &[u8]| -> HashSet<NodeId> {
        let mut hears = known.clone();
        left_out.iter().for_each(|last| {
            hears.remove(&member(*last).id);
        });
        hears
    };
    // 9 ignores 8, and 1 and 2 ignore each other.
    let neighbours: Vec<Neighbour> = (1..=7)
        .map(|last| Neighbour {
            hears: match last {
                1 => all_but(&[1, 2]),
                2 => all_but(&[1, 2]),
                _ => all_but(&[last, 8]),
            },
            ..neighbour(last, Some(&cluster([last])))
        })
        .collect();
    let alone = cluster([9]);
    let nine = Situation {
        known: &known,
        ..situation(9, Some(&alone), &neighbours)
    };
    assert_eq!(formed(&decide(&nine)), Some(vec![2, 3, 4, 5, 6, 7, 9]));
    let seven = cluster([2, 3, 4, 5, 6, 7, 9]);
    let neighbours = [neighbour(9, Some(&seven))];
    for stranded in [1, 8] {
        let alone = cluster([stranded]);
        let stranded = Situation {
            known: &known,
            ..situation(stranded, Some(&alone), &neighbours)
        };
        assert!(matches!(decide(&stranded), Verdict::Orphan));
    }
}
