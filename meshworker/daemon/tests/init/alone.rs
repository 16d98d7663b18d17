//! Leaving when no worker answers.

use aerospike_sim::testing::Loopback;
use aerospike_sim::{NodeOptions, SimNode};
use fake_dns::{Behaviour, FakeDns};
use rustix::process::Signal;

use super::support::{DATABASE, init, listening};

#[test]
fn without_any_name_the_whole_stack_is_removed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dns = runtime.block_on(FakeDns::start()).unwrap();
    let (_database, port) = listening();
    let mut supervisor = init()
        .with("name-server", &dns.address().to_string())
        .with("workers", "workers.test")
        .with("service-port", &port.to_string())
        .with("grace", "600")
        .script(DATABASE);
    supervisor.wait_for_out("database up");
    supervisor.wait_for_log("no worker answers: DNS: NXDOMAIN");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    let log = supervisor.log();
    assert!(log.contains("the whole stack is removed"), "{log}");
}

#[test]
fn while_the_members_have_a_name_it_looks_for_itself() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dns = runtime.block_on(FakeDns::start()).unwrap();
    let block = Loopback::claim().unwrap();
    let (own, other) = (block.address(0), block.address(1));
    let nodes = runtime.block_on(async {
        let own = SimNode::start(NodeOptions::at(own)).await.unwrap();
        (own, SimNode::start(NodeOptions::at(other)).await.unwrap())
    });
    dns.set(
        "db.test",
        Behaviour::answer(
            [own, other]
                .map(|a| a.to_string())
                .each_ref()
                .map(String::as_str),
        ),
    );
    let mut supervisor = init()
        .with("engine", "aerospike")
        .with("service-port", "3000")
        .with("name-server", &dns.address().to_string())
        .with("workers", "workers.test")
        .with("address", &own.to_string())
        .with("grace", "600")
        .with("alone-after", "1")
        .script(DATABASE);
    supervisor.wait_for_out("database up");
    supervisor.signal(Signal::TERM);
    supervisor.wait_for_log("no worker has answered for 1 s: looks for itself");
    supervisor.wait_for_log("waits, as it sees it alone: ");
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.code(), 7);
    drop(nodes);
}
