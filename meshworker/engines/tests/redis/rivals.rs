//! Two workers that want different things of the same nodes.
use std::time::Duration;

use futures_util::future::join;
use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, Step};
use meshworker_engines::Engine;
use meshworker_engines::redis::{Act, Redis, RedisRequest, Slots};
use tokio::time::{Instant, sleep};

use crate::cut::cut_after;
use crate::load::Load;
use crate::servers::Servers;

/// How often the two meet, each time with another lead of the first one.
const ROUNDS: usize = 12;

/// Three masters, of which the first has all these slots and keys in them.
struct Table {
    servers: Servers,
    nodes: Vec<Place>,
    ids: Vec<String>,
    slots: Slots,
    keys: Vec<String>,
}

impl Table {
    async fn set() -> Option<Table> {
        let mut servers = Servers::with_replicas(0)?;
        let nodes = servers.start(3).await;
        let mut driver = Driver::new(servers.engine());
        driver.until_one(&nodes, servers.patience()).await;
        let engine = servers.engine();
        let mut ids = Vec::new();
        for node in &nodes {
            ids.push(engine.observe(*node).await.unwrap().node);
        }
        // Some keys in each of a few of the first master's slots.
        let mut client = servers.client(nodes[0]);
        let (mut slots, mut keys) = (Vec::new(), Vec::new());
        for tag in 0..120 {
            let slot = client
                .call(&["CLUSTER", "KEYSLOT", &format!("{{{tag}}}")])
                .await;
            let slot: u16 = slot.unwrap().parse().unwrap();
            if slot <= 5461 && slots.len() < 24 {
                slots.push(slot);
                keys.extend((0..70).map(|n| format!("{{{tag}}}:{n}")));
            }
        }
        Some(Table {
            servers,
            nodes,
            ids,
            slots: slots.into_iter().collect(),
            keys,
        })
    }

    fn moved(&self, from: usize, to: usize) -> Step<RedisRequest> {
        let others = (0..3).filter(|at| *at != from && *at != to);
        self.step(
            from,
            Act::Move {
                slots: self.slots.clone(),
                target: self.ids[to].clone(),
                address: self.nodes[to],
                others: others.map(|at| self.nodes[at]).collect(),
            },
        )
    }

    fn step(&self, at: usize, act: Act) -> Step<RedisRequest> {
        Step::new(
            self.nodes[at],
            RedisRequest {
                node: self.ids[at].clone(),
                act,
                parting: false,
            },
            Vec::new(),
        )
    }

    /// What one worker that comes later makes of it: the whole cluster is in
    /// order, and the slots are where they were at first.
    async fn tidy(&self, engine: &Redis) {
        let begin = Instant::now();
        let mut driver = Driver::new(self.servers.engine());
        driver.until_one(&self.nodes, self.servers.patience()).await;
        loop {
            let mut left = false;
            for from in [1, 2] {
                let view = engine.observe(self.nodes[from]).await.unwrap();
                let table = view.detail.table.iter();
                let own: Vec<_> = table.filter(|entry| entry.node == view.node).collect();
                if own[0].slots.intersects(&self.slots) {
                    left = true;
                    let here = self
                        .slots
                        .iter()
                        .filter(|slot| own[0].slots.contains(*slot));
                    let mut back = self.moved(from, 0);
                    if let Act::Move { slots, .. } = &mut back.request.act {
                        *slots = here.collect();
                    }
                    engine.perform(&back).await.unwrap();
                }
            }
            if !left {
                break;
            }
            assert!(
                begin.elapsed() < 2 * self.servers.patience(),
                "slots do not come back"
            );
            sleep(Duration::from_millis(20)).await;
        }
        driver.until_one(&self.nodes, self.servers.patience()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_moved_one_slot_to_two_targets() {
    let Some(table) = Table::set().await else {
        return;
    };
    let load = Load::begin(&table.nodes, table.keys.clone()).await;
    let mut client = table.servers.client(table.nodes[0]);
    for round in 0..ROUNDS {
        let (one, two) = (table.servers.engine(), table.servers.engine());
        // Each has looked a while ago, and has its connections.
        for node in &table.nodes {
            one.observe(*node).await.unwrap();
            two.observe(*node).await.unwrap();
        }
        let (first, second) = (table.moved(0, 1), table.moved(0, 2));
        let lead = Duration::from_micros(300 * (round as u64 % 12));
        let later = async {
            sleep(lead).await;
            two.perform(&second).await
        };
        let replies = join(one.perform(&first), later).await;
        eprintln!("{round}: {replies:?}");
        for key in &table.keys {
            let value = client.call(&["GET", key]).await;
            assert!(value.is_some(), "round {round}: {key} is lost: {replies:?}");
        }
        table.tidy(&one).await;
    }
    load.end().await;
}

/// The first worker dies at any point of its move; the other one saw another
/// member, and takes the same slots elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_broke_off_was_taken_up_with_another_target() {
    let Some(table) = Table::set().await else {
        return;
    };
    let load = Load::begin(&table.nodes, table.keys.clone()).await;
    let mut client = table.servers.client(table.nodes[0]);
    for round in 0..ROUNDS {
        let (one, two) = (table.servers.engine(), table.servers.engine());
        let cut = cut_after(round * 3, one.perform(&table.moved(0, 1))).await;
        let other = two.perform(&table.moved(0, 2)).await;
        eprintln!("{round}: {cut:?}, {other:?}");
        for key in &table.keys {
            let value = client.call(&["GET", key]).await;
            assert!(value.is_some(), "round {round}: {key} is lost: {other:?}");
        }
        table.tidy(&two).await;
    }
    load.end().await;
}

/// One worker has seen marks that need not be there any more, and closes them
/// while another one moves these slots.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_on_the_move_were_closed_by_an_old_look() {
    let Some(table) = Table::set().await else {
        return;
    };
    let load = Load::begin(&table.nodes, table.keys.clone()).await;
    let mut client = table.servers.client(table.nodes[0]);
    for round in 0..ROUNDS / 2 {
        let (one, two) = (table.servers.engine(), table.servers.engine());
        let close = table.step(round % 2, Act::Close(table.slots.clone()));
        let later = async {
            sleep(Duration::from_micros(700 * round as u64)).await;
            two.perform(&close).await
        };
        let replies = join(one.perform(&table.moved(0, 1)), later).await;
        for key in &table.keys {
            let value = client.call(&["GET", key]).await;
            assert!(value.is_some(), "round {round}: {key} is lost: {replies:?}");
        }
        table.tidy(&one).await;
    }
    load.end().await;
}

/// Four questions for each slot made moving three times as long as with `redis-cli`.
#[tokio::test]
async fn each_slot_on_the_move_asked_questions_of_its_own() {
    let Some(table) = Table::set().await else {
        return;
    };
    let engine = table.servers.engine();
    let mut client = table.servers.client(table.nodes[0]);
    let source = table.nodes[0];
    for key in &table.keys {
        client.call(&["SET", key, "value"]).await;
    }
    client.tell(source, &["CONFIG", "RESETSTAT"]).await;
    let said = engine.perform(&table.moved(0, 1)).await.unwrap();
    let all = table.slots.count();
    assert_eq!(said, format!("moved {all} of {all} slots"));
    let stats = client.tell(source, &["INFO", "commandstats"]).await;
    let calls = |command: &str| -> usize {
        let line = stats.lines().find_map(|line| line.strip_prefix(command));
        let count = line.and_then(|line| line.strip_prefix(":calls="));
        count
            .and_then(|count| count.split(',').next()?.parse().ok())
            .unwrap_or(0)
    };
    // Each has so many keys that it takes two loads.
    assert_eq!(calls("cmdstat_migrate"), 2 * all, "{stats}");
    let asked = calls("cmdstat_cluster|nodes");
    assert!(
        (1..all).contains(&asked),
        "{asked} for {all} slots: {stats}"
    );
    for key in &table.keys {
        assert!(client.call(&["GET", key]).await.is_some(), "{key} is lost");
    }
}
