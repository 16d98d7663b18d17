//! Who is introduced to whom, and who is not.

use meshworker_core::Unanswered;

use super::{Facts, Scene, THREE, at, id};

fn fresh(n: u8) -> String {
    format!("{n}@? master - connected")
}

#[test]
fn fresh_nodes_are_introduced_to_the_first() {
    let scene = Scene::replicas(1)
        .node(1, &fresh(1))
        .node(2, &fresh(2))
        .node(3, &fresh(3));
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER MEET 10.0.0.2 6379\n\
         10.0.0.1: CLUSTER MEET 10.0.0.3 6379\n\
         not one cluster: 10.0.0.2 has not joined\n"
    );
}

#[test]
fn a_newcomer_is_one_request_and_blocks_nobody() {
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], THREE)
        .node(4, &fresh(4))
        .silent(5, Unanswered::Timeout)
        .silent(6, Unanswered::Garbage("HTTP".into()));
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER MEET 10.0.0.4 6379\n\
         not one cluster: 10.0.0.4 has not joined\n"
    );
}

#[test]
fn nobody_is_introduced_twice_while_hands_are_shaken() {
    let four = "4 master - connected\n9@1 handshake - disconnected";
    let theirs = Scene::replicas(1).nodes(&[1, 2, 3], THREE).node(4, four);
    let with_hands = format!("{THREE}\n9@4 handshake - disconnected");
    let ours = Scene::replicas(1)
        .nodes(&[1, 2], THREE)
        .node(3, &with_hands)
        .node(4, &fresh(4));
    for scene in [theirs, ours] {
        assert_eq!(scene.told(), "not one cluster: 10.0.0.4 has not joined\n");
    }
}

#[test]
fn a_formed_cluster_of_strangers_is_refused() {
    let theirs = "11 master - connected 0-8000
        12 master - connected 8001-16383";
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], THREE)
        .nodes(&[11, 12], theirs);
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.11: it belongs to another formed cluster (2 nodes, 16384 slots, 0 \
         keys); empty it or remove it from the service\n\
         not one cluster: 10.0.0.11 has not joined\n"
    );
}

#[test]
fn a_replica_whose_cluster_is_out_of_sight_was_said_to_own_its_masters_slots() {
    let theirs = "11 slave #12 connected
        12 master,fail - disconnected 0-16383";
    let scene = Scene::replicas(0).nodes(&[1, 2, 3], THREE).node(11, theirs);
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.11: it belongs to another formed cluster (1 node, 0 slots, 0 \
         keys, knows 2); empty it or remove it from the service\n\
         not one cluster: 10.0.0.11 has not joined\n"
    );
}

/// Together they claimed to hold none.
#[test]
fn strangers_that_claimed_more_keys_than_can_be_counted_were_taken_for_empty() {
    let theirs = "11 master - connected\n12 master - connected";
    let claims = |keys| Facts {
        keys,
        ..Facts::default()
    };
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3], THREE)
        .says(11, at(11), theirs, claims(u64::MAX))
        .says(12, at(12), theirs, claims(1));
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.11: it belongs to another formed cluster (2 nodes, 0 slots, \
         18446744073709551615 keys); empty it or remove it from the service\n\
         not one cluster: 10.0.0.11 has not joined\n"
    );
}

#[test]
fn a_single_node_with_keys_is_refused() {
    let keys = Facts {
        keys: 7,
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], THREE)
        .says(4, at(4), &fresh(4), keys);
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.4: it belongs to another formed cluster (1 node, 0 slots, 7 keys); \
         empty it or remove it from the service\n\
         not one cluster: 10.0.0.4 has not joined\n"
    );
}

#[test]
fn all_members_at_new_addresses_are_recognised_by_their_ids() {
    let old = THREE.replace("connected", "disconnected");
    let scene = [1, 2, 3].into_iter().fold(Scene::replicas(1), |scene, n| {
        let myself = format!("{n} master - disconnected");
        let table = old.replace(&myself, &myself.replace("disconnected", "connected"));
        scene.says(n, at(20 + n), &table, Facts::default())
    });
    assert_eq!(
        scene.told(),
        "10.0.0.21: CLUSTER MEET 10.0.0.22 6379\n\
         10.0.0.21: CLUSTER MEET 10.0.0.23 6379\n\
         not one cluster: 10.0.0.22 has not joined\n"
    );
}

#[test]
fn whoever_was_forgotten_and_returns_is_introduced_again() {
    // It sees the others; they do not know it any more.
    let four = format!("{THREE}\n4 slave #1 connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], THREE).node(4, &four);
    assert_eq!(
        scene.told(),
        "10.0.0.1: CLUSTER MEET 10.0.0.4 6379\n\
         not one cluster: 10.0.0.4 has not joined\n"
    );
}

#[test]
fn gossip_about_a_member_that_was_forgotten_was_waited_for_a_minute() {
    // The first has met it again, the others believe nobody about it.
    let four = format!("{THREE}\n4 slave #1 connected");
    let scene = Scene::replicas(1)
        .nodes(&[1, 4], &four)
        .nodes(&[2, 3], THREE);
    assert_eq!(
        scene.told(),
        "10.0.0.2: CLUSTER MEET 10.0.0.4 6379\n\
         10.0.0.3: CLUSTER MEET 10.0.0.4 6379\n\
         not one cluster: 2 requests are to be made: 10.0.0.2: CLUSTER MEET 10.0.0.4 6379\n"
    );
}

#[test]
fn a_member_that_nobody_can_find_is_introduced_anew() {
    let lost = THREE.replace("3 master - connected", "3@? master,noaddr - disconnected");
    let scene = Scene::replicas(1).nodes(&[1, 3], THREE).node(2, &lost);
    assert_eq!(
        scene.told(),
        "10.0.0.2: CLUSTER MEET 10.0.0.3 6379\n\
         not one cluster: 1 request is to be made: 10.0.0.2: CLUSTER MEET 10.0.0.3 6379\n"
    );
}

#[test]
fn every_member_that_one_has_lost_is_introduced_anew() {
    let lost = "1@? master,noaddr - disconnected 0-5461
        2 master - connected 5462-10922
        3@? master,noaddr - disconnected 10923-16383";
    let scene = Scene::replicas(1).nodes(&[1, 3], THREE).node(2, lost);
    assert!(
        scene.told().starts_with(
            "10.0.0.2: CLUSTER MEET 10.0.0.1 6379\n\
             10.0.0.2: CLUSTER MEET 10.0.0.3 6379\n"
        ),
        "{}",
        scene.told()
    );
}

#[test]
fn another_name_is_never_met() {
    let theirs = "11,theirs.1 master - connected";
    let scene = |scene: Scene| {
        scene
            .node(1, "1,ours.1 master - connected")
            .node(2, "2,ours.2 master - connected")
            .node(11, theirs)
    };
    // It says so also when no name is expected: the first node's counts then.
    for scene in [
        scene(Scene::replicas(1).named("ours")),
        scene(Scene::replicas(1)),
    ] {
        let told = scene.told();
        assert!(
            told.contains("not done: join 10.0.0.11: it belongs to cluster 'theirs', not 'ours'\n"),
            "{told}"
        );
        assert!(told.starts_with("10.0.0.1: CLUSTER MEET 10.0.0.2 6379\n"));
        assert_eq!(told.matches("MEET").count(), 1, "{told}");
    }
}

#[test]
fn a_formed_cluster_of_another_name_is_not_ours() {
    let theirs = "1,theirs.1 master - connected 0-5461
        2,theirs.2 master - connected 5462-10922
        3,theirs.3 master - connected 10923-16383
        4,theirs.4 master - connected";
    let scene = Scene::replicas(1)
        .named("ours")
        .nodes(&[1, 2, 3, 4], theirs);
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.1: it belongs to cluster 'theirs', not 'ours'\n\
         not done: join 10.0.0.2: it belongs to cluster 'theirs', not 'ours'\n\
         not done: join 10.0.0.3: it belongs to cluster 'theirs', not 'ours'\n\
         not done: join 10.0.0.4: it belongs to cluster 'theirs', not 'ours'\n\
         not one cluster: 10.0.0.1 has not joined\n"
    );
}

#[test]
fn a_formed_cluster_without_name_is_not_taken_for_the_expected_one() {
    let scene = Scene::replicas(1)
        .named("ours")
        .nodes(&[1, 2, 3], THREE)
        .node(14, "14,ours.1 master - connected");
    assert_eq!(
        scene.told(),
        "not done: join 10.0.0.1: it belongs to another formed cluster (3 nodes, 16384 slots, 0 \
         keys); empty it or remove it from the service\n\
         not done: assign slots 0-16383: 10.0.0.1 belongs to a formed cluster already: take it out \
         of the service, or let all nodes announce the same cluster name\n\
         not one cluster: 10.0.0.1 has not joined\n"
    );
    // Alone, it is what the operator has.
    let alone = Scene::replicas(1).named("ours").nodes(&[1, 2, 3], THREE);
    assert_eq!(alone.told(), "one cluster of 3 members\n");
}

#[test]
fn a_copied_volume_is_noticed() {
    let run = |run_id| Facts {
        run_id,
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], THREE)
        .says(4, at(4), &fresh(4), run("a"))
        .says(4, at(5), &fresh(4), run("b"));
    let told = scene.told();
    assert!(told.contains("a volume was copied"), "{told}");
    assert_eq!(told.matches("MEET").count(), 0, "{told}");
}

#[test]
fn an_unusual_bus_port_is_told() {
    let table = format!(
        "{} 10.0.0.4:6379@7777 myself,master - 0 0 0 connected\n",
        id(4)
    );
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], THREE).raw(4, &table);
    assert!(
        scene
            .told()
            .starts_with("10.0.0.1: CLUSTER MEET 10.0.0.4 6379 7777\n")
    );
}

/// The seven's neighbours waited for it, and it could not go.
#[test]
fn a_foreign_member_had_a_say_among_ours() {
    let theirs = "11 slave #12 connected
        12 master,fail - disconnected 0-16383";
    let ours = || Scene::replicas(0).nodes(&[1, 2, 3], THREE);
    let refused = ours().node(11, theirs).proposal();
    assert_eq!(refused.strangers, [at(11)].into());
    let leaves = ours().node(11, theirs).leaving(&[11]).proposal();
    assert_eq!(leaves.strangers, [at(11)].into());
    // So does one that came late and holds nothing.
    let empty = ours().node(4, &fresh(4)).leaving(&[4]).proposal();
    assert_eq!(empty.strangers, [at(4)].into());
    // What those that stay do not have may be theirs to join.
    let all_go = Scene::replicas(0)
        .nodes(&[1, 2, 3], THREE)
        .leaving(&[1, 2, 3])
        .node(4, &fresh(4));
    assert_eq!(all_go.proposal().strangers, Default::default());
}

/// Only a new one answered, and an empty master that all others know was let go at once.
#[test]
fn one_that_knows_silent_members_was_taken_for_one_that_was_never_in() {
    let scene = Scene::replicas(0)
        .node(4, &fresh(4))
        .node(5, &format!("{THREE}\n5 master - connected"))
        .leaving(&[5]);
    let silent = [1, 2, 3]
        .into_iter()
        .fold(scene, |scene, n| scene.silent(n, Unanswered::Timeout));
    assert_eq!(silent.proposal().strangers, Default::default());
}

/// All were meant to go, and a new one alone was to stay: replicas that held no key, and
/// masters without slots, were let go at once from the cluster that the new one was to join.
#[test]
fn empty_members_of_a_cluster_that_goes_were_let_go_because_a_new_one_did_not_know_them() {
    let table = format!("{THREE}\n5 master - connected");
    let scene = Scene::replicas(0)
        .nodes(&[1, 2, 3, 5], &table)
        .leaving(&[1, 2, 3, 5])
        .node(4, &fresh(4));
    assert_eq!(scene.proposal().strangers, Default::default());
}

#[test]
fn a_node_that_only_the_members_know_and_that_owns_nothing_is_a_bystander() {
    let with_9 = format!("{THREE}\n9 master - connected");
    let met = Scene::replicas(0).nodes(&[1, 2, 3], &with_9).proposal();
    let told: Vec<String> = (met.bystanders.iter())
        .flat_map(|node| node.steps.iter().map(ToString::to_string))
        .collect();
    assert_eq!(met.bystanders.len(), 1);
    assert_eq!(met.bystanders[0].address, Some(at(9)));
    assert_eq!(told.len(), 3, "{told:?}");
    // It owns slots, is named, or is gone.
    let owns = format!("{THREE}\n9 master - connected 0-5");
    let gone = format!("{THREE}\n9 master,fail - disconnected");
    for scene in [
        Scene::replicas(0)
            .nodes(&[1, 2], THREE)
            .node(3, &with_9)
            .node(9, &with_9),
        Scene::replicas(0).nodes(&[1, 2, 3], &gone),
        Scene::replicas(0)
            .nodes(&[1, 2, 3], SIX_WITHOUT_3)
            .node(9, &owns)
            .unlisted(9),
    ] {
        assert!(scene.proposal().bystanders.is_empty());
    }
}

/// Two masters, and a third that owns its slots and that no witness names.
const SIX_WITHOUT_3: &str = "1 master - connected 0-5461
    2 master - connected 5462-10922
    3 master - connected
    9 master - connected 10923-16383";

/// It was new, no list kept that it had been met, and it was met again and again.
#[test]
fn a_fresh_member_whose_bus_is_blocked_was_introduced_for_ever_without_a_word() {
    let told = |times| {
        let scene = Scene::replicas(1)
            .nodes(&[1, 2, 3], THREE)
            .node(4, "4 master - connected");
        scene.introduced(4, times).told()
    };
    let meets = "10.0.0.1: CLUSTER MEET 10.0.0.4 6379\nnot one cluster: 10.0.0.4 has not joined";
    assert_eq!(told(1), format!("{meets}\n"));
    assert_eq!(
        told(2),
        format!(
            "{meets}: it answers here, and other members do not reach it: is its port 16379 \
             blocked?\n"
        )
    );
}

/// It answered, all held it to be dead and it them, and no word said what that means.
#[test]
fn a_member_whose_bus_is_blocked_had_not_joined_and_that_was_all() {
    let table = |seen: &str| {
        format!(
            "1 master - connected 0-5461
            2 master - connected 5462-10922
            3 master - connected 10923-16383
            4 {seen}"
        )
    };
    let theirs = "1 master,fail - disconnected 0-5461
        2 master,fail - disconnected 5462-10922
        3 master,fail - disconnected 10923-16383
        4 master - connected";
    let told = |seen: &str| {
        let scene = Scene::replicas(0).nodes(&[1, 2, 3], &table(seen));
        scene.node(4, theirs).told()
    };
    let blocked = told("master,fail - disconnected");
    assert!(
        blocked.ends_with(
            "not one cluster: 10.0.0.4 has not joined: it answers here, and other members do \
             not reach it: is its port 16379 blocked?\n"
        ),
        "{blocked}"
    );
    // A failure that only some suspect is none yet.
    let suspected = told("master,fail? - disconnected");
    assert!(
        suspected.ends_with("10.0.0.4 has not joined\n"),
        "{suspected}"
    );
}
