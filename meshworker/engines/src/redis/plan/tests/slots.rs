//! Who owns the slots.

use meshworker_core::{Presence, Unanswered};

use super::{Facts, Scene, THREE, at};

const LINKED: &str = "1 master - connected
    2 master - connected
    3 master - connected";

#[test]
fn a_new_cluster_gets_its_slots() {
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], LINKED);
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER ADDSLOTSRANGE 0 5461\n\
         10.0.0.2: CLUSTER ADDSLOTSRANGE 5462 10922\n\
         10.0.0.3: CLUSTER ADDSLOTSRANGE 10923 16383\n\
         not one cluster: slots 0-16383 have no owner\n"
    );
}

#[test]
fn whatever_was_assigned_before_the_worker_died_stays() {
    let table = LINKED.replace("2 master - connected", "2 master - connected 5462-10922");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], &table);
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER ADDSLOTSRANGE 0 5461\n\
         10.0.0.3: CLUSTER ADDSLOTSRANGE 10923 16383\n\
         not one cluster: slots 0-5461 10923-16383 have no owner\n"
    );
}

#[test]
fn masters_are_spread_over_the_swarm_nodes() {
    let table =
        format!("{LINKED}\n4 master - connected\n5 master - connected\n6 master - connected");
    let scene = Scene::replicas(1)
        .on(&[(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c"), (6, "c")])
        .nodes(&[1, 2, 3, 4, 5, 6], &table);
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER ADDSLOTSRANGE 0 5461\n\
         10.0.0.3: CLUSTER ADDSLOTSRANGE 5462 10922\n\
         10.0.0.5: CLUSTER ADDSLOTSRANGE 10923 16383\n\
         not one cluster: slots 0-16383 have no owner\n"
    );
}

#[test]
fn two_are_too_few() {
    let two = "1 master - connected\n2 master - connected";
    let scene = Scene::replicas(1).nodes(&[1, 2], two);
    assert_eq!(
        scene.told(),
        "not done: assign slots 0-16383: 2 of the 3 members that it takes are there\n\
         not one cluster: slots 0-16383 have no owner\n"
    );
}

#[test]
fn two_masters_shared_a_node_when_the_first_three_members_were_all_of_them() {
    let wait = Scene::replicas(1).waits_for(6).nodes(&[1, 2, 3], LINKED);
    assert_eq!(
        wait.told(),
        "not done: assign slots 0-16383: 3 of the 6 members that it takes are there\n\
         not one cluster: slots 0-16383 have no owner\n"
    );
    // What has begun goes on: whoever is missing may never come.
    let begun = LINKED.replace("2 master - connected", "2 master - connected 5462-10922");
    let scene = Scene::replicas(1).waits_for(6).nodes(&[1, 2, 3], &begun);
    assert!(
        scene
            .told()
            .starts_with("10.0.0.1: CLUSTER ADDSLOTSRANGE 0 5461\n")
    );
}

#[test]
fn slots_are_not_given_away_while_their_data_may_be_somewhere() {
    let partly = THREE.replace("0-5461", "100-5461");
    let keys = Facts {
        keys: 12,
        state: "fail",
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .nodes(&[1, 2], &partly)
        .says(3, at(3), &partly, keys);
    assert_eq!(
        scene.told(),
        "not done: assign slots 0-99: slots 0-99 have no owner while nodes hold 12 keys: if their \
         data is lost for good, assign them with CLUSTER ADDSLOTSRANGE\n\
         not one cluster: slots 0-99 have no owner\n"
    );
    let loading = Scene::replicas(1)
        .nodes(&[1, 2, 3], LINKED)
        .silent(4, Unanswered::Starting("LOADING".into()));
    assert_eq!(
        loading.told(),
        "not done: assign slots 0-16383: 10.0.0.4 is loading data, which may belong to slots \
         0-16383\n\
         not one cluster: slots 0-16383 have no owner\n"
    );
}

/// Its node was cut off, its place was filled again, and it came back to leave.
#[test]
fn new_members_got_all_slots_while_one_that_waits_to_leave_held_a_third_of_the_data() {
    let keys = Facts {
        keys: 12,
        state: "fail",
        ..Facts::default()
    };
    let before = "4 master - connected 10923-16383\n5 master,fail - disconnected 0-10922";
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], LINKED)
        .says(4, at(4), before, keys)
        .leaving(&[4]);
    let told = scene.told();
    assert!(!told.contains("ADDSLOTS"), "{told}");
    let why = "10.0.0.4, which is meant to go, holds 12 keys and 5461 slots of before";
    assert!(told.contains(why), "{told}");
}

/// After a power cut members with new directories were up before the others.
#[test]
fn three_empty_members_got_all_slots_while_those_with_the_data_still_booted() {
    let refused = |why: &str| {
        format!(
            "not done: assign slots 0-16383: {why}\n\
             not one cluster: slots 0-16383 have no owner\n"
        )
    };
    let closed = || Unanswered::Unreachable("Connection refused".into());
    let empty = || Scene::replicas(1).nodes(&[1, 2, 3], LINKED);
    let doubt = |scene: Scene| {
        let told = scene.told();
        assert!(!told.contains("ADDSLOTS"), "{told}");
        assert!(told.contains("10.0.0.4 may hold their data"), "{told}");
    };
    // Somebody who knows says that it is there.
    doubt(empty().silent(4, closed()).announced(&[4]));
    doubt(empty().silent(4, Unanswered::Timeout).tasks(&[], 4));
    doubt(
        empty()
            .silent(4, Unanswered::Denied("WRONGPASS".into()))
            .tasks(&[], 4),
    );
    doubt(empty().silent(4, closed()).leaving(&[4]));
    doubt(empty().tasks(&[(4, Presence::OutOfSight)], 3));
    // It has no address yet, but is meant to be.
    assert_eq!(
        empty().tasks(&[], 6).told(),
        refused("3 of the 6 members that it takes are there")
    );
    // All are there, and so is one that cannot be one of them.
    let all = empty().tasks(&[], 3).told();
    assert!(all.contains("CLUSTER ADDSLOTSRANGE 0 5461"), "{all}");
    // A name server alone lists whoever is long gone.
    let stale = empty().silent(4, closed()).told();
    assert!(stale.contains("CLUSTER ADDSLOTSRANGE 0 5461"), "{stale}");
    // So it is when it has begun: whoever is silent may be one that got some.
    let begun = LINKED.replace("2 master - connected", "2 master - connected 5462-10922");
    let scene = || Scene::replicas(1).nodes(&[1, 2, 3], &begun);
    doubt(scene().silent(4, closed()).announced(&[4]));
    let told = scene().silent(4, closed()).told();
    assert!(told.contains("CLUSTER ADDSLOTSRANGE 0 5461"), "{told}");
}

/// It was killed before the others had heard that it owns a third of the slots: they got
/// them as well, and when it was back, with its data, one of them lost what it had taken.
#[test]
fn slots_of_a_member_that_nobody_had_heard_of_were_dealt_out_again() {
    let begun = LINKED.replace("2 master - connected", "2 master - connected 5462-10922");
    for seen in ["4 master - disconnected", "4 master,fail? - disconnected"] {
        let scene = Scene::replicas(1).nodes(&[1, 2, 3], &format!("{begun}\n{seen}"));
        let told = scene.told();
        assert!(!told.contains("ADDSLOTS"), "{told}");
        assert!(told.contains("may own some of them"), "{told}");
    }
    // What it owns is known, or it is held to be gone.
    for seen in [
        "4 master,fail - disconnected 0-9",
        "4 master,fail - disconnected",
        "4 master,noaddr - disconnected",
    ] {
        let scene = Scene::replicas(1).nodes(&[1, 2, 3], &format!("{begun}\n{seen}"));
        let told = scene.told();
        assert!(told.contains("ADDSLOTS"), "{told}");
    }
}

/// Of those with data one answers first: what it knows to be others' is theirs.
#[test]
fn slots_of_members_that_still_boot_are_not_given_away() {
    let closed = || Unanswered::Unreachable("Connection refused".into());
    let lost = THREE.replace("2 master - connected", "2 master,fail? - disconnected");
    let told = Scene::replicas(1)
        .node(1, &lost)
        .nodes(
            &[4, 5, 6],
            "4 master - connected\n5 master - connected\n6 master - connected",
        )
        .silent(2, closed())
        .told();
    assert!(!told.contains("ADDSLOTS"), "{told}");
}

#[test]
fn slots_of_a_dead_master_are_not_given_away() {
    let table = THREE.replace("3 master - connected", "3 master,fail - disconnected");
    let failed = Facts {
        state: "fail",
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .says(1, at(1), &table, failed)
        .says(2, at(2), &table, failed);
    assert_eq!(
        scene.told(),
        "gone: #3 from 10.0.0.3; it holds slots 10923-16383; \
         10.0.0.1: CLUSTER FORGET #3; 10.0.0.2: CLUSTER FORGET #3\n\
         not one cluster: slots 10923-16383 are #3's, which does not answer\n"
    );
}

#[test]
fn a_move_that_was_broken_off_is_finished_from_either_end() {
    let four = format!("{THREE}\n4 master - connected");
    let source = four.replace("0-5461", "0-5461 [7->-#4]");
    let target = four.replace("4 master - connected", "4 master - connected [7-<-#1]");
    let expected = "10.0.0.1: move slots 7 to #4 at 10.0.0.4\n\
         not one cluster: 1 request is to be made: 10.0.0.1: move slots 7 to #4 at 10.0.0.4\n";
    for (first, fourth) in [(&source, &target), (&source, &four), (&four, &target)] {
        let scene = Scene::replicas(0)
            .node(1, first)
            .nodes(&[2, 3], &four)
            .node(4, fourth);
        let told = scene.told();
        // A target without a mark is an empty newcomer, which is due for more.
        let told = told
            .split_inclusive('\n')
            .filter(|line| !line.contains("5418"));
        assert_eq!(told.collect::<String>(), expected);
    }
}

#[test]
fn marks_of_slots_that_have_arrived_are_removed() {
    let moved = THREE
        .replace("10923-16383", "7 10923-16383")
        .replace("0-5461", "0-6 8-5461");
    let source = moved.replace("8-5461", "8-5461 [7->-#3]");
    let target = moved.replace("10923-16383", "10923-16383 [7-<-#1]");
    let scene = Scene::replicas(0)
        .node(1, &source)
        .node(2, &moved)
        .node(3, &target);
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER SETSLOT 7 STABLE\n\
         10.0.0.3: CLUSTER SETSLOT 7 STABLE\n\
         not one cluster: 2 requests are to be made: 10.0.0.1: CLUSTER SETSLOT 7 STABLE\n"
    );
}

#[test]
fn a_slot_whose_target_is_gone_is_left_to_the_operator() {
    let table = format!("{THREE}\n9 master,fail - disconnected");
    let source = table.replace("0-5461", "0-5461 [7->-#9]");
    let scene = Scene::replicas(0).node(1, &source).nodes(&[2, 3], &table);
    assert_eq!(
        scene.told(),
        "gone: #9 from 10.0.0.9; it holds keys of slot 7, which is on the move; \
         10.0.0.1: CLUSTER FORGET #9; 10.0.0.2: CLUSTER FORGET #9; 10.0.0.3: CLUSTER FORGET #9\n\
         not done: close slot 7 at 10.0.0.1: slot 7 was on its way to #9, which is gone, and keys \
         may have gone with it: if it will not come back, send CLUSTER SETSLOT 7 STABLE to 10.0.0.1\n\
         not one cluster: 10.0.0.1: 1 slot on the move, 7 first\n"
    );
}

/// A member that was killed while its disk still had what it held once.
#[test]
fn slots_were_pulled_to_a_member_that_had_loaded_deleted_keys() {
    let table = format!("{THREE}\n4 master - connected");
    let marks = |count: u16| {
        let marks = (0..count).map(|slot| format!(" [{slot}-<-#1]"));
        format!("{table}{}", marks.collect::<String>())
    };
    let dirty = Facts {
        keys: 300,
        ..Facts::default()
    };
    let scene = |count| {
        let scene = Scene::replicas(0).nodes(&[1, 2, 3], &table);
        scene.says(4, at(4), &marks(count), dirty).told()
    };
    let told = scene(300);
    assert!(!told.contains("move slots 0"), "{told}");
    assert!(
        told.contains(
            "not done: move slots to 10.0.0.4: it holds 300 keys of slots that others own and do \
             not give it, as after a crash: if nobody needs them, send it FLUSHALL\n"
        ),
        "{told}"
    );
    // What a worker may have begun, whose source was replaced since, goes on.
    let told = scene(16);
    assert!(told.contains("10.0.0.1: move slots 0-15 to #4"), "{told}");
}

/// A target that takes a large key answers nobody for a while.
#[test]
fn a_busy_target_was_called_gone() {
    let source = THREE.replace("0-5461", "0-5461 [7->-#2]");
    let told = Scene::replicas(0)
        .nodes(&[1, 3], &source)
        .silent(2, Unanswered::Timeout)
        .told();
    assert!(!told.contains("gone"), "{told}");
    assert!(
        told.contains("not one cluster: slot 7 waits for #2"),
        "{told}"
    );
}

#[test]
fn a_small_imbalance_is_left_alone() {
    let table = THREE
        .replace("0-5461", "0-5430")
        .replace("5462-10922", "5431-10922");
    let scene = Scene::replicas(0).nodes(&[1, 2, 3], &table);
    assert_eq!(scene.told(), "one cluster of 3 members\n");
}

/// For five seconds after its start a node holds those to be well of whom it has read in its
/// file: it was one cluster with itself.
#[test]
fn one_that_started_before_the_others_was_one_cluster_at_rest() {
    let table = THREE
        .replace("2 master - connected", "2 master - disconnected")
        .replace("3 master - connected", "3 master - disconnected");
    let scene = Scene::replicas(1).says(1, at(1), &table, Facts::default());
    let told = scene.told();
    assert!(
        told.ends_with("not one cluster: slots 5462-10922 are #2's, which does not answer\n"),
        "{told}"
    );
}

/// After a move whose target claimed a slot with an epoch below its giver's.
#[test]
fn two_masters_held_each_other_to_own_slots_and_nobody_settled_it() {
    let first = THREE
        .replace("0-5461", "100-5461")
        .replace("5462-10922", "0-99 5462-10922");
    let keys = Facts {
        keys: 12,
        ..Facts::default()
    };
    let contested = || {
        Scene::replicas(1)
            .says(1, at(1), &first, keys)
            .nodes(&[2, 3], THREE)
            .says(2, at(2), THREE, keys)
    };
    assert_eq!(
        contested().told(),
        "10.0.0.1: settle who owns slots 0-99\n\
         not one cluster: slots 0-99 have no owner\n"
    );
    // Somebody who may own them is out of sight.
    let silent = contested().silent(4, Unanswered::Timeout).announced(&[4]);
    assert_eq!(
        silent.told(),
        "not done: settle who owns slots 0-99: 10.0.0.4 may hold their data and does not tell: \
         no answer before the deadline\n\
         not one cluster: slots 0-99 have no owner\n"
    );
}
