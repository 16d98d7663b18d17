//! What was seen, as far as it counts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{Context, History, Observation, Orders, Place, Roster, Situation};

/// What a pass saw, without those who have no say.
#[derive(Clone)]
pub(crate) struct Seen<'a, D: Clone> {
    /// What was said and answered.
    pub(crate) observed: Cow<'a, Observation<D>>,
    /// Who is there.
    pub(crate) roster: Cow<'a, Roster>,
    /// Who may be on the way in.
    joining: &'a BTreeMap<Place, u32>,
    /// What operators have ordered.
    orders: &'a Orders,
    /// Whether the members were ever one.
    was_one: bool,
    /// For how long nobody has had the primary's place.
    handing_over: Duration,
}

impl<'a, D: Clone> Seen<'a, D> {
    /// All of it.
    pub(crate) fn all(
        context: &Context<'a>,
        observed: &'a Observation<D>,
        roster: &'a Roster,
        joining: &'a BTreeMap<Place, u32>,
        history: &History,
    ) -> Seen<'a, D> {
        Seen {
            observed: Cow::Borrowed(observed),
            roster: Cow::Borrowed(roster),
            joining,
            orders: context.orders,
            was_one: history.was_one,
            handing_over: history.handover.lasts(context.now),
        }
    }

    /// The same, without whoever is at these addresses.
    pub(crate) fn without(&self, addresses: &BTreeSet<Place>) -> Seen<'a, D> {
        if addresses.is_empty() {
            return self.clone();
        }
        Seen {
            observed: Cow::Owned(self.observed.without(addresses)),
            roster: Cow::Owned(self.roster.without(addresses)),
            joining: self.joining,
            orders: self.orders,
            was_one: self.was_one,
            handing_over: self.handing_over,
        }
    }

    /// The members, and what each answered.
    pub(crate) fn situation(&self) -> Situation<'_, D> {
        Situation {
            roster: &self.roster,
            answers: &self.observed.answers,
            joining: self.joining,
            orders: self.orders,
            heard: &self.observed.heard,
            was_one: self.was_one,
            handing_over: self.handing_over,
        }
    }
}
