//! When the witness wakes its worker.

use super::*;
use crate::docker::{LabelledServices, Labels};

/// An engine with one task, and a witness that has reported it and is subscribed.
async fn subscribed(watch_interval: Duration) -> (FakeEngine, Arc<DockerSource>) {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    engine.world.tasks(json!([task("s1", 1, "running")]));
    let source = Arc::new(source(&client(&engine), watch_interval));
    look(&source).await;
    subscription(&engine, &source, 0).await;
    (engine, source)
}

/// Waits until the witness listens for events, by more requests than so many: one whose
/// subscription was ended may be counted for a moment.
async fn subscription(engine: &FakeEngine, source: &DockerSource, requests: usize) {
    let asked = || engine.world.requests("/events").len() > requests;
    let subscribed = async {
        while !asked() || engine.world.subscribers() != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = source.changed() => panic!("nothing has changed"),
        subscribed = timeout(LONG, subscribed) => subscribed.expect("nobody listens"),
    }
}

/// Lets the witness look so many times, and none of these looks wake anybody.
async fn looks_and_sleeps(engine: &FakeEngine, source: &DockerSource, looks: usize) {
    let enough = engine.world.requests("/tasks").len() + looks;
    let looked = async {
        while engine.world.requests("/tasks").len() < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The last one has its answer by then.
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        () = source.changed() => panic!("nothing has changed"),
        looked = timeout(LONG, looked) => looked.expect("it does not look"),
    }
}

#[tokio::test]
async fn a_task_that_changes_without_an_event_is_noticed() {
    let (engine, source) = subscribed(Duration::from_millis(50)).await;
    looks_and_sleeps(&engine, &source, 3).await;
    engine.world.tasks(json!([task("s1", 1, "remove")]));
    timeout(LONG, source.changed())
        .await
        .expect("it is leaving");
    timeout(LONG, source.changed())
        .await
        .expect("nobody has reported it yet");
}

#[tokio::test]
async fn an_event_makes_it_look_at_once_and_decides_nothing() {
    let (engine, source) = subscribed(LONG * 60).await;
    engine.world.event("service", "update");
    looks_and_sleeps(&engine, &source, 1).await;

    engine.world.tasks(json!([task("s1", 1, "remove")]));
    let blind = timeout(Duration::from_millis(300), source.changed()).await;
    blind.expect_err("without an event it does not look for an hour");
    engine.world.event("service", "update");
    timeout(LONG, source.changed())
        .await
        .expect("it is leaving");
}

#[tokio::test]
async fn tasks_that_follow_an_event_a_little_later_are_noticed() {
    let (engine, source) = subscribed(LONG * 60).await;
    // Looks are frequent for a second. A machine that stands still for all of
    // it misses them, and gets another one.
    for slot in 2..20 {
        let before = engine.world.requests("/tasks").len();
        engine.world.event("service", "update");
        let later = async {
            while engine.world.requests("/tasks").len() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            let tasks = [task("s1", 1, "running"), task("s1", slot, "running")];
            engine.world.tasks(json!(tasks));
        };
        let noticed = async { tokio::join!(source.changed(), later) };
        if timeout(LONG / 20, noticed).await.is_ok() {
            return;
        }
    }
    panic!("a new task was never noticed");
}

#[tokio::test]
async fn a_lost_subscription_is_renewed_and_what_it_missed_is_looked_for() {
    let (mut engine, source) = subscribed(LONG * 60).await;
    let requests = engine.world.requests("/events").len();
    engine.world.tasks(json!([task("s1", 1, "remove")]));
    engine.world.hang_up();
    timeout(LONG, source.changed())
        .await
        .expect("looked on the new subscription");
    look(&source).await;
    subscription(&engine, &source, requests).await;

    engine.stop().await;
    engine.world.tasks(json!([task("s1", 2, "running")]));
    timeout(LONG, source.changed())
        .await
        .expect("the engine is gone");
    look(&source).await;
    engine.listen();
    timeout(LONG, source.changed()).await.expect("and back");
    assert_eq!(
        look(&source).await,
        (Grade::Answer, vec!["10.0.1.2 present".into()])
    );
}

/// From a proxy, or an engine that is none.
#[tokio::test]
async fn an_event_line_without_end_was_kept_for_as_long_as_it_came() {
    let (engine, source) = subscribed(LONG * 60).await;
    engine.world.noise(&"x".repeat(200 * 1024));
    let renewed = async {
        while engine.world.requests("/events").len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = source.changed() => panic!("nothing has changed"),
        renewed = timeout(LONG, renewed) => renewed.expect("it still listens to that line"),
    }
    // The new subscription is a whole one.
    engine.world.tasks(json!([task("s1", 1, "remove")]));
    let told = async {
        loop {
            engine.world.event("service", "update");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        changed = timeout(LONG, source.changed()) => changed.expect("it is leaving"),
        () = told => {}
    }
}

#[tokio::test]
async fn events_ask_only_for_what_may_move_a_task() {
    let (engine, _source) = subscribed(LONG).await;
    let asked = engine.world.requests("/events");
    assert_eq!(asked.len(), 1);
    for word in ["service", "node", "container", "update", "die"] {
        assert!(asked[0].contains(word), "{asked:?}");
    }
    assert!(
        asked[0].starts_with("/v1.41/events?") && !asked[0].contains("exec"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn labelled_services_are_told_at_first_and_whenever_they_change() {
    let engine = FakeEngine::start();
    let labelled = |engine: &str| {
        json!({"ID": "s1", "Spec": {
            "Name": "db",
            "Labels": {"meshworker.enable": "true", "meshworker.engine": engine},
        }})
    };
    let told = |engine: &str| {
        let labels = [("meshworker.enable", "true"), ("meshworker.engine", engine)];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Labels::from([("db".to_owned(), labels.into())])
    };
    let services = LabelledServices::of(client(&engine));
    assert_eq!(
        services.next().await,
        Labels::new(),
        "none is an answer too"
    );

    engine.world.services(json!([labelled("redis")]));
    assert_eq!(
        services.next().await,
        told("redis"),
        "asked again, seen at once"
    );

    let quiet = timeout(Duration::from_millis(200), services.next()).await;
    quiet.expect_err("nothing has changed");

    engine.world.services(json!([labelled("aerospike")]));
    engine.world.event("service", "update");
    assert_eq!(timeout(LONG, services.next()).await, Ok(told("aerospike")));

    // An engine that does not answer says nothing about any service.
    engine.world.status(500);
    timeout(Duration::from_millis(200), services.next())
        .await
        .expect_err("nothing is known");
    let asked = engine.world.requests("/services");
    assert!(
        asked[0].contains("label%22%3A%5B%22meshworker.enable%3Dtrue"),
        "{asked:?}"
    );
}
