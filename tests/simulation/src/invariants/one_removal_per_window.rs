//! At most one node is forgotten in a window, also across restarts of a
//! worker, and by two workers together as far as one can see the other's work
//! when it looks. A slot that has moved is no removal: its old address is
//! cleared because the member is somewhere else.

use std::collections::BTreeMap;

use crate::event::Forgot;
use crate::model::Model;
use crate::world::World;

/// `Limits::removal_window`, less what it takes to make the steps of a pass.
const WINDOW: u64 = 5_000 - 1_500;

/// One node that was forgotten.
#[derive(Debug, Clone, Copy)]
struct Removal {
    worker: usize,
    first: u64,
    last: u64,
}

/// Who was forgotten.
#[derive(Debug, Clone, Default)]
pub struct Removals(BTreeMap<usize, Removal>);

impl Removals {
    /// Objects when another node was forgotten within the window.
    ///
    /// # Errors
    ///
    /// Who, and how long before.
    pub fn check<M: Model>(&mut self, world: &World<M>, forgot: &Forgot) -> Result<(), String> {
        let Forgot { worker, node, .. } = *forgot;
        let now = world.now;
        if let Some(removal) = self.0.get_mut(&node) {
            removal.last = now;
            return Ok(());
        }
        if forgot.moved {
            // Nor is it one when its last traces are cleared later.
            let (first, last) = (0, now);
            let done = Removal {
                worker,
                first,
                last,
            };
            self.0.insert(node, done);
            return Ok(());
        }
        let other = self.0.iter().find(|(gone, other)| {
            // Another's work shows when nobody remembers whom it removed.
            let done = other.last < forgot.looked && !world.database.is_remembered(**gone);
            let visible = other.worker == worker || done;
            visible && now < other.first + WINDOW
        });
        if let Some((other, removal)) = other {
            let ago = (now - removal.first) as f64 / 1000.0;
            return Err(format!("n{node} was forgotten {ago:.1} s after n{other}"));
        }
        let (first, last) = (now, now);
        self.0.insert(
            node,
            Removal {
                worker,
                first,
                last,
            },
        );
        Ok(())
    }
}
