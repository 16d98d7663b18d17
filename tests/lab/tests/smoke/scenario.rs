//! Stacks on labs, and damage.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use meshworker_lab::images::{self, Image};
use meshworker_lab::{Engines, Stack, Swarm, SwarmOptions, Tools, wait_for};

use crate::leftovers;

/// Swarm notices a lost node after 15 s, and then starts its replicas elsewhere.
const FAIL_OVER: Duration = Duration::from_secs(300);

const SOON: Duration = Duration::from_secs(300);

pub fn run() {
    let mut clock = Clock::start();
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = [Image::Redis, Image::Tools];
    let images = images::prepare(
        &crate_directory.join("../.."),
        &set,
        images::Finish::for_tests(),
        |_| {},
    )
    .unwrap();
    clock.lap("images");
    let options = SwarmOptions {
        images: Some(images),
        ..SwarmOptions::new(3, 1)
    };
    let swarm = Swarm::start_with(&options).unwrap();
    clock.lap("three nodes up");
    let marks = swarm.marks().unwrap();

    let file = crate_directory.join("tests/smoke/redis.yml");
    let image = [("REDIS_IMAGE", Image::Redis.reference())];
    let stack = Stack::deploy(&swarm, "smoke", &[file], &image).unwrap();
    let tasks = stack.wait_running("db", 3, SOON).unwrap();
    clock.lap("three replicas running");
    let tools = Tools::start(&stack, &["mesh"]).unwrap();
    clock.lap("tools running");

    // What the manager says of the tasks is what the name server says.
    let mut addresses: Vec<_> = tasks.iter().filter_map(|task| task.address()).collect();
    addresses.sort_unstable();
    assert_eq!(tools.wait_resolved("db", 3, SOON).unwrap(), addresses);
    assert_eq!(tools.resolve("tasks.db").unwrap(), addresses);
    for address in &addresses {
        let address = address.to_string();
        let pong = tools.exec(&["redis-cli", "-h", &address, "PING"]).unwrap();
        assert_eq!(pong, "PONG");
    }
    let whoami = stack.exec(&tasks[0], &["ps", "-o", "user=,comm=", "-p", "1"]);
    assert_eq!(whoami.unwrap(), "redis    redis-server");
    let logs = stack.logs("db").unwrap();
    assert!(logs.contains("Ready to accept connections"), "{logs}");
    let unknown = tools.exec(&["dig", "+tries=1", "+time=2", "nobody"]);
    assert!(unknown.unwrap().contains("status: NXDOMAIN"));
    clock.lap("names, queries, logs");

    stack.scale("db", 5).unwrap();
    let tasks = stack.wait_running("db", 5, SOON).unwrap();
    tools.wait_resolved("db", 5, SOON).unwrap();
    clock.lap("scaled to five");
    stack.kill_container(&tasks[0]).unwrap();
    wait_for("another task in the slot", SOON, || {
        let now = stack.running("db").unwrap();
        let replaced = now.iter().any(|task| task.slot == tasks[0].slot);
        (replaced && now.iter().all(|task| task.id != tasks[0].id))
            .then_some(())
            .ok_or(format!("{now:?}"))
    })
    .unwrap();
    clock.lap("a killed container is replaced");

    swarm.cut(3).unwrap();
    swarm.wait_ready(2, FAIL_OVER).unwrap();
    tools.wait_resolved("db", 5, FAIL_OVER).unwrap();
    clock.lap("node 3 cut, its replicas moved");
    let kept = swarm.docker(3).unwrap().lines(&["ps", "-q"]).unwrap();
    assert!(!kept.is_empty(), "a cut node's containers keep running");
    swarm.heal(3).unwrap();
    swarm.wait_ready(3, SOON).unwrap();
    clock.lap("node 3 healed");

    swarm.kill(2).unwrap();
    assert!(!swarm.docker(2).unwrap().answers());
    let address = swarm.address(2).unwrap().to_string();
    let left = leftovers::of(&marks);
    let of_node = |line: &&String| line.contains("/n2/") || line.ends_with("n2");
    assert_eq!(left.iter().find(of_node), None);
    swarm.wait_ready(2, FAIL_OVER).unwrap();
    tools.wait_resolved("db", 5, FAIL_OVER).unwrap();
    clock.lap(&format!("node 2 ({address}) killed, its replicas moved"));
    swarm.restart(2).unwrap();
    swarm.wait_ready(3, SOON).unwrap();
    clock.lap("node 2 back");

    stack.scale("db", 2).unwrap();
    stack.wait_running("db", 2, SOON).unwrap();
    tools.wait_resolved("db", 2, SOON).unwrap();
    clock.lap("scaled to two");
    stack.remove().unwrap();
    stack.remove_volumes().unwrap();
    for engine in swarm.reachable() {
        assert_eq!(engine.run(["ps", "-aq"]).unwrap(), "");
    }
    clock.lap("stack removed");
    swarm.down().unwrap();
    clock.lap("lab down");
    assert_eq!(leftovers::of(&marks), BTreeSet::new());
}

pub fn three_managers() {
    let swarm = Swarm::start(3, 3).unwrap();
    swarm.kill(1).unwrap();
    swarm.wait_ready(2, FAIL_OVER).unwrap();
    swarm.restart(1).unwrap();
    swarm.wait_ready(3, FAIL_OVER).unwrap();
}

pub fn two_labs() {
    let one = Swarm::start(2, 1).unwrap();
    let two = Swarm::start(2, 1).unwrap();
    assert_ne!(one.address(1).unwrap(), two.address(1).unwrap());
    let (of_one, of_two) = (one.marks().unwrap(), two.marks().unwrap());
    assert_ne!(leftovers::of(&of_one), BTreeSet::new());
    one.down().unwrap();
    assert_eq!(leftovers::of(&of_one), BTreeSet::new());
    two.wait_ready(2, SOON).unwrap();
    drop(two);
    assert_eq!(leftovers::of(&of_two), BTreeSet::new());
}

/// Prints how long each part took.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn lap(&mut self, what: &str) {
        eprintln!("  {:>6.2} s  {what}", self.0.elapsed().as_secs_f32());
        self.0 = Instant::now();
    }
}
