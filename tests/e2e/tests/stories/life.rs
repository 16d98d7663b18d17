//! The main job from beginning to end: form, grow, shrink, lose a container.

use meshworker_e2e::{Database, Deployment, World};

const RECORDS: usize = 1000;

/// From nothing to three, to six, back to three, and over a killed container,
/// with all records there in the end.
pub fn a_life(world: &World, database: &dyn Database) {
    let mut deployment = Deployment::new(world.swarm(), database, "life", 3);
    deployment.becomes_one(3);
    deployment.write(RECORDS);

    let once = |seconds: &str| {
        let args = ["meshworker", "run", "--once", "--once-timeout", seconds];
        deployment.tools().ask(&args).expect("the CLI runs")
    };
    let whole = once("300");
    assert!(whole.success, "{}", whole.stderr);

    deployment.scale(6);
    deployment.becomes_one(6);
    deployment.all_there(RECORDS);

    deployment.scale(3);
    deployment.becomes_clean(3);
    deployment.all_there(RECORDS);

    let victim = deployment.members().remove(0);
    deployment.mark();
    deployment
        .stack()
        .kill_container(&victim)
        .expect("the container can be killed");
    deployment.wait("another task in the slot", || {
        let now = deployment.members();
        let replaced = now.iter().all(|task| task.id != victim.id) && now.len() == 3;
        replaced.then_some(()).ok_or(format!("{now:?}"))
    });
    deployment.becomes_clean(3);
    deployment.all_there(RECORDS);

    let log = deployment.worker_log();
    assert!(
        !log.contains("panicked"),
        "the worker broke somewhere:\n{log}"
    );
}
