//! Who is gone, and what there is against forgetting it.

use super::{Facts, Scene, THREE, at};

fn remembering(line: &str) -> String {
    format!("{THREE}\n{line}")
}

const FORGET: &str = "10.0.0.1: CLUSTER FORGET #9; 10.0.0.2: CLUSTER FORGET #9; \
     10.0.0.3: CLUSTER FORGET #9\n";

#[test]
fn a_failed_replica_is_a_departure_and_the_cluster_is_one() {
    let table = remembering("9 slave,fail #1 disconnected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table);
    assert_eq!(
        scene.told(),
        format!("gone: #9 from 10.0.0.9; {FORGET}one cluster of 3 members\n")
    );
}

#[test]
fn one_who_doubts_it_is_an_objection() {
    for (seen, said) in [
        ("slave,fail? #1 connected", "slave,fail? connected"),
        ("slave #1 connected", "slave connected"),
    ] {
        let scene = Scene::replicas(1)
            .nodes(&[1, 2], &remembering("9 slave,fail #1 disconnected"))
            .node(3, &remembering(&format!("9 {seen}")));
        assert_eq!(
            scene.told(),
            format!("gone: #9 from 10.0.0.9; #3 says: {said}; {FORGET}one cluster of 3 members\n")
        );
    }
}

#[test]
fn a_mere_suspicion_is_no_departure() {
    let table = remembering("9 slave,fail? #1 connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table);
    assert_eq!(scene.told(), "one cluster of 3 members\n");
}

#[test]
fn only_those_who_remember_it_are_told() {
    let scene = Scene::replicas(1)
        .nodes(&[1, 3], THREE)
        .node(2, &remembering("9 slave,fail #1 disconnected"));
    assert_eq!(
        scene.told(),
        "gone: #9 from 10.0.0.9; 10.0.0.2: CLUSTER FORGET #9\none cluster of 3 members\n"
    );
}

#[test]
fn an_address_with_a_new_owner_proves_nothing() {
    // Node 9 was where node 3 is now.
    let table = remembering("9@3 slave,fail #1 disconnected");
    let lost = remembering("9@? slave,noaddr #1 disconnected");
    for table in [table, lost] {
        let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table);
        assert_eq!(
            scene.told(),
            format!("gone: #9 from nowhere; {FORGET}one cluster of 3 members\n")
        );
    }
}

#[test]
fn whoever_answers_elsewhere_is_not_gone() {
    let table = remembering("9 slave,fail #1 disconnected");
    // It sees the others, and tells them where it is as soon as it pings them.
    let own = table.replace("9 slave,fail #1 disconnected", "9 slave #1 connected");
    let scene =
        Scene::replicas(1)
            .nodes(&[1, 2, 3], &table)
            .says(9, at(20), &own, Facts::default());
    assert_eq!(
        scene.told(),
        "not one cluster: 10.0.0.1 does not see 10.0.0.20 yet\n"
    );
}

#[test]
fn a_member_that_leaves_and_answers_is_told_too() {
    let table = remembering("4 slave #1 connected\n9 slave,fail #1 disconnected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4], &table).unlisted(4);
    assert_eq!(
        scene.told(),
        "gone: #9 from 10.0.0.9; 10.0.0.1: CLUSTER FORGET #9; 10.0.0.2: CLUSTER FORGET #9; \
         10.0.0.3: CLUSTER FORGET #9; 10.0.0.4: CLUSTER FORGET #9\n\
         one cluster of 3 members\n"
    );
}

/// Each replica of a service that was made smaller was waited for until the others held
/// it to be failed, 7.5 s later.
#[test]
fn one_that_was_let_go_and_has_ended_is_not_waited_for() {
    let table = remembering("9 slave #1 connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table).ended(9);
    assert_eq!(
        scene.told(),
        format!("gone: #9 from 10.0.0.9; {FORGET}one cluster of 3 members\n")
    );
    // While it only stops it may still run.
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table).stopping(9);
    assert_eq!(scene.told(), "one cluster of 3 members\n");
    // Whoever answers has not ended.
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 9], &table).ended(9);
    assert!(!scene.told().contains("FORGET"), "{}", scene.told());
}
