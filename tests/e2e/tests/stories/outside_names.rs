//! The name server outside of the swarm misbehaves: nothing takes longer.
//!
//! An engine asks it for every name that it does not know itself: the names of services without a healthy replica, and
//! of those that were just removed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use meshworker_e2e::{Aerospike, Deployment, World};
use meshworker_lab::{Outside, Swarm};

/// Half of the stack's grace period: an act whose members waited for its end would take longer. What the acts take beside
/// each other is for the reader of the table.
const LONGEST: Duration = Duration::from_secs(300);

/// The silent one beside the quiet one.
pub fn a_silent_name_server(world: &World) {
    compared(world, &[Outside::Silent]);
}

/// All kinds.
pub fn every_name_server(world: &World) {
    compared(world, &Outside::ALL[1..]);
}

/// One act, and how long it took.
type Timed = (&'static str, Duration);

fn compared(world: &World, misbehaving: &[Outside]) {
    let _alone = world.nodes_alone();
    let _turn = world.act_alone();
    let quiet = acts(world, Outside::Quiet);
    let mut rows = vec![(Outside::Quiet, quiet.clone())];
    for outside in misbehaving {
        rows.push((*outside, acts(world, *outside)));
    }
    let titles: String = quiet.iter().map(|(act, _)| format!("{act:>12}")).collect();
    eprintln!("  {:<9}{titles}", "");
    for (outside, row) in &rows {
        let times = row.iter();
        let times: String = times
            .map(|(_, took)| format!("{:>10.1} s", took.as_secs_f32()))
            .collect();
        eprintln!("  {:<9}{times}", outside.name());
    }
    for (outside, row) in &rows {
        for (act, took) in row {
            assert!(*took < LONGEST, "{act}, {}: {took:?}", outside.name());
        }
    }
}

/// From the deployment to the removal of three members, while the name server behaves so.
fn acts(world: &World, outside: Outside) -> Vec<Timed> {
    let _back = Back(world.swarm());
    let set = world.swarm().set_outside_names(outside);
    set.expect("the lab's name server can be told");
    let mut took = Vec::new();
    let mut note = |act, begin: Instant| {
        let after = begin.elapsed();
        eprintln!("  {}, {act}: {:.1} s", outside.name(), after.as_secs_f32());
        took.push((act, after));
    };
    let begin = Instant::now();
    let database = Aerospike::default();
    let name = format!("names-{}", outside.name());
    let mut deployment = Deployment::new(world.swarm(), &database, &name, 3);
    deployment.becomes_one(3);
    note("form", begin);

    let begin = Instant::now();
    deployment.scale(5);
    deployment.becomes_one(5);
    note("3=>5", begin);

    let begin = Instant::now();
    deployment.scale(3);
    deployment.settles(3);
    note("5=>3", begin);
    deployment.becomes_clean(3);

    let victim = deployment.members().remove(0);
    let begin = Instant::now();
    deployment.mark();
    let killed = deployment.stack().kill_container(&victim);
    killed.expect("the container can be killed");
    replaced(&deployment, &[victim.id].into());
    deployment.becomes_one(3);
    note("kill", begin);
    deployment.becomes_clean(3);

    let before = deployment.members().into_iter().map(|task| task.id);
    let before: BTreeSet<String> = before.collect();
    let begin = Instant::now();
    deployment.mark();
    let updated = deployment
        .stack()
        .force_update(deployment.database.service());
    updated.expect("the service can be updated");
    replaced(&deployment, &before);
    deployment.becomes_one(3);
    note("update", begin);
    deployment.settles(3);

    let begin = Instant::now();
    deployment.stack().remove().expect("the stack goes");
    note("stack rm", begin);
    took
}

/// Waits until none of these tasks runs, and three others do.
fn replaced(deployment: &Deployment<'_>, before: &BTreeSet<String>) {
    deployment.wait("other tasks in their slots", || {
        let now = deployment.members();
        let fresh = now.iter().all(|task| !before.contains(&task.id));
        (fresh && now.len() == 3)
            .then_some(())
            .ok_or(format!("{now:?}"))
    });
}

/// However it ends, the name server behaves again.
struct Back<'a>(&'a Swarm);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.set_outside_names(Outside::Quiet) {
            eprintln!("the name server could not be told to behave: {error}");
        }
    }
}
