//! What a lab is for: taking a node off the network or its power away, and giving it back.

use crate::{LabError, Result, Swarm};

impl Swarm {
    /// Pulls the cable of node `index`. Its engine and containers keep running, and its [`Docker`](crate::Docker) keeps working.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is switched off.
    pub fn cut(&self, index: usize) -> Result<()> {
        self.node(index)?.plug(false)
    }

    /// Plugs the cable of node `index` in again.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it is switched off.
    pub fn heal(&self, index: usize) -> Result<()> {
        self.node(index)?.plug(true)
    }

    /// Takes the power of node `index` away: no process of it runs and its address is silent when this returns. Its
    /// data stays.
    ///
    /// # Errors
    ///
    /// When there is no such node, or something of it cannot be stopped.
    pub fn kill(&self, index: usize) -> Result<()> {
        self.node(index)?.kill()
    }

    /// Gives node `index` its power back, and returns when its engine answers.
    ///
    /// # Errors
    ///
    /// When there is no such node, it is running, or its engine does not start.
    pub fn restart(&self, index: usize) -> Result<()> {
        let node = self.node(index)?;
        if node.is_running() {
            return Err(LabError::Invalid(format!("node {index} is running")));
        }
        node.start()
    }
}
