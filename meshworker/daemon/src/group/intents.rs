//! What this worker is about to do, and has made known.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::{Change, Fence, Moment};
use meshworker_group::{Intent, Outcome};

use super::event::Reply;

/// Whoever is about to do the same a moment later does it under the same number.
const SHARED: Duration = Duration::from_secs(1);

/// Nobody says any more what became of it: whoever was about to do it was cancelled.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// What this worker is about to do, by cluster, kind and target. Many nodes that are told
/// the same are told under one number.
#[derive(Debug, Default)]
pub(super) struct Intents {
    open: BTreeMap<Key, Open>,
}

type Key = (String, Change, String);

#[derive(Debug, Default)]
struct Open {
    waiting: Vec<Reply<Fence>>,
    committed: Option<(Fence, Moment)>,
    /// How many do it now.
    users: usize,
    failed: Option<String>,
}

impl Intents {
    /// Joins in what is announced already, if it is; else gives the reply back.
    pub(super) fn join(
        &mut self,
        intent: &Intent,
        reply: Reply<Fence>,
        now: Moment,
    ) -> Option<Reply<Fence>> {
        let Some(open) = self.open.get_mut(&key(intent)) else {
            return Some(reply);
        };
        match open.committed {
            None => open.waiting.push(reply),
            Some((fence, since)) if now.since(since) < SHARED => {
                open.users += 1;
                let _ = reply.send(Ok(fence));
            }
            Some(_) => return Some(reply),
        }
        None
    }

    /// This is proposed, and somebody waits for it.
    pub(super) fn begin(&mut self, intent: &Intent, reply: Reply<Fence>) {
        let open = Open {
            waiting: vec![reply],
            ..Open::default()
        };
        self.open.insert(key(intent), open);
    }

    /// Most workers know it.
    pub(super) fn committed(&mut self, intent: &Intent, fence: Fence, now: Moment) {
        if let Some(open) = self.open.get_mut(&key(intent)) {
            open.committed = Some((fence, now));
            for reply in std::mem::take(&mut open.waiting) {
                // Who was cancelled meanwhile does nothing of it.
                if reply.send(Ok(fence)).is_ok() {
                    open.users += 1;
                }
            }
        }
    }

    /// Nobody knows whether others know it.
    pub(super) fn lost(&mut self, intent: &Intent, why: &str) {
        let open = self.open.remove(&key(intent));
        for reply in open.into_iter().flat_map(|open| open.waiting) {
            let _ = reply.send(Err(why.to_owned()));
        }
    }

    /// One of those who did it says what became of it; what all of it came to, once nobody
    /// does it any more.
    pub(super) fn done(&mut self, fence: Fence, outcome: Outcome) -> Option<Outcome> {
        let is_it =
            |(_, open): &(&Key, &mut Open)| open.committed.is_some_and(|(known, _)| known == fence);
        let Some((key, open)) = self.open.iter_mut().find(is_it) else {
            // It was announced anew meanwhile.
            return Some(outcome);
        };
        if let Outcome::Failed(why) = &outcome {
            open.failed.get_or_insert_with(|| why.clone());
        }
        open.users = open.users.saturating_sub(1);
        if open.users > 0 {
            return None;
        }
        let key = key.clone();
        let failed = self.open.remove(&key).and_then(|open| open.failed);
        Some(failed.map_or(outcome, Outcome::Failed))
    }

    /// Those of whom nobody will say any more what became of them.
    pub(super) fn forgotten(&mut self, now: Moment) -> Vec<(Fence, Outcome)> {
        let mut forgotten = Vec::new();
        // Who may go, or start, may until he has.
        self.open
            .retain(|(_, change, _), open| match open.committed {
                Some((fence, since))
                    if *change == Change::Forget && now.since(since) >= FORGOTTEN =>
                {
                    let why = "nobody said what became of it".to_owned();
                    forgotten.push((fence, Outcome::Failed(why)));
                    false
                }
                _ => true,
            });
        forgotten
    }

    /// This worker acts no more: whoever does decides anew.
    pub(super) fn clear(&mut self) {
        for (_, open) in std::mem::take(&mut self.open) {
            for reply in open.waiting {
                let _ = reply.send(Err("another worker acts".to_owned()));
            }
        }
    }
}

fn key(intent: &Intent) -> Key {
    (intent.cluster.clone(), intent.change, intent.target.clone())
}
