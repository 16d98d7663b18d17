//! What once lost writes elsewhere, one test each.

use std::time::Duration;

use meshworker_core::Plan;
use meshworker_engines::mariadb::MariadbRequest;
use mysql_async::prelude::Queryable;
use tokio::time::{Instant, timeout};

use crate::fails_over::{formed, nothing_is_lost, written};
use crate::fleet::Fleet;
use crate::server::{connect, tell};
use crate::writer;

/// Far longer than a fail-over takes.
const LONG: Duration = Duration::from_secs(3);

/// Nobody takes the place for a while, and this is why.
async fn nobody_succeeds(fleet: &mut Fleet, why: &str) {
    let begun = Instant::now();
    let waited = |_: &Fleet, plan: &Plan<MariadbRequest>, open: Option<_>| {
        assert_eq!(open, None);
        let mut told = plan.refusals.iter().map(ToString::to_string);
        begun.elapsed() > LONG && told.any(|told| told.contains(why))
    };
    fleet.until(why, waited).await;
}

/// In GTID mode a replica throws its relay log away when a thread is started while both are
/// stopped: 50 acknowledged writes of 50 were gone.
#[tokio::test]
async fn the_relay_log_trap_what_is_received_and_not_applied_is_never_thrown_away() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    let replicas: Vec<u64> = (1..=3).filter(|other| *other != slot).collect();
    // No worker looks meanwhile: it would start them again.
    for replica in &replicas {
        tell(fleet.at(*replica), "STOP SLAVE SQL_THREAD").await;
    }
    let goal = writers.acknowledged() + 50;
    writers.until(goal).await;
    fleet.vanish(slot);
    nobody_succeeds(&mut fleet, "succession gate 7").await;
    // An operator does what alone keeps the relay log: the thread that applies goes first.
    for replica in &replicas {
        tell(fleet.at(*replica), "START SLAVE SQL_THREAD").await;
    }
    written(&mut fleet, &writers).await;
    fleet.come_up(slot);
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

/// `KILL QUERY` of a commit that waits, or semi-sync switched off, answers OK without any
/// acknowledgement. To close a primary does neither: what waits goes on waiting.
#[tokio::test]
async fn the_false_ok_a_commit_that_waits_is_not_told_that_it_is_done() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    writers.end();
    let slot = fleet.slot_of(primary);
    for other in (1..=3).filter(|other| *other != slot) {
        fleet.server(other).hang();
    }
    let mut client = connect(primary, writer::USER).await.unwrap();
    let waits = client.query_drop("INSERT INTO app.kv VALUES (100, 1)");
    fleet.leave(slot);
    let passes = async {
        loop {
            fleet.pass().await;
        }
    };
    let (mut waits, mut passes) = (std::pin::pin!(waits), std::pin::pin!(passes));
    let told = timeout(LONG, async {
        tokio::select! {
            told = &mut waits => told.is_ok(),
            () = &mut passes => false,
        }
    });
    // Its connection may be ended; OK it is not told.
    assert!(!told.await.unwrap_or(false));
}

/// A killed primary started as what it was keeps a write that nobody acknowledged, and can
/// follow nobody; started as a replica it cuts it off.
#[tokio::test]
async fn the_start_role_cuts_off_what_nobody_acknowledged() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    let replicas: Vec<u64> = (1..=3).filter(|other| *other != slot).collect();
    writers.end();
    for replica in &replicas {
        fleet.server(*replica).hang();
    }
    let mut client = connect(primary, writer::USER).await.unwrap();
    let write = client.query_drop("INSERT INTO app.kv VALUES (100, 1)");
    assert!(timeout(Duration::from_millis(300), write).await.is_err());
    fleet.kill(slot);
    for replica in &replicas {
        fleet.server(*replica).go_on();
    }
    fleet.until_one_of(3, |_| {}).await;
    let has = |at| async move {
        let mut conn = connect(at, "root").await.unwrap();
        let found: Option<u64> = conn
            .query_first("SELECT COUNT(*) FROM app.kv WHERE writer = 100")
            .await
            .unwrap();
        found.unwrap()
    };
    let mut all = Vec::new();
    for slot in 1..=3 {
        all.push(has(fleet.at(slot)).await);
    }
    // Everywhere, if it reached a replica after all; nowhere else.
    assert!(all == [0, 0, 0] || all == [1, 1, 1], "{all:?}");
    assert_eq!(fleet.asides(slot), 0);
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

/// The primary waits for one acknowledgement: of two replicas one may have what the other has
/// not. With the primary and one of them gone nobody can know.
#[tokio::test]
async fn the_one_acknowledgement_limit_whoever_may_have_acknowledged_must_answer() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    let replicas: Vec<u64> = (1..=3).filter(|other| *other != slot).collect();
    fleet.server(replicas[0]).hang();
    let goal = writers.acknowledged() + 50;
    writers.until(goal).await;
    fleet.vanish(slot);
    fleet.vanish(replicas[1]);
    fleet.server(replicas[0]).go_on();
    nobody_succeeds(&mut fleet, "succession gate 3").await;
    fleet.come_up(replicas[1]);
    fleet.come_up(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

/// A replica that was restarted has a relay log that is thrown away when it follows again: it
/// is no witness of what was acknowledged until it has.
#[tokio::test]
async fn a_replica_that_was_restarted_before_the_primary_died_vouches_for_nothing() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    let restarted = slot % 3 + 1;
    fleet.kill(restarted);
    fleet.restart(restarted);
    fleet.vanish(slot);
    nobody_succeeds(&mut fleet, "succession gate 7").await;
    fleet.come_up(slot);
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}

/// Root had another password, and with it the account by which members receive: whoever had to
/// connect anew was not let in, and what would have mended it waited for an acknowledgement.
#[tokio::test]
async fn replicas_that_a_new_password_locks_out_are_told_to_follow_anew() {
    let Some((mut fleet, writers, primary)) = formed().await else {
        return;
    };
    let slot = fleet.slot_of(primary);
    let another = "ALTER USER meshworker_replica@'%' IDENTIFIED BY 'another'";
    tell(primary, another).await;
    // No worker looks meanwhile.
    for replica in (1..=3).filter(|other| *other != slot) {
        for command in [
            "STOP SLAVE",
            "CHANGE MASTER TO MASTER_PASSWORD = 'none'",
            "START SLAVE",
        ] {
            tell(fleet.at(replica), command).await;
        }
    }
    written(&mut fleet, &writers).await;
    nothing_is_lost(&mut fleet, &writers, 3).await;
}
