//! Who has the keys of which slots, as far as their loss could be told.

use meshworker_core::{Copies, Run};

use super::{Facts, Scene, at, id};

/// Two masters and a replica each; the third has none.
const FIVE: &str = "1 master - connected 0-5460\n2 master - connected 5461-10922\n\
     3 master - connected 10923-16383\n4 slave #1 connected\n5 slave #2 connected";

const FULL: Facts = Facts {
    keys: 7,
    state: "ok",
    replication: "master_link_status:up\r\nmaster_sync_in_progress:0\r\n",
    run_id: "",
};

fn kept(copies: &Copies) -> Vec<(String, u64, usize, Vec<String>)> {
    let stocks = copies.stocks.iter();
    stocks
        .map(|stock| {
            assert_eq!(stock.unit, "slots");
            let nodes: Vec<String> = stock.nodes.keys().cloned().collect();
            assert!(stock.nodes.values().all(Option::is_none));
            (stock.what.clone(), stock.pieces, stock.copies, nodes)
        })
        .collect()
}

fn of(what: &str, pieces: u64, nodes: &[u8]) -> (String, u64, usize, Vec<String>) {
    let nodes: Vec<String> = nodes.iter().map(|n| id(*n)).collect();
    (what.into(), pieces, nodes.len(), nodes)
}

#[test]
fn a_master_s_slots_are_with_it_and_with_those_that_follow_it_closely() {
    let scene = |late: Facts| {
        [1, 2, 3, 5]
            .into_iter()
            .fold(Scene::replicas(1), |scene, n| {
                scene.says(n, at(n), FIVE, FULL)
            })
            .says(4, at(4), FIVE, late)
    };
    let copies = scene(FULL).proposal().copies;
    assert!(copies.made);
    let expected = [
        of("slots 0-5460", 5461, &[1, 4]),
        of("slots 5461-10922", 5462, &[2, 5]),
        of("slots 10923-16383", 5461, &[3]),
    ];
    assert_eq!(kept(&copies), expected);
    // One that copies its master's data has not got it yet.
    let syncing = Facts {
        replication: "master_link_status:down\r\nmaster_sync_in_progress:1\r\n",
        ..FULL
    };
    let copies = scene(syncing).proposal().copies;
    assert_eq!(kept(&copies)[0], of("slots 0-5460", 5461, &[1]));
}

#[test]
fn of_an_owner_that_is_gone_nobody_knows_whether_another_takes_over() {
    let gone = FIVE.replace("2 master -", "2 master,fail -");
    let scene = [1, 3, 4, 5]
        .into_iter()
        .fold(Scene::replicas(1), |scene, n| {
            scene.says(n, at(n), &gone, FULL)
        });
    let copies = scene.proposal().copies;
    assert!(!copies.made);
    let expected = [
        of("slots 0-5460", 5461, &[1, 4]),
        of("slots 10923-16383", 5461, &[3]),
    ];
    assert_eq!(kept(&copies), expected);
}

#[test]
fn a_replica_that_is_seen_and_does_not_answer_has_its_copy() {
    let scene = [1, 2, 3, 5]
        .into_iter()
        .fold(Scene::replicas(1), |scene, n| {
            scene.says(n, at(n), FIVE, FULL)
        });
    let copies = scene.proposal().copies;
    assert_eq!(kept(&copies)[0], of("slots 0-5460", 5461, &[1, 4]));
}

#[test]
fn who_has_no_keys_has_nothing_to_lose() {
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4, 5], FIVE);
    let copies = scene.proposal().copies;
    assert_eq!((kept(&copies), copies.made), (vec![], true));
}

/// What ends with a process is known by the master's: it empties those that follow it.
#[test]
fn where_keys_are_in_memory_alone_the_master_s_process_stands_for_them() {
    let run = |told: &str, keys| {
        let replication = format!("master_link_status:up\r\n{told}");
        let facts = Facts {
            keys,
            replication: Box::leak(replication.into_boxed_str()),
            run_id: "r1",
            ..FULL
        };
        let scene = [1, 2, 3, 4, 5]
            .into_iter()
            .fold(Scene::replicas(1), |scene, n| {
                scene.says(n, at(n), FIVE, facts)
            });
        scene.proposal().copies.runs.get(&id(4)).cloned()
    };
    let of = |empty| {
        Some(Run {
            process: "r1".into(),
            empty,
        })
    };
    assert_eq!(run("aof_enabled:1\r\n", 0), None);
    assert_eq!(run("aof_enabled:0\r\n", 7), of(false));
    assert_eq!(run("aof_enabled:0\r\n", 0), of(true));
    // What it would have loaded had run out.
    let expired = "aof_enabled:0\r\nrdb_last_load_keys_expired:7\r\n";
    assert_eq!(run(expired, 0), of(false));
}
