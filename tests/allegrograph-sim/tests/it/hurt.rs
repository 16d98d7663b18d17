//! Servers that misbehave, and workers that forget.

use std::time::Duration;

use crate::client::{self, PASSWORD};
use crate::fleet::{CONTROLLING, Fleet, copy};

#[tokio::test]
async fn replies_that_are_lost_after_the_act_have_nothing_done_twice() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    for slot in [CONTROLLING, copy(1), copy(2)] {
        client::until_up(fleet.at(slot)).await;
        client::put(fleet.at(slot), "/sim/behave?forgets=true")
            .await
            .unwrap();
    }
    fleet.until_one_of(3).await;
    assert_eq!(
        (fleet.asked("createCluster"), fleet.asked("growCluster")),
        (1, 2)
    );
    fleet.scale(1);
    fleet.until_one_of(2).await;
    assert_eq!(fleet.asked("repl/remove"), 1);
}

#[tokio::test]
async fn a_worker_that_remembers_nothing_comes_to_the_same() {
    let mut fleet = Fleet::new();
    fleet.forgetful = true;
    fleet.scale(2);
    fleet.until_one_of(3).await;
    assert_eq!(fleet.asked("createCluster"), 1);
    let acknowledged = fleet.write(0, 4).await;
    fleet.all_have(&acknowledged).await;
}

#[tokio::test]
async fn a_request_for_a_copy_that_takes_as_long_as_the_copy_keeps_nobody_waiting() {
    let mut fleet = Fleet::new();
    fleet.arguments = ["--grow-waits", "--copy-seconds", "3"]
        .map(str::to_owned)
        .into();
    fleet.arguments.push("--one-copy-at-a-time".into());
    fleet.scale(1);
    fleet.until_one_of(2).await;
    assert_eq!(fleet.asked("growCluster"), 1);
    assert_eq!(fleet.asked("it is being copied"), 1);
}

#[tokio::test]
async fn a_server_that_hangs_or_fails_is_asked_for_nothing_and_is_not_taken_for_gone() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    for behaviour in ["fails=500", "hangs=true"] {
        client::put(fleet.at(copy(2)), &format!("/sim/behave?{behaviour}"))
            .await
            .unwrap();
        for _ in 0..3 {
            let plan = fleet.pass().await;
            assert!(plan.steps.is_empty(), "{:?}", plan.steps);
            assert!(!plan.unity.is_one());
        }
    }
    client::put(fleet.at(copy(2)), "/sim/behave").await.unwrap();
    fleet.until_one_of(3).await;
    assert_eq!(fleet.asked("repl/remove"), 0);
}

#[tokio::test]
async fn a_name_server_that_leaves_copies_out_has_none_forgotten() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    fleet.unlisted = [copy(1), copy(2)].into();
    for _ in 0..10 {
        let plan = fleet.pass().await;
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn no_password_is_told_in_any_step_refusal_view_or_error() {
    let mut fleet = Fleet::new();
    fleet.scale(1);
    let mut told = String::new();
    fleet
        .until("one cluster", async |_, plan| {
            told += &format!("{plan:?} {}", plan.unity);
            plan.unity.is_one()
        })
        .await;
    told += &fleet.story.join("\n");
    let encoded = "xy%26zzy";
    for secret in [PASSWORD, encoded, "eHkmenp5"] {
        assert!(!told.contains(secret));
    }
}
