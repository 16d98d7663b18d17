//! The suite that every engine must pass, on simulated nodes.

use std::collections::HashMap;
use std::time::Duration;

use aerospike_sim::testing::Loopback;
use aerospike_sim::{Edition, NodeOptions, SimNode, info};
use meshworker_conformance::{Driver, World, conformance};
use meshworker_engines::Engine;
use meshworker_engines::aerospike::Aerospike;

use crate::worker::{PATIENCE, access, addresses, quick};
use meshworker_core::Place;

struct Simulated {
    _block: Loopback,
    free: Vec<Place>,
    nodes: HashMap<Place, SimNode>,
    edition: Edition,
}

impl Simulated {
    fn new() -> Option<Simulated> {
        let (block, mut free) = addresses(30);
        free.reverse();
        Some(Simulated {
            _block: block,
            free,
            nodes: HashMap::new(),
            edition: Edition::Community,
        })
    }

    fn enterprise() -> Option<Simulated> {
        let world = Simulated::new()?;
        Some(Simulated {
            edition: Edition::Enterprise,
            ..world
        })
    }

    async fn start_named(&mut self, name: &str, count: usize) -> Vec<Place> {
        let mut started = Vec::new();
        for _ in 0..count {
            let address = self.spare_address();
            let options = NodeOptions {
                cluster_name: name.into(),
                edition: self.edition,
                ..quick(address)
            };
            let node = SimNode::start(options).await.expect("a free address");
            self.nodes.insert(address, node);
            started.push(address);
        }
        started
    }

    fn engine_for(&self, name: &str, deadline: Duration) -> Aerospike {
        let mut access = access(deadline);
        access.cluster_name = Some(name.into());
        Aerospike::new(access)
    }
}

impl World for Simulated {
    type Engine = Aerospike;

    fn engine(&self) -> Aerospike {
        self.engine_for("mesh-it", PATIENCE)
    }

    fn hasty_engine(&self) -> Aerospike {
        self.engine_for("mesh-it", Duration::from_millis(1500))
    }

    fn service_port(&self) -> u16 {
        3000
    }

    fn spare_address(&mut self) -> Place {
        self.free.pop().expect("30 addresses are enough")
    }

    async fn start(&mut self, count: usize) -> Vec<Place> {
        self.start_named("mesh-it", count).await
    }

    async fn fill(&mut self, node: Place) {
        let service = self.nodes[&node].service();
        let fill = "sim-put-many:ns=test;prefix=k;from=1;to=2000";
        let filled = info(service, fill).await.expect("an answer");
        assert_eq!(filled, "written=2000;failed=0");
        // Copies take seconds to make: who does not wait for them loses some.
        // A quiesced member has all of its own to send, at the same pace.
        let rate = match self.edition {
            Edition::Community => 200,
            Edition::Enterprise => 2000,
        };
        let nodes = self.nodes.values();
        nodes.for_each(|node| node.set_migrate_rate(rate));
    }

    async fn lost(&mut self, node: Place) -> usize {
        let service = self.nodes[&node].service();
        let check = "sim-check-many:ns=test;prefix=k;from=1;to=2000";
        let found = info(service, check).await.expect("an answer");
        let missing = found.split_once("missing=").expect("a number").1;
        missing.parse().expect("a number")
    }

    async fn start_foreign(&mut self) -> Vec<Place> {
        let nodes = self.start_named("other", 3).await;
        let mut driver = Driver::new(self.engine_for("other", PATIENCE));
        driver.until_one(&nodes, self.patience()).await;
        nodes
    }

    async fn kill(&mut self, node: Place) {
        if let Some(node) = self.nodes.remove(&node) {
            node.stop().await;
        }
    }

    // The node's id is made of its address: at another one it is another node.
    async fn restart_elsewhere(&mut self, _nodes: &[Place]) -> Option<Vec<Place>> {
        None
    }
}

conformance!(Simulated::new());

mod community {
    use super::*;

    conformance!(@leaving Simulated::new());
}

mod enterprise {
    use super::*;

    conformance!(@leaving Simulated::enterprise());
}
