//! Members at rest are asked little, and nothing changes unseen.
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, View};
use meshworker_engines::Engine;
use meshworker_engines::redis::{Detail, Redis};
use tokio::time::{Instant, sleep};

use crate::servers::{PORT, Servers};

/// How often a node was asked by these names of commands.
async fn asked(servers: &Servers, node: Place, commands: &[&str]) -> Vec<u64> {
    let mut client = servers.client(node);
    let stats = client.tell(node, &["INFO", "commandstats"]).await;
    let calls = |command: &&str| {
        let line = stats.lines().find_map(|line| {
            let rest = line.strip_prefix("cmdstat_")?.strip_prefix(*command)?;
            rest.strip_prefix(":calls=")
        });
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    commands.iter().map(calls).collect()
}

#[tokio::test]
async fn at_rest_a_member_is_asked_one_short_question() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let names = ["evalsha_ro", "eval_ro", "dbsize"];
    for node in &nodes {
        let begin = Instant::now();
        // One of sixteen asks for everything; a script's own commands count as well.
        let mut more = Vec::new();
        while more != [15, 1, 17] {
            // A look more where something was still changing.
            assert!(begin.elapsed() < servers.patience(), "{node}: {more:?}");
            let before = asked(&servers, *node, &names).await;
            for _ in 0..16 {
                view(&driver.engine, *node).await;
            }
            let after = asked(&servers, *node, &names).await;
            more = after.iter().zip(before).map(|(a, b)| a - b).collect();
        }
    }
}

async fn view(engine: &Redis, node: Place) -> View<Detail> {
    engine.observe(node).await.unwrap()
}

/// The same without figures, which change all the time.
fn lasting(view: View<Detail>) -> View<Detail> {
    let mut view = view;
    view.holdings.figures.clear();
    view
}

/// What the nodes say to somebody who asks for everything; none while it changes
/// between two looks.
async fn everything(servers: &Servers, nodes: &[Place]) -> Vec<Option<View<Detail>>> {
    let mut views = Vec::new();
    for node in nodes {
        views.push(servers.engine().observe(*node).await.ok().map(lasting));
    }
    views
}

/// Does this to a cluster, and waits until everybody tells the same as to a worker
/// that has just started, and not what they told before.
async fn seen(
    servers: &Servers,
    engine: &Redis,
    nodes: &[Place],
    what: &str,
    acts: &[Vec<String>],
) {
    let before = everything(servers, nodes).await;
    // All of it is known, and at rest nothing is asked but a digest.
    for node in nodes {
        let _ = engine.observe(*node).await;
        let _ = engine.observe(*node).await;
    }
    for act in acts {
        let (node, words) = act.split_first().unwrap();
        let node: Place = node.parse().unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = servers.client(node).tell(node, &words).await;
        assert!(!said.starts_with("ERR"), "{what}: {said}");
    }
    until_like_new(servers, engine, nodes, &before, what).await;
}

fn act(node: Place, words: &str) -> Vec<String> {
    let words = words.split(' ').map(str::to_owned);
    [node.to_string()].into_iter().chain(words).collect()
}

#[tokio::test]
async fn nothing_changes_unseen_although_little_is_asked() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.announced = Some("db".into());
    let mut nodes = servers.start(6).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let engine = servers.engine();
    let first = view(&engine, nodes[0]).await;
    let table = first.detail.table.clone();
    let masters: Vec<_> = table.iter().filter(|entry| !entry.replica).collect();
    let at = |id: &str| {
        let entry = table.iter().find(|entry| entry.node == id).unwrap();
        entry.address.unwrap()
    };
    let follows = |master: &str| {
        let mut entries = table.iter();
        let entry = entries.find(|entry| entry.master.as_deref() == Some(master));
        entry.unwrap().address.unwrap()
    };
    let [a, b, c] = [0, 1, 2].map(|n| masters[n].node.clone());
    let slot = masters[0].slots.iter().next().unwrap();
    let (source, target) = (at(&a), at(&b));

    let see = |what: &'static str, acts: Vec<Vec<String>>| {
        let (servers, engine, nodes) = (&servers, &engine, &nodes);
        async move { seen(servers, engine, nodes, what, &acts).await }
    };
    let name = act(nodes[3], "CONFIG SET cluster-announce-hostname db.77.other");
    see("a host name", vec![name]).await;
    let open = act(source, &format!("CLUSTER SETSLOT {slot} MIGRATING {b}"));
    see("a slot that is open at its source", vec![open]).await;
    let open = act(target, &format!("CLUSTER SETSLOT {slot} IMPORTING {a}"));
    see("a slot that is open at its target", vec![open]).await;
    let moved = format!("CLUSTER SETSLOT {slot} NODE {b}");
    let moved = vec![act(target, &moved), act(source, &moved)];
    see("a slot's owner", moved).await;
    let replicate = act(follows(&a), &format!("CLUSTER REPLICATE {c}"));
    see("whom a replica follows", vec![replicate]).await;
    let failover = act(follows(&b), "CLUSTER FAILOVER");
    see("who is the master", vec![failover]).await;

    // A link that is down, and then up at another address.
    let before = everything(&servers, &nodes[..5]).await;
    for node in &nodes {
        view(&engine, *node).await;
    }
    let gone = nodes.pop().unwrap();
    let dir = servers.stop(gone);
    until_like_new(&servers, &engine, &nodes, &before, "a link").await;
    let down = everything(&servers, &nodes).await;
    let back = servers.start_one(Some(dir)).await;
    let mut client = servers.client(nodes[0]);
    let port = PORT.to_string();
    let back = back.to_string();
    client
        .tell(nodes[0], &["CLUSTER", "MEET", &back, &port])
        .await;
    until_like_new(&servers, &engine, &nodes, &down, "an address").await;
}

/// Waits until the nodes tell something else than this, and the same to a worker
/// that has just started.
async fn until_like_new(
    servers: &Servers,
    engine: &Redis,
    nodes: &[Place],
    before: &[Option<View<Detail>>],
    what: &str,
) {
    let begin = Instant::now();
    loop {
        let first = everything(servers, nodes).await;
        let mut kept = Vec::new();
        for node in nodes {
            kept.push(engine.observe(*node).await.ok().map(lasting));
        }
        let second = everything(servers, nodes).await;
        if first == second {
            assert_eq!(kept, first, "{what}");
            if first != before {
                return;
            }
        }
        let patience = servers.patience();
        assert!(begin.elapsed() < patience, "{what}: {first:#?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Both are told by nothing but `INFO` and its configuration.
#[tokio::test]
async fn a_master_that_misses_replicas_or_a_snapshot_was_joined_and_well() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let node = servers.start(1).await[0];
    let engine = servers.engine();
    let refuses = || async { view(&engine, node).await.holdings.refuses_writes };
    assert_eq!(refuses().await, None);
    let mut client = servers.client(node);
    let few = ["CONFIG", "SET", "min-replicas-to-write", "2"];
    client.tell(node, &few).await;
    let few = "it has 0 replicas in time, and min-replicas-to-write asks for 2";
    assert_eq!(refuses().await.as_deref(), Some(few));
    // The same from a look that asks only whether anything has changed.
    assert_eq!(refuses().await.as_deref(), Some(few));
    let none = ["CONFIG", "SET", "min-replicas-to-write", "0"];
    client.tell(node, &none).await;
    assert_eq!(refuses().await, None);
    // Where it would write a snapshot there is a folder.
    client
        .tell(node, &["CONFIG", "SET", "save", "3600 1"])
        .await;
    client
        .tell(node, &["CONFIG", "SET", "rdbcompression", "no"])
        .await;
    std::fs::create_dir(servers.dir(node).join("dump.rdb")).unwrap();
    client.tell(node, &["BGSAVE"]).await;
    let begin = Instant::now();
    loop {
        if let Some(why) = refuses().await {
            let failed = "its last snapshot failed, and stop-writes-on-bgsave-error is yes";
            assert_eq!(why, failed);
            return;
        }
        assert!(begin.elapsed() < servers.patience(), "no word of it");
        sleep(Duration::from_millis(20)).await;
    }
}

/// It was joined, its data in place, and writes failed.
#[tokio::test]
async fn a_full_master_at_rest_says_so_in_the_next_look() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let node = servers.start(1).await[0];
    let engine = servers.engine();
    let first = view(&engine, node).await.holdings;
    let whats: Vec<_> = first.figures.iter().map(|figure| figure.what).collect();
    assert_eq!(
        (&*whats, first.refuses_writes),
        (&["slots", "keys", "memory"][..], None)
    );
    let mut client = servers.client(node);
    client
        .tell(node, &["CONFIG", "SET", "maxmemory", "1"])
        .await;
    // The next look is a short one.
    let full = view(&engine, node).await.holdings.refuses_writes;
    assert!(
        full.unwrap()
            .contains("of 1 bytes, maxmemory-policy noeviction")
    );
    client
        .tell(node, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])
        .await;
    assert_eq!(view(&engine, node).await.holdings.refuses_writes, None);
}
