//! Members are cut off, paused and killed while somebody writes.

use crate::fleet::Fleet;
use crate::writer::Writer;

/// Five outlive two that are killed at once, and a leader that is paused: nobody takes
/// anybody out who comes back, and nothing that was acknowledged is lost.
#[tokio::test]
async fn two_are_killed_at_once_and_the_leader_is_paused() {
    let Some(mut fleet) = Fleet::new(&[]) else {
        return;
    };
    let writer = Writer::start();
    let asks = |fleet: &Fleet| writer.ask(fleet.running());
    fleet.scale(5);
    fleet.until_one_of(5, asks).await;
    let leader = fleet.leader().await;
    let followers: Vec<u64> = (1..=5).filter(|slot| *slot != leader).take(2).collect();
    for slot in &followers {
        fleet.kill(*slot);
    }
    asks(&fleet);
    fleet.pass().await;
    for slot in followers {
        fleet.come_up(slot);
    }
    fleet.until_one_of(5, asks).await;

    let leader = fleet.leader().await;
    fleet.pause(leader, true);
    let begun = writer.so_far().0;
    // The one that stands still answers nobody, so that another one leads.
    assert_ne!(fleet.leader().await, leader);
    fleet
        .until("writes", |_, _| writer.so_far().0 > begun + 20)
        .await;
    fleet.pause(leader, false);
    fleet.until_one_of(5, asks).await;
    let (acknowledged, pause) = writer.so_far();
    let missing = writer.missing(fleet.running()[0]).await;
    let story = fleet.story.join("\n");
    println!("{acknowledged} writes acknowledged, longest pause {pause:.2?}\n{story}");
    assert!(missing.is_empty(), "{missing:?}\n{story}");
    assert!(!story.contains("member remove"), "{story}");
}

/// Two of three are gone: nothing is touched, whoever is there says what it holds, and one
/// that comes back with its data heals all.
#[tokio::test]
async fn a_quorum_that_is_lost_is_waited_for() {
    let Some(mut fleet) = Fleet::new(&[]) else {
        return;
    };
    fleet.scale(3);
    fleet.until_one_of(3, |_| {}).await;
    let leader = fleet.leader().await;
    let others: Vec<u64> = (1..=3).filter(|slot| *slot != leader).collect();
    for slot in &others {
        fleet.kill(*slot);
    }
    let before = fleet.story.len();
    let names = |slot: u64| format!("etcd-{slot}");
    fleet
        .until("it says what is missing", |plan, _| {
            let said = plan.refusals.iter().map(ToString::to_string);
            let said: String = said.collect();
            let holds = said.contains(&format!("db.{leader} holds revision"));
            holds && others.iter().all(|slot| said.contains(&names(*slot)))
        })
        .await;
    assert_eq!(fleet.story.len(), before, "{:?}", fleet.story);
    fleet.come_up(others[0]);
    fleet.come_up(others[1]);
    fleet.until_one_of(3, |_| {}).await;
    let story = fleet.story.join("\n");
    assert!(!story.contains("member remove"), "{story}");
}
