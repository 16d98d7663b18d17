//! Whether anything has changed at a node at rest, which it says in four short answers:
//! who it is, its cluster's name, the generation of its list of peers, and by
//! `cluster-stable` the cluster's key, which is another after each change of
//! membership; that one is refused while a partition is on its way, unavailable or dead
//! (`cmd_cluster_stable` in `as/src/base/thr_info.c`).

use std::sync::Arc;

use meshworker_core::View;
use tokio::time::Instant;

use super::detail::{Detail, Namespace};
use super::info::Value;
use super::lists::Lists;
use super::view::no_name;

/// What grows with each peer that comes or goes.
pub(super) const GENERATION: &str = "peers-generation";

/// What is asked at rest.
pub(super) const QUESTIONS: [&str; 4] = [
    "node",
    "cluster-name",
    GENERATION,
    "cluster-stable:ignore-migrations=false",
];

/// A node's view, and what must still be so for it to hold.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    view: View<Detail>,
    generation: String,
    since: Instant,
}

impl Kept {
    /// Of this view, if its node is in a cluster and at rest: only then a change shows
    /// in the short answers.
    pub fn of(generation: Option<Value<'_>>, view: &View<Detail>, lists: &Lists) -> Option<Kept> {
        let Some(Value::Data(generation)) = generation.filter(|_| is_at_rest(view)) else {
            return None;
        };
        let mut view = view.clone();
        view.detail.namespaces = view.detail.namespaces.map(|all| filled(&all, lists));
        Some(Kept {
            view,
            generation: generation.to_owned(),
            since: Instant::now(),
        })
    }

    /// The view, when these answers to [`QUESTIONS`] say that it still holds.
    pub fn confirmed(self, answers: &[Value<'_>]) -> Option<View<Detail>> {
        let [
            Value::Data(node),
            Value::Data(name),
            Value::Data(generation),
            Value::Data(key),
        ] = answers
        else {
            return None;
        };
        let name = (!no_name(name)).then_some(*name);
        let mut view = self.view;
        let same = *node == view.node
            && name == view.cluster_name.as_deref()
            && *generation == self.generation
            && u64::from_str_radix(key, 16).ok() == view.detail.key.map(|key| key.0.get());
        view.detail.uptime = view
            .detail
            .uptime
            .saturating_add(self.since.elapsed().as_secs());
        same.then_some(view)
    }
}

fn is_at_rest(view: &View<Detail>) -> bool {
    let Detail {
        key,
        integrity,
        is_member,
        departed,
        namespaces,
        ..
    } = &view.detail;
    let whole = |space: &Namespace| {
        (space.unavailable, space.dead) == (Some(0), Some(0))
            && space.quiesce_pending != Some(true)
            && space.quiesced != Some(true)
    };
    view.size > 1
        && view.working.is_none()
        && key.is_some()
        && *integrity
        && *is_member
        && departed.is_empty()
        && namespaces.as_ref().is_some_and(|all| all.iter().all(whole))
}

/// The same namespaces. Records may come at any time: an empty one is one of
/// which nothing is known.
fn filled(namespaces: &Arc<[Namespace]>, lists: &Lists) -> Arc<[Namespace]> {
    let mut filled = namespaces.to_vec();
    for space in &mut filled {
        space.empty = space.empty.filter(|empty| !empty);
    }
    let shared = lists.namespaces(filled.clone());
    shared.unwrap_or_else(|_| filled.into())
}
