//! Since when each member has been connected with each other, or not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Place;
use tokio::time::Instant;

/// For so long etcd wants members to be connected before it lets one be added or removed
/// (`strict-reconfig-check`), without a break.
const SETTLED: Duration = Duration::from_secs(5);

/// For so long whoever is to come back in a slot may take.
const AWAY: Duration = Duration::from_secs(60);

/// More places than a cluster has.
const MOST: usize = 1024;

/// Since when each member has been connected with each other, or not, as far as looks tell:
/// forgotten, it only delays.
#[derive(Debug, Default)]
pub struct Links(Mutex<HashMap<Place, Lasts>>);

/// Whether it is connected with each other one, and since when that is so.
type Lasts = BTreeMap<String, (bool, Instant)>;

/// How one member is connected with the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// Those it is connected with, and whether for as long as etcd wants.
    pub connected: BTreeMap<String, bool>,
    /// Those it lists and has not been connected with for a minute.
    pub away: BTreeSet<String>,
}

impl Links {
    /// Notes whom the member here is connected with now, and which others it lists.
    pub fn note<'a>(
        &self,
        at: Place,
        now: &'a BTreeSet<String>,
        others: impl Iterator<Item = &'a String>,
    ) -> Linked {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let since = all.entry(at).or_default();
        let known: BTreeSet<&String> = others.chain(now).collect();
        since.retain(|peer, _| known.contains(peer));
        let mut linked = Linked::default();
        for peer in known {
            let is = now.contains(peer);
            let state = since.entry(peer.clone());
            let state = state.or_insert_with(|| (is, Instant::now()));
            if state.0 != is {
                *state = (is, Instant::now());
            }
            let lasts = state.1.elapsed();
            if is {
                linked.connected.insert(peer.clone(), lasts >= SETTLED);
            } else if lasts >= AWAY {
                linked.away.insert(peer.clone());
            }
        }
        linked
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_told_from_what_has_just_begun() {
        let (links, at) = (Links::default(), Place::from([10, 0, 0, 1]));
        let listed = ["b", "c"].map(str::to_owned);
        let set =
            |ids: &[&str]| -> BTreeSet<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
        let noted = |now: &[&str]| {
            let now = set(now);
            links.note(at, &now, listed.iter())
        };
        let linked = |connected: &[(&str, bool)], away: &[&str]| Linked {
            connected: connected
                .iter()
                .map(|(id, settled)| ((*id).to_owned(), *settled))
                .collect(),
            away: set(away),
        };
        assert_eq!(noted(&["b"]), linked(&[("b", false)], &[]));
        advance(SETTLED).await;
        assert_eq!(noted(&["b"]), linked(&[("b", true)], &[]));
        advance(AWAY).await;
        assert_eq!(noted(&["b"]), linked(&[("b", true)], &["c"]));
        // One that comes back begins anew, as does one that goes.
        assert_eq!(noted(&["c"]), linked(&[("c", false)], &[]));
        advance(AWAY).await;
        assert_eq!(noted(&["c"]), linked(&[("c", true)], &["b"]));
    }
}
