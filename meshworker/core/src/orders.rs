//! What an operator has ordered: less than everything, or more than the
//! witnesses allow.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{Departure, MemberId, Place, Reason, Request, Roster, Step, StepKind, Wishes};

/// What an operator has ordered for one cluster. The default orders nothing:
/// everything is done that the gates let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// Everything is planned and nothing will be done: nobody is let go.
    pub dry_run: bool,
    /// Nobody is forgotten; members still join.
    pub no_removals: bool,
    /// Nothing is done to the cluster and nobody is let go, and why.
    pub hold: Option<String>,
    /// Nothing is done to or for these members, and why.
    pub held: BTreeMap<String, String>,
    /// Departed members that an operator knows to be gone, by their nodes' ids
    /// or their addresses. His word stands for the witnesses' (gates 1, 2, 7
    /// and 8), never for what the database says (3 to 6).
    pub forget: BTreeSet<String>,
    /// The members that an operator has ordered to leave, by where they were then: whoever
    /// has the address next was not meant.
    pub leave: BTreeMap<Place, MemberId>,
    /// Members that are looked after as before, and do not become primary; and none takes the
    /// place of one that is. Why.
    pub downtime: BTreeMap<String, String>,
    /// An operator orders that another member takes the primary's place now.
    pub forced: Option<Forced>,
    /// The cluster that took writes when that was seen last, under its database's name for it:
    /// no other one begins in its place unless an operator knows that it is lost.
    pub born: Option<String>,
    /// Members that an operator wants to be free of data: who is, and goes on running,
    /// keeps nobody waiting. Who ordered it, and why, as far as that is known here.
    pub drains: BTreeMap<String, String>,
    /// What operators wish for while the cluster runs.
    pub wishes: Wishes,
    /// What an operator knows and accepts; each such word is heeded once.
    pub acknowledged: Option<Acknowledged>,
}

/// An operator orders that another member takes the primary's place now, whether or not
/// anybody hears the primary. It is carried out as soon as anybody is primary in a higher term.
///
/// His word stands for what was seen of the primary, for how many are there, for how long ago
/// the last fail-over was and for what a replica may have thrown away: gates 2, 4, 5 and 7 of a
/// succession. It never stands for a hold, for who acknowledged, for who acts, for the seal, for
/// whom the primary's place fits, and for what was received: gates 1, 3, 6, 8, 9 and 10.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Forced {
    /// Who is primary, as the operator sees it, by its id; none where nobody is.
    pub from: Option<String>,
    /// In which term the primary was opened that is meant, or the last one that was; the order
    /// is carried out by a higher one. None where the database counts none.
    pub term: Option<u64>,
    /// Members that are lost for good with all that they have, by their ids: nobody waits for
    /// their word (gate 3), and what only they have acknowledged is lost.
    pub lost: BTreeSet<String>,
}

/// An operator knows what is missing: it is told no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Counted up with each such order.
    pub number: u64,
    /// The losses that he was told of: all up to this number.
    pub losses: u64,
    /// So many members are enough.
    pub members: usize,
}

/// Nothing is ordered.
const NONE: &Orders = &Orders {
    dry_run: false,
    no_removals: false,
    hold: None,
    held: BTreeMap::new(),
    forget: BTreeSet::new(),
    leave: BTreeMap::new(),
    downtime: BTreeMap::new(),
    forced: None,
    born: None,
    drains: BTreeMap::new(),
    wishes: Wishes::none(),
    acknowledged: None,
};

impl Orders {
    /// Nothing is ordered.
    pub fn none() -> &'static Orders {
        NONE
    }

    /// Why an operator wants nothing done to this member.
    pub fn hold_on(&self, id: &MemberId, address: Place) -> Option<&str> {
        self.hold
            .as_deref()
            .or_else(|| self.own_hold_on(id, address))
    }

    /// Why an operator holds this member itself, whatever he holds besides.
    pub fn own_hold_on(&self, id: &MemberId, address: Place) -> Option<&str> {
        let by_id = self.held.get(&id.to_string());
        let held = by_id.or_else(|| self.held.get(&address.to_string()));
        held.map(String::as_str)
    }

    /// Why an operator does not want this member to change between primary and replica.
    pub fn downtime_of(&self, id: &MemberId, address: Place) -> Option<&str> {
        let by_id = self.downtime.get(&id.to_string());
        let own = by_id.or_else(|| self.downtime.get(&address.to_string()));
        own.map(String::as_str)
    }

    /// Why an operator does not want this step.
    pub(crate) fn against<R: Request>(&self, step: &Step<R>, roster: &Roster) -> Option<Reason> {
        let touched = [Some(step.to), step.request.introduces()];
        let mut touched = touched.into_iter().flatten();
        let hold = self.hold.as_deref().or_else(|| {
            touched.find_map(|address| match roster.at(address) {
                Some(member) => self.hold_on(&member.id, address),
                None => self.hold_on(&MemberId::Address(address), address),
            })
        });
        if let Some(why) = hold {
            return Some(Reason::OnHold(why.to_owned()));
        }
        let off = self.no_removals && step.request.kind() == StepKind::Forget;
        off.then_some(Reason::RemovalsOff)
    }

    /// Why an operator does not want this node to be forgotten. `was` is who it
    /// was, where anybody remembers.
    pub(crate) fn against_removal<R>(
        &self,
        departure: &Departure<R>,
        was: Option<&MemberId>,
    ) -> Option<Reason> {
        let by_name = was.and_then(|id| self.held.get(&id.to_string()));
        let by_node = self.held.get(&departure.node);
        let address = departure.address.map(|address| address.to_string());
        let by_address = address.and_then(|address| self.held.get(&address));
        let why = self.hold.as_ref().or(by_name).or(by_node).or(by_address);
        match why {
            Some(why) => Some(Reason::OnHold(why.clone())),
            None if self.no_removals => Some(Reason::RemovalsOff),
            None => None,
        }
    }

    /// The words by which an operator said of this node that it is gone.
    pub(crate) fn testimony<R>(&self, departure: &Departure<R>) -> Vec<&String> {
        let address = departure.address.map(|address| address.to_string());
        let names = [Some(departure.node.clone()), address];
        let names = names.iter().flatten();
        names.filter_map(|name| self.forget.get(name)).collect()
    }
}
