//! A rolling restart.

use std::collections::BTreeSet;

use meshworker_e2e::Acts;

/// `docker service update --force`: every member is replaced.
pub fn update(acts: &mut Acts<'_>, members: usize) {
    let service = acts.deployment.database.service();
    let ids = |tasks: Vec<meshworker_lab::Task>| -> BTreeSet<String> {
        tasks.into_iter().map(|task| task.id).collect()
    };
    let before = ids(acts.deployment.members());
    acts.act(
        &format!("update --force of {members}"),
        members,
        |deployment| {
            let forced = deployment.stack().force_update(service);
            forced.expect("the service can be updated");
        },
        |deployment| {
            let state = deployment.stack().update_state(service);
            let state = state.map_err(|error| error.to_string())?;
            let now = ids(deployment.members());
            let fresh = now.difference(&before).count();
            let done = fresh == members && now.len() == members && state.starts_with("completed");
            done.then_some(())
                .ok_or(format!("{fresh} of {members} are new; Swarm says: {state}"))
        },
    );
}
