//! What is known of a member that is out of sight.

use std::net::IpAddr;

use crate::{Context, History, Member, Moment, Situation, Standing};

/// What a member was about when it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    /// It was wanted, and has not answered yet.
    Listed,
    /// It was wanted, and has answered.
    Wanted,
    /// It was meant to go and waited for its turn, or only a list said so.
    Leaving,
    /// It was let go, or said itself that it stops: so it has stopped by now.
    Parted,
}

impl Stance {
    /// Whether it was on its way out.
    pub(crate) fn has_left(self) -> bool {
        matches!(self, Stance::Leaving | Stance::Parted)
    }

    /// Notes what each member in sight is about, for when it is out of sight.
    pub(crate) fn note<D>(
        context: &Context<'_>,
        situation: &Situation<'_, D>,
        history: &mut History,
    ) {
        let Context { now, limits, .. } = context;
        for member in situation.roster.members() {
            if let Some(stance) = Stance::of(member, situation, history) {
                history.stances.insert(member.address, (stance, *now));
            }
        }
        let stances = &mut history.stances;
        stances.retain(|_, (_, at)| now.since(*at) < limits.quarantine);
    }

    fn of<D>(member: &Member, situation: &Situation<'_, D>, history: &History) -> Option<Stance> {
        let answers = matches!(situation.answers.get(&member.address), Some(Ok(_)));
        let goes = member.is_stopping() || member.has_ended();
        let parts = goes || history.released.contains_key(&member.address);
        // What it said last is heard for a while after it has stopped, and a name
        // server lists it for a while.
        let last = history.stance(member.address);
        let parted = !answers && last == Some(Stance::Parted);
        match member.standing() {
            Standing::Wanted if answers => Some(Stance::Wanted),
            Standing::Wanted => match last {
                None => Some(Stance::Listed),
                Some(last) => (!last.has_left()).then_some(last),
            },
            Standing::Leaving if parts || parted => Some(Stance::Parted),
            // Nobody has asked it to go: it has vanished, or may have.
            Standing::Leaving if member.is_out_of_sight() && !member.is_patient() => None,
            Standing::Leaving => Some(Stance::Leaving),
            _ => None,
        }
    }
}

impl History {
    /// What the member at this address was about when it was seen last.
    pub(crate) fn stance(&self, at: IpAddr) -> Option<Stance> {
        self.stances.get(&at).map(|(stance, _)| *stance)
    }

    /// Whether a member has answered at this address lately.
    pub(crate) fn has_answered(&self, at: IpAddr) -> bool {
        !matches!(self.stance(at), None | Some(Stance::Listed))
    }

    /// Whether the member at this address goes by now, whatever anybody says.
    pub(crate) fn parts(&self, at: IpAddr) -> bool {
        self.released.contains_key(&at) || self.stance(at) == Some(Stance::Parted)
    }

    /// Whether the goings of these two touch each other, as far as that is known.
    pub(crate) fn meet(&self, one: &IpAddr, other: &IpAddr) -> bool {
        let both = self.touched.get(one).zip(self.touched.get(other));
        both.is_none_or(|(one, other)| one.meets(other))
    }

    /// Notes that the member at this address was let go `now`.
    pub(crate) fn let_go(&mut self, at: IpAddr, now: Moment) {
        self.released.insert(at, now);
        self.granted.entry(at).or_insert(now);
        self.part(at, now);
    }

    /// Notes that the member at this address goes `now`, and nobody waits for it.
    pub(crate) fn part(&mut self, at: IpAddr, now: Moment) {
        self.stances.insert(at, (Stance::Parted, now));
    }
}
