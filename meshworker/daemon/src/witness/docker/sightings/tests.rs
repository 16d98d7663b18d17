//! The mapping, from tasks as engines list them.

use serde_json::{Value, json};

use super::*;

fn listing(services: Value, tasks: Value, nodes: Value) -> Listing {
    Listing {
        services: serde_json::from_value(services).unwrap(),
        tasks: serde_json::from_value(tasks).unwrap(),
        nodes: serde_json::from_value(nodes).unwrap(),
    }
}

fn services() -> Value {
    json!([
        // The prefix filter lists them all.
        {"ID": "s2", "Spec": {"Name": "stack_db2", "Mode": {"Replicated": {"Replicas": 9}}}},
        {"ID": "s1", "Spec": {"Name": "stack_db", "Labels": null, "Mode": {"Replicated": {"Replicas": 3}}}},
        {"ID": "s3", "Spec": {"Name": "stack_global", "Labels": {}, "Mode": {"Global": {}}}},
    ])
}

fn nodes() -> Value {
    json!([
        {"ID": "n1", "Status": {"State": "ready", "Addr": "10.9.0.1"}, "Description": {"Hostname": "node-1"}},
        {"ID": "n2", "Status": {"State": "down", "Message": "heartbeat failure"}},
        {"ID": "n3", "Status": {"State": "disconnected"}},
    ])
}

fn network(name: &str, driver: &str, address: &str) -> Value {
    json!({
        "Network": {
            "ID": format!("id-of-{name}"),
            "Version": {"Index": 18},
            "Spec": {"Name": name, "DriverConfiguration": {"Name": driver}, "Ingress": name == "mesh"},
            "DriverState": {"Name": driver, "Options": {"vxlanid_list": "4097"}},
        },
        "Addresses": [address],
    })
}

/// A task of `stack_db` in slot 1 on node n1, at 10.0.1.5.
fn task(desired: &str, state: &str) -> Value {
    json!({
        "ID": "t1",
        "Version": {"Index": 71},
        "ServiceID": "s1",
        "Slot": 1,
        "NodeID": "n1",
        "Status": {"State": state, "Timestamp": "2024-06-07T21:07:31.290032978Z"},
        "DesiredState": desired,
        "NetworksAttachments": [network("stack_net", "overlay", "10.0.1.5/24")],
    })
}

fn with(mut task: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        task[key] = value.clone();
    }
    task
}

fn reported(tasks: Vec<Value>) -> Report {
    let listing = listing(services(), Value::Array(tasks), nodes());
    report(&listing, "stack_db", None)
}

fn seen(tasks: Vec<Value>) -> Vec<(String, Presence)> {
    let sightings = reported(tasks).sightings.into_iter();
    sightings
        .map(|s| (s.address.to_string(), s.presence))
        .collect()
}

#[test]
fn a_running_task_is_present_with_all_that_is_known_of_it() {
    let report = reported(vec![task("running", "running")]);
    let sighting = Sighting {
        address: "10.0.1.5".parse().unwrap(),
        member: Some(MemberId::Slot {
            service: "stack_db".into(),
            slot: 1,
        }),
        node: Some("n1".into()),
        node_name: Some("node-1".into()),
        task: Some("t1".into()),
        part: None,
        presence: Presence::Present,
        disk: None,
        known_as: None,
    };
    assert_eq!(
        report,
        Report {
            witness: Witness::Docker,
            grade: Grade::Answer,
            sightings: vec![sighting],
            coming: Vec::new(),
            desired: Some(3),
        }
    );
}

#[test]
fn a_task_without_an_address_was_told_by_nothing() {
    let bare = |desired| with(task(desired, "pending"), json!({"NetworksAttachments": []}));
    let coming = |task| {
        let listing = listing(services(), json!([task]), nodes());
        report(&listing, "stack_db", None).coming
    };
    let slot = MemberId::Slot {
        service: "stack_db".into(),
        slot: 1,
    };
    assert_eq!(coming(bare("running")), [slot]);
    assert_eq!(coming(bare("shutdown")), []);
    assert_eq!(coming(task("running", "running")), []);
}

#[test]
fn each_pair_of_states_has_its_presence() {
    let before = [
        "new",
        "allocated",
        "pending",
        "assigned",
        "accepted",
        "preparing",
        "ready",
        "starting",
        "running",
        "a state of tomorrow",
    ];
    let after = [
        "complete", "shutdown", "failed", "rejected", "remove", "orphaned",
    ];
    for (desired, presence) in [
        ("running", Presence::Present),
        // The successor of a task that has not stopped yet.
        ("ready", Presence::Present),
        ("shutdown", Presence::Leaving),
        ("remove", Presence::Leaving),
    ] {
        for state in before {
            let said = seen(vec![task(desired, state)]);
            assert_eq!(
                said,
                [("10.0.1.5".into(), presence.clone())],
                "{desired} {state}"
            );
        }
        for state in after {
            assert_eq!(seen(vec![task(desired, state)]), [], "{desired} {state}");
        }
    }
}

#[test]
fn a_task_on_a_node_that_is_down_or_gone_is_out_of_sight() {
    for desired in ["running", "shutdown", "remove"] {
        for (node, presence) in [
            ("n2", Presence::OutOfSight),
            ("removed", Presence::OutOfSight),
        ] {
            let task = with(task(desired, "running"), json!({"NodeID": node}));
            assert_eq!(seen(vec![task]), [("10.0.1.5".into(), presence)]);
        }
    }
    // Not heard of for a moment, as after an election among the managers.
    let moment = with(task("running", "running"), json!({"NodeID": "n3"}));
    assert_eq!(seen(vec![moment]), [("10.0.1.5".into(), Presence::Present)]);
    // Not assigned to any node yet.
    let pending = with(task("running", "pending"), json!({"NodeID": ""}));
    assert_eq!(
        seen(vec![pending]),
        [("10.0.1.5".into(), Presence::Present)]
    );
}

#[test]
fn only_tasks_of_exactly_this_service_count() {
    let stranger = with(task("running", "running"), json!({"ServiceID": "s2"}));
    let report = reported(vec![stranger]);
    assert_eq!((report.grade, report.sightings), (Grade::Empty, vec![]));
    assert_eq!(report.desired, Some(3));
}

#[test]
fn a_service_that_does_not_exist_is_a_failure_and_nobody_is_absent() {
    let listing = listing(services(), json!([]), nodes());
    let report = report(&listing, "stack_d", None);
    assert_eq!(
        report.grade,
        Grade::Failed("there is no service stack_d".into())
    );
}

#[test]
fn no_task_at_all_is_empty_and_not_an_answer() {
    assert_eq!(reported(vec![]).grade, Grade::Empty);
    assert_eq!(
        reported(vec![task("shutdown", "failed")]).grade,
        Grade::Empty
    );
}

#[test]
fn a_task_without_an_address_yet_is_not_listed_and_spoils_nothing() {
    for attachments in [json!(null), json!([])] {
        let new = with(
            task("running", "new"),
            json!({"ID": "t2", "Slot": 2, "NetworksAttachments": attachments}),
        );
        let report = reported(vec![task("running", "running"), new]);
        assert_eq!((report.grade, report.sightings.len()), (Grade::Answer, 1));
    }
}

#[test]
fn the_routing_mesh_and_local_networks_are_not_what_members_share() {
    let attached = json!({"NetworksAttachments": [
        network("ingress", "overlay", "10.255.0.10/16"),
        network("mesh", "overlay", "10.254.0.10/16"),
        network("host", "host", "10.253.0.10/16"),
        network("stack_net", "overlay", "10.0.1.5/24"),
    ]});
    let said = seen(vec![with(task("running", "running"), attached)]);
    assert_eq!(said, [("10.0.1.5".into(), Presence::Present)]);
}

#[test]
fn of_two_networks_one_must_be_named() {
    let two = with(
        task("running", "running"),
        json!({"NetworksAttachments": [
            network("front", "overlay", "10.0.7.5/24"),
            network("back", "overlay", "10.0.1.5/24"),
        ]}),
    );
    let clear = with(task("running", "running"), json!({"ID": "t2", "Slot": 2}));
    let listing = listing(services(), json!([two, clear]), nodes());
    let unclear = report(&listing, "stack_db", None);
    let why = "stack_db.1 is on several networks: set `network` to one of back, front";
    assert_eq!(unclear.grade, Grade::Failed(why.into()));
    assert_eq!(unclear.sightings.len(), 1, "the other one can be joined");

    // By name and by id; the second task is not on it.
    for wanted in ["back", "id-of-back"] {
        let named = report(&listing, "stack_db", Some(wanted));
        let why = format!("stack_db.2 is not on network {wanted}, but on stack_net");
        assert_eq!(named.grade, Grade::Failed(why));
        assert_eq!(named.sightings[0].address.to_string(), "10.0.1.5");
    }
}

#[test]
fn a_member_that_moves_is_listed_at_both_addresses() {
    let old = task("shutdown", "running");
    let new = with(
        task("ready", "ready"),
        json!({"ID": "t2", "NetworksAttachments": [network("stack_net", "overlay", "10.0.1.6/24")]}),
    );
    assert_eq!(
        seen(vec![new, old]),
        [
            ("10.0.1.5".into(), Presence::Leaving),
            ("10.0.1.6".into(), Presence::Present)
        ]
    );
}

#[test]
fn an_address_that_has_two_tasks_belongs_to_the_one_that_stays() {
    let old = with(task("shutdown", "running"), json!({"NodeID": "n2"}));
    let new = with(task("running", "running"), json!({"ID": "t2", "Slot": 2}));
    for tasks in [vec![old.clone(), new.clone()], vec![new, old]] {
        assert_eq!(seen(tasks), [("10.0.1.5".into(), Presence::Present)]);
    }
}

#[test]
fn a_task_of_a_global_service_is_known_by_its_address() {
    for slot in [json!(null), json!(0)] {
        let global = with(
            task("running", "running"),
            json!({"ServiceID": "s3", "Slot": slot}),
        );
        let listing = listing(services(), json!([global]), nodes());
        let report = report(&listing, "stack_global", None);
        assert_eq!(report.grade, Grade::Answer);
        assert_eq!(report.desired, None);
        assert_eq!(report.sightings[0].member, None);
        assert_eq!(report.sightings[0].node.as_deref(), Some("n1"));
    }
}
