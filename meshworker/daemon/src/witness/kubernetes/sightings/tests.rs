//! What pods and a StatefulSet testify.

use meshworker_core::Census;
use serde_json::{Value, json};

use super::*;
use crate::witness::kubernetes::endings::Endings;

/// What these are while nobody's time is over.
fn report(pods: &Pods, name: &str, set: &StatefulSet) -> Report {
    super::report(pods, name, set, &BTreeSet::new())
}

fn set(spec: Value) -> StatefulSet {
    serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap()
}

fn pods(all: Vec<Value>) -> Pods {
    let mut pods = Pods::of("db");
    for pod in all {
        pods.note(serde_json::from_value(pod).unwrap());
    }
    pods
}

fn pod(ordinal: u64) -> Value {
    json!({
        "metadata": {"name": format!("db-{ordinal}"), "uid": format!("u{ordinal}")},
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running", "podIP": format!("10.244.1.{ordinal}")},
    })
}

fn with(mut pod: Value, path: &str, value: Value) -> Value {
    let (above, name) = path.rsplit_once('/').unwrap();
    pod.pointer_mut(above).unwrap()[name] = value;
    pod
}

fn deleted(ordinal: u64) -> Value {
    with(
        pod(ordinal),
        "/metadata/deletionTimestamp",
        json!("2026-01-01T00:00:00Z"),
    )
}

fn conditions(ready: &str, containers: &str) -> Value {
    json!([
        {"type": "Ready", "status": ready},
        {"type": "ContainersReady", "status": containers},
    ])
}

fn seen(report: &Report) -> Vec<String> {
    let seen = report.sightings.iter();
    seen.map(|s| format!("{} {}", s.member.as_ref().unwrap(), s.presence))
        .collect()
}

fn comes_back(report: &Report, slot: u64) -> Option<bool> {
    let service = "db".to_owned();
    Census::of(std::slice::from_ref(report)).is_to_fill(&MemberId::Slot { service, slot })
}

#[test]
fn a_member_that_leaves_comes_back_where_its_ordinal_is_wanted() {
    // Three are wished for, 0 is replaced, 3 and 4 are one too many each.
    let all = vec![deleted(0), pod(1), pod(2), deleted(3), deleted(4)];
    let report = report(&pods(all), "db", &set(json!({"replicas": 3})));
    assert_eq!(report.grade, Grade::Answer);
    assert_eq!(report.desired, Some(3));
    let expected = [
        "db.0 leaving",
        "db.1 present",
        "db.2 present",
        "db.3 leaving",
        "db.4 leaving",
    ];
    assert_eq!(seen(&report), expected);
    let back: Vec<_> = (0..5).map(|slot| comes_back(&report, slot)).collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(back, [yes, no, no, no, no]);
}

/// One at a time is taken away, and one that stays is deleted meanwhile.
#[test]
fn of_those_that_are_taken_away_one_by_one_none_hides_who_comes_back() {
    let all = vec![pod(0), deleted(1), pod(2), pod(3), deleted(4)];
    let report = report(&pods(all), "db", &set(json!({"replicas": 3})));
    assert_eq!(
        (comes_back(&report, 1), comes_back(&report, 4)),
        (Some(true), Some(false))
    );
}

#[test]
fn ordinals_begin_where_the_statefulset_says() {
    let wanted = set(json!({"replicas": 2, "ordinals": {"start": 5}}));
    let report = report(&pods(vec![pod(5)]), "db", &wanted);
    assert_eq!(report.coming.len(), 1);
    assert_eq!(
        (comes_back(&report, 6), comes_back(&report, 7)),
        (Some(true), Some(false))
    );
}

#[test]
fn of_a_statefulset_that_is_deleted_nobody_comes_back() {
    let gone: StatefulSet = serde_json::from_value(json!({
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"replicas": 3},
    }))
    .unwrap();
    let report = report(&pods(vec![deleted(0), pod(1)]), "db", &gone);
    assert_eq!((report.desired, report.coming.len()), (Some(0), 0));
}

#[test]
fn whoever_is_on_a_node_that_is_not_heard_of_is_out_of_sight_and_not_absent() {
    let on = |ordinal, ready, containers| {
        with(
            pod(ordinal),
            "/status/conditions",
            conditions(ready, containers),
        )
    };
    let gated = with(
        on(3, "False", "True"),
        "/spec/readinessGates",
        json!([{"conditionType": "x"}]),
    );
    let lost_and_deleted = with(
        on(4, "False", "True"),
        "/metadata/deletionTimestamp",
        json!("2026-01-01T00:00:00Z"),
    );
    let all = vec![
        on(0, "True", "True"),
        on(1, "False", "True"),
        on(2, "False", "False"),
        gated,
        lost_and_deleted,
        with(pod(5), "/status/phase", json!("Unknown")),
    ];
    let report = report(&pods(all), "db", &set(json!({"replicas": 6})));
    let expected = [
        "db.0 present",
        "db.1 out of sight, its node is down",
        "db.2 present",
        "db.3 present",
        "db.4 out of sight, its node is down",
        "db.5 out of sight, its node is down",
    ];
    assert_eq!(seen(&report), expected);
}

#[test]
fn whoever_has_no_address_comes_and_whoever_has_ended_is_not_there() {
    let all = vec![
        with(pod(0), "/status", json!({"phase": "Pending"})),
        with(pod(1), "/status/phase", json!("Failed")),
        with(pod(2), "/metadata/name", json!("db-02")),
        with(pod(2), "/metadata/name", json!("db-extra-2")),
        with(pod(2), "/metadata/name", json!("other-2")),
    ];
    let report = report(&pods(all), "db", &set(json!({"replicas": 2})));
    assert_eq!(
        (report.grade.clone(), seen(&report)),
        (Grade::Empty, vec![])
    );
    let coming: Vec<_> = report.coming.iter().map(ToString::to_string).collect();
    assert_eq!(coming, ["db.0", "db.1"]);
}

#[test]
fn a_pod_is_known_by_all_its_addresses() {
    let both = json!([{"ip": "10.244.1.0"}, {"ip": "fd00::1"}]);
    let report = report(
        &pods(vec![with(pod(0), "/status/podIPs", both)]),
        "db",
        &set(json!({})),
    );
    let addresses: Vec<_> = report
        .sightings
        .iter()
        .map(|s| s.address.to_string())
        .collect();
    assert_eq!(addresses, ["10.244.1.0", "fd00::1"]);
    let known = &report.sightings[0];
    assert_eq!(known.task.as_deref(), Some("u0"));
    assert_eq!(known.node_name.as_deref(), Some("n1"));
}

/// One that was not ready when its node died is not told from any other that is deleted, and
/// stayed one that leaves for ever: not even an operator's word had it forgotten.
#[test]
fn whoever_is_there_well_after_its_time_left_for_ever() {
    let grace = with(
        deleted(1),
        "/metadata/deletionGracePeriodSeconds",
        json!(600),
    );
    let all = pods(vec![pod(0), grace, deleted(2)]);
    let wanted = set(json!({"replicas": 3}));
    let began = tokio::time::Instant::now();
    let mut endings = Endings::default();
    let mut after = |seconds: u64, all: &Pods| {
        let now = began + std::time::Duration::from_secs(seconds);
        seen(&super::report(
            all,
            "db",
            &wanted,
            &endings.overdue(all, now),
        ))
    };
    let leaves = ["db.0 present", "db.1 leaving", "db.2 leaving"];
    assert_eq!(after(0, &all), leaves);
    assert_eq!(after(59, &all), leaves);
    let lost = "db.2 out of sight, its node is down";
    assert_eq!(after(60, &all)[1..], ["db.1 leaving", lost]);
    assert_eq!(after(659, &all)[1], "db.1 leaving");
    let both = "db.1 out of sight, its node is down";
    assert_eq!(after(660, &all)[1..], [both, lost]);
    // Its successor has a life of its own.
    let next = with(deleted(2), "/metadata/uid", json!("next"));
    assert_eq!(after(700, &pods(vec![next])), ["db.2 leaving"]);
}
