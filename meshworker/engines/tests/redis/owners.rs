//! Slots that nobody owns although everybody names an owner.

use meshworker_conformance::{Driver, World};
use meshworker_engines::Engine;
use tokio::time::Instant;

use crate::client::Client;
use crate::servers::{PORT, Servers};

/// As after a move whose target claimed the slot with an epoch below its giver's: the
/// giver says that the target owns it, the target says that the giver does.
#[tokio::test]
async fn two_masters_held_each_other_to_own_a_slot_until_an_operator_came() {
    two_masters_deny(false).await;
}

/// Not mended for good: in two of nine runs the keys stayed out of reach, as the page says.
#[tokio::test]
#[ignore = "the long tier: cargo xtask test --all"]
async fn two_masters_held_each_other_to_own_a_slot_with_keys() {
    two_masters_deny(true).await;
}

async fn two_masters_deny(with_keys: bool) {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    let mut client = servers.client(nodes[0]);
    let (tag, keys) = ("{17}", 20);
    if with_keys {
        client.fill(tag, keys).await;
    }
    let slot = client.call(&["CLUSTER", "KEYSLOT", tag]).await.unwrap();
    let number: u16 = slot.parse().unwrap();
    let view = servers.engine().observe(nodes[0]).await.unwrap();
    let mut table = view.detail.table.iter();
    let giver = table.find(|entry| entry.slots.contains(number)).unwrap();
    let taker = (view.detail.table.iter()).find(|entry| entry.node != giver.node);
    let taker = taker.unwrap();
    let (from, to) = (giver.address.unwrap(), taker.address.unwrap());

    let mut raw = Client::of(nodes.clone(), None);
    let set = |state, node| ["CLUSTER", "SETSLOT", slot.as_str(), state, node];
    raw.tell(to, &set("IMPORTING", &giver.node)).await;
    raw.tell(from, &set("MIGRATING", &taker.node)).await;
    if with_keys {
        let (host, port) = (to.address.to_string(), PORT.to_string());
        let names: Vec<String> = (0..keys).map(|n| format!("{tag}:{n}")).collect();
        let mut migrate = vec!["MIGRATE", &host, &port, "", "0", "5000", "KEYS"];
        migrate.extend(names.iter().map(String::as_str));
        assert_eq!(raw.tell(from, &migrate).await, "OK");
    }
    raw.tell(from, &set("NODE", &taker.node)).await;
    raw.tell(to, &["CLUSTER", "SETSLOT", &slot, "STABLE"]).await;

    driver.until_one(&nodes, servers.patience()).await;
    if with_keys {
        let began = Instant::now();
        // Where both deny the slot and nobody has looked at it twice yet, no key can be read.
        while client.missing(tag, keys).await > 0 {
            assert!(began.elapsed() < servers.patience(), "keys are missing");
            driver.until_one(&nodes, servers.patience()).await;
        }
        let view = servers.engine().observe(to).await.unwrap();
        let mut table = view.detail.table.iter();
        let owner = table.find(|entry| entry.slots.contains(number)).unwrap();
        assert_eq!(owner.node, taker.node, "whoever has its keys");
    }
}
