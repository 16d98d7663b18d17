//! Members that leave a loaded database: what is waited for, and that nothing
//! is lost.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not their helpers"
)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use aerospike_sim::testing::Writers;
use aerospike_sim::{Edition, NodeOptions, SimNode, info};
use meshworker_conformance::Driver;
use meshworker_core::{Gate, Limits, Place, Release};
use meshworker_engines::Engine;
use meshworker_engines::aerospike::Aerospike;
use tokio::time::{Instant, sleep};

use crate::worker::{PATIENCE, access, addresses};

const RECORDS: usize = 2000;

/// What a member was held by, in the order in which it was seen.
type Held = Vec<(Duration, Place, Gate, String)>;

/// Five members with records and a writer, at the pace of real ones; two of
/// them ask to leave. Returns what held them, and the requests that were made.
async fn two_of_five_leave(edition: Edition) -> (Held, Vec<String>) {
    let (_block, at) = addresses(5);
    let mut nodes = HashMap::new();
    for address in &at {
        let options = NodeOptions {
            edition,
            ..NodeOptions::at(address.address)
        };
        nodes.insert(*address, SimNode::start(options).await.unwrap());
    }
    let mut driver = Driver::new(Aerospike::new(access(PATIENCE)));
    driver.limits = Limits::default();
    driver = driver.asking_once();
    driver.until_one(&at, PATIENCE).await;
    let services: Vec<SocketAddr> = at.iter().map(|address| nodes[address].service()).collect();
    let fill = format!("sim-put-many:ns=test;prefix=k;from=1;to={RECORDS}");
    let filled = info(services[0], &fill).await.unwrap();
    assert_eq!(filled, format!("written={RECORDS};failed=0"));
    // Copies take seconds to make: a pass sees that, however slow it is.
    nodes.values().for_each(|node| node.set_migrate_rate(300));

    let writers = Writers::start(&services);
    let (rest, going) = at.split_at(3);
    let before = driver.done.len();
    driver.leaving.extend(going);
    let begin = Instant::now();
    let mut held = Held::new();
    while !driver.leaving.is_empty() {
        let plan = driver.pass(rest).await;
        for leaver in &plan.leavers {
            match &leaver.release {
                Release::Granted => {
                    nodes.remove(&leaver.address).unwrap().stop().await;
                    driver.leaving.remove(&leaver.address);
                    eprintln!(
                        "{:5.1} s  {} has gone",
                        begin.elapsed().as_secs_f64(),
                        leaver.address
                    );
                }
                Release::Held { gate, seen } => {
                    let last = held.iter().rfind(|(_, who, ..)| *who == leaver.address);
                    let kind = |seen: &str| {
                        seen.trim_start_matches(|c: char| c.is_ascii_digit())
                            .to_owned()
                    };
                    if last.is_none_or(|(_, _, known, what)| {
                        known != gate || (*gate == Gate::DataSafe && kind(what) != kind(seen))
                    }) {
                        let when = begin.elapsed();
                        eprintln!(
                            "{:5.1} s  {}: {}",
                            when.as_secs_f64(),
                            leaver.address,
                            leaver.release
                        );
                        held.push((when, leaver.address, *gate, seen.clone()));
                    }
                }
            }
        }
        let patience = 2 * PATIENCE;
        assert!(begin.elapsed() < patience, "{held:#?}\n{}", driver.story());
        sleep(Duration::from_millis(200)).await;
    }
    driver
        .until("rest", rest, PATIENCE, |plan| plan.settled)
        .await;
    eprintln!(
        "{:5.1} s  those that stay are at rest",
        begin.elapsed().as_secs_f64()
    );
    writers.go_on(100).await.unwrap();
    let acknowledged = writers.end().await;
    let check = format!("sim-check-many:ns=test;prefix=k;from=1;to={RECORDS}");
    let found = info(services[0], &check).await.unwrap();
    assert_eq!(found, format!("found={RECORDS};missing=0"));
    let missing = Writers::missing(services[0], &acknowledged).await;
    assert_eq!(missing.unwrap(), 0, "of {} writes", acknowledged.len());
    let steps = driver.done[before..].iter();
    let steps = steps.map(|(_, done)| {
        let reply = done.reply.as_deref().unwrap_or("failed");
        format!("{} => {reply}", done.step.request)
    });
    (held, steps.collect())
}

fn gates(held: &Held, of: Place) -> Vec<Gate> {
    let held = held.iter().filter(|(_, who, ..)| *who == of);
    held.map(|(_, _, gate, _)| *gate).collect()
}

#[tokio::test]
async fn in_community_edition_the_next_waits_until_the_copies_are_made() {
    let (held, steps) = two_of_five_leave(Edition::Community).await;
    assert_eq!(steps, Vec::<String>::new());
    let (first, second) = (held[0].1, held.last().unwrap().1);
    assert_ne!(first, second);
    assert!(gates(&held, first).contains(&Gate::Settled), "{held:#?}");
    let second = gates(&held, second);
    for gate in [Gate::Turn, Gate::AtRest, Gate::Settled] {
        assert!(second.contains(&gate), "{held:#?}");
    }
}

#[tokio::test]
async fn in_enterprise_edition_each_is_quiesced_and_sends_its_partitions_first() {
    let (held, steps) = two_of_five_leave(Edition::Enterprise).await;
    // The second is told as soon as the first has gone, and so may be last in
    // line by the time the others have got over that, without another round.
    assert!(
        matches!(steps.len(), 3 | 4)
            && steps[..3] == ["quiesce: => ok", "recluster: => ok", "quiesce: => ok"],
        "{steps:#?}"
    );
    let holds: Vec<&str> = held.iter().map(|(.., seen)| seen.as_str()).collect();
    assert!(holds.contains(&"not quiesced yet"), "{held:#?}");
    let to_send = |seen: &&str| seen.ends_with("partitions to send");
    assert!(holds.iter().any(to_send), "{held:#?}");
}
