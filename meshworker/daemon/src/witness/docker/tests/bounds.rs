//! What an engine can make this process keep.

use super::*;

/// Swarm's own history of five tasks for each slot, while all of them are updated.
#[tokio::test]
async fn a_thousand_members_and_their_history_fit() {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    let network = |name: &str, third: u64, slot: u64| {
        json!({
            "Network": {
                "ID": "x".repeat(25),
                "Spec": {"Name": format!("a-long-stacks-name_{name}"), "Labels": {"of": "others"}},
                "DriverState": {"Name": "overlay", "Options": {"vxlanid_list": "4097"}},
            },
            "Addresses": [format!("10.{third}.{}.{}/16", slot / 250, slot % 250)],
        })
    };
    let task = |slot: u64, age: u64| {
        let mut task = task("s1", slot, if age < 2 { "running" } else { "shutdown" });
        task["ID"] = format!("{age}{slot:024}").into();
        task["NodeID"] = "x".repeat(25).into();
        task["Status"]["State"] = if age < 2 { "running" } else { "shutdown" }.into();
        let third = age + 1;
        let networks = [
            network("members", third, slot),
            network("monitoring", 10 + third, slot),
        ];
        task["NetworksAttachments"] = json!(networks);
        task
    };
    let tasks = (0..1000).flat_map(|slot| (0..5).map(move |age| (slot, age)));
    let tasks: Vec<_> = tasks.map(|(slot, age)| task(slot, age)).collect();
    engine.world.tasks(json!(tasks));
    let options = DockerOptions {
        deadline: LONG,
        network: Some("a-long-stacks-name_members".into()),
        ..DockerOptions::of("db")
    };
    let source = DockerSource::new(client(&engine), options);
    let (grade, listed) = look(&source).await;
    assert_eq!((grade, listed.len()), (Grade::Answer, 2000));
}

#[tokio::test]
async fn labels_of_many_services_filled_the_memory() {
    let engine = FakeEngine::start();
    let labels = |value: usize| {
        let names = (0..100).map(|number| format!("meshworker.{number}"));
        let labels = names.map(|name| (name, Value::from("x".repeat(value))));
        Value::Object(labels.collect())
    };
    let services = |count: usize, value: usize| {
        let each = (0..count).map(|number| {
            let mut one = service(&format!("s{number}"), &format!("db{number}"));
            one["Spec"]["Labels"] = labels(value);
            one
        });
        Value::Array(each.collect())
    };
    let client = client(&engine);
    engine.world.services(services(20, 9));
    let read = client.labelled("meshworker.enable=true").await;
    assert_eq!(read.unwrap().len(), 20);
    for (count, value) in [(1000, 9), (20, 1000)] {
        engine.world.services(services(count, value));
        let refused = client.labelled("meshworker.enable=true").await;
        let refused = refused.unwrap_err().words();
        assert!(refused.contains("would be kept of the list"), "{refused}");
    }
    // Those of others, and whatever is asked for them, take nothing here.
    let source = source(&client, LONG);
    let mut all = services(500, 9);
    all[7]["Spec"]["Name"] = "db".into();
    engine.world.services(all);
    engine.world.tasks(json!([task("s7", 1, "running")]));
    let listed = vec!["10.0.1.1 present".to_owned()];
    assert_eq!(look(&source).await, (Grade::Answer, listed));
}

/// Services and tasks were kept, as many as there may be, while nodes were read.
#[tokio::test]
async fn services_tasks_and_nodes_together_had_no_bound() {
    let engine = FakeEngine::start();
    let id = |kind: char, number: usize| format!("{kind}{number:0>200}");
    let task = |number: usize| {
        let mut task = task("s1", 1, "running");
        task["ID"] = id('t', number).into();
        task["NetworksAttachments"] = Value::Null;
        task
    };
    let node = |number: usize| json!({"ID": id('n', number), "Status": {"State": "ready"}});
    let tasks = |count: usize| Value::Array((0..count).map(task).collect());
    let nodes = |count: usize| Value::Array((0..count).map(node).collect());
    engine.world.services(json!([service("s1", "db")]));
    let source = source(&client(&engine), LONG);
    for (many_tasks, many_nodes, fits) in [
        (5_500, 10, true),
        (10, 5_500, true),
        (5_500, 20_000, false),
        (15_000, 5_500, false),
    ] {
        engine.world.tasks(tasks(many_tasks));
        engine.world.nodes(nodes(many_nodes));
        let (grade, _) = look(&source).await;
        let full =
            matches!(&grade, Grade::Failed(why) if why.contains("would be kept of the list"));
        assert_eq!(
            full, !fits,
            "{many_tasks} tasks, {many_nodes} nodes: {grade}"
        );
    }
}

#[tokio::test]
async fn more_addresses_than_a_cluster_can_have_are_not_all_reported() {
    let engine = FakeEngine::start();
    engine.world.services(json!([service("s1", "db")]));
    let task = |slot: u64| {
        let mut task = task("s1", slot + 1, "running");
        let address = format!("10.1.{}.{}/16", slot / 250, slot % 250);
        task["NetworksAttachments"][0]["Addresses"] = json!([address]);
        task
    };
    engine.world.tasks((0..3000).map(task).collect());
    let (grade, listed) = look(&source(&client(&engine), LONG)).await;
    assert_eq!(
        grade,
        Grade::Failed("more than 2048 addresses are listed".into())
    );
    assert_eq!(listed.len(), 2048);
}

/// A refusal, and what an engine says of itself, were read to their end.
#[tokio::test]
async fn an_engine_that_says_no_without_end_filled_the_memory() {
    // What the socket holds, and what is read at a time.
    const FEW: usize = 4 << 20;
    for (path, status, why) in [
        ("/services", 500, "the Docker API said no (500)"),
        (
            "/version",
            200,
            "the Docker API's answer is longer than 65536 bytes",
        ),
        ("/version", 403, "the Docker API said no (403)"),
    ] {
        let engine = FakeEngine::start();
        engine.world.flood(path, status);
        let (grade, _) = look(&source(&client(&engine), LONG)).await;
        let said = matches!(&grade, Grade::Failed(said) if said.starts_with(why));
        assert!(said, "{path} {status}: {grade}");
        let taken = engine.world.flooded();
        assert!(taken < FEW, "{path} {status}: {taken} bytes");
    }
}

/// Two long answers at once took twice what there is.
#[tokio::test]
async fn long_answers_are_read_one_at_a_time() {
    let engine = FakeEngine::start();
    let client = client(&engine);
    let mut long = service("s1", "db");
    long["Spec"]["Labels"] = json!({"other": "x".repeat(1 << 20)});
    engine.world.services(json!([long]));
    let held = client.get("/services", &Default::default()).await.unwrap();
    assert!(client.long.try_lock().is_err(), "it took no turn");
    let waits = timeout(Duration::from_millis(300), look(&source(&client, LONG))).await;
    waits.expect_err("there is no turn");
    drop(held);
    assert_eq!(look(&source(&client, LONG)).await.0, Grade::Empty);
    assert!(client.long.try_lock().is_ok(), "the turn was kept");
    // Short ones need none.
    engine.world.services(json!([service("s1", "db")]));
    let _held = client.long.lock().await;
    assert_eq!(look(&source(&client, LONG)).await.0, Grade::Empty);
}
