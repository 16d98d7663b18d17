//! The container's health check.

use aerospike_sim::testing::Loopback;
use aerospike_sim::{NodeOptions, SimNode};

use super::support::{DATABASE, FakeWorker, in_place, init, wait_for};

#[test]
fn healthy_once_in_place_and_then_as_long_as_the_database_answers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let block = Loopback::claim().unwrap();
    let address = block.address(0);
    let node = runtime.block_on(SimNode::start(NodeOptions::at(address)));
    let node = node.unwrap();
    let worker = FakeWorker::start(|told| {
        let (status, mut answer) = in_place(told);
        answer["in_place"] = false.into();
        answer["cluster"] = "not one cluster: 2 of 3 answer".into();
        (status, answer)
    });
    let supervisor = init()
        .with("engine", "aerospike")
        .with("service-port", "3000")
        .with("address", &address.to_string())
        .with("workers-port", &worker.port().to_string())
        .script(DATABASE);
    let health = |expected: (&str, i32)| {
        wait_for(expected.0, || {
            let (line, code) = supervisor.health();
            if (line.as_str(), code) == expected {
                return Ok(());
            }
            Err(format!("{line} ({code})\n{}", supervisor.log()))
        });
    };
    health((
        "unhealthy: not in its place yet: not one cluster: 2 of 3 answer",
        1,
    ));
    worker.set(in_place);
    health(("healthy: one cluster of 3 members", 0));
    // A cluster in trouble is not helped by killing its members.
    worker.set(|_| (503, serde_json::Value::Null));
    health(("healthy: the database answers", 0));
    drop(node);
    wait_for("an unhealthy member", || {
        let (line, code) = supervisor.health();
        let dead = line.starts_with("unhealthy: the database: ") && code == 1;
        dead.then_some(()).ok_or(line)
    });
}

#[test]
fn without_a_supervisor_nobody_is_healthy() {
    let mut supervisor = init().script("exit 0");
    supervisor.code();
    let (line, code) = supervisor.health();
    assert!(
        line.starts_with("unhealthy: no supervisor answers in this container: "),
        "{line}"
    );
    assert_eq!(code, 1);
}
