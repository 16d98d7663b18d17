//! What the page on backups says, with its own lines.

use std::process::Command;

use meshworker_e2e::{Deployment, Redis, World};
use meshworker_lab::images::Tested;
use meshworker_lab::{Docker, Engines};

const RECORDS: usize = 1000;

/// All volumes of a cluster at rest bring it back on empty ones.
pub fn redis_at_rest(world: &World) {
    let swarm = world.swarm();
    let mut deployment = Deployment::new(swarm, &Redis, "backup", 6);
    deployment.becomes_one(6);
    deployment.write(RECORDS);
    deployment.stack().remove().expect("the stack goes");

    let volume = deployment.stack().full("redis-data");
    let lines = blocks("## Redis, at rest");
    assert_eq!(lines.len(), 3, "the page has other blocks: {lines:?}");
    let (save, restore) = (&lines[1], &lines[2]);
    let nodes = swarm.reachable();
    for (number, node) in nodes.iter().enumerate() {
        run(
            node,
            number,
            world,
            &save.replace("cache_redis-data", &volume),
        );
    }
    deployment.stack().remove_volumes().expect("the data goes");
    for (number, node) in nodes.iter().enumerate() {
        run(
            node,
            number,
            world,
            &restore.replace("cache_redis-data", &volume),
        );
    }
    deployment.deploy_again();
    deployment.becomes_one(6);
    deployment.all_there(RECORDS);
}

/// The blocks of code of a part of the page.
fn blocks(part: &str) -> Vec<String> {
    let page = std::fs::read_to_string(World::root().join("docs/backup.md"));
    let page = page.expect("the page can be read");
    let (_, rest) = page.split_once(part).expect("the page has this part");
    let part = rest.split("\n## ").next().unwrap_or_default();
    let mut blocks = vec![];
    let mut before = false;
    for line in part.lines() {
        let code = line.strip_prefix("    ");
        if let Some(code) = code {
            if !before {
                blocks.push(String::new());
            }
            let block: &mut String = blocks.last_mut().expect("one was begun");
            block.push_str(code);
            block.push('\n');
        }
        before = code.is_some();
    }
    blocks
}

/// Runs lines of the page on a node, in a folder of that node's own.
fn run(node: &Docker, number: usize, world: &World, lines: &str) {
    let folder = world.swarm().directory().join(format!("backup-{number}"));
    std::fs::create_dir_all(&folder).expect("the lab has a folder");
    let mut shell = Command::new("sh");
    shell.args(["-ec", lines]).current_dir(folder);
    shell.env("REDIS_IMAGE", Tested::Redis.reference());
    shell.env("DOCKER_HOST", node.host().expect("a node of the lab"));
    let done = shell.output().expect("there is a shell");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{lines}: {told}");
}
