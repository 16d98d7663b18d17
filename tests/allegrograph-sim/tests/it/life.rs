//! A cluster's life: it forms, grows and shrinks, and its replicas die and come back.

use meshworker_core::Unity;

use crate::client;
use crate::fleet::{CONTROLLING, Fleet, copy};

#[tokio::test]
async fn one_and_two_become_one_grow_to_four_copies_and_shrink_to_one() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    assert_eq!(fleet.asked("createCluster"), 1);
    let mut acknowledged = fleet.write(0, 12).await;
    assert_eq!(acknowledged.len(), 12);
    fleet.scale(4);
    fleet.until_one_of(5).await;
    acknowledged.extend(fleet.write(12, 12).await);
    fleet.all_have(&acknowledged).await;
    fleet.scale(1);
    fleet.until_one_of(2).await;
    assert!(!fleet.is_there(copy(2)) && fleet.is_there(copy(1)));
    fleet.all_have(&acknowledged).await;
    assert_eq!(
        (fleet.asked("growCluster"), fleet.asked("createCluster")),
        (4, 1)
    );
    assert_eq!(fleet.asked("repl/remove"), 3);
}

#[tokio::test]
async fn a_copy_that_is_killed_is_taken_out_and_comes_back_as_another_one() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let acknowledged = fleet.write(0, 6).await;
    fleet.kill(copy(2));
    fleet.come_up(copy(2));
    fleet.until_one_of(3).await;
    fleet.all_have(&acknowledged).await;
    assert_eq!(
        (fleet.asked("growCluster"), fleet.asked("repl/remove")),
        (3, 1)
    );
}

#[tokio::test]
async fn the_controlling_one_comes_back_at_another_address_and_begins_nothing() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let mut acknowledged = fleet.write(0, 6).await;
    fleet.kill(CONTROLLING);
    let plan = fleet.pass().await;
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    assert!(Fleet::refuses(&plan, "does not answer, and is waited for"));
    let before = fleet.at(CONTROLLING);
    fleet.come_up(CONTROLLING);
    assert_ne!(fleet.at(CONTROLLING), before);
    fleet.until_one_of(3).await;
    acknowledged.extend(fleet.write(6, 6).await);
    assert_eq!(acknowledged.len(), 12);
    fleet.all_have(&acknowledged).await;
    assert_eq!(
        (fleet.asked("growCluster"), fleet.asked("createCluster")),
        (2, 1)
    );
    assert_eq!(fleet.asked("repl/remove"), 0);
}

#[tokio::test]
async fn a_controlling_one_that_lost_its_volumes_begins_nothing_and_an_order_gives_its_place_away()
{
    let mut fleet = Fleet::new();
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let acknowledged = fleet.write(0, 6).await;
    fleet.all_have(&acknowledged).await;
    fleet.kill(CONTROLLING);
    fleet.lose(CONTROLLING);
    fleet.come_up(CONTROLLING);
    // A worker that has seen no cluster knows as little as it has to.
    fleet.new_worker();
    let said = async |_: &Fleet, plan: &_| Fleet::refuses(plan, "its volumes are lost");
    let plan = fleet.until("a refusal", said).await;
    assert!(Fleet::refuses(&plan, "primary=db_copy.1"));
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    // A wish alone is no word on the one that is away.
    fleet.wishes = fleet.wishes.clone().with("primary", "db_copy.2");
    let asks = async |_: &Fleet, plan: &_| Fleet::refuses(plan, "lost=controlling-1-11contro");
    fleet.until("a question", asks).await;
    fleet.wishes = fleet.wishes.clone().with("lost", "controlling-1-11contro");
    fleet.until_one_of(3).await;
    fleet.all_have(&acknowledged).await;
    assert_eq!(fleet.asked("createCluster"), 1);
    // And back again, in good order.
    fleet.wishes = fleet.wishes.clone().with("primary", "db_controlling.1");
    let controls = async |fleet: &Fleet, _: &_| {
        let at = fleet.at(copy(1));
        let status = client::get(at, "/repositories/main/repl/status").await;
        let (_, text) = status.unwrap_or_default();
        text.split('}')
            .any(|one| one.contains("controlling-1") && one.contains("\"controlling\":true"))
    };
    fleet
        .until("the controlling service controls", controls)
        .await;
    fleet.until_one_of(3).await;
}

#[tokio::test]
async fn one_that_is_to_go_while_it_gets_its_data_is_taken_out_first_and_nobody_waits_for_its_copy()
{
    let mut fleet = Fleet::new();
    fleet.scale(1);
    fleet.until_one_of(2).await;
    let slow = fleet.at(CONTROLLING);
    client::put(slow, "/sim/behave?copy=3600").await.unwrap();
    fleet.scale(3);
    let copies = async |fleet: &Fleet, plan: &meshworker_core::Plan<_>| {
        fleet.instances().await == 3 && plan.steps.is_empty()
    };
    // One at a time: the third waits.
    fleet.until("a copy under way", copies).await;
    let plan = fleet.pass().await;
    assert!(Fleet::refuses(&plan, "it is let in after 1 others"));
    fleet.scale(1);
    fleet.until_one_of(2).await;
    assert!(!fleet.is_there(copy(2)) && !fleet.is_there(copy(3)));
    assert_eq!(
        (fleet.asked("repl/remove"), fleet.asked("growCluster")),
        (1, 2)
    );
}

#[tokio::test]
async fn one_that_was_taken_out_by_hand_is_let_in_as_a_new_one() {
    let mut fleet = Fleet::new();
    fleet.scale(1);
    fleet.until_one_of(2).await;
    let acknowledged = fleet.write(0, 4).await;
    let path = "/repositories/main/repl/remove?instanceName=copy-1-11copy";
    let (status, said) = client::put(fleet.at(CONTROLLING), path).await.unwrap();
    assert_eq!(status, 204, "{said}");
    fleet.until_one_of(2).await;
    fleet.all_have(&acknowledged).await;
    assert_eq!(fleet.asked("delete the repository"), 1);
}

#[tokio::test]
async fn a_repository_of_its_own_is_left_alone() {
    let mut fleet = Fleet::new();
    fleet.scale(1);
    client::until_up(fleet.at(copy(1))).await;
    client::put(fleet.at(copy(1)), "/repositories/main")
        .await
        .unwrap();
    let own = "a repository of its own";
    let said = async |_: &Fleet, plan: &_| Fleet::refuses(plan, own);
    let plan = fleet.until("a refusal", said).await;
    assert!(plan.steps.is_empty() && !matches!(plan.unity, Unity::One { .. }));
    assert_eq!(fleet.asked("createCluster"), 0);
}

#[tokio::test]
async fn whoever_cannot_be_heard_may_know_of_a_cluster() {
    let mut fleet = Fleet::new();
    fleet.scale(1);
    fleet.until_one_of(2).await;
    fleet.kill(CONTROLLING);
    fleet.lose(CONTROLLING);
    fleet.come_up(CONTROLLING);
    fleet.kill(copy(1));
    fleet.new_worker();
    for _ in 0..20 {
        assert!(fleet.pass().await.steps.is_empty());
    }
}
