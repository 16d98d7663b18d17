//! Strangers: other clusters on the same network, and at the same addresses.

use std::collections::BTreeSet;

use meshworker_e2e::{Database, Deployment, World};

/// Two stacks with different cluster names share one network. Each becomes one
/// cluster of its own members, whatever comes and goes.
pub fn two_clusters_on_one_network(world: &World, database: &dyn Database) {
    let network = SharedNetwork::create(world, database, "names");
    let mut one = network.deploy(database, "names", "blue", 3);
    let two = network.deploy(database, "names", "green", 3);
    let blue = one.becomes_one(3);
    let green = two.becomes_one(3);
    assert!(blue.nodes.is_disjoint(&green.nodes));
    one.scale(5);
    let blue = one.becomes_one(5);
    let green = two.becomes_one(3);
    assert!(blue.nodes.is_disjoint(&green.nodes));
    drop((one, two));
    drop(network);
}

/// One service frees addresses, another one on the same network takes them:
/// the first cluster forgets its members and touches no stranger.
pub fn an_address_taken_by_another(world: &World, database: &dyn Database) {
    let network = SharedNetwork::create(world, database, "reuse");
    let addresses = |deployment: &Deployment<'_>| -> BTreeSet<_> {
        let members = deployment.members();
        members.iter().filter_map(|task| task.address()).collect()
    };
    let mut one = network.deploy(database, "reuse", "blue", 5);
    one.becomes_one(5);
    let before = addresses(&one);
    one.scale(3);
    let kept = one.wait("two members gone", || {
        let now = addresses(&one);
        if now.len() == 3 {
            Ok(now)
        } else {
            Err(format!("{now:?}"))
        }
    });
    let freed: BTreeSet<_> = before.difference(&kept).copied().collect();
    let two = network.deploy(database, "reuse", "green", 6);
    // Swarm hands out addresses in turn and begins anew at the end: in a small
    // network (a /27) restarted members come round to the freed ones.
    let mut known = BTreeSet::new();
    let taken = two.wait("a freed address to be taken", || {
        let now = addresses(&two);
        if now.len() != 6 || now == known {
            return Err(format!("freed {freed:?}, taken {now:?}"));
        }
        if !now.is_disjoint(&freed) {
            return Ok(now);
        }
        for member in two.members() {
            two.stack()
                .kill_container(&member)
                .map_err(|error| error.to_string())?;
        }
        known = now;
        Err(format!("freed {freed:?}, taken {known:?}"))
    });
    eprintln!("  {:?} were freed and taken", freed.intersection(&taken));
    let blue = one.becomes_clean(3);
    let green = two.becomes_one(6);
    assert!(blue.nodes.is_disjoint(&green.nodes));
    drop((one, two));
    drop(network);
}

/// The networks of all stories here, each with a subnet of its own.
const ALL: [&str; 4] = [
    "redis-names",
    "redis-reuse",
    "aerospike-names",
    "aerospike-reuse",
];

/// An overlay network that outlives the stacks on it.
struct SharedNetwork<'a> {
    world: &'a World,
    name: String,
}

impl<'a> SharedNetwork<'a> {
    /// The network of one story about one database: stories run beside each other, in processes of their own.
    fn create(world: &'a World, database: &dyn Database, story: &str) -> Self {
        let name = format!("{}-{story}", database.name());
        let number = ALL.iter().position(|known| *known == name);
        let number = number.expect("each such story has a network of its own");
        let subnet = format!("10.77.{number}.0/27");
        let manager = world.swarm().docker(1).expect("node 1 is there");
        let create = [
            "network", "create", "-d", "overlay", "--subnet", &subnet, &name,
        ];
        manager.run(create).expect("a network can be created");
        SharedNetwork { world, name }
    }

    /// Deploys a stack on this network, as a cluster of this name.
    fn deploy(
        &self,
        database: &'a dyn Database,
        story: &str,
        name: &str,
        members: usize,
    ) -> Deployment<'a> {
        let conf = World::test_stack(&format!("aerospike-{name}.conf"));
        let conf = conf.display().to_string();
        let env = [
            ("CLUSTER_NAME", name),
            ("AEROSPIKE_CONF", conf.as_str()),
            ("SHARED_NETWORK", self.name.as_str()),
        ];
        let stack = format!("{story}-{name}");
        let shared = World::test_stack("shared-network.yml");
        Deployment::with(
            self.world.swarm(),
            database,
            &stack,
            members,
            &[shared],
            &env,
        )
    }
}

impl Drop for SharedNetwork<'_> {
    fn drop(&mut self) {
        let manager = self.world.swarm().docker(1);
        let removed = manager.and_then(|manager| manager.run(["network", "rm", &self.name]));
        if let Err(error) = removed {
            eprintln!("{} could not be removed: {error}", self.name);
        }
    }
}
