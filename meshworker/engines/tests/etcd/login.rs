//! Where members want a password.

use serde_json::json;

use crate::fleet::{Fleet, PASSWORD};
use crate::writer::ask;

/// A cluster of one, by the operator's word, that grows after login was switched on.
#[tokio::test]
async fn a_cluster_grows_where_members_want_a_password() {
    let Some(mut fleet) = Fleet::new(&[("initial-members", "1")]) else {
        return;
    };
    fleet.scale(1);
    fleet.until_one_of(1, |_| {}).await;
    let first = fleet.running()[0];
    let user = json!({"name": "root", "password": PASSWORD});
    let role = json!({"user": "root", "role": "root"});
    for (path, body) in [
        ("/v3/auth/user/add", user),
        ("/v3/auth/role/add", json!({"name": "root"})),
        ("/v3/auth/user/grant", role),
        ("/v3/auth/enable", json!({})),
    ] {
        assert!(ask(first, path, &body).await.is_some(), "{path}");
    }
    let open = json!({"peerURLs": ["http://127.0.0.1:9"], "isLearner": true});
    let denied = ask(first, "/v3/cluster/member/add", &open).await;
    assert_eq!(denied, None);
    fleet.scale(3);
    fleet.until_one_of(3, |_| {}).await;
}
