//! The client against an API that lists what it is told to.

use std::sync::Arc;

use fake_kubernetes::FakeApi;

use super::*;

/// A client with the account of this API.
pub(crate) fn client(api: &FakeApi) -> Arc<KubernetesClient> {
    Arc::new(KubernetesClient::new(Account {
        base: api.base(),
        folder: api.folder().to_owned(),
    }))
}

#[tokio::test]
async fn a_scale_is_changed_as_it_was_read_or_not_at_all() {
    let api = FakeApi::start().await;
    api.world.statefulset("db", 0);
    let replicas = Replicas::of(client(&api), "db");
    let found = replicas.read().await.unwrap();
    assert_eq!(found.replicas, 0);
    replicas.set(&found, 4).await.unwrap();
    assert_eq!(api.world.replicas("db"), 4);
    let refused = replicas.set(&found, 5).await.unwrap_err();
    let said = "the API of Kubernetes said no (409): the object has been modified";
    assert_eq!(refused.to_string(), said);
    assert!(!refused.is_final(), "the next look sees what is so");
    assert_eq!(api.world.replicas("db"), 4);
}

#[tokio::test]
async fn whoever_may_not_or_does_not_exist_is_told_by_the_apis_words() {
    let api = FakeApi::start().await;
    let replicas = Replicas::of(client(&api), "db");
    let unknown = replicas.read().await.unwrap_err();
    let said = "the API of Kubernetes said no (404): statefulsets.apps \"db\" not found";
    assert_eq!(unknown.to_string(), said);
    api.world.status(Some(403));
    let forbidden = replicas.read().await.unwrap_err();
    assert!(forbidden.is_forbidden() && forbidden.is_final());
    std::fs::remove_file(api.folder().join("token")).unwrap();
    let account = replicas.read().await.unwrap_err();
    assert!(
        account.to_string().contains("token: No such file"),
        "{account}"
    );
}

/// Each no cost a new connection, and all certificates were read anew.
#[tokio::test]
async fn a_no_keeps_the_connection() {
    let api = FakeApi::start().await;
    let client = client(&api);
    for _ in 0..3 {
        client.statefulset("db").await.unwrap_err();
    }
    api.world.status(Some(403));
    client.statefulset("db").await.unwrap_err();
    assert_eq!(api.world.connections(), 1);
    // An error of the server itself is begun anew.
    api.world.status(Some(503));
    client.statefulset("db").await.unwrap_err();
    client.statefulset("db").await.unwrap_err();
    assert_eq!(api.world.connections(), 2);
}

#[test]
fn an_apis_message_of_a_megabyte_is_a_line() {
    let body = serde_json::json!({"message": format!("no\u{1b}\nforged {}", "x".repeat(1 << 20))});
    let said = KubernetesError::refused(500, body.to_string().as_bytes());
    let line = "the API of Kubernetes said no (500): no\u{fffd}";
    assert_eq!(said.to_string(), line);
}
