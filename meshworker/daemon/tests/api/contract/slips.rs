//! Orders with a slip of the pen in them.

use meshworker::status::ClusterStatus;
use serde_json::json;

use super::{Scene, State};

#[tokio::test]
async fn a_drain_of_a_member_that_nobody_knows_began_and_ended_well() {
    let scene = Scene::open(State::Seen).await;
    let before = scene.office.history().await.len();
    for member in ["cache_redis.99", "other_redis.1", "cache_redi.1"] {
        let order = json!({ "member": member });
        let error = scene.office.order("drain", &order).await.refused(404);
        let expected = format!("member: found '{member}'; allowed: one that ");
        assert!(error.starts_with(&expected), "{error}");
    }
    assert_eq!(scene.office.history().await.len(), before);
}

#[tokio::test]
async fn a_drain_could_not_be_taken_back_and_blocked_every_other_order() {
    let scene = Scene::open(State::Seen).await;
    let office = &scene.office;
    let drains = async || -> Vec<String> {
        let status: ClusterStatus = office.read("/v1/clusters/db").await;
        status.mode.drains
    };
    let first = json!({ "member": "cache_redis.1" });
    let other = json!({ "member": "cache_redis.2" });
    for _ in 0..2 {
        assert_eq!(office.order("drain", &first).await.status, 202);
        assert_eq!(drains().await, ["cache_redis.1"]);
        assert_eq!(
            office.order("drain", &first).await.refused(409),
            "cluster: found 'drain cache_redis.1' under way already"
        );
        // A slip of the pen takes back nothing.
        office.ordered("resume", other.clone()).await;
        assert_eq!(drains().await, ["cache_redis.1"]);
        let done = office.ordered("resume", first.clone()).await;
        assert_eq!(done, "cache_redis.1 is resumed");
        assert_eq!(drains().await, [""; 0]);
    }
    assert_eq!(office.order("drain", &other).await.status, 202);
    assert_eq!(drains().await, ["cache_redis.2"]);
}

#[tokio::test]
async fn a_second_drain_was_refused_while_the_first_ran_and_nobody_told_who_ordered_it() {
    let scene = Scene::open(State::Seen).await;
    let office = &scene.office;
    let first = json!({ "member": "cache_redis.1", "who": "ana", "why": "a new disk" });
    let second = json!({ "member": "cache_redis.2" });
    assert_eq!(office.order("drain", &first).await.status, 202);
    assert_eq!(office.order("drain", &second).await.status, 202);
    let scaled = office.order("scale", &json!({ "replicas": 5 })).await;
    assert!(scaled.refused(409).contains("one order at a time"));
    let status: ClusterStatus = office.read("/v1/clusters/db").await;
    assert_eq!(status.mode.drains, ["cache_redis.1", "cache_redis.2"]);
    let by = [("cache_redis.1".to_owned(), "ana: a new disk".to_owned())];
    assert_eq!(status.mode.drained_by, by.into());
    let told = office.history().await;
    for line in [
        "drain cache_redis.1 begins, ordered by ana: a new disk",
        "drain cache_redis.2 begins after 'drain cache_redis.1'",
    ] {
        assert!(told.iter().any(|event| event.text == line), "{told:?}");
    }
    // Taken back, the first one keeps no other waiting.
    office
        .ordered("resume", json!({ "member": "cache_redis.1" }))
        .await;
    let status: ClusterStatus = office.read("/v1/clusters/db").await;
    assert_eq!(status.mode.drains, ["cache_redis.2"]);
    assert!(status.mode.drained_by.is_empty());
}
