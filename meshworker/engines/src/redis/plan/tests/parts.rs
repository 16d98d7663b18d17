//! Who becomes a master, and who follows whom.

use super::{Facts, SIX, Scene, THREE, at};

fn with(table: &str, line: &str) -> String {
    format!("{table}\n{line}")
}

#[test]
fn newcomers_follow_masters_on_other_hosts() {
    let table = with(
        THREE,
        "4 master - connected\n5 master - connected\n6 master - connected",
    );
    let scene = Scene::replicas(1)
        .on(&[(1, "a"), (2, "b"), (3, "c"), (4, "a"), (5, "b"), (6, "c")])
        .nodes(&[1, 2, 3, 4, 5, 6], &table);
    let told = scene.told();
    // 4 and 5 would take each other's masters, and leave 6 with its own host's.
    assert_eq!(
        told,
        "10.0.0.4: CLUSTER REPLICATE #3\n\
         10.0.0.5: CLUSTER REPLICATE #1\n\
         10.0.0.6: CLUSTER REPLICATE #2\n\
         not one cluster: 3 requests are to be made: 10.0.0.4: CLUSTER REPLICATE #3\n"
    );
}

#[test]
fn a_seventh_is_a_spare_replica_and_an_eighth_a_master() {
    let seven = with(SIX, "7 master - connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4, 5, 6, 7], &seven);
    assert!(scene.told().starts_with("10.0.0.7: CLUSTER REPLICATE #1\n"));
    let eight = with(SIX, "7 slave #1 connected\n8 master - connected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4, 5, 6, 7, 8], &eight);
    assert_eq!(
        scene.told(),
        "10.0.0.7: CLUSTER REPLICATE #8\n\
         10.0.0.1: move slots 5418-5461 to #8 at 10.0.0.8\n\
         10.0.0.2: move slots 10881-10922 to #8 at 10.0.0.8\n\
         10.0.0.3: move slots 16342-16383 to #8 at 10.0.0.8\n\
         not one cluster: 4 requests are to be made: 10.0.0.7: CLUSTER REPLICATE #8\n"
    );
}

#[test]
fn a_newcomer_waits_until_it_knows_its_master() {
    let unknown = "1 master - connected 0-5461
        4 master - connected";
    let table = with(THREE, "4 master - connected");
    // Redis refuses a master that it holds to be a replica.
    let replica = table.replace("2 master -", "2 slave #1");
    for four in [unknown, &replica] {
        let scene = Scene::replicas(1)
            .on(&[(1, "a"), (4, "a")])
            .nodes(&[1, 2, 3], &table)
            .node(4, four);
        assert_eq!(
            scene.told(),
            "not one cluster: 10.0.0.4 does not know its master 10.0.0.2 yet\n"
        );
    }
}

#[test]
fn a_replica_of_a_departed_master_without_slots_finds_another() {
    let table = with(THREE, "4 slave #9 connected\n9 master,fail - disconnected");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3, 4], &table);
    assert_eq!(
        scene.told(),
        "10.0.0.4: CLUSTER REPLICATE #1\n\
         gone: #9 from 10.0.0.9; it holds the lead of replica 10.0.0.4; \
         10.0.0.1: CLUSTER FORGET #9; 10.0.0.2: CLUSTER FORGET #9; \
         10.0.0.3: CLUSTER FORGET #9; 10.0.0.4: CLUSTER FORGET #9\n\
         not one cluster: 1 request is to be made: 10.0.0.4: CLUSTER REPLICATE #1\n"
    );
}

#[test]
fn a_surplus_replica_goes_where_one_is_missing() {
    let table = with(
        THREE,
        "4 slave #1 connected\n5 slave #1 connected\n6 slave #2 connected",
    );
    let nodes = [1, 2, 3, 4, 5, 6];
    let scene = Scene::replicas(1).nodes(&nodes, &table);
    assert_eq!(
        scene.told(),
        "10.0.0.5: CLUSTER REPLICATE #3\n\
         not one cluster: 1 request is to be made: 10.0.0.5: CLUSTER REPLICATE #3\n"
    );
    // Not while somebody is away, who may be the missing one.
    let away = Scene::replicas(1)
        .nodes(&nodes, &table)
        .silent(7, meshworker_core::Unanswered::Timeout);
    assert_eq!(away.told(), "one cluster of 6 members\n");
}

#[test]
fn a_master_with_keys_and_without_slots_is_left_to_the_operator() {
    let table = with(THREE, "4 master - connected");
    let keys = Facts {
        keys: 3,
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3], &table)
        .says(4, at(4), &table, keys);
    assert_eq!(
        scene.told(),
        "not done: give 10.0.0.4 a part: it holds 3 keys and owns no slot: if nobody needs them, \
         send it FLUSHALL\n\
         not one cluster: 10.0.0.4 has keys and no slots\n"
    );
}

#[test]
fn a_replica_that_lags_is_not_one_of_the_cluster_yet() {
    let lagging = Facts {
        replication: "master_link_status:down\r\nmaster_sync_in_progress:1\r\n",
        ..Facts::default()
    };
    let scene = Scene::replicas(1)
        .nodes(&[1, 2, 3, 4, 5], SIX)
        .says(6, at(6), SIX, lagging);
    assert_eq!(
        scene.told(),
        "not one cluster: 10.0.0.6: copying its master's data\n"
    );
}

#[test]
fn everybody_must_have_heard_of_everybodys_part() {
    let stale = SIX.replace("6 slave #1", "6 master -");
    let scene = Scene::replicas(1)
        .nodes(&[2, 3, 4, 5, 6], SIX)
        .node(1, &stale);
    assert_eq!(
        scene.told(),
        "not one cluster: 10.0.0.1 has not heard of the part of 10.0.0.6 yet\n"
    );
}

/// After several members moved at once, a replica had its master's new address
/// in its table and dialled the old one for ever.
#[test]
fn a_replica_dialled_its_master_where_it_was_before() {
    let dialling = |at: &'static str| {
        let down = Facts {
            replication: match at {
                "old" => "role:slave\r\nmaster_host:10.0.0.24\r\nmaster_link_status:down\r\n",
                _ => "role:slave\r\nmaster_host:10.0.0.2\r\nmaster_link_status:down\r\n",
            },
            ..Facts::default()
        };
        let scene = Scene::replicas(1).nodes(&[1, 2, 3, 5, 6], SIX);
        scene.says(4, super::at(4), SIX, down)
    };
    assert_eq!(
        dialling("old").told(),
        "10.0.0.4: CLUSTER REPLICATE #2\n\
         not one cluster: 1 request is to be made: 10.0.0.4: CLUSTER REPLICATE #2\n"
    );
    assert_eq!(
        dialling("new").told(),
        "not one cluster: 10.0.0.4: no link to its master yet\n"
    );
}

#[test]
fn a_replica_becomes_a_master_when_masters_are_too_few() {
    // Node 3 gave its slots away, followed their new owner, and came back.
    let table = "1 master - connected 0-8191
        2 master - connected 8192-16383
        3 slave #2 connected";
    for replicas in [0, 1] {
        let scene = Scene::replicas(replicas).nodes(&[1, 2, 3], table);
        assert_eq!(
            scene.told(),
            "10.0.0.3: CLUSTER RESET SOFT\n\
             not one cluster: 1 request is to be made: 10.0.0.3: CLUSTER RESET SOFT\n"
        );
    }
    // Not while somebody is away, or on its way.
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], table);
    let scene = scene.silent(4, meshworker_core::Unanswered::Timeout);
    assert_eq!(scene.told(), "one cluster of 3 members\n");
    let scene = Scene::replicas(1).nodes(&[1, 2, 3], table).leaving(&[1]);
    assert!(!scene.told().contains("RESET"), "{}", scene.told());
    // It forgot everybody, and everybody knows it.
    let scene = Scene::replicas(1)
        .nodes(&[1, 2], table)
        .node(3, "3 master - connected");
    assert!(
        scene
            .told()
            .starts_with("10.0.0.1: CLUSTER MEET 10.0.0.3 6379\n")
    );
    // Replicas that an operator wished for stay replicas.
    let scene = Scene::replicas(1).nodes(
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &format!("{SIX}\n7 slave #1 connected\n8 slave #2 connected"),
    );
    assert_eq!(scene.told(), "one cluster of 8 members\n");
}
