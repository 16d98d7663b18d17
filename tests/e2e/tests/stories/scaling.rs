//! Scaling in one command, down and up.

use meshworker_e2e::Acts;

/// The fewest members that hold what is theirs: three masters, or two copies
/// and one to spare.
pub const FEWEST: usize = 3;

/// Down to three in one command, and up again.
pub fn scaling(acts: &mut Acts<'_>, members: usize) {
    scale(acts, members, FEWEST);
    scale(acts, FEWEST, members);
}

/// `docker service scale`.
pub fn scale(acts: &mut Acts<'_>, from: usize, to: usize) {
    acts.act(
        &format!("scale {from}=>{to}"),
        to,
        |deployment| deployment.scale(to),
        |deployment| {
            // Those on their way out run too, until they may stop.
            let tasks = deployment.stack().tasks(deployment.database.service());
            let tasks = tasks.map_err(|error| error.to_string())?;
            let still = tasks.iter().filter(|task| task.state == "running").count();
            let running = deployment.members().len();
            let done = running == to && still == to;
            done.then_some(()).ok_or(format!(
                "{running} of {to} run, {still} with those that leave"
            ))
        },
    );
}
