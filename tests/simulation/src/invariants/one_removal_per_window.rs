//! At most one node is forgotten in a window, also across restarts of the
//! worker and by two workers together. A slot that has moved is no removal:
//! its old address is cleared because the member is somewhere else.

use std::collections::BTreeMap;

use crate::event::Forgot;

/// Limits::removal_window, less what it takes to make the steps of a pass.
const WINDOW: u64 = 5_000 - 1_500;

/// When which node was first forgotten.
#[derive(Debug, Clone, Default)]
pub struct Removals(BTreeMap<usize, u64>);

impl Removals {
    /// Objects when another node was forgotten within the window.
    pub fn check(&mut self, now: u64, forgot: &Forgot) -> Result<(), String> {
        let node = forgot.node;
        if forgot.moved || self.0.contains_key(&node) {
            return Ok(());
        }
        let other = self.0.iter().find(|(_, at)| now < **at + WINDOW);
        if let Some((other, at)) = other {
            let ago = (now - at) as f64 / 1000.0;
            return Err(format!("n{node} was forgotten {ago:.1} s after n{other}"));
        }
        self.0.insert(node, now);
        Ok(())
    }
}
