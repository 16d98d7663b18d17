//! Keys that take long to move, and members that have no room.
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Gate, Place, Plan, Reason, Release, Step};
use meshworker_engines::redis::{Act, RedisRequest, Slots};
use meshworker_engines::{Engine, Failure};
use tokio::time::sleep;

use crate::client::Client;
use crate::servers::Servers;

/// Three masters, asked with the deadline that workers have.
struct Scales {
    servers: Servers,
    nodes: Vec<Place>,
    ids: Vec<String>,
    /// Tags whose keys are in slots of the first master, all different.
    tags: Vec<(String, u16)>,
}

impl Scales {
    async fn of(lines: &[&str]) -> Option<Scales> {
        let mut servers = Servers::with_replicas(0)?;
        servers.config = lines.iter().map(|line| (*line).to_owned()).collect();
        let nodes = servers.start(3).await;
        let mut driver = Driver::new(servers.engine());
        driver.until_one(&nodes, servers.patience()).await;
        servers.access.deadline = Duration::from_secs(1);
        let mut client = servers.client(nodes[0]);
        let (mut ids, mut tags) = (Vec::new(), Vec::new());
        for node in &nodes {
            ids.push(client.tell(*node, &["CLUSTER", "MYID"]).await);
        }
        for tag in 0..100 {
            let tag = format!("{{{tag}}}");
            let slot = client.call(&["CLUSTER", "KEYSLOT", &tag]).await;
            let slot: u16 = slot.unwrap().parse().unwrap();
            if slot <= 5461 && tags.len() < 6 {
                tags.push((tag, slot));
            }
        }
        Some(Scales {
            servers,
            nodes,
            ids,
            tags,
        })
    }

    fn slots(&self) -> Slots {
        self.tags.iter().map(|(_, slot)| *slot).collect()
    }

    /// Moves all these slots from the first master to the second.
    async fn moved(&self, slots: Slots) -> Result<String, Failure> {
        let step = Step::new(
            self.nodes[0],
            RedisRequest {
                node: self.ids[0].clone(),
                act: Act::Move {
                    slots,
                    target: self.ids[1].clone(),
                    address: self.nodes[1],
                    others: vec![self.nodes[2]],
                },
                parting: false,
            },
            Vec::new(),
        );
        self.servers.engine().perform(&step).await
    }

    /// Which of the slots a node owns, and which are on the move there.
    async fn at(&self, node: usize) -> (Vec<u16>, Vec<u16>) {
        let view = self
            .servers
            .engine()
            .observe(self.nodes[node])
            .await
            .unwrap();
        let own = view
            .detail
            .table
            .iter()
            .find(|entry| entry.node == view.node);
        let own = &own.unwrap().slots;
        let open = view.detail.open.iter().map(|open| open.slot).collect();
        let all = self.slots();
        (
            all.iter().filter(|slot| own.contains(*slot)).collect(),
            open,
        )
    }
}

#[tokio::test]
async fn a_key_that_took_longer_than_a_request_was_tried_for_ever() {
    let Some(scales) = Scales::of(&[]).await else {
        return;
    };
    let mut client = scales.servers.client(scales.nodes[0]);
    let key = format!("{}:big", scales.tags[2].0);
    client.call(&["SET", &key, &"x7".repeat(25_000_000)]).await;
    // More than one look may be needed, as the time of one is bounded.
    for _ in 0..10 {
        let reply = scales.moved(scales.slots()).await;
        eprintln!("{reply:?}");
        assert!(reply.is_ok(), "{reply:?}");
        if scales.at(1).await.0.len() == scales.tags.len() {
            break;
        }
    }
    let slots: Vec<u16> = scales.slots().iter().collect();
    assert_eq!(scales.at(1).await, (slots, vec![]));
    assert_eq!(scales.at(0).await, (vec![], vec![]));
    let size = client.call(&["STRLEN", &key]).await;
    assert_eq!(size.as_deref(), Some("50000000"));
}

/// The target was busy with a large key for longer than a request may take: what
/// had been opened was left open, and the move was told to have failed.
#[tokio::test]
async fn a_move_failed_because_its_largest_key_took_its_time() {
    let Some(mut scales) = Scales::of(&["enable-debug-command yes"]).await else {
        return;
    };
    scales.tags.sort_by_key(|(_, slot)| *slot);
    let mut client = scales.servers.client(scales.nodes[0]);
    let small = format!("{}:small", scales.tags[0].0);
    client.call(&["SET", &small, "1"]).await;
    let big = format!("{}:big", scales.tags[1].0);
    client.call(&["SET", &big, &"x7".repeat(25_000_000)]).await;
    // As soon as it has the small key it does nothing for a while.
    let (target, slot) = (scales.nodes[1], scales.tags[0].1.to_string());
    let busy = tokio::spawn(async move {
        let mut client = Client::of([target], None);
        let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot];
        while client.tell(target, &count).await == "0" {
            sleep(Duration::from_millis(2)).await;
        }
        client.tell(target, &["DEBUG", "SLEEP", "1.6"]).await
    });
    let told = scales.moved(scales.slots()).await.unwrap();
    busy.await.unwrap();
    assert!(told.starts_with("moved "), "{told}");
    // The slot of the large key has arrived; the next look finishes the rest.
    assert!(scales.at(1).await.0.contains(&scales.tags[1].1), "{told}");
    let told = scales.moved(scales.slots()).await.unwrap();
    for at in [0, 1] {
        assert_eq!(scales.at(at).await.1, Vec::<u16>::new(), "{told}");
    }
}

#[tokio::test]
async fn a_key_that_is_too_large_is_named_and_the_others_move() {
    let Some(scales) = Scales::of(&[]).await else {
        return;
    };
    let mut client = scales.servers.client(scales.nodes[0]);
    let (tag, stays) = &scales.tags[3];
    let big = format!("{tag}:big");
    client.call(&["SET", &big, &"x7".repeat(10_000_000)]).await;
    for (tag, _) in &scales.tags {
        client.call(&["SET", &format!("{tag}:small"), "1"]).await;
    }
    let timeout = |millis: &'static str| ["CONFIG", "SET", "cluster-node-timeout", millis];
    client.tell(scales.nodes[0], &timeout("900")).await;
    let reply = scales.moved(scales.slots()).await;
    let again = scales.moved([*stays].into_iter().collect()).await;
    client.tell(scales.nodes[0], &timeout("5000")).await;
    let told = reply.unwrap();
    assert!(told.contains("moved 5 of 6 slots"), "{told}");
    for part in [
        &format!("slot {stays}: key '{big}' has "),
        "900 ms",
        "raise cluster-node-timeout",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(matches!(again, Err(Failure::Refused(_))), "{again:?}");
    // It was not begun either: the slot is where it was.
    assert_eq!(scales.at(0).await, (vec![*stays], vec![]));
    assert_eq!(scales.at(1).await.1, Vec::<u16>::new());
    for (tag, _) in &scales.tags {
        let value = client.call(&["GET", &format!("{tag}:small")]).await;
        assert_eq!(value.as_deref(), Some("1"));
    }
    // With more time it moves.
    assert!(scales.moved(scales.slots()).await.is_ok());
    let size = client.call(&["STRLEN", &big]).await;
    assert_eq!(size.as_deref(), Some("20000000"));
    assert_eq!(scales.at(0).await.0, Vec::<u16>::new());
}

/// Nobody was told before the leaver's grace was over, and the key was tried with
/// every pass.
#[tokio::test]
async fn a_leaver_with_a_key_that_is_too_large_is_told_and_gives_the_rest() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(4).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let goes = nodes[3];
    let mut client = servers.client(nodes[0]);
    let mut keys = (0..).map(|n| format!("big:{n}"));
    let view = servers.engine().observe(goes).await.unwrap();
    let (key, slot) = loop {
        let key = keys.next().unwrap();
        let slot = client.call(&["CLUSTER", "KEYSLOT", &key]).await.unwrap();
        let slot: u16 = slot.parse().unwrap();
        let own = view.detail.table.iter().find(|one| one.node == view.node);
        if own.unwrap().slots.contains(slot) {
            break (key, slot);
        }
    };
    client.call(&["SET", &key, &"x7".repeat(10_000_000)]).await;
    let timeout = |millis: &'static str| ["CONFIG", "SET", "cluster-node-timeout", millis];
    client.tell(goes, &timeout("900")).await;
    driver.leaving.insert(goes);
    let stay = &nodes[..3];
    let named = |plan: &Plan<RedisRequest>| {
        let typed = plan.refusals.iter().any(|refusal| {
            let Reason::TooLarge {
                part, item, bytes, ..
            } = &refusal.reason
            else {
                return false;
            };
            let whole = *part == format!("slot {slot}") && *item == key && *bytes > 20_000_000;
            whole && refusal.what.contains(&goes.to_string())
        });
        let held = plan.leavers.iter().any(|leaver| match &leaver.release {
            Release::Held { gate, seen } => {
                *gate == Gate::DataSafe && seen.contains(&key) && seen.contains("1 slot")
            }
            Release::Granted => false,
        });
        typed && held && plan.steps.is_empty()
    };
    let patience = servers.patience();
    let what = "all but one slot has gone, and the plan says why";
    driver.until(what, stay, patience, named).await;
    client.tell(goes, &timeout("5000")).await;
    // A worker that has just started tries at once.
    let mut driver = Driver::new(servers.engine());
    driver.leaving.insert(goes);
    assert_eq!(driver.until_granted(stay, patience).await, [goes]);
    let size = client.call(&["STRLEN", &key]).await;
    assert_eq!(size.as_deref(), Some("20000000"));
}

/// A key grew in a slot that was on the move already: it stays, the rest goes.
#[tokio::test]
async fn a_large_key_in_an_open_slot_keeps_nothing_else_there() {
    let Some(scales) = Scales::of(&[]).await else {
        return;
    };
    let mut client = scales.servers.client(scales.nodes[0]);
    let (tag, slot) = &scales.tags[0];
    let big = format!("{tag}:big");
    client.call(&["SET", &big, &"x7".repeat(10_000_000)]).await;
    for n in 0..300 {
        client.call(&["SET", &format!("{tag}:{n}"), "1"]).await;
    }
    let slot = slot.to_string();
    let marks = [(1, "IMPORTING", 0), (0, "MIGRATING", 1)];
    for (at, how, other) in marks {
        let mark = ["CLUSTER", "SETSLOT", &slot, how, &scales.ids[other]];
        client.tell(scales.nodes[at], &mark).await;
    }
    let timeout = |millis: &'static str| ["CONFIG", "SET", "cluster-node-timeout", millis];
    client.tell(scales.nodes[0], &timeout("900")).await;
    let reply = scales.moved(scales.slots()).await;
    client.tell(scales.nodes[0], &timeout("5000")).await;
    let told = reply.unwrap();
    assert!(
        told.contains("moved 5 of 6") && told.contains(&big),
        "{told}"
    );
    let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot];
    assert_eq!(client.tell(scales.nodes[0], &count).await, "1");
    assert_eq!(client.tell(scales.nodes[1], &count).await, "300");
    assert!(scales.moved(scales.slots()).await.is_ok());
    assert_eq!(client.tell(scales.nodes[1], &count).await, "301");
}

#[tokio::test]
async fn a_target_without_room_is_given_nothing_that_it_cannot_take() {
    let Some(scales) = Scales::of(&[]).await else {
        return;
    };
    let mut client = scales.servers.client(scales.nodes[0]);
    for (tag, _) in &scales.tags {
        let value = "x7".repeat(2_000_000);
        client.call(&["SET", &format!("{tag}:key"), &value]).await;
    }
    let most = ["CONFIG", "SET", "maxmemory", "24mb"];
    client.tell(scales.nodes[1], &most).await;
    let told = match scales.moved(scales.slots()).await {
        Ok(told) => told,
        Err(failure) => failure.to_string(),
    };
    assert!(told.contains("left of its maxmemory"), "{told}");
    for at in [0, 1] {
        assert_eq!(scales.at(at).await.1, Vec::<u16>::new(), "{told}");
    }
    let more = ["CONFIG", "SET", "maxmemory", "0"];
    client.tell(scales.nodes[1], &more).await;
    while scales.at(1).await.0.len() < scales.tags.len() {
        scales.moved(scales.slots()).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    for (tag, _) in &scales.tags {
        let size = client.call(&["STRLEN", &format!("{tag}:key")]).await;
        assert_eq!(size.as_deref(), Some("4000000"));
    }
}
