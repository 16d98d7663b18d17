//! A hand-over that takes longer than Swarm waits for it.

use std::collections::BTreeSet;

use meshworker_e2e::{Database, Deployment, Redis, World};

const RECORDS: usize = 1000;

/// A worker is held while a service is updated, so that Swarm starts the
/// successor beside the member that it replaces. It waits for it, and whoever
/// is killed afterwards comes back with the slots that it served.
pub fn a_hand_over_of_more_than_a_minute(world: &World) {
    let deployment = Deployment::new(world.swarm(), &Redis, "hand-over", 3);
    let service = Redis.service();
    deployment.becomes_one(3);
    deployment.write(RECORDS);
    let before = ids(&deployment);
    order(
        &deployment,
        &["hold", "--why", "a hand-over that takes long"],
    );
    let stack = deployment.stack();
    stack.force_update(service).expect("it can be updated");
    deployment.wait("a successor that waits", || {
        let shown = order(&deployment, &["members"]);
        shown.contains(" waiting ").then_some(()).ok_or(shown)
    });
    // The one that it waits for runs all the time.
    let tasks = stack.tasks(service).expect("the manager answers");
    let still = tasks.iter().filter(|task| before.contains(&task.id));
    assert!(still.clone().all(|task| !task.has_ended()), "{tasks:?}");
    assert_eq!(still.count(), 3, "{tasks:?}");
    deployment.all_there(RECORDS);
    order(&deployment, &["resume"]);
    deployment.wait("the update", || {
        let state = stack.update_state(service);
        let state = state.map_err(|error| error.to_string())?;
        let now = ids(&deployment);
        let done = now.len() == 3 && now.is_disjoint(&before) && state.starts_with("completed");
        done.then_some(())
            .ok_or(format!("{now:?}; Swarm says: {state}"))
    });
    let cluster = deployment.becomes_clean(3);
    deployment.all_there(RECORDS);
    for victim in deployment.members() {
        stack.kill_container(&victim).expect("it can be killed");
        deployment.wait("its successor", || {
            let now = ids(&deployment);
            let fresh = now.len() == 3 && !now.contains(&victim.id);
            fresh.then_some(()).ok_or(format!("{now:?}"))
        });
        let again = deployment.becomes_one(3);
        assert_eq!(again.nodes, cluster.nodes, "each comes back as who it was");
        deployment.all_there(RECORDS);
    }
}

fn ids(deployment: &Deployment<'_>) -> BTreeSet<String> {
    let members = deployment.members().into_iter();
    members.map(|task| task.id).collect()
}

/// What a command of operators prints.
fn order(deployment: &Deployment<'_>, command: &[&str]) -> String {
    let command = [&["meshworker"], command].concat();
    let printed = deployment.tools().exec(&command);
    printed.unwrap_or_else(|error| format!("{command:?}: {error}"))
}
