//! What is told while a cluster forms, is one, and loses a member.

use meshworker::status::{
    ClusterStatus, Config, EventKind, LeaverStatus, MemberState, MemberStatus, PlanStatus,
    Readiness, Severity, Summary, Why,
};
use serde_json::{Value, json};

use super::office::{Office, Opening};
use super::support::{World, until};

/// Everything that can be read of a cluster.
const OF_A_CLUSTER: [&str; 5] = ["", "/members", "/plan", "/leavers", "/members/1"];

#[tokio::test]
async fn before_the_first_pass_the_cluster_is_known_and_nothing_else() {
    let mut world = World::new().await;
    world.start([1]).await;
    world.list([1]);
    let office = Office::without_worker(Opening::default()).await;
    let open = office.board.open(&world.cluster(&[]));
    for part in OF_A_CLUSTER {
        let error = office
            .get(&format!("/v1/clusters/db{part}"))
            .await
            .refused(503);
        assert!(error.starts_with("cluster: "), "{error}");
    }
    let clusters: Vec<Summary> = office.read("/v1/clusters").await;
    assert_eq!((clusters.len(), clusters[0].age_seconds), (1, None));
    let config: Config = office.read("/v1/clusters/db/config").await;
    assert_eq!(config.cluster, "db");
    let reply = office.get("/v1/ready").await;
    assert_eq!(reply.status, 503);
    let ready: Readiness = serde_json::from_str(&reply.text).unwrap();
    assert_eq!((ready.ready, ready.missing.len()), (false, 1));
    assert_eq!(
        office.get("/v1/health").await.json(),
        json!({"status": "ok"})
    );
    drop(open);
    let error = office.get("/v1/clusters/db").await.refused(404);
    assert_eq!(
        error,
        "cluster: found 'db'; allowed: nothing: no cluster is looked after"
    );
    office.close().await;
}

#[tokio::test]
async fn a_cluster_that_forms_loses_one_and_forgets_it_is_told_as_it_is() {
    let mut world = World::new().await;
    let office = Office::open(&world, Opening::default()).await;
    let empty = office.when("nobody is there", |_| true).await;
    assert!(!empty.one && empty.members.is_empty());

    // It forms.
    world.start([1, 2, 3]).await;
    world.list([1, 2, 3]);
    let status = office.one(3).await;
    formed(&office, &world, &status).await;
    let history = office.history().await;
    for kind in [
        EventKind::Witness,
        EventKind::Member,
        EventKind::Done,
        EventKind::Unity,
    ] {
        assert!(
            history.iter().any(|event| event.kind == kind),
            "{kind:?}: {history:?}"
        );
    }

    // One dies, and is still listed: silent, noticed, and not forgotten.
    world.stop(3).await;
    let gone = world.address(3).to_string();
    let status = office
        .when("the dead one is silent, and a refusal says so", |status| {
            let mut members = status.members.iter();
            members.any(|m| m.address == gone && m.state == MemberState::Silent)
                && !status.plan.refusals.is_empty()
        })
        .await;
    assert_eq!(status.joined(), 2);
    let why: Why = office
        .read(&format!("/v1/clusters/db/members/{gone}"))
        .await;
    assert_eq!(why.members[0].state, MemberState::Silent);
    assert!(why.members[0].unanswered.is_some() && why.members[0].view.is_none());
    let is_silent = |event: &&meshworker::status::Event| event.reason.as_deref() == Some("silent");
    let event = why.events.iter().find(is_silent).unwrap();
    assert_eq!(
        (event.kind, event.severity),
        (EventKind::Member, Severity::Warning)
    );
    assert_eq!(event.member.as_deref(), Some(&*gone));
    let refusal = &why.refusals[0];
    assert_eq!(refusal.kind, "not_answering");
    assert_eq!(refusal.members, std::slice::from_ref(&gone));
    assert_eq!(why.seen_by.len(), 2);
    assert_eq!(world.removals(), 0);

    // It is listed no more: the worker forgets it, and misses it all the same, since
    // a name server cannot say that fewer are wished for.
    world.list([1, 2]);
    let status = office
        .when("it is forgotten", |s| {
            s.departed.is_empty() && s.members.len() == 2
        })
        .await;
    assert!(
        !status.one && status.unity.contains("2 of 3 members are there"),
        "{}",
        status.unity
    );
    assert_eq!(status.joined(), 2);
    office
        .get(&format!("/v1/clusters/db/members/{gone}"))
        .await
        .refused(404);
    office.close().await;
}

/// Every part of the status of three that are one says the same.
async fn formed(office: &Office, world: &World, status: &ClusterStatus) {
    assert_eq!((&*status.name, &*status.engine), ("db", "aerospike"));
    assert!(status.departed.is_empty() && status.leavers.is_empty());
    assert!(!status.mode.dry_run && status.mode.removals && status.mode.held.is_none());
    let clusters: Vec<Summary> = office.read("/v1/clusters").await;
    assert_eq!(clusters.len(), 1);
    assert!(clusters[0].one && clusters[0].joined == 3 && clusters[0].members == 3);
    assert!(clusters[0].age_seconds.unwrap() >= 0.0);
    let members: Vec<MemberStatus> = office.read("/v1/clusters/db/members").await;
    assert_eq!(members.len(), 3);
    let listed: Vec<String> = members
        .iter()
        .map(|member| member.address.clone())
        .collect();
    let addresses = world.addresses([1, 2, 3]);
    assert_eq!(
        listed,
        addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    );
    for member in &members {
        let view = member.view.as_ref().unwrap();
        assert_eq!((view.size, view.peers.len()), (3, 3), "{member:?}");
        assert!(
            member
                .sightings
                .iter()
                .any(|s| s.witness == "dns" && s.presence == "present")
        );
        for name in [&member.id, &member.address, &view.node] {
            let why: Why = office
                .read(&format!("/v1/clusters/db/members/{name}"))
                .await;
            assert_eq!(why.members[0].address, member.address);
            assert_eq!(why.seen_by.len(), 2, "{why:?}");
            assert!(why.seen_by.iter().all(|said| said.ends_with(": alive")));
            assert!(!why.events.is_empty());
        }
    }
    let plan: PlanStatus = office.read("/v1/clusters/db/plan").await;
    assert!(plan.refusals.is_empty(), "{plan:?}");
    let leavers: Vec<LeaverStatus> = office.read("/v1/clusters/db/leavers").await;
    assert!(leavers.is_empty());
    assert_eq!(office.get("/v1/ready").await.status, 200);
}

#[tokio::test]
async fn the_document_has_every_path_and_the_server_answers_each() {
    let office = Office::without_worker(Opening::default()).await;
    let document: Value = office.read("/v1/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 16, "{:?}", paths.keys());
    for path in paths.keys().filter(|path| !path.ends_with("/stream")) {
        let path = path.replace("{cluster}", "nobody").replace("{member}", "1");
        let reply = office.get(&path).await;
        assert!([200, 404, 405].contains(&reply.status), "{path}: {reply:?}");
    }
    office.close().await;
}

#[tokio::test]
async fn a_cluster_whose_worker_ended_is_told_no_more() {
    let world = World::formed([1, 2]).await;
    let office = Office::without_worker(Opening::default()).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let board = std::sync::Arc::clone(&office.board);
    let work = tokio::spawn(meshworker::worker::run(
        world.cluster(&[]),
        board,
        None,
        stopped,
    ));
    office.one(2).await;
    stop.send_replace(true);
    work.await.unwrap();
    until(
        "no cluster",
        async || office.board.sheets().len(),
        |n| *n == 0,
    )
    .await;
    office.get("/v1/clusters/db").await.refused(404);
    // What happened is not forgotten with it.
    assert!(!office.history().await.is_empty());
    office.close().await;
}
