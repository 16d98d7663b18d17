use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Limits, Mind, Moment, Observation, Peer, Place, Plan, Report, Role,
    Unanswered, Unity, View, Witness,
};

use super::Rules;
use crate::jgroups::{Coordinator, Detail, JgroupsRequest, Registered, Row, Store, ViewId};

fn at(n: u8) -> Place {
    Place::from([10, 0, 0, n])
}

fn uuid(n: u8) -> String {
    format!("0000000{n}-0000-4000-8000-000000000000")
}

fn name(n: u8) -> String {
    format!("m{n}")
}

/// Member `n`, in a view of these that the first of them has made.
fn member(n: u8, view: &[u8]) -> View<Detail> {
    let peers = view.iter().map(|n| Peer {
        node: uuid(*n),
        address: Some(at(*n)),
        alive: true,
    });
    let coordinates = view.first() == Some(&n);
    View {
        node: uuid(n),
        cluster_name: Some("chat".into()),
        role: Some(Role::of(if coordinates { "coordinator" } else { "member" })),
        size: view.len(),
        peers: peers.collect(),
        working: None,
        holdings: Default::default(),
        detail: Detail {
            name: name(n),
            version: "5.5.7.Final".into(),
            view: view.first().map(|first| ViewId {
                creator: name(*first),
                id: 3,
            }),
            members: view.iter().copied().map(name).collect(),
            coordinates,
            lasts: Duration::from_secs(600),
            speaks: true,
            registered: None,
            rows: None,
            unread: Vec::new(),
        },
    }
}

fn registered(n: u8) -> Registered {
    Registered {
        node: uuid(n),
        name: name(n),
        place: Some(at(n)),
    }
}

fn row(n: u8) -> Row {
    Row {
        store: Store::File,
        group: "chat".into(),
        key: format!("{}.{}.list", uuid(n), name(n)),
        content: b"as it was".to_vec(),
        coordinator: Coordinator {
            node: uuid(n),
            name: name(n),
            place: Some(at(n)),
        },
    }
}

/// What is planned while DNS names these, and who is there answers this, in the second of two
/// looks that are an hour apart: whatever takes time has had it.
fn planned(listed: &[u8], views: Vec<View<Detail>>) -> Plan<JgroupsRequest> {
    let dns = Report::addresses(Witness::Dns, listed.iter().map(|n| at(*n)));
    let answers: BTreeMap<Place, Answer<Detail>> = listed
        .iter()
        .map(|n| {
            let view = views.iter().find(|view| view.node == uuid(*n)).cloned();
            (at(*n), view.ok_or(Unanswered::Timeout))
        })
        .collect();
    let observed = Observation::of(vec![dns], answers);
    let limits = Limits::default();
    let mut mind = Mind::default();
    let mut look = |seconds| {
        let now = Moment(Duration::from_secs(seconds));
        mind.decide(&Rules, &Context::alone(now, &limits), &observed)
    };
    look(0);
    look(3600)
}

fn told(plan: &Plan<JgroupsRequest>) -> String {
    let told = plan
        .refusals
        .iter()
        .map(|refusal| format!("{}: {}", refusal.what, refusal.reason));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn one_view_needs_nothing() {
    let plan = planned(&[1, 2, 3], [1, 2, 3].map(|n| member(n, &[1, 2, 3])).into());
    assert_eq!(plan.unity, Unity::One { size: 3 });
    assert_eq!((plan.steps.len(), told(&plan).as_str()), (0, ""));
}

#[test]
fn two_who_coordinate_and_do_not_merge_are_told() {
    let views = || vec![member(1, &[1, 2]), member(2, &[1, 2]), member(3, &[3])];
    let plan = planned(&[1, 2, 3], views());
    assert_eq!(
        plan.unity,
        Unity::apart("2 views: [m1|3] of 2, [m3|3] of 1")
    );
    assert!(plan.steps.is_empty());
    assert!(
        told(&plan).contains(
            "m1 at 10.0.0.1 in [m1|3] and m3 at 10.0.0.3 in [m3|3] coordinate and do not merge"
        ),
        "{}",
        told(&plan)
    );
    // They have just found themselves alone.
    let mut views = views();
    views[2].detail.lasts = Duration::from_secs(20);
    assert_eq!(told(&planned(&[1, 2, 3], views)), "");
}

#[test]
fn a_view_without_its_coordinator_is_told() {
    let views = || vec![member(2, &[1, 2, 3]), member(3, &[1, 2, 3])];
    let plan = planned(&[2, 3], views());
    assert!(
        told(&plan).contains("view [m1|3] has no coordinator: m1 is the first in it"),
        "{}",
        told(&plan)
    );
    let mut views = views();
    views[1].detail.lasts = Duration::from_secs(5);
    assert_eq!(told(&planned(&[2, 3], views)), "");
}

#[test]
fn whoever_is_registered_and_in_no_view_is_told() {
    let with = |registered: Vec<Registered>| {
        let mut views = vec![member(1, &[1, 2]), member(2, &[1, 2])];
        for view in &mut views {
            view.detail.registered = Some(Arc::from(registered.clone()));
        }
        told(&planned(&[1, 2], views))
    };
    let told = with(vec![registered(1), registered(2), registered(7)]);
    assert!(
        told.contains("m7 is registered with the gossip routers as 10.0.0.7, and in no view"),
        "{told}"
    );
    assert_eq!(with(vec![registered(1), registered(2)]), "");
}

#[test]
fn whoever_is_only_registered_is_one_of_them_and_that_is_told() {
    let mut views = vec![member(1, &[]), member(2, &[])];
    for view in &mut views {
        view.detail.speaks = false;
    }
    let plan = planned(&[1, 2], views);
    assert_eq!(plan.unity, Unity::One { size: 2 });
    assert!(
        told(&plan).contains("10.0.0.1, 10.0.0.2 not asked in which view they are"),
        "{}",
        told(&plan)
    );
}

/// Members 1 and 2 live; these rows are there.
fn with_rows(rows: &[u8], change: fn(&mut View<Detail>)) -> Plan<JgroupsRequest> {
    let rows: Arc<[Row]> = rows.iter().copied().map(row).collect();
    let mut views = vec![member(1, &[1, 2]), member(2, &[1, 2])];
    for view in &mut views {
        view.detail.rows = Some(Arc::clone(&rows));
        change(view);
    }
    planned(&[1, 2], views)
}

#[test]
fn the_row_of_a_dead_coordinator_goes() {
    let plan = with_rows(&[1, 9], |_| {});
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [format!("10.0.0.1: remove file '{}.m9.list' of m9", uuid(9))]
    );
    assert!(with_rows(&[1], |_| {}).steps.is_empty());
}

#[test]
fn no_row_of_somebody_alive_goes_and_no_last_one() {
    // Its own coordinator has none there.
    let plan = with_rows(&[9], |_| {});
    assert!(plan.steps.is_empty());
    assert!(
        told(&plan).contains("the last row is not removed under a group that lives"),
        "{}",
        told(&plan)
    );
    // Registered somewhere.
    let alive = |view: &mut View<Detail>| view.detail.registered = Some(Arc::from([registered(9)]));
    assert!(with_rows(&[1, 9], alive).steps.is_empty());
    // In its view, of which it names a part.
    let cut = |view: &mut View<Detail>| view.size = 25;
    assert!(with_rows(&[1, 9], cut).steps.is_empty());
    // Only a router knows one of them.
    let mute = |view: &mut View<Detail>| view.detail.speaks = view.node == uuid(1);
    assert!(with_rows(&[1, 9], mute).steps.is_empty());
    // In sight, and silent.
    let rows: Arc<[Row]> = [1, 3].into_iter().map(row).collect();
    let mut views = vec![member(1, &[1, 2]), member(2, &[1, 2])];
    for view in &mut views {
        view.detail.rows = Some(Arc::clone(&rows));
    }
    assert!(planned(&[1, 2, 3], views).steps.is_empty());
}

/// All are dead, and each of those that come waits for the last coordinator, at whose address
/// one of them is.
#[test]
fn whoever_comes_where_all_are_dead_waits_for_nobody() {
    let rows: Arc<[Row]> = [9]
        .into_iter()
        .map(|n| {
            let mut row = row(n);
            row.coordinator.place = Some(at(1));
            row
        })
        .collect();
    let mut views = vec![member(1, &[]), member(2, &[])];
    for (n, view) in (1..).zip(&mut views) {
        view.peers = Arc::from([Peer {
            node: uuid(n),
            address: Some(at(n)),
            alive: true,
        }]);
        view.detail.rows = Some(Arc::clone(&rows));
    }
    let plan = planned(&[1, 2], views);
    assert_eq!(plan.steps.len(), 1, "{}", told(&plan));
    assert_eq!(plan.unity, Unity::apart("2 members in no view yet"));
}
