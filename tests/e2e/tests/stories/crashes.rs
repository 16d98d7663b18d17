//! Crashes of members and workers, and a database that is late.

use std::collections::BTreeSet;

use meshworker_e2e::{Database, Deployment, World};

const RECORDS: usize = 1000;

/// Every container of the service is killed at the same moment: its
/// replacements, all at new addresses, are one cluster again.
pub fn all_killed_at_once(world: &World, database: &dyn Database) {
    let mut deployment = Deployment::new(world.swarm(), database, "massacre", 3);
    deployment.becomes_one(3);
    deployment.write(RECORDS);
    let victims = deployment.members();
    deployment.mark();
    std::thread::scope(|scope| {
        for victim in &victims {
            let stack = deployment.stack();
            scope.spawn(move || stack.kill_container(victim).expect("it can be killed"));
        }
    });
    let before: BTreeSet<String> = victims.into_iter().map(|task| task.id).collect();
    deployment.wait("three new tasks", || {
        let now = deployment.members();
        let fresh = now.iter().filter(|task| !before.contains(&task.id)).count();
        (fresh == 3).then_some(()).ok_or(format!("{now:?}"))
    });
    deployment.becomes_one(3);
    if database.keeps_data() {
        deployment.all_there(RECORDS);
    }
}

/// The worker is killed twenty times at random moments while the cluster
/// grows, and a second one runs beside it for a while. The outcome is the same
/// single cluster.
pub fn the_worker_killed_twenty_times(world: &World, database: &dyn Database) {
    let mut deployment = Deployment::new(world.swarm(), database, "killer", 3);
    deployment.becomes_one(3);
    deployment
        .stack()
        .scale("meshworker", 2)
        .expect("two workers");
    deployment.scale(6);
    let mut killed = 0;
    deployment.wait("twenty killed workers", || {
        let running = deployment.stack().running("meshworker");
        let running = running.map_err(|error| error.to_string())?;
        if let Some(worker) = running.first()
            && deployment.stack().kill_container(worker).is_ok()
        {
            killed += 1;
        }
        (killed >= 20)
            .then_some(())
            .ok_or(format!("{killed} killed"))
    });
    deployment
        .stack()
        .scale("meshworker", 1)
        .expect("one worker");
    deployment.becomes_one(6);
}

/// The worker runs long before the database listens. (The script that this
/// project replaces never forms a cluster then: it tips once, too early.)
pub fn the_database_twelve_seconds_late(world: &World, database: &dyn Database) {
    let late = World::test_stack(&format!("{}-late.yml", database.name()));
    let deployment = Deployment::with(world.swarm(), database, "late", 3, &[late], &[]);
    deployment.becomes_one(3);
}
