//! How long nobody writes: by hand, on a machine at rest.

use std::time::Duration;

use crate::fails_over::{formed, nothing_is_lost, written};
use crate::fleet::Fleet;
use crate::writer::Writers;

const ROUNDS: usize = 20;

fn told(what: &str, stalls: &mut [Duration], writers: &Writers) {
    stalls.sort();
    let (first, last) = (stalls.first().unwrap(), stalls.last().unwrap());
    let median = stalls[stalls.len() / 2];
    let count = writers.acknowledged();
    println!(
        "{what}: min {first:.2?}, median {median:.2?}, worst {last:.2?}, {count} acknowledged"
    );
}

async fn whole(fleet: &mut Fleet, writers: &Writers) -> u64 {
    let primary = fleet.until_one_of(3, |open| writers.follow(open)).await;
    writers.longest_pause();
    fleet.slot_of(primary)
}

#[tokio::test]
#[ignore = "the long tier: by hand, on a machine at rest"]
async fn stalls_of_killed_hung_and_handed_over() {
    let Some((mut fleet, writers, _)) = formed().await else {
        return;
    };
    let mut stalls = Vec::new();
    for _ in 0..ROUNDS {
        let slot = whole(&mut fleet, &writers).await;
        fleet.kill(slot);
        stalls.push(written(&mut fleet, &writers).await);
    }
    told("killed", &mut stalls, &writers);
    stalls.clear();
    for _ in 0..ROUNDS {
        let slot = whole(&mut fleet, &writers).await;
        fleet.server(slot).hang();
        stalls.push(written(&mut fleet, &writers).await);
        fleet.kill(slot);
    }
    told("hung", &mut stalls, &writers);
    stalls.clear();
    for _ in 0..ROUNDS {
        let slot = whole(&mut fleet, &writers).await;
        fleet.leave(slot);
        let gone = |fleet: &Fleet, _: &_, open| {
            writers.follow(open);
            !fleet.running().contains(&slot)
        };
        fleet.until("it has gone", gone).await;
        stalls.push(written(&mut fleet, &writers).await);
        fleet.come_up(slot);
    }
    told("handed over", &mut stalls, &writers);
    nothing_is_lost(&mut fleet, &writers, 3).await;
}
