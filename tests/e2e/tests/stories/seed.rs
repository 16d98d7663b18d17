//! The stack of the discovery script that this project replaces.

use meshworker_e2e::{Aerospike, Deployment, World};

/// The old stack, entry point and options and all, with other images and
/// nothing else changed.
pub fn the_old_stack(world: &World) {
    let old = Aerospike::in_stack(World::test_stack("seed.yml"), "aerospikedb");
    let mut deployment = Deployment::new(world.swarm(), &old, "seed", 2);
    deployment.becomes_one(2);
    // The article scales from two to four, and the script never clears a tip.
    deployment.scale(4);
    deployment.becomes_one(4);
    deployment.scale(3);
    deployment.becomes_clean(3);
}
