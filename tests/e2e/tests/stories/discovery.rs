//! The witnesses on a real swarm.

use std::time::Duration;

use meshworker_e2e::{Aerospike, Database, Deployment, World};
use meshworker_lab::images::Image;
use meshworker_lab::{Stack, Tools};

/// With the Docker API the worker knows members before DNS does, by their
/// slots, and says so.
pub fn with_the_docker_api(world: &World, database: &dyn Database) {
    let swarm = world.swarm();
    let (socket, group) = world.socket();
    let env = [("DOCKER_SOCKET", socket.as_str()), ("DOCKER_GID", &group)];
    let api = World::stack("docker-api.yml");
    let mut deployment = Deployment::with(swarm, database, "api", 3, &[api], &env);
    deployment.becomes_one(3);
    let once = ["meshworker", "run", "--once", "--once-timeout", "300"];
    let whole = deployment.tools().ask(&once).expect("the CLI runs");
    assert!(whole.success, "{}", whole.stderr);
    deployment.scale(5);
    deployment.becomes_one(5);
    deployment.scale(4);
    deployment.becomes_clean(4);
    deployment.wait("the worker's word on its witness", || {
        let log = deployment.worker_log();
        let heard = log.contains("docker: answer");
        heard.then_some(()).ok_or(log)
    });
}

/// One worker looks after every service with the label, and nothing else is
/// configured. Log lines are JSON.
pub fn two_clusters_by_labels(world: &World) {
    let swarm = world.swarm();
    let (socket, group) = world.socket();
    let env = [("DOCKER_SOCKET", socket.as_str()), ("DOCKER_GID", &group)];
    let [blue, green] =
        ["blue", "green"].map(|name| Aerospike::in_stack(World::test_stack("labels.yml"), name));
    let mut one = Deployment::with(swarm, &blue, "labels", 3, &[], &env);
    one.becomes_one(3);
    one.wait("the other cluster", || {
        let members = one.stack().running("green").map_err(|e| e.to_string())?;
        let members: Vec<_> = members.iter().filter_map(|task| task.address()).collect();
        green.cluster(one.tools(), &members)
    });
    one.scale(4);
    one.becomes_one(4);
    let log = one.worker_log();
    let lines = log.lines().filter_map(|line| line.split_once('{'));
    let mut told = 0;
    for (_, rest) in lines {
        let line = format!("{{{rest}");
        assert!(
            line.contains("\"timestamp\":") && line.ends_with('}'),
            "{line}"
        );
        told += 1;
    }
    assert!(told > 5, "{log}");
}

/// DNS lists sixty replicas in one answer, and the worker sees every one.
pub fn sixty_replicas(world: &World) {
    let swarm = world.swarm();
    let file = World::test_stack("sixty.yml");
    let env = [
        ("TOOLS_IMAGE", Image::Tools.reference()),
        ("MESHWORKER_IMAGE", Image::Meshworker.reference()),
    ];
    let stack = Stack::deploy(swarm, "sixty", &[file], &env).expect("the stack can be deployed");
    let stack = Removed(stack);
    stack
        .0
        .wait_running("trivial", 60, Duration::from_secs(600))
        .expect("sixty replicas run");
    let tools = Tools::attach(&stack.0).expect("the tools container runs");
    tools
        .wait_resolved("trivial", 60, Duration::from_secs(300))
        .expect("DNS lists them");
    // They are listed, and no database: nobody is waited for but the name server.
    let look =
        "meshworker look --json --servicename trivial --deadline 0.2 --dns-deadline 60; true";
    let seen = tools.exec(&["sh", "-c", look]).expect("the CLI runs");
    let listed = seen.matches("\"standing\":\"wanted\"").count();
    assert_eq!(listed, 60, "{seen}");
}

struct Removed<'a>(Stack<'a>);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.remove() {
            eprintln!("{} could not be removed: {error}", self.0.name());
        }
    }
}
