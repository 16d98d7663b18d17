//! Leaving when no worker answers.

use std::net::IpAddr;

use aerospike_sim::testing::Loopback;
use aerospike_sim::{NodeOptions, Seed, SimNode, info};
use fake_dns::{Behaviour, FakeDns};
use rustix::process::Signal;

use super::support::{DATABASE, Start, init, listening, wait_for};

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

/// Two members whose name server never answers, each with what else it is given.
fn under_a_silent_name_server(alone_after: &str) -> Members {
    under_a_name_server(alone_after, |_| [Behaviour::Silent, Behaviour::Silent])
}

/// Their runtime and addresses, what they run, their name server, and what each is given.
type Members = (
    (tokio::runtime::Runtime, Loopback),
    Vec<SimNode>,
    FakeDns,
    [Start; 2],
);

/// Two members whose name server says this of the workers' name, and of their own.
fn under_a_name_server(alone_after: &str, says: fn(&[IpAddr; 2]) -> [Behaviour; 2]) -> Members {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dns = runtime.block_on(FakeDns::start()).unwrap();
    let block = Loopback::claim().unwrap();
    let addresses = [block.address(0), block.address(1)];
    let [workers, members] = says(&addresses);
    dns.set("workers.test", workers);
    dns.set("db.test", members);
    let nodes: Vec<SimNode> = runtime.block_on(async {
        let start = async |at: usize| {
            let seeds = vec![Seed::new(&addresses[1 - at].to_string(), 3002)];
            let options = NodeOptions {
                seeds,
                ..NodeOptions::at(addresses[at])
            };
            SimNode::start(options).await.unwrap()
        };
        vec![start(0).await, start(1).await]
    });
    wait_for("one cluster", || {
        let sizes: Vec<_> = nodes
            .iter()
            .map(|node| node.cluster().map(|c| c.size()))
            .collect();
        let one = sizes.iter().all(|size| *size == Some(2));
        one.then_some(()).ok_or(format!("{sizes:?}"))
    });
    let (held, port) = listening();
    drop(held);
    let start = |slot: usize| {
        init()
            .with("engine", "aerospike")
            .with("service-port", "3000")
            .with("slot", &(slot + 1).to_string())
            .with("task", &format!("task{slot}"))
            .with("name-server", &dns.address().to_string())
            .with("workers", "workers.test")
            .with("workers-port", &port.to_string())
            .with("address", &addresses[slot].to_string())
            .with("grace", "600")
            .with("alone-after", alone_after)
    };
    let starts = [start(0), start(1)];
    // The addresses are ours for as long as the nodes have them.
    ((runtime, block), nodes, dns, starts)
}

/// A whole stack is removed, its workers first.
#[test]
fn under_a_silent_name_server_members_waited_for_their_whole_grace_period() {
    all_leave(under_a_silent_name_server("500"));
}

/// Everything of a cluster is deleted, its workers first, and whether its names are gone a name
/// server outside its zone refuses to say.
#[test]
fn where_a_name_server_refused_to_say_a_deletion_took_a_minute() {
    let refuses = |_: &[IpAddr; 2]| [Behaviour::Refused, Behaviour::Refused];
    all_leave(under_a_name_server("500", refuses));
}

/// A namespace is deleted, its pods first: while they are there the services publish them.
#[test]
fn in_a_deleted_namespace_members_that_were_still_published_waited_for_a_minute() {
    all_leave(under_a_name_server("500", |all| {
        [Behaviour::NxDomain, Behaviour::Answer(all.to_vec())]
    }));
}

/// Tells all to leave, and waits until they have gone by what they tell each other.
fn all_leave(members: Members) {
    let (_runtime, _nodes, _dns, starts) = members;
    let mut supervisors = starts.map(|start| start.script(DATABASE));
    for supervisor in &supervisors {
        supervisor.wait_for_out("database up");
        supervisor.signal(Signal::TERM);
    }
    for supervisor in &mut supervisors {
        assert_eq!(supervisor.code(), 7);
        let log = supervisor.log();
        assert!(log.contains("the other members leave too"), "{log}");
    }
}

/// One member is to go, the workers restart, and the name server is silent.
#[test]
fn who_leaves_while_another_stays_does_not_go_alone() {
    let (_runtime, _nodes, _dns, [leaves, stays]) = under_a_silent_name_server("1");
    let (mut leaves, mut stays) = (leaves.script(DATABASE), stays.script(DATABASE));
    leaves.wait_for_out("database up");
    stays.wait_for_out("database up");
    leaves.signal(Signal::TERM);
    leaves.wait_for_log("waits, as it sees it alone: ");
    assert!(!leaves.log().contains("decided alone"), "{}", leaves.log());
    // Once the other one goes as well, nobody is left to wait for.
    stays.signal(Signal::TERM);
    assert_eq!((leaves.code(), stays.code()), (7, 7));
    let log = leaves.log();
    assert!(log.contains("decided alone"), "{log}");
}

#[test]
fn while_the_members_have_a_name_it_looks_for_itself() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dns = runtime.block_on(FakeDns::start()).unwrap();
    let block = Loopback::claim().unwrap();
    let (own, other) = (block.address(0), block.address(1));
    // Each by itself, and the one that is to go holds what the other one has not.
    let nodes = runtime.block_on(async {
        let own = SimNode::start(NodeOptions::at(own)).await.unwrap();
        let fill = "sim-put-many:ns=test;prefix=k;from=1;to=10";
        let filled = info(own.service(), fill).await.unwrap();
        assert_eq!(filled, "written=10;failed=0");
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
