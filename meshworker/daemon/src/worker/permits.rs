//! Who may go or start, once all workers know that it may.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use meshworker_core::{Change, Fence, MemberId, Place, Plan};
use meshworker_engines::{Intended, Mandate};

/// Who may go or start, once all workers know that it may: whoever acts after this one knows
/// whom it has let go.
#[derive(Debug, Default)]
pub(super) struct Permits {
    given: BTreeMap<Key, Given>,
}

type Key = (Change, Place, MemberId);

#[derive(Debug, Clone)]
struct Given {
    /// What for.
    why: String,
    /// Under which this worker acted then.
    under: Fence,
    /// The number that the word carries.
    fence: Fence,
}

impl Permits {
    /// What this plan lets go or starts, as far as all workers know of it: with the number of
    /// each. What it does so no longer is over.
    pub(super) async fn of<R>(
        &mut self,
        plan: &Plan<R>,
        mandate: &dyn Mandate,
    ) -> BTreeMap<(Place, MemberId), Result<Fence, String>> {
        let over = |given: &Given| mandate.done(given.fence, Ok("it is over".into()));
        let Some(under) = plan.fence else {
            self.given.values().for_each(over);
            self.given.clear();
            return BTreeMap::new();
        };
        let leaves = plan.leavers.iter().filter(|one| one.release.is_granted());
        let leaves = leaves.map(|one| {
            (
                (Change::Part, one.address, one.member.clone()),
                one.going.to_string(),
            )
        });
        let starts = plan.nominees.iter().filter(|one| one.closed.is_none());
        let starts = starts.map(|one| {
            (
                (Change::Nominate, one.address, one.member.clone()),
                one.tell.what().to_owned(),
            )
        });
        let open: BTreeMap<Key, String> = leaves.chain(starts).collect();
        self.given.retain(|key, given| {
            // Another word to the same member is another intent.
            let same = |why: &String| key.0 != Change::Nominate || *why == given.why;
            let stands = open.get(key).is_some_and(same) && given.under == under;
            if !stands {
                over(given);
            }
            stands
        });
        let new = open.into_iter();
        let new = new.filter(|(key, _)| !self.given.contains_key(key));
        let asked: Vec<_> = new
            .map(|(key, why)| async move {
                let intended = Intended {
                    change: key.0,
                    target: format!("{} at {}", key.2, key.1),
                    why: why.clone(),
                };
                (key, why, mandate.intend(intended).await)
            })
            .collect();
        let mut permits = BTreeMap::new();
        for (key, why, fence) in join_all(asked).await {
            match fence {
                Ok(fence) => drop(self.given.insert(key, Given { why, under, fence })),
                // It is asked for again in the next pass.
                Err(why) => drop(permits.insert((key.1, key.2), Err(why))),
            }
        }
        let given = self.given.iter();
        let given =
            given.map(|((_, place, member), given)| ((*place, member.clone()), Ok(given.fence)));
        permits.extend(given);
        permits
    }
}
