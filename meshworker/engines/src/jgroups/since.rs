//! For how long each member has been in its view.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Place;
use tokio::time::Instant;

use super::detail::ViewId;

/// More places than a group has members.
const MOST: usize = 16_384;

/// For how long each member has been in its view, as far as looks tell: forgotten, it only
/// delays a remark.
#[derive(Debug, Default)]
pub struct Since(Mutex<HashMap<Place, (Option<ViewId>, Instant)>>);

impl Since {
    /// Notes in which view the member here is.
    pub fn note(&self, at: Place, view: Option<&ViewId>) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let now = Instant::now();
        let (known, since) = all.entry(at).or_insert_with(|| (view.cloned(), now));
        if known.as_ref() != view {
            (*known, *since) = (view.cloned(), now);
        }
        since.elapsed()
    }
}
