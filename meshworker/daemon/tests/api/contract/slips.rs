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
        assert_eq!(
            office.order("drain", &other).await.refused(409),
            "cluster: found 'drain cache_redis.1' under way; allowed: one order at a time, or \
             `meshworker resume cache_redis.1` first"
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
