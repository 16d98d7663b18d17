//! A cluster that was made by hand, and a worker that comes later, as the page says.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_e2e::{Cluster, Database, Deployment, Redis, World};
use meshworker_lab::{Task, Tools};

const RECORDS: usize = 500;

/// First it looks on and does nothing, then it takes newcomers in and forgets one that
/// is gone for good; no member is restarted, and no record lost.
pub fn a_cluster_made_by_hand(world: &World) {
    let mut deployment = Deployment::with(world.swarm(), &ByHand, "adopted", 3, &[], &[]);
    let members = deployment.wait("three members", || {
        let all: Vec<Ipv4Addr> = addresses(&deployment);
        (all.len() == 3).then_some(()).ok_or(format!("{all:?}"))?;
        // Each answers before they are made a cluster.
        let asked = all.iter().map(|at| format!("redis-cli -h {at} PING"));
        said(&deployment, &asked.collect::<Vec<_>>().join(" && "))?;
        Ok(all)
    });
    let ports = members.iter().map(|at| format!("{at}:6379"));
    let create = format!(
        "redis-cli --cluster create {} --cluster-yes",
        ports.collect::<Vec<_>>().join(" ")
    );
    deployment.wait("redis-cli's own cluster", || said(&deployment, &create));
    deployment.becomes_one(3);
    deployment.write(RECORDS);
    let tasks = ids(&deployment);

    let page = World::root().join("docs/adopt.md");
    let page = std::fs::read_to_string(page).expect("the page can be read");
    let file = page
        .split_once("```yaml\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let (file, _) = file.expect("the page has the file");
    let worker = world.swarm().directory().join("worker.yml");
    std::fs::write(&worker, file).expect("the lab has a folder");
    deployment.add(worker);
    deployment.wait("the worker's word", || {
        let told = worker_says(&deployment, "status")?;
        let whole = told.contains("one cluster of 3 members") && told.contains("DRY RUN");
        whole.then_some(()).ok_or(told)
    });
    // It sees who is new, and leaves it alone.
    deployment.scale(4);
    deployment.wait("a plan for the newcomer", || {
        let told = worker_says(&deployment, "plan")?;
        told.contains("CLUSTER MEET").then_some(()).ok_or(told)
    });
    let alone = deployment.look(4).expect_err("nobody may have joined it");
    assert!(
        alone.contains("does not know") || alone.contains("cluster_state"),
        "{alone}"
    );

    deployment.change(&[("REDIS_REPLICAS", "4"), ("DRY_RUN", "false")]);
    deployment.becomes_one(4);
    deployment.all_there(RECORDS);
    let now = ids(&deployment);
    assert!(
        tasks.iter().all(|id| now.contains(id)),
        "{tasks:?}, then {now:?}"
    );
    let log = deployment.worker_log();
    assert!(!log.contains("panicked"), "the worker broke:\n{log}");
}

fn said(deployment: &Deployment<'_>, script: &str) -> Result<(), String> {
    let script = format!("export REDISCLI_AUTH=$(cat /run/secrets/redis-password); {script}");
    let said = deployment.tools().exec(&["sh", "-c", &script]);
    said.map(drop).map_err(|error| error.to_string())
}

fn worker_says(deployment: &Deployment<'_>, verb: &str) -> Result<String, String> {
    let stack = deployment.stack();
    let workers = stack.running("meshworker");
    let workers = workers.map_err(|error| error.to_string())?;
    let worker = workers.first().ok_or("no worker runs")?;
    // 1 says that the cluster is not one, and is no failure to answer.
    let said = stack.ask(worker, &["meshworker", verb]);
    let said = said.map_err(|error| error.to_string())?;
    Ok(format!("{}{}", said.stdout, said.stderr))
}

fn addresses(deployment: &Deployment<'_>) -> Vec<Ipv4Addr> {
    let members = deployment.members();
    members.iter().filter_map(Task::address).collect()
}

fn ids(deployment: &Deployment<'_>) -> Vec<String> {
    let members = deployment.members().into_iter();
    members.map(|task| task.id).collect()
}

/// Redis in a stack that knows nothing of this project.
struct ByHand;

impl Database for ByHand {
    fn name(&self) -> &'static str {
        Redis.name()
    }

    fn stack(&self) -> PathBuf {
        World::test_stack("shop.yml")
    }

    fn service(&self) -> &'static str {
        Redis.service()
    }

    fn env(&self) -> Vec<(String, String)> {
        Redis.env()
    }

    fn keeps_data(&self) -> bool {
        Redis.keeps_data()
    }

    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        Redis.cluster(tools, members)
    }

    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String> {
        Redis.write(tools, member, count)
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<usize, String> {
        Redis.read(tools, member, count)
    }
}
