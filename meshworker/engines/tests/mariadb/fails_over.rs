//! The primary ends in each of the ways that there are, and nothing acknowledged is lost.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::writer::{self, Writers};

/// Longer than a replica takes to apply what it was sent.
const LATEST: Duration = Duration::from_secs(15);

/// Three members, and two clients that write; one more at each member, whatever it is.
pub async fn formed() -> Option<(Fleet, Writers, SocketAddr)> {
    let mut fleet = Fleet::new()?;
    fleet.scale(3);
    let primary = fleet.until_one_of(3, |_| {}).await;
    writer::prepare(primary).await;
    let mut writers = Writers::start(2);
    writers.follow(Some(primary));
    for slot in 1..=3 {
        writers.attach(fleet.at(slot));
    }
    written(&mut fleet, &writers).await;
    Some((fleet, writers, primary))
}

/// Passes until more was written, and how long nothing was at most.
pub async fn written(fleet: &mut Fleet, writers: &Writers) -> Duration {
    let goal = writers.followed() + 50;
    let more = |_: &Fleet, _: &_, open| {
        writers.follow(open);
        writers.followed() >= goal
    };
    fleet.until("more is written", more).await;
    writers.longest_pause()
}

/// Every member has everything that was acknowledged, by whomever.
pub async fn nothing_is_lost(fleet: &mut Fleet, writers: &Writers, members: usize) {
    let follow = |open| writers.follow(open);
    fleet.until_one_of(members, follow).await;
    writers.end();
    let goal = writers.acknowledged();
    for slot in fleet.running() {
        // A replica applies what it was sent.
        let begun = Instant::now();
        loop {
            let missing = writers.missing(fleet.at(slot)).await;
            if missing.is_empty() {
                break;
            }
            let story = fleet.story.join("\n");
            let late = begun.elapsed() > LATEST;
            assert!(!late, "{missing:?} of {goal} at {slot}\n{story}");
            fleet.pass().await;
        }
    }
}

#[tokio::test]
async fn a_killed_primary_is_replaced_and_rejoins() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    fleet.kill(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
    assert_eq!(fleet.asides(slot), 0);
}

/// It goes on once another one has taken its place: whoever still writes there is not
/// acknowledged.
#[tokio::test]
async fn a_primary_that_hung_acknowledges_nothing_once_it_is_replaced() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    fleet.server(slot).hang();
    written(&mut fleet, &writers).await;
    let at = writers.acknowledged_at(slot + 1);
    fleet.server(slot).go_on();
    written(&mut fleet, &writers).await;
    let story = fleet.story.join("\n");
    // The one that waited there may have had its acknowledgement on the way before the seal.
    let late = writers.acknowledged_at(slot + 1) - at;
    assert!(late <= 1, "{late}\n{story}");
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

#[tokio::test]
async fn a_primary_that_goes_on_in_the_middle_of_the_seal_loses_nothing() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    fleet.server(slot).hang();
    let sealed = |fleet: &Fleet, _: &_, _| {
        fleet
            .story
            .iter()
            .any(|line| line.contains("promise term 2"))
    };
    fleet.until("somebody is sealed", sealed).await;
    fleet.server(slot).go_on();
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

#[tokio::test]
async fn a_primary_that_is_to_go_hands_over_first() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    fleet.leave(slot);
    let gone = |fleet: &Fleet, _: &_, open| {
        writers.follow(open);
        !fleet.running().contains(&slot)
    };
    fleet.until("it has gone", gone).await;
    fleet.come_up(slot);
    nothing_is_lost(&mut fleet, &writers, 3).await;
    assert_eq!(fleet.asides(slot), 0);
}

#[tokio::test]
async fn whichever_act_is_the_last_of_a_worker_the_next_goes_on() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    fleet.lives = Some((1, 1));
    let slot = fleet.slot_of(primary);
    fleet.kill(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

/// As no group would let them: each has terms promised, and none gathers all beside the other.
#[tokio::test]
async fn two_workers_that_act_at_once_lose_nothing() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    fleet.rival = Some(fleet.new_worker());
    let slot = fleet.slot_of(primary);
    fleet.kill(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

#[tokio::test]
async fn everybody_is_killed_and_the_last_primary_keeps_what_it_has() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let last = fleet.slot_of(primary);
    for slot in 1..=3 {
        fleet.kill(slot);
    }
    written(&mut fleet, &writers).await;
    let role = format!("{last} starts: Some(\"--init-rpl-role=MASTER\")");
    assert!(
        fleet
            .story
            .iter()
            .filter(|line| line.ends_with(&role))
            .count()
            > 1
    );
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

#[tokio::test]
async fn a_primary_and_an_acker_that_are_killed_come_back() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    fleet.kill(slot % 3 + 1);
    fleet.kill(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}
