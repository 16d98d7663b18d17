//! What is run before another member becomes primary, and after. Before a planned change a hook
//! may refuse it: nothing is asked of the primary until it has agreed. In a fail-over clients
//! wait, so that nobody is waited for.
//!
//! ```text
//! the primary is to close ──> before ──┬─> agrees: it closes      ──> seen: after
//!                                      └─> refuses: it stays, and the order is taken back
//! another one is promoted ──> before, which nobody waits for      ──> seen: after
//! ```

mod run;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Answer, Place, Request, Roster, Step};
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::board::Fact;
use crate::config::{Hook, Hooks as Configured};
use crate::status::{EventKind, HOOK_REFUSED};

/// A word holds for so long: what comes later is another change.
const HOLDS: Duration = Duration::from_secs(60);

/// What is told to a hook. It is all that a hook is told: no secret is among it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Told {
    /// `before` or `after`.
    when: &'static str,
    /// The cluster's name.
    cluster: String,
    /// Whether it is ordered, or comes of an update or a drain; nobody waits for the hook else.
    planned: bool,
    /// Who is primary, or was, as far as is known.
    from: Option<String>,
    /// Where that one is.
    from_address: Option<String>,
    /// Who is to be primary, or is, as far as is known.
    to: Option<String>,
    /// Where that one is.
    to_address: Option<String>,
    /// In which term that one became it.
    term: Option<u64>,
}

/// The hooks of one cluster.
pub(super) struct Hooks {
    cluster: String,
    configured: Configured,
    /// Before which planned change it was asked: whose place is to be taken.
    asked: Option<(Place, Asked)>,
    /// The order by which another one is to have that place, when it was asked.
    order: Option<String>,
    /// Who is primary, and in which term, as far as hooks were told.
    primary: Option<(String, Place, Option<u64>)>,
    /// Since when another worker has had the time to tell that another one is.
    untold: Option<Instant>,
    /// Who it was told last is promoted, in whose place, and when.
    promoted: Option<((Place, Place), Instant)>,
    running: JoinSet<Ended>,
    news: Arc<Notify>,
}

/// How far a question is.
enum Asked {
    Running,
    Agreed(Instant),
    Refused(Instant),
}

/// Which hook, and what it said; about whose place, where it was asked.
type Ended = (&'static str, Option<Place>, Result<(), String>);

/// What follows from what hooks said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Word {
    /// What is to be told.
    pub facts: Vec<Fact>,
    /// The order to have another primary that is not to be carried out: its slot.
    pub refused: Option<String>,
}

impl Hooks {
    /// Those of this cluster; none have run.
    pub fn of(cluster: &str, configured: Configured) -> Hooks {
        Hooks {
            cluster: cluster.to_owned(),
            configured,
            asked: None,
            order: None,
            primary: None,
            untold: None,
            promoted: None,
            running: JoinSet::new(),
            news: Arc::default(),
        }
    }

    /// Resolves when one has ended.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// The steps that may be made now, of those that were planned, where this slot is ordered to
    /// have the primary's place; and what hooks have said.
    pub fn screened<R: Request>(
        &mut self,
        steps: &[Step<R>],
        roster: &Roster,
        order: Option<&str>,
    ) -> (Vec<Step<R>>, Word) {
        let word = self.heard();
        let called = |at: Place| roster.at(at).map(|member| member.id.to_string());
        let mut open = Vec::with_capacity(steps.len());
        for step in steps {
            if step.request.closes() && !self.agrees(step.to, called(step.to), order) {
                continue;
            }
            if step.request.opens() {
                self.promotes(step.to, called(step.to));
            }
            open.push(step.clone());
        }
        (open, word)
    }

    /// Takes who is primary by this look, and has told that another one is, if this worker
    /// `acts`: one that takes over tells what the other one may not have told any more.
    pub fn seen<D>(&mut self, roster: &Roster, answers: &BTreeMap<Place, Answer<D>>, acts: bool) {
        let members = roster.members().iter();
        let primaries = members.filter_map(|member| {
            let role = answers.get(&member.address)?.as_ref().ok()?.role?;
            let is = (member.id.to_string(), member.address, role.term);
            role.primary.then_some(is)
        });
        let Some(is) = primaries.max_by_key(|(_, _, term)| *term) else {
            return;
        };
        let Some(was) = self.primary.clone() else {
            self.primary = Some(is);
            return;
        };
        // An old one may still be seen for a while.
        if was.2 > is.2 {
            return;
        }
        let is_same = was.0 == is.0;
        let since = *self.untold.get_or_insert_with(Instant::now);
        if is_same || acts || since.elapsed() > HOLDS {
            self.primary = Some(is.clone());
            self.untold = None;
        }
        if is_same || !acts {
            return;
        }
        let planned = self.asked.take().is_some_and(|(at, _)| at == was.1);
        let told = Told {
            when: "after",
            planned,
            from: Some(was.0),
            from_address: Some(was.1.to_string()),
            to: Some(is.0),
            to_address: Some(is.1.to_string()),
            term: is.2,
            ..self.told()
        };
        let hook = self.configured.after.clone();
        self.start(hook, told, None);
    }

    /// Whether the hook agrees that whoever is here ceases to be primary; it is asked first.
    fn agrees(&mut self, at: Place, who: Option<String>, order: Option<&str>) -> bool {
        let Some(hook) = self.configured.before.clone() else {
            return true;
        };
        match &self.asked {
            Some((about, Asked::Running)) if *about == at => return false,
            Some((about, Asked::Agreed(when))) if *about == at && when.elapsed() < HOLDS => {
                return true;
            }
            Some((about, Asked::Refused(when))) if *about == at && when.elapsed() < HOLDS => {
                return false;
            }
            _ => self.asked = Some((at, Asked::Running)),
        }
        // One that has its place by an order gives it up for another reason.
        let own = |slot: &&str| {
            who.as_ref()
                .is_some_and(|who| who.ends_with(&format!(".{slot}")))
        };
        self.order = order.filter(|slot| !own(slot)).map(str::to_owned);
        let told = Told {
            when: "before",
            planned: true,
            from: who,
            from_address: Some(at.to_string()),
            ..self.told()
        };
        self.start(Some(hook), told, Some(at));
        false
    }

    /// Has told that this one takes another one's place, unless that was agreed on. Nobody's
    /// place is taken in a birth, or where the primary stays or opens again.
    fn promotes(&mut self, at: Place, who: Option<String>) {
        let Some((from, from_at, _)) = self.primary.clone().filter(|(_, was, _)| *was != at) else {
            return;
        };
        let lately = |when: &Instant| when.elapsed() < HOLDS;
        let change = (from_at, at);
        let known = matches!(&self.promoted, Some((told, when)) if *told == change && lately(when));
        let agreed = matches!(&self.asked, Some((about, Asked::Agreed(when))) if *about == from_at && lately(when));
        if known || agreed {
            return;
        }
        self.promoted = Some((change, Instant::now()));
        let told = Told {
            when: "before",
            planned: false,
            from: Some(from),
            from_address: Some(from_at.to_string()),
            to: who,
            to_address: Some(at.to_string()),
            ..self.told()
        };
        let hook = self.configured.before.clone();
        self.start(hook, told, None);
    }

    fn told(&self) -> Told {
        Told {
            cluster: self.cluster.clone(),
            ..Told::default()
        }
    }

    fn start(&mut self, hook: Option<Hook>, told: Told, about: Option<Place>) {
        let Some(hook) = hook else { return };
        let (token, patience) = (self.configured.token.clone(), self.configured.patience);
        let news = Arc::clone(&self.news);
        self.running.spawn(async move {
            let name = told.when;
            let said = run::run(&hook, &told, token.as_ref(), patience).await;
            news.notify_one();
            (name, about, said)
        });
    }

    /// What has been said since this was asked for last.
    fn heard(&mut self) -> Word {
        let mut word = Word::default();
        while let Some(ended) = self.running.try_join_next() {
            // It broke by itself: as if it had not been there.
            let Ok((name, about, said)) = ended else {
                continue;
            };
            let now = Instant::now();
            if let Some((at, asked)) = &mut self.asked
                && about == Some(*at)
            {
                *asked = match said {
                    Ok(()) => Asked::Agreed(now),
                    Err(_) => Asked::Refused(now),
                };
            }
            let Err(why) = said else { continue };
            let (text, reason) = match about {
                Some(_) => (
                    format!("the primary stays: hook-before refuses: {why}"),
                    HOOK_REFUSED,
                ),
                None => (format!("hook-{name} failed: {why}"), "hook_failed"),
            };
            if about.is_some() {
                word.refused = self.order.take();
            }
            let fact = Fact::new(EventKind::Order, text).because(reason);
            word.facts.push(fact.warning());
        }
        word
    }
}

#[cfg(test)]
mod tests;
