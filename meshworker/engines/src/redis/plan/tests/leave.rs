//! Members that are meant to go.

use meshworker_core::{Place, Unanswered};

use super::{Facts, SIX, Scene, THREE, at};

const ALL: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn lagging() -> Facts {
    Facts {
        replication: "master_link_status:down\r\nmaster_sync_in_progress:1\r\n",
        ..Facts::default()
    }
}

#[test]
fn replicas_go_first_and_masters_hand_over_to_those_that_stay() {
    let scene = Scene::replicas(1).nodes(&ALL, SIX).leaving(&[1, 3, 4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 \n\
         leaves: 10.0.0.3 5461 slots; replica 10.0.0.5 takes over (5461 slots left); \
         10.0.0.5: CLUSTER FAILOVER\n\
         leaves: 10.0.0.1 5462 slots; replica 10.0.0.6 takes over (5462 slots left); \
         10.0.0.6: CLUSTER FAILOVER\n\
         one cluster of 3 members\n"
    );
    let steps: Vec<_> = scene.proposal().leaves;
    let kinds = steps.iter().flat_map(|leave| &leave.steps);
    assert!(kinds.clone().count() == 2);
    for step in kinds {
        let kind = meshworker_core::Request::kind(&step.request);
        assert_eq!(kind, meshworker_core::StepKind::Leave);
    }
}

#[test]
fn a_replica_that_lags_does_not_take_over_yet() {
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3, 4, 5], SIX)
        .says(6, at(6), SIX, lagging())
        .leaving(&[1]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.1 5462 slots; replica 10.0.0.6 is not in sync yet (5462 slots left)\n\
         not one cluster: 10.0.0.6: copying its master's data\n"
    );
}

/// The heir is a master from one command to the next, its master hears of that
/// a moment later: slots that moved meanwhile moved back afterwards.
#[test]
fn slots_began_to_move_before_a_failover_had_shown() {
    let taken = "1 master - connected
        2 master - connected 5462-10922
        3 master - connected 10923-16383
        4 slave #2 connected
        5 slave #3 connected
        6 master - connected 0-5461";
    let scene = || {
        Scene::replicas(1)
            .nodes(&[1, 2, 3, 4, 5], SIX)
            .node(6, taken)
    };
    assert_eq!(
        scene().leaving(&[1]).told(),
        "leaves: 10.0.0.1 5462 slots; 10.0.0.6 has taken over, and it has not heard (5462 slots \
         left)\n\
         not one cluster: 10.0.0.2 has not heard of the part of 10.0.0.6 yet\n"
    );
    // Nor does a second replica take over from the first one.
    let seven = format!("{SIX}\n7 slave #1 connected");
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3, 4, 5, 7], &seven)
        .node(6, &format!("{taken}\n7 slave #1 connected"))
        .leaving(&[1]);
    assert!(!scene.told().contains("FAILOVER"), "{}", scene.told());
}

#[test]
fn a_replica_that_is_silent_may_be_about_to_take_over() {
    let scene = || {
        Scene::replicas(1)
            .nodes(&[1, 2, 3, 4, 5], SIX)
            .silent(6, Unanswered::Timeout)
    };
    assert_eq!(
        scene().leaving(&[1]).told(),
        "leaves: 10.0.0.1 5462 slots; its replica 10.0.0.6 does not answer (5462 slots left)\n\
         one cluster of 4 members\n"
    );
    // Who cannot wait, or whose replica has left, is helped at once.
    for scene in [scene().stopping(1), scene().unlisted(6).leaving(&[1])] {
        let told = scene.told();
        let follows = "10.0.0.4 becomes its replica first (5462 slots left); 10.0.0.4: CLUSTER \
                       REPLICATE #1";
        assert!(told.contains(follows), "{told}");
    }
}

#[test]
fn the_heir_is_not_where_another_master_is() {
    let table = format!("{SIX}\n7 slave #1 connected\n8 slave #1 connected");
    let scene = Scene::replicas(1)
        .on(&[(1, "a"), (2, "b"), (3, "c"), (6, "b"), (7, "d"), (8, "a")])
        .nodes(&[1, 2, 3, 4, 5, 6, 7, 8], &table)
        .leaving(&[1]);
    assert!(
        scene.told().contains("; 10.0.0.7: CLUSTER FAILOVER\n"),
        "{}",
        scene.told()
    );
}

#[test]
fn a_master_without_replica_gives_its_slots_to_the_others() {
    let table = "1 master - connected 0-4095
        2 master - connected 4096-8191
        3 master - connected 8192-12287
        4 master - connected 12288-16383";
    let scene = Scene::replicas(0).nodes(&[1, 2, 3, 4], table).leaving(&[4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 4096 slots; they move to 3 masters that stay (4096 slots left); \
         10.0.0.4: move slots 12288-12415 to #1 at 10.0.0.1\n\
         one cluster of 3 members\n"
    );
    // The first master has its share: the last slots for it, the first ones for
    // the next.
    let table = "1 master - connected 0-4095 12288-13552
        2 master - connected 4096-8191
        3 master - connected 8192-12287
        4 master - connected 13553-16383";
    let scene = Scene::replicas(0).nodes(&[1, 2, 3, 4], table).leaving(&[4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 2831 slots; they move to 3 masters that stay (2831 slots left); \
         10.0.0.4: move slots 13553-13653 to #1 at 10.0.0.1; \
         10.0.0.4: move slots 13654-13680 to #2 at 10.0.0.2\n\
         one cluster of 3 members\n"
    );
}

#[test]
fn a_master_follows_in_its_place_when_masters_would_be_too_few() {
    // Of the six, 4 and 6 have gone: 3's replica is the only one.
    let table = "1 master - connected 0-5461
        2 master - connected 5462-10922
        3 master - connected 10923-16383
        5 slave #3 connected";
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 5], table).leaving(&[1]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.1 5462 slots; 10.0.0.5 becomes its replica first (5462 slots left); \
         10.0.0.5: CLUSTER REPLICATE #1\n\
         one cluster of 3 members\n"
    );
    // On its way it is not sent back.
    let table = table.replace("slave #3", "slave #1");
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], &table)
        .says(5, at(5), &table, lagging())
        .leaving(&[1]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.1 5462 slots; replica 10.0.0.5 is not in sync yet (5462 slots left)\n\
         not one cluster: 10.0.0.5: copying its master's data\n"
    );
}

#[test]
fn an_empty_newcomer_takes_the_place_of_a_master_that_goes() {
    let table = format!("{THREE}\n4 master - connected");
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3, 4], &table)
        .leaving(&[1]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.1 5462 slots; they move to 3 masters that stay (5462 slots left); \
         10.0.0.1: move slots 0 to #2 at 10.0.0.2; 10.0.0.1: move slots 1-127 to #4 at 10.0.0.4\n\
         one cluster of 3 members\n"
    );
}

#[test]
fn a_replica_is_held_while_its_master_is_gone() {
    let table = SIX.replace("1 master -", "1 master,fail -");
    let scene = Scene::replicas(1)
        .nodes(&[2, 3, 4, 5, 6], &table)
        .leaving(&[6]);
    assert!(
        scene
            .told()
            .contains("leaves: 10.0.0.6 the copy of slots 0-5461, whose master #1 is gone\n"),
        "{}",
        scene.told()
    );
    // Without slots, the dead master had nothing.
    let table = table.replace("0-5461", "").replace("5462", "0");
    let scene = Scene::replicas(1)
        .nodes(&[2, 3, 4, 5, 6], &table)
        .leaving(&[6]);
    assert!(
        scene.told().contains("leaves: 10.0.0.6 \n"),
        "{}",
        scene.told()
    );
}

#[test]
fn slots_on_the_move_to_and_from_a_leaver_arrive_first() {
    let four = "1 master - connected 0-4095
        2 master - connected 4096-8191
        3 master - connected 8192-12287
        4 master - connected 12288-16383";
    let from = four.replace("12288-16383", "12288-16383 [12288->-#1]");
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], four)
        .node(4, &from)
        .leaving(&[4]);
    assert_eq!(
        scene.told(),
        "10.0.0.4: move slots 12288 to #1 at 10.0.0.1\n\
         leaves: 10.0.0.4 4096 slots; slots that are on the move arrive first, slot 12288, which \
         is on the move (4096 slots left)\n\
         not one cluster: 1 request is to be made: 10.0.0.4: move slots 12288 to #1 at 10.0.0.1\n"
    );
    let to = four.replace("12288-16383", "12288-16383 [7-<-#1]");
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], four)
        .node(4, &to)
        .leaving(&[4]);
    assert!(
        scene
            .told()
            .starts_with("10.0.0.1: move slots 7 to #4 at 10.0.0.4\n"),
        "{}",
        scene.told()
    );
}

#[test]
fn those_that_stop_whatever_stays_save_what_they_can() {
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], THREE)
        .stopping(2)
        .stopping(3);
    assert_eq!(scene.told().matches("move slots").count(), 2);
}

#[test]
fn nobody_who_stays_is_no_harm_to_those_that_go() {
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], THREE)
        .leaving(&[1, 2, 3]);
    let told = scene.told();
    assert_eq!(told.matches("leaves: ").count(), 3, "{told}");
    assert_eq!(told.matches("move").count(), 0, "{told}");
}

#[test]
fn whoever_has_not_joined_has_nothing_to_hand_over() {
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], THREE)
        .node(4, "4 master - connected")
        .leaving(&[4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 \none cluster of 3 members\n"
    );
    let apart = "4 master - connected 0-100";
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], THREE)
        .node(4, apart)
        .leaving(&[4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 101 slots; the other members do not see it (101 slots left)\n\
         one cluster of 3 members\n"
    );
    let keys = Facts {
        keys: 3,
        ..Facts::default()
    };
    let table = format!("{THREE}\n4 master - connected");
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], &table)
        .says(4, at(4), &table, keys)
        .leaving(&[4]);
    assert_eq!(
        scene.told(),
        "leaves: 10.0.0.4 3 keys and no slot: if nobody needs them, send it FLUSHALL\n\
         one cluster of 3 members\n"
    );
}

#[test]
fn slots_are_not_balanced_while_somebody_goes() {
    let table = "1 master - connected 0-8000
        2 master - connected 8001-10922
        3 master - connected 10923-16383
        4 slave #2 connected";
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4], table);
    assert!(scene.told().starts_with("10.0.0.1: move slots"));
    let leaving = scene.leaving(&[4]);
    assert_eq!(
        leaving.told(),
        "leaves: 10.0.0.4 \none cluster of 3 members\n"
    );
}

/// Who may go at the same time as whom.
#[test]
fn goings_touch_each_other_in_one_shard_or_at_one_heir() {
    let meet = |scene: Scene| {
        let leaves = scene.proposal().leaves;
        let last = |place: Place| match place.address {
            std::net::IpAddr::V4(v4) => v4.octets()[3],
            std::net::IpAddr::V6(_) => 0,
        };
        let mut pairs = Vec::new();
        for (n, one) in leaves.iter().enumerate() {
            let others = leaves.iter().skip(n + 1);
            let met = others.filter(|other| one.touches.meets(&other.touches));
            pairs.extend(met.map(|other| (last(one.address), last(other.address))));
        }
        pairs
    };
    // Three replicas, and masters that their replicas take over from.
    let six = || Scene::replicas(1).nodes(&ALL, SIX);
    assert_eq!(meet(six().leaving(&[4, 5, 6])), []);
    assert_eq!(meet(six().leaving(&[1, 2, 3])), []);
    assert_eq!(meet(six().leaving(&[4, 1, 3])), []);
    // A master and its replica.
    assert_eq!(meet(six().leaving(&[6, 1])), [(6, 1)]);
    // Two replicas of one master.
    let seven = format!("{SIX}\n7 slave #1 connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4, 5, 6, 7], &seven);
    assert_eq!(meet(scene.leaving(&[7, 6, 5])), [(7, 6)]);
    // Two that give their slots to the same ones, and a replica of one of these.
    let five = "1 master - connected 0-3999
        2 master - connected 4000-7999
        3 master - connected 8000-11999
        4 master - connected 12000-15999
        5 master - connected 16000-16383
        6 slave #1 connected";
    let scene = Scene::replicas(0).nodes(&[1, 2, 3, 4, 5, 6], five);
    assert_eq!(meet(scene.leaving(&[4, 5, 6])), [(6, 5), (6, 4), (5, 4)]);
    // One of which nobody can tell yet how it will go.
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3, 4, 5], SIX)
        .says(6, at(6), SIX, lagging());
    assert_eq!(meet(scene.leaving(&[4, 1])), [(4, 1)]);
}

/// A slot went back to it by its last claim, after it had given it away and was let go.
#[test]
fn a_master_was_let_go_while_another_still_held_it_to_own_slots() {
    let given = THREE.replace(
        "2 master - connected 5462-10922",
        "2 master - connected 5462-10922 ",
    );
    let left = given.replace("0-5461", "") + "\n4 master - connected 0-5461";
    let stale = format!("{THREE}\n4 master - connected");
    let scene = || Scene::replicas(0).nodes(&[1, 3, 4], &left).leaving(&[1]);
    let told = scene().nodes(&[2], &left).told();
    assert!(told.starts_with("leaves: 10.0.0.1 \n"), "{told}");
    let told = scene().nodes(&[2], &stale).told();
    let holds = "leaves: 10.0.0.1 slots, as 10.0.0.2 still believes\n";
    assert!(told.starts_with(holds), "{told}");
}
