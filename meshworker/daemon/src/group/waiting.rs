//! Who waits for what becomes of an entry, here or at the worker that leads.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::Moment;
use meshworker_group::{Applied, Intent, Ticket};

use super::event::Reply;
use super::intents::Intents;

/// Whoever waits for an entry is told after so long that nobody knows what becomes of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many orders wait for an answer of the leader.
const MOST: usize = 256;

/// Whether somebody has waited for long enough.
pub(super) fn is_late(since: Moment, now: Moment) -> bool {
    now.since(since) >= PATIENCE
}

/// Who waits for an entry.
pub(super) enum Waits {
    /// Whoever gave this order.
    ForOrder(Reply<u64>),
    /// Those who want to do this.
    ForIntent(Intent),
}

/// Who waits for what becomes of an entry.
#[derive(Default)]
pub(super) struct Waiting {
    /// Entries that somebody waits for.
    proposed: Vec<(Ticket, Moment, Waits)>,
    /// Orders that were handed to the leader, by their numbers.
    handed: BTreeMap<u64, (Moment, Reply<u64>)>,
    /// Answers that wait until this worker has applied that entry too.
    behind: Vec<(u64, Moment, Reply<u64>)>,
    last_number: u64,
}

impl Waiting {
    /// For an entry that was proposed.
    pub(super) fn propose(&mut self, ticket: Ticket, waits: Waits, now: Moment) {
        self.proposed.push((ticket, now, waits));
    }

    /// For the leader's answer to an order: under which number it is asked, where there is room.
    pub(super) fn hand(&mut self, reply: Reply<u64>, now: Moment) -> Option<u64> {
        if self.handed.len() >= MOST {
            let _ = reply.send(Err(format!("{MOST} orders wait for the leader")));
            return None;
        }
        self.last_number += 1;
        self.handed.insert(self.last_number, (now, reply));
        Some(self.last_number)
    }

    /// The leader has answered.
    pub(super) fn answered(&mut self, number: u64, answer: Result<u64, String>, now: Moment) {
        let Some((_, reply)) = self.handed.remove(&number) else {
            return;
        };
        match answer {
            Ok(index) => self.behind.push((index, now, reply)),
            Err(why) => drop(reply.send(Err(why))),
        }
    }

    /// This entry is the log's.
    pub(super) fn applied(&mut self, entry: &Applied, intents: &mut Intents, now: Moment) {
        let of_it = |(ticket, ..): &mut (Ticket, Moment, Waits)| ticket.index == entry.index;
        for (ticket, _, waits) in self.proposed.extract_if(.., of_it) {
            let ours = ticket.term == entry.term;
            match waits {
                Waits::ForOrder(reply) => {
                    let lost = || "another worker leads by now: say it again".to_owned();
                    let _ = reply.send(ours.then_some(entry.index).ok_or_else(lost));
                }
                Waits::ForIntent(intent) if ours => intents.committed(&intent, entry.fence, now),
                Waits::ForIntent(intent) => intents.lost(&intent, "another worker leads by now"),
            }
        }
    }

    /// Answers whoever has waited for long enough, and whoever waited for an entry up to this one.
    pub(super) fn expire(&mut self, applied: u64, intents: &mut Intents, now: Moment) {
        let late = |since: Moment| is_late(since, now);
        let unknown = "nobody knows yet whether it is taken: most of the workers do not answer";
        for (.., waits) in self.proposed.extract_if(.., |(_, since, _)| late(*since)) {
            match waits {
                Waits::ForOrder(reply) => drop(reply.send(Err(unknown.into()))),
                Waits::ForIntent(intent) => intents.lost(&intent, unknown),
            }
        }
        for (_, (_, reply)) in self.handed.extract_if(.., |_, (since, _)| late(*since)) {
            let _ = reply.send(Err("whoever leads does not answer".into()));
        }
        let over =
            |(index, since, _): &mut (u64, Moment, Reply<u64>)| applied >= *index || late(*since);
        for (index, _, reply) in self.behind.extract_if(.., over) {
            let _ = reply.send(Ok(index));
        }
    }
}
