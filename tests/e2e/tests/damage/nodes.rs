//! Nodes that die, and nodes that are cut off.

use std::time::Duration;

use meshworker_e2e::{Database, Deployment, Mended, World};

/// A node loses its power. What ran there is started elsewhere, and the
/// cluster is one again; the node comes back to it empty.
pub fn a_node_killed(world: &World, database: &dyn Database) {
    let swarm = world.swarm();
    let mut deployment = Deployment::new(swarm, database, "power", 6);
    deployment.becomes_one(6);
    let mended = Mended::new(swarm, 3);
    deployment.mark();
    swarm.kill(3).expect("node 3 can be killed");
    swarm
        .wait_ready(2, Duration::from_secs(60))
        .expect("the manager notices");
    deployment.becomes_one(6);
    drop(mended);
    deployment.becomes_clean(6);
}

/// A node is off the network for 40 s, longer than Swarm takes to replace its
/// replicas, while its containers keep running. After healing there is one
/// cluster, without a stale member.
pub fn a_node_cut_off_and_healed(world: &World, database: &dyn Database) {
    let swarm = world.swarm();
    let mut deployment = Deployment::new(swarm, database, "cut", 6);
    let whole = deployment.becomes_one(6);
    let mended = Mended::new(swarm, 2);
    deployment.mark();
    swarm.cut(2).expect("node 2 can be cut off");
    // The time is the scenario itself, not a wait for something.
    std::thread::sleep(Duration::from_secs(40));
    drop(mended);
    let healed = deployment.becomes_clean(6);
    assert!(
        whole.nodes.intersection(&healed.nodes).count() >= 3,
        "most members never left: {whole:?} {healed:?}"
    );
}
