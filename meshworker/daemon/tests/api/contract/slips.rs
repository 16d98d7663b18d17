//! Orders with a slip of the pen in them.

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
