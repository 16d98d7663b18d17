//! The one change: how many replicas there are meant to be.

use std::sync::Arc;

use fake_docker::FakeEngine;
use serde_json::json;

use super::*;

/// A client of this engine.
pub(crate) fn client(engine: &FakeEngine) -> Arc<DockerClient> {
    let host = format!("unix://{}", engine.socket().display());
    let endpoint = Endpoint::parse(&host, false, None).unwrap();
    Arc::new(DockerClient::new(endpoint))
}

#[tokio::test]
async fn a_service_goes_back_as_it_came_but_for_its_replicas() {
    let engine = FakeEngine::start();
    let spec = |replicas: u64| {
        json!({
            "Name": "db",
            "Mode": {"Replicated": {"Replicas": replicas, "OfALaterEngine": [1]}},
            "Unheard": {"of": true},
        })
    };
    let other = json!({"ID": "s2", "Version": {"Index": 9}, "Spec": {"Name": "db-2"}});
    let ours = json!({"ID": "s1", "Version": {"Index": 7}, "Spec": spec(5)});
    engine.world.services(json!([other, ours]));
    let replicas = Replicas::of(client(&engine), "db");
    let found = replicas.read().await.unwrap();
    assert_eq!(found.replicas, 5);
    replicas.set(&found, 4).await.unwrap();
    assert_eq!(engine.world.bodies(), [spec(4)]);
    assert_eq!(
        engine.world.requests("/services/s1/update"),
        ["/v1.41/services/s1/update?version=7"]
    );
}

/// An operator's word had every service read whole, and its own one too, however long.
#[tokio::test]
async fn settings_without_end_filled_the_memory_of_an_order_to_scale() {
    let engine = FakeEngine::start();
    let padded = |name: &str, bytes: usize| {
        let mode = json!({"Replicated": {"Replicas": 5}});
        let spec = json!({"Name": name, "Mode": mode, "Env": "x".repeat(bytes)});
        json!({"ID": "s", "Version": {"Index": 7}, "Spec": spec})
    };
    let replicas = Replicas::of(client(&engine), "db");
    let others = (2..12).map(|number| padded(&format!("db-{number}"), 1 << 20));
    let services: Vec<_> = others.chain([padded("db", 1 << 20)]).collect();
    engine.world.services(json!(services));
    assert_eq!(replicas.read().await.unwrap().replicas, 5);
    engine.world.services(json!([padded("db", 2 << 20)]));
    let refused = replicas.read().await.unwrap_err().words();
    assert!(refused.contains("an entry of 2097"), "{refused}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named() {
    let engine = FakeEngine::start();
    let replicas = Replicas::of(client(&engine), "db");
    let error = replicas.read().await.unwrap_err().to_string();
    assert_eq!(error, "there is no replicated service db");
    engine.world.services(json!([{"ID": "s", "Version": {"Index": 1}, "Spec": {"Name": "db", "Mode": {"Global": {}}}}]));
    assert!(replicas.read().await.is_err());
}
