//! The witness against an engine that lists what it is told to.

mod bounds;
mod waking;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::docker::tests::client;
use crate::docker::{Endpoint, NEWEST};
use fake_docker::FakeEngine;

/// Longer than any answer takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn source(client: &Arc<DockerClient>, watch_interval: Duration) -> DockerSource {
    let options = DockerOptions {
        deadline: LONG,
        watch_interval,
        ..DockerOptions::of("db")
    };
    DockerSource::new(Arc::clone(client), options)
}

fn service(id: &str, name: &str) -> Value {
    json!({"ID": id, "Spec": {"Name": name, "Mode": {"Replicated": {"Replicas": 2}}}})
}

fn task(service: &str, slot: u64, desired: &str) -> Value {
    json!({
        "ID": format!("{service}-{slot}"),
        "ServiceID": service,
        "Slot": slot,
        "NodeID": "n1",
        "Status": {"State": "running"},
        "DesiredState": desired,
        "NetworksAttachments": [
            {
                "Network": {"ID": "w", "Spec": {"Name": "net"}, "DriverState": {"Name": "overlay"}},
                "Addresses": [format!("10.0.1.{slot}/24")],
            },
        ],
    })
}

async fn look(source: &DockerSource) -> (Grade, Vec<String>) {
    let report = source.report().await;
    assert_eq!(report.witness, Witness::Docker);
    let listed = report.sightings.iter();
    let listed = listed.map(|s| format!("{} {}", s.address, s.presence));
    (report.grade, listed.collect())
}

#[tokio::test]
async fn what_an_engine_says_has_a_longest_length() {
    let engine = FakeEngine::start();
    let source = source(&client(&engine), LONG);
    let mut long = service("s1", "db");
    long["Spec"]["Labels"] = json!({"other": "x".repeat(17 << 20)});
    engine.world.services(json!([long]));
    let why = "the Docker API's answer is longer than 16777216 bytes";
    assert_eq!(look(&source).await.0, Grade::Failed(why.into()));

    for (field, text) in [("ID", "x".repeat(1 << 20)), ("NodeID", "a\nforged".into())] {
        let mut task = task("s1", 1, "running");
        task[field] = text.into();
        engine.world.services(json!([service("s1", "db")]));
        engine.world.tasks(json!([task]));
        let (Grade::Failed(why), listed) = look(&source).await else {
            panic!("{field} is taken");
        };
        assert!(why.contains("a name of ") && why.len() < 300, "{why}");
        assert_eq!(listed, Vec::<String>::new());
    }
}

#[tokio::test]
async fn tasks_of_exactly_this_service_are_listed_in_the_agreed_version() {
    let engine = FakeEngine::start();
    // As the engine does it: everything that begins with the name.
    engine
        .world
        .services(json!([service("s2", "db2"), service("s1", "db")]));
    engine.world.tasks(json!([
        task("s1", 1, "running"),
        task("s1", 2, "remove"),
        task("s2", 3, "running")
    ]));
    let source = source(&client(&engine), LONG);
    let listed = vec!["10.0.1.1 present".into(), "10.0.1.2 leaving".into()];
    assert_eq!(look(&source).await, (Grade::Answer, listed));
    assert_eq!(
        engine.world.requests("/tasks"),
        ["/v1.41/tasks?filters=%7B%22service%22%3A%5B%22s1%22%5D%7D"]
    );
    assert_eq!(
        engine.world.requests("/services"),
        ["/v1.41/services?filters=%7B%22name%22%3A%5B%22db%22%5D%7D"]
    );
}

#[tokio::test]
async fn a_newer_engine_is_asked_in_the_newest_version_that_is_known_here() {
    let engine = FakeEngine::start();
    engine.world.version("1.99");
    engine.world.services(json!([]));
    let source = source(&client(&engine), LONG);
    look(&source).await;
    let version = NEWEST;
    let asked = engine.world.requests("/services");
    assert!(
        asked[0].starts_with(&format!("/v{version}/services?")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_engine_that_came_back_as_another_version_is_asked_in_its_own() {
    let mut engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    engine.world.tasks(json!([task("s1", 1, "running")]));
    let source = source(&client(&engine), LONG);
    assert_eq!(look(&source).await.0, Grade::Answer);

    engine.stop().await;
    let (grade, listed) = look(&source).await;
    assert!(matches!(grade, Grade::Failed(_)), "{grade:?}");
    assert_eq!(listed, Vec::<String>::new());

    engine.world.version("1.44");
    engine.listen();
    assert_eq!(look(&source).await.0, Grade::Answer);
    assert!(engine.world.requests("/tasks")[1].starts_with("/v1.44/"));
}

#[tokio::test]
async fn a_node_that_is_down_hides_its_tasks() {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    engine.world.tasks(json!([task("s1", 1, "shutdown")]));
    engine
        .world
        .nodes(json!([{"ID": "n1", "Status": {"State": "down"}}]));
    let (grade, listed) = look(&source(&client(&engine), LONG)).await;
    assert_eq!(grade, Grade::Answer);
    assert_eq!(listed, ["10.0.1.1 out of sight, its node is down"]);
}

#[tokio::test]
async fn an_engine_that_says_no_is_quoted() {
    let engine = FakeEngine::start();
    engine.world.status(503);
    let (grade, _) = look(&source(&client(&engine), LONG)).await;
    assert!(
        matches!(&grade, Grade::Failed(why) if why.contains("503") && why.contains("no such luck")),
        "{grade:?}"
    );
}

#[tokio::test]
async fn without_an_engine_the_report_names_the_socket() {
    let endpoint = Endpoint::parse("unix:///nowhere/docker.sock", false, None).unwrap();
    let source = source(&Arc::new(DockerClient::new(endpoint)), LONG);
    let (grade, _) = look(&source).await;
    assert!(
        matches!(&grade, Grade::Failed(why) if why.contains("/nowhere/docker.sock")),
        "{grade:?}"
    );
}

#[tokio::test]
async fn an_engine_that_hangs_is_a_time_out() {
    let engine = FakeEngine::start();
    engine.world.delay(LONG * 60);
    let options = DockerOptions {
        deadline: Duration::from_millis(500),
        ..DockerOptions::of("db")
    };
    let source = DockerSource::new(client(&engine), options);
    let said = timeout(LONG, look(&source)).await;
    assert_eq!(said.expect("it waits"), (Grade::Timeout, vec![]));
}

#[tokio::test]
async fn clusters_that_wake_up_together_share_one_listing() {
    let engine = FakeEngine::start();
    engine
        .world
        .services(json!([service("s1", "db"), service("s2", "db2")]));
    engine
        .world
        .tasks(json!([task("s1", 1, "running"), task("s2", 2, "running")]));
    engine.world.delay(Duration::from_millis(100));
    let client = client(&engine);
    let one = source(&client, LONG);
    let options = DockerOptions {
        deadline: LONG,
        ..DockerOptions::of("db2")
    };
    let other = DockerSource::new(Arc::clone(&client), options);
    let (one, other) = tokio::join!(look(&one), look(&other));
    assert_eq!(one, (Grade::Answer, vec!["10.0.1.1 present".into()]));
    assert_eq!(other, (Grade::Answer, vec!["10.0.1.2 present".into()]));
    assert_eq!(engine.world.requests("/tasks").len(), 1);
}

#[tokio::test]
async fn two_looks_right_after_each_other_took_one_listing_for_two_testimonies() {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    engine.world.tasks(json!([task("s1", 1, "running")]));
    let source = source(&client(&engine), LONG);
    for look_now in 1..=3 {
        look(&source).await;
        assert_eq!(engine.world.requests("/tasks").len(), look_now);
    }
}

#[tokio::test]
async fn a_service_that_nobody_watches_any_more_is_not_asked_for() {
    let engine = FakeEngine::start();
    let client = client(&engine);
    drop(DockerSource::new(
        Arc::clone(&client),
        DockerOptions::of("other"),
    ));
    look(&source(&client, LONG)).await;
    let asked = engine.world.requests("/services");
    assert!(!asked[0].contains("other"), "{asked:?}");
}
