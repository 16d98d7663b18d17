//! The nodes that an engine is tried on.
use meshworker_core::Place;
use std::time::Duration;

use meshworker_engines::Engine;

use crate::Driver;

/// The nodes that an engine is tried on: real servers or a simulator's. It
/// ends everything that it started when it is dropped, also by a panic.
pub trait World {
    /// The engine on trial.
    type Engine: Engine;

    /// How many nodes the scenarios begin with; at least
    /// [`min_members`](meshworker_core::Capabilities::min_members).
    fn size(&self) -> usize {
        3
    }

    /// How long any one change may take until it shows: generous, since it is
    /// only waited for in full by a test that fails.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// The engine of a worker that has just started.
    fn engine(&self) -> Self::Engine;

    /// The same with little patience for a single answer: for scenarios in
    /// which somebody never answers.
    fn hasty_engine(&self) -> Self::Engine;

    /// A worker that has just started, with this engine and the witnesses of this world.
    fn driver(&self, engine: Self::Engine) -> Driver<Self::Engine> {
        Driver::new(engine)
    }

    /// Whether a cluster is begun while somebody who is listed cannot be heard: not where that
    /// one may know of a cluster, and its data would be lost by another one.
    fn begins_among_strangers(&self) -> bool {
        true
    }

    /// The port that [`World::engine`] asks nodes at.
    fn service_port(&self) -> u16;

    /// An address of this host that no node uses.
    fn spare_address(&mut self) -> Place;

    /// Starts fresh nodes, which know of nobody, and waits until they answer.
    async fn start(&mut self, count: usize) -> Vec<Place>;

    /// Starts a formed cluster that must never become one with that of
    /// [`World::start`]: by its name or by its data, as the database tells.
    async fn start_foreign(&mut self) -> Vec<Place>;

    /// Ends the node at this address at once, without a goodbye.
    async fn kill(&mut self, node: Place);

    /// Ends the node at this address in the ordinary way, as Docker does, and
    /// waits until it has ended.
    async fn stop(&mut self, node: Place) {
        self.kill(node).await;
    }

    /// Writes records by the node at this address, as a client does; nothing
    /// where the world has no client.
    async fn fill(&mut self, _node: Place) {}

    /// How many of those records are lost, as the node at this address says.
    async fn lost(&mut self, _node: Place) -> usize {
        0
    }

    /// Starts the nodes, killed before, again at new addresses, with what they
    /// had on disk; none when nodes of this database keep nothing of it.
    async fn restart_elsewhere(&mut self, nodes: &[Place]) -> Option<Vec<Place>>;
}
