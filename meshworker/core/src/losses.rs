//! What is lost, as far as anybody can tell: who held what, and who has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::kept::{Holder, Kept, Lost};
use crate::stock::{Copies, Run, Stock};
use crate::{
    Acknowledged, Context, History, Loss, MemberId, Moment, Place, Presence, Situation, Unanswered,
    Unity, Witness,
};

/// So many losses are kept apart at the most: engines have fewer stocks.
const MOST: usize = 64;

/// Measured in whole seconds, by clocks of their own: two starts that are no further
/// apart than this are one.
const SAME_START: Duration = Duration::from_secs(5);

/// Notes who holds what and who has gone, and says what is lost.
pub(crate) fn losses<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    alive: &BTreeSet<Place>,
    copies: &Copies,
    order: Option<&Acknowledged>,
    history: &mut History,
) -> Vec<Loss> {
    let mut kept = std::mem::take(&mut history.kept);
    let now = Now {
        context,
        situation,
        alive,
        ages: ages(&copies.stocks),
        runs: &copies.runs,
        blank: blank(&mut kept, copies, context.now),
        history,
    };
    // When nobody is there, nobody can be missed.
    if !situation.views().is_empty() {
        for (node, holder) in &mut kept.holders {
            now.look_for(node, holder);
        }
        now.note_losses(&mut kept);
        now.take_back(&mut kept);
        now.tell(&mut kept);
        now.renew(&mut kept, copies);
    }
    if let Some(order) = order {
        kept.heed(order);
    }
    let losses = kept.lost.iter().map(Lost::told).collect();
    history.kept = kept;
    losses
}

/// The word on the whole: who is one cluster without what is lost is not well.
pub(crate) fn with_losses(unity: Unity, losses: &[Loss]) -> Unity {
    let first = |told: bool| losses.iter().find(|loss| loss.told || !told);
    match unity {
        Unity::One { size } => match first(false) {
            Some(loss) => Unity::Bereft {
                size,
                lost: loss.to_string(),
            },
            None => unity,
        },
        Unity::Apart { missing } => match first(true) {
            Some(loss) => Unity::apart(format!("{missing}; and {loss}")),
            None => Unity::Apart { missing },
        },
        Unity::Bereft { .. } => unity,
    }
}

/// Notes the processes that begin with nothing where others had been, and returns those
/// of earlier looks: what others have from them is nothing of what was there before.
fn blank(kept: &mut Kept, copies: &Copies, now: Moment) -> BTreeMap<String, Moment> {
    let runs = || copies.runs.iter();
    kept.blank
        .retain(|process, _| runs().any(|(_, run)| run.process == *process));
    let before = kept.blank.clone();
    for (node, run) in runs().filter(|(_, run)| run.empty) {
        let was = kept.holders.get(node).and_then(|h| h.process.as_ref());
        if was.is_some_and(|was| *was != run.process) {
            kept.blank.entry(run.process.clone()).or_insert(now);
        }
    }
    before
}

/// For how long each process has run whose copies end with it.
fn ages(stocks: &[Stock]) -> BTreeMap<&str, Duration> {
    let nodes = stocks.iter().flat_map(|stock| &stock.nodes);
    nodes
        .filter_map(|(node, age)| Some((node.as_str(), (*age)?)))
        .collect()
}

/// What this pass saw.
struct Now<'a, D> {
    context: &'a Context<'a>,
    situation: &'a Situation<'a, D>,
    alive: &'a BTreeSet<Place>,
    ages: BTreeMap<&'a str, Duration>,
    runs: &'a BTreeMap<String, Run>,
    /// Processes that held nothing when they were new, and since when that is known.
    blank: BTreeMap<String, Moment>,
    history: &'a History,
}

impl<D> Now<'_, D> {
    /// Whether this node is there, was let go, or is gone.
    fn look_for(&self, node: &str, holder: &mut Holder) {
        // What came back empty lost it before it was let go.
        holder.excused |= !holder.emptied && self.was_let_go(holder.address);
        if self.situation.views().contains_key(node) {
            holder.emptied |= self.is_another_process(node, holder);
            if !holder.emptied {
                (holder.gone, holder.known) = (None, false);
            }
        }
        let is_gone = holder.emptied
            || !self.situation.views().contains_key(node) && !self.alive.contains(&holder.address);
        // Whoever is back in the place of one that is gone is somebody else.
        if is_gone || self.successor(node, holder) {
            holder.gone.get_or_insert(self.context.now);
        }
    }

    /// Whether it was let go by a worker, as we or its supervisor know.
    fn was_let_go(&self, address: Place) -> bool {
        let member = self.situation.roster.at(address);
        let said = member.and_then(|member| member.seen.get(&Witness::Announce));
        self.history.released.contains_key(&address) || said == Some(&Presence::Ended)
    }

    fn is_another_process(&self, node: &str, holder: &Holder) -> bool {
        let was = holder.process.as_ref();
        let blank = |run: &Run| run.empty || self.blank.contains_key(&run.process);
        let run = self.runs.get(node);
        if run.is_some_and(|run| was.is_some_and(|was| *was != run.process) && blank(run)) {
            return true;
        }
        let born = self.born(node);
        matches!((holder.born, born), (Some(was), Some(is)) if is.since(was) > SAME_START)
    }

    fn born(&self, node: &str) -> Option<Moment> {
        let age = self.ages.get(node)?;
        // Before the worker itself: only the differences matter, and one that has run
        // for longer than the worker has not started anew.
        Some(Moment(self.context.now.0.saturating_sub(*age)))
    }

    /// Whether another node answers in this one's slot, or at its address.
    fn successor(&self, node: &str, holder: &Holder) -> bool {
        let named = matches!(holder.member, MemberId::Slot { .. });
        let mut views = self.situation.wanted_views();
        let answers = self.situation.views().contains_key(node);
        !answers
            && views.any(|(member, view)| {
                let place = named && member.id == holder.member;
                (place || member.address == holder.address) && view.node != node
            })
    }

    /// Notes each stock of which as many nodes are gone as it has copies.
    fn note_losses(&self, kept: &mut Kept) {
        for stock in &kept.stocks {
            let gone = |node: &&String| {
                let holder = kept.holders.get(*node);
                holder.is_some_and(|holder| holder.gone.is_some() && !holder.excused)
            };
            let gone: BTreeSet<&String> = stock.nodes.keys().filter(gone).collect();
            let known = |node: &&String| kept.holders.get(*node).is_some_and(|h| h.known);
            if gone.len() < stock.copies || gone.iter().all(known) {
                continue;
            }
            let holders = kept.holders.iter();
            let holders = holders.filter(|(node, _)| gone.contains(node));
            let holders: BTreeMap<_, _> = holders.map(|(n, h)| (n.clone(), h.clone())).collect();
            let same = |lost: &&mut Lost| {
                lost.stock.what == stock.what && lost.holders.keys().any(|n| gone.contains(n))
            };
            let full = kept.lost.len() >= MOST;
            match kept.lost.iter_mut().find(same) {
                // One more of the same has gone.
                Some(lost) => {
                    let before = lost.holders.len();
                    let told = lost.told;
                    // Whoever may be back any moment is not told with the others.
                    let joins = |node: &str, holder: &Holder| !told || self.is_away(node, holder);
                    for (node, holder) in holders.into_iter().filter(|(n, h)| joins(n, h)) {
                        lost.holders.entry(node).or_insert(holder);
                    }
                    // More is lost than anybody was told: that takes a new word.
                    if lost.holders.len() > before {
                        kept.numbers += 1;
                        lost.number = kept.numbers;
                    }
                }
                None if !full => {
                    kept.numbers += 1;
                    kept.lost.push(Lost {
                        number: kept.numbers,
                        stock: stock.clone(),
                        holders,
                        told: false,
                    });
                }
                None => {}
            }
        }
    }

    /// Nothing is lost of which a copy is back.
    fn take_back(&self, kept: &mut Kept) {
        for lost in &mut kept.lost {
            for (node, holder) in &mut lost.holders {
                self.look_for(node, holder);
            }
        }
        kept.lost.retain(|lost| {
            let gone = lost.holders.values();
            let gone = gone.filter(|holder| holder.gone.is_some() && !holder.excused);
            gone.count() >= lost.stock.copies
        });
    }

    /// A loss is told once nobody who had it is about to come back.
    fn tell(&self, kept: &mut Kept) {
        for lost in kept.lost.iter_mut().filter(|lost| !lost.told) {
            let mut holders = lost.holders.iter();
            lost.told = holders.all(|(node, holder)| self.is_away(node, holder));
        }
    }

    /// Whether it is not about to come back with what it had.
    fn is_away(&self, node: &str, holder: &Holder) -> bool {
        let Context { now, limits, .. } = self.context;
        let for_long = holder
            .gone
            .is_some_and(|since| now.since(since) >= limits.loss_patience);
        let starts = matches!(
            self.situation.answers.get(&holder.address),
            Some(Err(Unanswered::Starting(_)))
        );
        holder.emptied || self.successor(node, holder) || for_long && !starts
    }

    /// Once all copies have been made for as long as it takes to notice that they are
    /// not, those who have them now are the ones that count.
    fn renew(&self, kept: &mut Kept, copies: &Copies) {
        let Context { now, limits, .. } = self.context;
        let nodes = copies.stocks.iter().flat_map(|stock| stock.nodes.keys());
        let nodes: BTreeSet<String> = nodes.cloned().collect();
        if !copies.made {
            kept.whole = None;
            return;
        }
        // Those who had the rest have it for a moment still.
        let lately = |since: &Moment| now.since(*since) < limits.loss_patience;
        if kept.blank.values().any(lately) {
            return;
        }
        let since = match &kept.whole {
            Some((since, same)) if *same == nodes => *since,
            _ => *now,
        };
        kept.whole = Some((since, nodes));
        if now.since(since) < limits.leave_hold {
            return;
        }
        let views = self.situation.views();
        let before = std::mem::take(&mut kept.holders);
        kept.stocks.clone_from(&copies.stocks);
        let nodes = copies.stocks.iter().flat_map(|stock| stock.nodes.keys());
        kept.holders = nodes
            .filter_map(|node| {
                let holder = match views.get(node.as_str()) {
                    // It is held to be alive, and does not answer.
                    None => before.get(node)?.clone(),
                    Some((address, _)) => Holder {
                        member: self.member(*address),
                        address: *address,
                        born: self.born(node),
                        process: copies.runs.get(node).map(|run| run.process.clone()),
                        excused: self.was_let_go(*address),
                        known: false,
                        gone: None,
                        emptied: false,
                    },
                };
                Some((node.clone(), holder))
            })
            .collect();
    }

    fn member(&self, address: Place) -> MemberId {
        let member = self.situation.roster.at(address);
        member.map_or(MemberId::Address(address), |member| member.id.clone())
    }
}
