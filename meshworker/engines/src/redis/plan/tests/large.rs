//! What is too large to move.

use super::{Scene, THREE, id};
use crate::redis::heavy::{Heavy, Limit};

fn big(slot: u16, due: bool) -> Heavy {
    Heavy {
        slot,
        key: "big".into(),
        bytes: 300_000_000,
        limit: Limit::NodeTimeout(5000),
        due,
    }
}

const WHY: &str = "slot 5461 stays: key 'big' has 300 MB, which may take longer to move than the \
                   cluster's node time-out of 5000 ms, after which its master would be held to be \
                   dead: make it smaller, or raise cluster-node-timeout on all members while it \
                   moves";

const FOUR: &str = "1 master - connected 0-5461
    2 master - connected 5462-10922
    3 master - connected 10923-16383
    4 master - connected";

/// It was tried again with each pass.
#[test]
fn a_slot_that_cannot_move_was_tried_for_ever() {
    let scene = |due| {
        Scene::replicas(0)
            .nodes(&[1, 2, 3, 4], FOUR)
            .heavy(1, big(5461, due))
    };
    let told = scene(false).told();
    assert!(
        told.contains("move slots 5417-5460 to #4")
            && told.contains(&format!("not done: move slot 5461 from 10.0.0.1: {WHY}\n")),
        "{told}"
    );
    // After a while it is tried again, and named meanwhile.
    let told = scene(true).told();
    assert!(
        told.contains("move slots 5418-5461 to #4") && told.contains(WHY),
        "{told}"
    );
}

#[test]
fn a_leaver_gives_all_else_and_says_what_keeps_it() {
    let rest = FOUR
        .replace("0-5461", "5461")
        .replace("4 master - connected", "4 master - connected 0-5460");
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3, 4], &rest)
        .heavy(1, big(5461, false))
        .leaving(&[1]);
    assert_eq!(
        scene.told(),
        format!(
            "leaves: 10.0.0.1 1 slot; {WHY} (1 slot left)\n\
             not done: move slot 5461 from 10.0.0.1: {WHY}\n\
             one cluster of 3 members\n"
        )
    );
}

#[test]
fn what_one_target_has_no_room_for_goes_to_another_one() {
    let full = Heavy {
        limit: Limit::Room {
            target: id(2),
            left: 7_000_000,
        },
        ..big(0, false)
    };
    let two = "1 master - connected 0-1
        2 master - connected 2-8191
        3 master - connected 8192-16383
        4 master - connected";
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], two)
        .heavy(1, full)
        .leaving(&[1]);
    let told = scene.told();
    assert!(
        told.contains("move slots 1 to #3") || told.contains("move slots 1 to #2"),
        "{told}"
    );
    assert!(
        !told.contains("move slots 0 to #2") && !told.contains("move slots 0-1 to #2"),
        "{told}"
    );
    assert!(told.contains("has 7 MB left of its maxmemory"), "{told}");
}

/// A key that grew on the way kept all that came after it.
#[test]
fn an_open_slot_that_cannot_arrive_holds_nothing_else_up() {
    let source = THREE.replace("0-5461", "0-5461 [5461->-#2]");
    let target = THREE.replace("5462-10922", "5462-10922 [5461-<-#1]");
    let scene = |due| {
        Scene::replicas(0)
            .node(1, &source)
            .node(2, &target)
            .node(3, THREE)
            .heavy(1, big(5461, due))
    };
    let told = scene(false).told();
    assert!(
        told.starts_with(&format!("not done: move slot 5461 from 10.0.0.1: {WHY}\n")),
        "{told}"
    );
    let told = scene(true).told();
    assert!(
        told.starts_with("10.0.0.1: move slots 5461 to #2"),
        "{told}"
    );
    // The source leaves, and gives its other slots meanwhile.
    let told = scene(false).leaving(&[1]).told();
    assert!(told.contains("10.0.0.1: move slots 0-"), "{told}");
    // At the end it is named first.
    let left = |text: &str| {
        text.replace("0-5461", "5461")
            .replace("3 master - connected", "3 master - connected 0-5460")
    };
    let scene = Scene::replicas(0)
        .node(1, &left(&source))
        .node(2, &left(&target))
        .node(3, &left(THREE))
        .heavy(1, big(5461, false))
        .leaving(&[1]);
    let told = scene.told();
    let first = format!("leaves: 10.0.0.1 slot 5461, which cannot arrive: {WHY}, 1 slot; ");
    assert!(told.starts_with(&first), "{told}");
}

/// It kept everybody from leaving.
#[test]
fn only_the_ends_of_a_slot_that_can_go_nowhere_are_kept_by_it() {
    let source = THREE.replace("0-5461", "0-5461 [5461->-#2]");
    let target = THREE.replace("5462-10922", "5462-10922 [5461-<-#1]");
    let with = |text: &str| format!("{text}\n4 slave #3 connected\n5 slave #2 connected");
    let copy = with(THREE).replace("5 slave #2 connected", "5 slave #2 connected [5461-<-#1]");
    let scene = |due| {
        Scene::replicas(1)
            .node(1, &with(&source))
            .node(2, &with(&target))
            .nodes(&[3, 4], &with(THREE))
            .node(5, &copy)
            .heavy(1, big(5461, due))
            .leaving(&[4, 5])
    };
    let proposal = scene(false).proposal();
    assert_eq!(proposal.stuck, [1, 2, 5].map(id).into());
    assert!(proposal.leaves.iter().all(|leave| leave.holds.is_empty()));
    // While it is tried again, it is waited for; and so is any other.
    assert!(scene(true).proposal().stuck.is_empty());
    let also = with(&source).replace("[5461->-#2]", "[5461->-#2] [7->-#2]");
    assert!(
        !scene(false)
            .node(1, &also)
            .heavy(1, big(5461, false))
            .proposal()
            .stuck
            .contains(&id(1))
    );
    // The other end of one whose target is gone.
    let gone = THREE.replace("0-5461", "0-5461 [7->-#9]");
    let scene = Scene::replicas(0).node(1, &gone).nodes(&[2, 3], THREE);
    assert_eq!(scene.proposal().stuck, [id(1)].into());
}
