//! Damage that does not outlive a story.

use std::time::Duration;

use meshworker_lab::Swarm;

/// A node that is damaged, and mended when this goes out of scope.
pub struct Mended<'a> {
    swarm: &'a Swarm,
    node: usize,
}

impl<'a> Mended<'a> {
    /// Node `node`, about to be damaged.
    pub fn new(swarm: &'a Swarm, node: usize) -> Self {
        Mended { swarm, node }
    }
}

impl Drop for Mended<'_> {
    fn drop(&mut self) {
        let mended = if self.swarm.has_power(self.node) {
            self.swarm.heal(self.node)
        } else {
            self.swarm.restart(self.node)
        };
        let ready = mended.and_then(|()| self.swarm.wait_ready(3, Duration::from_secs(300)));
        if let Err(error) = ready {
            eprintln!("node {} could not be mended: {error}", self.node);
        }
    }
}
