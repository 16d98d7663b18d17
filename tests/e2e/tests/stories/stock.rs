//! Members in stock images, which cannot wait: shrunk step by step.

use std::time::Duration;

use meshworker_e2e::{Aerospike, Deployment, World};

const RECORDS: usize = 2000;

/// For one command: each member takes seconds, on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(900);

/// `meshworker scale` takes a cluster of five to three, one by one, and loses
/// nothing; Swarm's own command would take two at once, each with the only
/// copies of some records. `meshworker drain` frees one member, and says so.
pub fn shrunk_step_by_step(world: &World) {
    let stock = Aerospike::in_stack(World::test_stack("stock.yml"), "aerospikedb");
    let (socket, group) = world.socket();
    let env = [("DOCKER_SOCKET", socket.as_str()), ("DOCKER_GID", &group)];
    let mut deployment = Deployment::with(world.swarm(), &stock, "stock", 5, &[], &env);
    deployment.becomes_one(5);
    deployment.write(RECORDS);
    let service = deployment.stack().full("aerospikedb");

    let unknown = meshworker(&deployment, &["scale", "nobody=3"]).expect_err("nobody is there");
    assert!(
        unknown.contains("there is no replicated service nobody"),
        "{unknown}"
    );

    deployment.mark();
    meshworker(&deployment, &["scale", &format!("{service}=3")]).expect("it shrinks");
    deployment.becomes_clean(3);
    deployment.all_there(RECORDS);

    let members = deployment.members();
    let slot = members
        .iter()
        .map(|task| task.slot)
        .max()
        .expect("three run");
    let member = format!("{service}.{slot}");
    let freed = format!("{member} holds nothing alone");
    // Nobody stops it, so the command ends with its time.
    deployment.wait(&freed, || {
        let drained = meshworker(&deployment, &["drain", &member, "--timeout", "30"]);
        let kept = drained.expect_err("nobody stopped it");
        kept.contains(&freed).then_some(()).ok_or(kept)
    });
    deployment.becomes_one(3);
    deployment.all_there(RECORDS);
}

/// Runs the worker's own binary in its container.
fn meshworker(deployment: &Deployment<'_>, args: &[&str]) -> Result<(), String> {
    let said = |error: meshworker_lab::LabError| error.to_string();
    let workers = deployment.stack().running("meshworker").map_err(said)?;
    let worker = workers.first().ok_or("no worker runs")?;
    let (docker, container) = deployment.stack().locate(worker).map_err(said)?;
    let command = ["exec", container.as_str(), "meshworker"];
    docker
        .run_within(PATIENCE, command.iter().chain(args))
        .map(drop)
        .map_err(said)
}
