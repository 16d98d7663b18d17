//! Hold, resume, forget, acknowledge.

use aerospike_sim::info;
use meshworker::status::{EventKind, MemberState};
use meshworker_engines::registry::Kind;
use serde_json::json;
use tokio::time::Instant;

use super::office::{Office, Opening};
use super::support::World;

#[tokio::test]
async fn a_held_cluster_is_left_alone_until_it_is_resumed() {
    let mut world = World::formed([1, 2]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(2).await;
    let done = office.ordered("hold", json!({"why": "moving disks"})).await;
    assert_eq!(done, "the cluster is held: moving disks");
    let joins = world.asked("tip");
    world.start([3]).await;
    world.list([1, 2, 3]);
    let status = office
        .when("the join is refused", |status| {
            status
                .plan
                .refusals
                .iter()
                .any(|refusal| refusal.kind == "on_hold")
        })
        .await;
    assert_eq!(status.mode.held.as_deref(), Some("moving disks"));
    let new = world.address(3).to_string();
    let refused =
        |s: &meshworker::status::MemberStatus| s.address == new && s.state == MemberState::Refused;
    office
        .when("it is shown as refused", |s| s.members.iter().any(refused))
        .await;
    office.passes(3).await;
    assert_eq!(world.asked("tip"), joins, "it was joined while held");

    office.hold(false).await;
    office.one(3).await;
    let again = office.ordered("resume", json!({})).await;
    assert_eq!(again, "the cluster was not held");
    let orders: Vec<_> = office
        .history()
        .await
        .into_iter()
        .filter(|e| e.kind == EventKind::Order)
        .collect();
    let told: Vec<_> = orders
        .iter()
        .map(|e| (e.reason.as_deref().unwrap(), &*e.text))
        .collect();
    assert_eq!(
        told,
        [
            ("hold", "the cluster is held: moving disks"),
            ("resume", "the cluster is resumed")
        ]
    );
    office.close().await;
}

#[tokio::test]
async fn a_held_member_is_left_alone_and_the_others_are_not() {
    let mut world = World::formed([1, 2]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(2).await;
    // All members of this database are chosen.
    let error = office.order("size", &json!({"size": 3})).await.refused(409);
    assert_eq!(
        error,
        "size: Aerospike chooses nobody, all replicas are its members; allowed: \
         `docker service scale`"
    );
    // Whoever is not known cannot be held.
    let third = world.address(3).to_string();
    let error = office
        .order("hold", &json!({"member": third}))
        .await
        .refused(404);
    assert!(
        error.starts_with(&format!("member: found '{third}'; allowed: ")),
        "{error}"
    );

    office.hold(true).await;
    world.start([3, 4]).await;
    world.list([1, 2, 3, 4]);
    office
        .when("both are seen", |s| {
            s.members.iter().filter(|m| m.view.is_some()).count() == 4
        })
        .await;
    office
        .ordered("hold", json!({"member": third, "why": "old disk"}))
        .await;
    office.hold(false).await;
    let fourth = world.address(4).to_string();
    let status = office
        .when("the fourth is in", |s| {
            s.members
                .iter()
                .any(|m| m.address == fourth && m.state == MemberState::Joined)
        })
        .await;
    let member = status.members.iter().find(|m| m.address == third).unwrap();
    assert_eq!(member.held.as_deref(), Some("old disk"));
    assert_eq!(member.state, MemberState::Refused, "{member:?}");
    office.passes(3).await;
    assert!(
        world
            .standing(3)
            .is_none_or(|(_, members)| members.len() == 1)
    );
    office.ordered("resume", json!({"member": third})).await;
    office.one(4).await;
    office.close().await;
}

#[tokio::test]
async fn an_operators_word_stands_for_the_name_servers() {
    let mut world = World::formed([1, 2, 3]).await;
    let patient = Opening {
        settings: &[("removal-hold", "600")],
        ..Opening::default()
    };
    let office = Office::open(&world, patient).await;
    office.one(3).await;
    let error = office
        .order("forget", &json!({"member": "x"}))
        .await
        .refused(409);
    assert_eq!(
        error,
        "member: found 'x'; allowed: nobody: no node is held to be gone"
    );
    world.stop(3).await;
    // It is gone by every witness, and nobody is forgotten so soon.
    world.list([1, 2]);
    let status = office
        .when("it has departed, and is not forgotten", |s| {
            !s.departed.is_empty() && !s.plan.refusals.is_empty()
        })
        .await;
    let node = status.departed[0].node.clone();
    let error = office
        .order("forget", &json!({"member": "x"}))
        .await
        .refused(409);
    assert_eq!(error, format!("member: found 'x'; allowed: {node}"));
    // One that lives is forgotten on nobody's word.
    let alive = world.address(1).to_string();
    office
        .order("forget", &json!({"member": alive}))
        .await
        .refused(409);
    office.passes(2).await;
    assert_eq!(world.removals(), 0, "it was forgotten too soon");

    let done = office.ordered("forget", json!({"member": node})).await;
    assert_eq!(
        done,
        format!("{node} is forgotten as soon as the database's gates allow")
    );
    world.forgotten_by([1, 2]).await;
    office.when("it is gone", |s| s.departed.is_empty()).await;
    office.close().await;
}

#[tokio::test]
async fn orders_with_bad_fields_change_nothing() {
    let world = World::formed([1, 2]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(2).await;
    let long = "x".repeat(254);
    let cases = [
        (
            "hold",
            json!({"why": long}),
            "why: found 254 characters; allowed: one line of at most 253",
        ),
        ("hold", json!({"why": "a\nb"}), "why: found 3 characters"),
        ("hold", json!({"by": "x"}), "body: unknown field `by`"),
        ("hold", json!({"who": "a\nb"}), "who: found 3 characters"),
        (
            "hold",
            json!({"seconds": 0}),
            "seconds: found 0; allowed: 1 to 31536000, a year",
        ),
        ("hold", json!({"member": 2}), "body: invalid type"),
        ("hold", json!([]), "body: "),
        ("forget", json!({}), "body: missing field `member`"),
        ("scale", json!({"replicas": -1}), "body: invalid value"),
        (
            "scale",
            json!({"replicas": 10_001}),
            "replicas: found 10001; allowed: 0 to 10000",
        ),
        (
            "drain",
            json!({"member": "db"}),
            "member: found 'db'; allowed: SERVICE.SLOT",
        ),
        ("drain", json!({"member": ".0"}), "member: found '.0'"),
        (
            "resume",
            json!({"member": "a\nb"}),
            "member: found 3 characters",
        ),
    ];
    for (order, body, expected) in cases {
        let error = office.order(order, &body).await.refused(400);
        assert!(error.starts_with(expected), "{order} {body}: {error}");
    }
    let orders = office.board.sheets()[0]
        .orders()
        .orders(tokio::time::Instant::now());
    assert_eq!(orders, meshworker_core::Orders::default());
    // Without the Docker API services cannot be changed.
    for (order, body) in [
        ("scale", json!({"replicas": 3})),
        ("drain", json!({"member": "db.1"})),
    ] {
        let error = office.order(order, &body).await.refused(409);
        assert!(error.contains("docker service scale"), "{error}");
    }
    office.close().await;
}

/// The same time of a look, as a number that grows: seconds since the epoch.
fn seconds(status: &meshworker::status::ClusterStatus) -> f64 {
    let time = humantime::parse_rfc3339(&status.pass.time).unwrap();
    let since = time.duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

/// Wished for, and shown to whoever plans; what is no size says why.
#[tokio::test]
async fn an_ideal_size_is_ordered_and_what_is_none_says_why() {
    let office = Office::without_worker(Opening::default()).await;
    let mut cluster = World::new().await.cluster(&[]);
    cluster.engine = Kind::Etcd;
    let open = office.board.open(&cluster);
    let wished = || {
        open.sheet()
            .orders()
            .orders(Instant::now())
            .wishes
            .number("ideal-size")
    };
    for (size, why) in [
        (0, "size: found 0, which is the end of a cluster"),
        (
            4,
            "size: found 4, which outlives the loss of as many as 3 does",
        ),
        (
            99,
            "size: found 99; allowed: auto, or an odd number from 1 to 9",
        ),
    ] {
        let error = office
            .order("size", &json!({"size": size}))
            .await
            .refused(400);
        assert!(error.starts_with(why), "{error}");
    }
    assert_eq!(wished(), None);
    let done = office.ordered("size", json!({"size": 5})).await;
    let more = "; 0 members are there, so scale the service up for the others";
    assert_eq!(done, format!("the ideal size is 5{more}"));
    assert_eq!(wished(), Some(5));
    let done = office.ordered("size", json!({"size": null})).await;
    assert_eq!(done, "the ideal size is what the configuration says");
    assert_eq!(wished(), None);
}

#[tokio::test]
async fn two_members_were_killed_at_once_and_all_was_called_well() {
    let mut world = World::formed([1, 2, 3]).await;
    let put = "sim-put-many:ns=test;prefix=key;from=1;to=50";
    let said = info(world.node(1).service(), put).await.unwrap();
    assert!(said.ends_with("failed=0"), "{said}");
    let office = Office::open(&world, Opening::default()).await;
    let began = seconds(&office.one(3).await);
    // Long enough for the worker to know that all copies are made.
    let is_known = |s: &_| seconds(s) > began + 4.0;
    office
        .when("the copies have been looked at", is_known)
        .await;
    world.stop(2).await;
    world.stop(3).await;
    world.start([4, 5]).await;
    world.list([1, 4, 5]);
    let lost = "DATA IS LOST: about 1366 of the 4096 partitions of namespace test:";
    let status = office
        .when("they are one, without what is lost", |s| {
            s.unity.starts_with("one cluster of 3 members, ")
        })
        .await;
    assert!(status.unity.contains(lost), "{}", status.unity);
    assert_eq!((status.one, status.settled), (false, false));
    // Who starts or runs is well: nobody is to be killed for it.
    assert_eq!(status.joined(), 3);
    // What may be back any moment is not acknowledged.
    let is_told = |s: &meshworker::status::ClusterStatus| {
        let mut refusals = s.plan.refusals.iter();
        refusals.any(|refusal| refusal.kind == "data_lost")
    };
    office.when("nobody is back in time", is_told).await;
    let done = office
        .ordered("acknowledge", json!({"why": "restored by hand"}))
        .await;
    assert_eq!(
        done,
        "acknowledged: lost: about 1366 of the 4096 partitions of namespace test; \
         3 members are enough (restored by hand)"
    );
    let status = office.one(3).await;
    assert_eq!(status.unity, "one cluster of 3 members");
    office.passes(3).await;
    office.one(3).await;
    office.close().await;
}

#[tokio::test]
async fn fewer_were_enough_and_only_a_restart_of_the_worker_said_so() {
    let mut world = World::formed([1, 2, 3]).await;
    let office = Office::open(&world, Opening::default()).await;
    office.one(3).await;
    world.stop(3).await;
    world.list([1, 2]);
    let missed = "2 of 3 members are there, and no witness says that fewer are wished for";
    office
        .when("one is missed", |s| s.unity.contains(missed))
        .await;
    let done = office.ordered("acknowledge", json!({})).await;
    assert_eq!(done, "acknowledged: 2 members are enough");
    office.one(2).await;
    // The next one that vanishes is another matter.
    world.stop(2).await;
    world.list([1]);
    office
        .when("one more is missed", |s| {
            s.unity.contains("1 of 2 members are there")
        })
        .await;
    office.close().await;
}
