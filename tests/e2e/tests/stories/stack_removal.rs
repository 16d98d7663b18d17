//! `docker stack rm`: nothing can be saved by waiting.

use std::time::{Duration, Instant};

use meshworker_e2e::{Database, Deployment, Footprint, Load, World};

use crate::planned::{is_countable, members, stack_file};

/// A member that waited to be released would take its whole grace period, which
/// is twice as long. (Swarm itself waits 3 s before it stops anything.)
const SOON: Duration = Duration::from_secs(300);

/// A loaded stack is removed promptly and without a trace; on kept volumes it
/// comes back with all its records.
pub fn stack_removal(world: &World, database: &dyn Database) {
    if !is_countable(database) {
        return;
    }
    let members = members(database);
    let _whole = world.nodes_whole();
    let _turn = world.act_beside();
    let swarm = world.swarm();
    let files = [stack_file(database)];
    let mut deployment = Deployment::with(swarm, database, "removal", members, &files, &[]);
    deployment.becomes_one(members);
    let load = Load::install(world, &deployment);
    load.fill();
    let mut running = load.start();
    deployment.wait("a second of writes", || {
        let seen = running.mark("load").acknowledged;
        let enough = seen >= Load::writes_in(1);
        enough.then_some(()).ok_or(format!("{seen} acknowledged"))
    });
    let footprint = Footprint::of(&deployment);
    let (containers, networks) = footprint.size();
    assert!(
        containers >= members && networks == 1,
        "the footprint has {footprint:?}"
    );
    let seen = footprint.left(swarm).len();
    assert!(
        seen > containers,
        "{seen} of {footprint:?} can be seen on the nodes"
    );

    // The load goes on until its container goes.
    let acknowledged = running.mark("removal").acknowledged;
    let begin = Instant::now();
    deployment.stack().remove().expect("the stack goes");
    let took = begin.elapsed();
    eprintln!(
        "  {:>6.1} s  {} is removed",
        took.as_secs_f32(),
        deployment.stack().name()
    );
    assert!(took < SOON, "the removal took {took:?}");
    deployment.wait("nothing to be left", || {
        let left = footprint.left(swarm);
        let clean = left.is_empty();
        clean.then_some(()).ok_or(left.join(", "))
    });
    drop(running);

    if database.keeps_data() {
        deployment.deploy_again();
        deployment.becomes_one(members);
        let load = Load::install(world, &deployment);
        load.assume(acknowledged);
        let verified = load.verify();
        eprintln!("  after another deployment: {verified:?}");
        assert!(verified.is_whole(), "{verified:?}");
    }
}
