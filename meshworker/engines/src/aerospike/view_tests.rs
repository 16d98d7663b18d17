use std::sync::Arc;

use super::super::detail::Edition;
use super::*;
use meshworker_core::Place;

fn ip(text: &str) -> Place {
    text.parse().unwrap()
}

const STATISTICS: &str = "failed_best_practices=false;cluster_size=3;cluster_key=9C63D2394FBF;cluster_generation=1;cluster_principal=BB90701000A4202;cluster_integrity=true;cluster_is_member=true;uptime=27;migrate_allowed=true;migrate_partitions_remaining=0;objects=0";

fn recorded() -> [Value<'static>; QUESTIONS] {
    [
        Value::Data("BB90501000A4202"),
        Value::Data("8.0.0.15"),
        Value::Data("Aerospike Community Edition"),
        Value::Data("mesh-it"),
        Value::Data(STATISTICS),
        Value::Data("10.0.1.5:3000"),
        Value::Data("4,3000,[[BB90701000A4202,,[10.0.1.7]],[BB90601000A4202,,[10.0.1.6]]]"),
        Value::Error {
            code: Some(4),
            text: "unrecognized command",
        },
        Value::Data("10.0.1.6:3000;10.0.1.7:3000"),
        Value::Data("test"),
    ]
}

fn peer(node: &str, address: &str) -> Peer {
    Peer {
        node: node.into(),
        address: Some(ip(address)),
        alive: true,
    }
}

#[test]
fn recorded_answers_become_the_view() {
    let found = read(ip("10.0.1.5"), &recorded(), &Lists::default()).unwrap();
    let view = View {
        node: "BB90501000A4202".into(),
        cluster_name: Some("mesh-it".into()),
        role: None,
        size: 3,
        peers: Arc::from([
            peer("BB90501000A4202", "10.0.1.5"),
            peer("BB90601000A4202", "10.0.1.6"),
            peer("BB90701000A4202", "10.0.1.7"),
        ]),
        working: None,
        holdings: Default::default(),
        detail: Detail {
            build: "8.0.0.15".into(),
            edition: Edition::Community,
            key: NonZeroU64::new(0x9C63_D239_4FBF).map(ClusterKey),
            integrity: true,
            is_member: true,
            principal: Some("BB90701000A4202".into()),
            uptime: 27,
            departed: Arc::from([]),
            namespaces: None,
            to_send: None,
        },
    };
    let expected = Read {
        view,
        migration: Migration::Done,
        namespaces: Some(vec!["test".into()]),
    };
    assert_eq!(found, expected);
}

#[test]
fn members_that_see_the_same_share_one_list() {
    let lists = Lists::default();
    let Read { view: first, .. } = read(ip("10.0.1.5"), &recorded(), &lists).unwrap();
    let mut second = recorded();
    second[0] = Value::Data("BB90601000A4202");
    second[5] = Value::Data("10.0.1.6:3000");
    second[6] = Value::Data("9,3000,[[BB90501000A4202,,[10.0.1.5]],[BB90701000A4202,,[10.0.1.7]]]");
    let Read { view: second, .. } = read(ip("10.0.1.6"), &second, &lists).unwrap();
    assert!(Arc::ptr_eq(&first.peers, &second.peers));
    assert!(Arc::ptr_eq(&first.detail.departed, &second.detail.departed));
}

#[test]
fn a_node_that_has_not_clustered_yet_is_alone() {
    let mut answers = recorded();
    answers[4] = Value::Data("cluster_size=0;cluster_key=0;cluster_integrity=false");
    answers[6] = Value::Data("0,3000,[]");
    answers[8] = Value::Data("");
    let Read {
        view, migration, ..
    } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
    assert_eq!((view.size, view.detail.key), (0, None));
    assert_eq!(*view.peers, [peer("BB90501000A4202", "10.0.1.5")]);
    assert_eq!(migration, Migration::Unsaid);
}

#[test]
fn former_peers_are_those_that_are_not_alive() {
    let mut answers = recorded();
    answers[8] = Value::Data("10.0.1.9:3000;10.0.1.6:3000;10.0.1.8:3000;10.0.1.7:3000");
    let Read { view, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
    assert_eq!(*view.detail.departed, [ip("10.0.1.8"), ip("10.0.1.9")]);
}

#[test]
fn the_newer_list_of_former_peers_knows_which_addresses_are_one_node() {
    let mut answers = recorded();
    answers[6] = Value::Data("4,3000,[[BB90601000A4202,,[172.18.0.3,10.0.1.6]]]");
    answers[7] = Value::Data(
        "4,3000,[[BB90601000A4202,,[172.18.0.3,10.0.1.6]],[BB90801000A4202,,[172.18.0.4,10.0.1.8]]]",
    );
    answers[8] = Value::Data("172.18.0.3:3000;10.0.1.6:3000;172.18.0.4:3000;10.0.1.8:3000");
    let Read { view, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
    assert_eq!(view.peers[1], peer("BB90601000A4202", "10.0.1.6"));
    assert_eq!(*view.detail.departed, [ip("10.0.1.8")]);
}

#[test]
fn a_former_peer_whose_address_lives_on_is_not_gone() {
    let mut answers = recorded();
    answers[6] = Value::Data("4,3000,[[BB90601000A4203,,[10.0.1.6]]]");
    answers[7] = Value::Data("4,3000,[[BB90601000A4202,,[10.0.1.6]]]");
    let Read { view, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
    assert!(view.detail.departed.is_empty());
}

#[test]
fn migrations_are_named() {
    for (statistics, expected) in [
        (
            "migrate_allowed=true;migrate_partitions_remaining=123",
            Migration::Pending("123 partitions to send or receive".into()),
        ),
        (
            "migrate_allowed=false;migrate_partitions_remaining=0",
            Migration::Pending("partitions about to be assigned anew".into()),
        ),
        ("", Migration::Unsaid),
    ] {
        let statistics = format!("cluster_size=1;cluster_key=1;{statistics}");
        let mut answers = recorded();
        answers[4] = Value::Data(&statistics);
        let Read { migration, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
        assert_eq!(migration, expected, "{statistics}");
    }
}

/// Either says so: rest is only what neither contradicts.
#[test]
fn partitions_move_when_the_sum_or_a_namespace_says_so() {
    let contents = |said: &'static str| Contents::read([("test", Value::Data(said))]).unwrap();
    let busy = contents("migrate_tx_partitions_remaining=7;migrate_rx_partitions_remaining=2");
    let calm = contents("migrate_tx_partitions_remaining=0;migrate_rx_partitions_remaining=0");
    let mute = contents("objects=7");
    let sum = || Migration::Pending("9 partitions to send or receive".into());
    let moving = Some("7 partitions to send, 2 to receive");
    let unsaid = Some("it does not say whether partitions move");
    for (migration, contents, expected) in [
        (sum(), Some(&busy), moving),
        (sum(), Some(&calm), Some("9 partitions to send or receive")),
        (sum(), None, Some("9 partitions to send or receive")),
        (Migration::Done, Some(&busy), moving),
        (Migration::Done, Some(&mute), None),
        (Migration::Done, None, None),
        (Migration::Unsaid, Some(&busy), moving),
        (Migration::Unsaid, Some(&calm), None),
        (Migration::Unsaid, Some(&mute), unsaid),
        (Migration::Unsaid, None, unsaid),
    ] {
        let said = format!("{migration:?} {contents:?}");
        assert_eq!(migration.working(contents).as_deref(), expected, "{said}");
    }
}

#[test]
fn a_name_that_is_not_set_is_none() {
    for unset in ["null", ""] {
        let mut answers = recorded();
        answers[3] = Value::Data(unset);
        let Read { view, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
        assert_eq!(view.cluster_name, None);
    }
}

#[test]
fn errors_and_odd_answers_give_no_view() {
    let refused = Value::Error {
        code: Some(80),
        text: "not authenticated",
    };
    for (at, value, expected) in [
        (0, refused, Unanswered::Denied("not authenticated".into())),
        (
            4,
            Value::Data("uptime=3"),
            Unanswered::Garbage("statistics: no usable 'cluster_size'".into()),
        ),
        (
            4,
            Value::Data("cluster_size=3;cluster_key=what"),
            Unanswered::Garbage("statistics: no usable 'cluster_key'".into()),
        ),
        (6, Value::Data("4,3000"), odd(Odd)),
    ] {
        let mut answers = recorded();
        answers[at] = value;
        let view = read(ip("10.0.1.5"), &answers, &Lists::default());
        assert_eq!(view, Err(expected));
    }
}

/// 8.1 says it in another command, with other things beside it.
#[test]
fn the_edition_is_read_in_either_form() {
    let said = "edition=Aerospike Enterprise Edition;version=8.1.2.0;os=debian12;arch=x86_64;sha=1";
    for (said, expected) in [
        (said, Edition::Enterprise),
        ("Aerospike Community Edition", Edition::Community),
        ("version=8.1.2.0", Edition::Other),
    ] {
        let mut answers = recorded();
        answers[2] = Value::Data(said);
        let Read { view, .. } = read(ip("10.0.1.5"), &answers, &Lists::default()).unwrap();
        assert_eq!(view.detail.edition, expected);
    }
}

#[test]
fn whatever_a_node_says_has_a_longest_length() {
    let long = "x".repeat(1 << 20);
    let principal = format!("cluster_size=3;cluster_key=1;cluster_principal={long}");
    let size = "cluster_size=18446744073709551616;cluster_key=1".to_owned();
    let size_text = format!("cluster_size={long};cluster_key=1");
    let uptime = "cluster_size=3;cluster_key=1;uptime=18446744073709551615".to_owned();
    let moves = "cluster_size=3;cluster_key=1;migrate_partitions_remaining=67108865".to_owned();
    let peers = format!("4,3000,[[{long},,[10.0.1.6]]]");
    let many: Vec<String> = (0..MOST_NODES + 1).map(|n| format!("[{n},,[]]")).collect();
    let many = format!("4,3000,[{}]", many.join(","));
    let error = Value::Error {
        code: Some(4),
        text: &long,
    };
    for (at, value, field) in [
        (0, Value::Data(&long), "node: found 1048576 bytes"),
        (1, Value::Data(&long), "build: found 1048576 bytes"),
        (3, Value::Data(&long), "cluster-name: found 1048576 bytes"),
        (
            4,
            Value::Data(&principal),
            "cluster_principal: found 1048576 bytes",
        ),
        (
            4,
            Value::Data(&size),
            "statistics: cluster_size: found '1844",
        ),
        (
            4,
            Value::Data(&size_text),
            "statistics: cluster_size: found 'xxx",
        ),
        (4, Value::Data(&uptime), "statistics: uptime: found '1844"),
        (
            4,
            Value::Data(&moves),
            "statistics: migrate_partitions_remaining: found '67108865'",
        ),
        (6, Value::Data(&peers), "the list of nodes"),
        (6, Value::Data(&many), "the list of nodes"),
        (7, Value::Data(&peers), "the list of nodes"),
        (1, error, "build: xxx"),
    ] {
        let mut answers = recorded();
        answers[at] = value;
        let Err(Unanswered::Garbage(why)) = read(ip("10.0.1.5"), &answers, &Lists::default())
        else {
            panic!("{field}: taken in");
        };
        assert!(why.starts_with(field) && why.len() < 400, "{field}: {why}");
    }
}
