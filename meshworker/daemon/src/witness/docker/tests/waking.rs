//! When the witness wakes its worker.

use tokio::time::timeout;

use super::*;

/// An engine with one task, and a witness that has reported it and is subscribed.
async fn subscribed(watch_interval: Duration) -> (FakeEngine, Arc<DockerSource>) {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    engine.world.tasks(json!([task("s1", 1, "running")]));
    let source = Arc::new(source(&client(&engine), watch_interval));
    look(&source).await;
    wait_for_subscribers(&engine, &source, 1).await;
    (engine, source)
}

async fn wait_for_subscribers(engine: &FakeEngine, source: &DockerSource, count: usize) {
    let subscribed = async {
        while engine.world.subscribers() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = source.changed() => panic!("nothing has changed"),
        () = subscribed => {}
        () = tokio::time::sleep(LONG) => panic!("{} subscribers", engine.world.subscribers()),
    }
}

#[tokio::test]
async fn a_task_that_changes_without_an_event_is_noticed() {
    let (engine, source) = subscribed(Duration::from_millis(50)).await;
    let quiet = timeout(Duration::from_millis(300), source.changed()).await;
    quiet.expect_err("nothing has changed");
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
    let (engine, source) = subscribed(LONG * 6).await;
    // After an event, looks are frequent for a second: let that pass.
    let settled = timeout(Duration::from_millis(1500), source.changed()).await;
    settled.expect_err("nothing has changed");

    engine.world.event("service", "update");
    let nothing = timeout(Duration::from_millis(1500), source.changed()).await;
    nothing.expect_err("an event is not a change");

    engine.world.tasks(json!([task("s1", 1, "remove")]));
    let blind = timeout(Duration::from_millis(300), source.changed()).await;
    blind.expect_err("without an event it does not look for a minute");
    engine.world.event("service", "update");
    timeout(LONG, source.changed())
        .await
        .expect("it is leaving");
}

#[tokio::test]
async fn tasks_that_follow_an_event_a_little_later_are_noticed() {
    let (engine, source) = subscribed(LONG * 6).await;
    let settled = timeout(Duration::from_millis(1500), source.changed()).await;
    settled.expect_err("nothing has changed");
    engine.world.event("service", "update");
    let later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        engine
            .world
            .tasks(json!([task("s1", 1, "running"), task("s1", 2, "running")]));
    };
    let (woken, ()) = tokio::join!(timeout(LONG, source.changed()), later);
    woken.expect("a new task");
}

#[tokio::test]
async fn a_lost_subscription_is_renewed_and_what_it_missed_is_looked_for() {
    let (mut engine, source) = subscribed(LONG * 6).await;
    let settled = timeout(Duration::from_millis(1500), source.changed()).await;
    settled.expect_err("nothing has changed");

    engine.world.hang_up();
    wait_for_subscribers(&engine, &source, 0).await;
    engine.world.tasks(json!([task("s1", 1, "remove")]));
    timeout(LONG, source.changed())
        .await
        .expect("looked on the new subscription");
    look(&source).await;
    wait_for_subscribers(&engine, &source, 1).await;

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
