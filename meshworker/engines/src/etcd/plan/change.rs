//! The one step towards as many voters as are wished for: promote, undo, shrink, grow.

use std::collections::BTreeSet;

use meshworker_core::{Disk, Going, Member, Situation, Step, StepKind};

use super::world::{Node, World, slot};
use super::{Rules, ask};
use crate::etcd::detail::Detail;
use crate::etcd::request::{Act, EtcdRequest};
use crate::etcd::size::{Size, odd};

/// What is missing, and what is done about it now; nothing where it has to be waited for.
#[derive(Debug)]
pub struct Change {
    pub missing: String,
    pub step: Option<Step<EtcdRequest>>,
}

/// The next step, if anything is missing. The dead are removed before anybody is added.
pub fn next(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    size: &Size,
    any_dead: bool,
) -> Option<Change> {
    let plan = Plan {
        rules,
        situation,
        world,
        size,
    };
    if let Some(learner) = world.learner() {
        return Some(plan.of_a_learner(learner, any_dead));
    }
    let volunteers = plan.volunteers();
    let change = plan
        .shrink(volunteers.len())
        .or_else(|| plan.grow(&volunteers))?;
    let comes_back = situation
        .leaving()
        .any(|member| situation.going(member) != Going::ForGood);
    let waits = match comes_back {
        true => Some("a member that is meant to go has its turn first".to_owned()),
        false => world.unsettled(),
    };
    Some(match waits {
        None => change,
        Some(why) => Change {
            missing: format!("{}; {why}", change.missing),
            step: None,
        },
    })
}

struct Plan<'a, 'b> {
    rules: &'a Rules,
    situation: &'a Situation<'b, Detail>,
    world: &'a World<'b>,
    size: &'a Size,
}

impl<'b> Plan<'_, 'b> {
    /// The voters that are not about to go for good.
    fn stay(&self) -> impl Iterator<Item = &Node<'b>> {
        self.world.voters().filter(|node| {
            let member = node.there.map(|(member, _)| member);
            let goes = |member: &Member| {
                let leaving = !node.stays();
                leaving && self.situation.going(member) == Going::ForGood
            };
            !member.is_some_and(goes)
        })
    }

    /// How many voters there can be: as many as are wished for, and no even number.
    fn goal(&self, volunteers: usize) -> usize {
        let most = self.stay().count() + volunteers;
        odd(self.size.ideal.unwrap_or(5).min(most))
    }

    fn of_a_learner(&self, learner: &Node<'_>, any_dead: bool) -> Change {
        let name = learner.name();
        let act = Act::Remove(learner.listed.id.clone());
        let undo = |why: &str| Change {
            missing: format!("{name} {why}, and is let go again"),
            step: Some(ask(self.world, act.clone(), StepKind::Arrange)),
        };
        let member = self.situation.roster.members().iter();
        let mut own = member.filter(|member| slot(member) == learner.slot && member.is_named());
        let there = learner.slot.is_some() && own.next().is_some();
        if !there {
            return undo("was let in and is not there");
        }
        // Under its id nothing may start again whose data is gone.
        let lost = |member: &Member| slot(member) == learner.slot && is_blank(member);
        if learner.listed.is_started() && self.situation.spares().any(lost) {
            return undo("has lost its data");
        }
        // The third of three may not be there yet: what counts is what is wished for.
        if self
            .size
            .ideal
            .is_some_and(|ideal| self.stay().count() >= ideal)
        {
            return undo("was let in and is not needed");
        }
        let Some((_, view)) = learner.there else {
            if self.world.leader.view.detail.unchanged {
                return undo("was let in and did not come up within a minute");
            }
            return Change {
                missing: format!("{name} was let in and does not run yet"),
                step: None,
            };
        };
        let behind = self.world.behind(view);
        let in_step = self.world.in_step(behind);
        if !in_step && self.world.leader.view.detail.overdue {
            return undo(&format!("is {behind} entries behind for too long"));
        }
        let step = (in_step && !any_dead && learner.stays())
            .then(|| Act::Promote(learner.listed.id.clone()))
            .map(|act| ask(self.world, act, StepKind::Join));
        Change {
            missing: format!("{name} has no vote yet, and is {behind} entries behind"),
            step,
        }
    }

    /// One voter less: not the leader, one of several on a node, of the highest slot. An even
    /// number that does not become an odd one by itself outlives no more than one less; but of
    /// two the second copy of all data is worth more.
    fn shrink(&self, volunteers: usize) -> Option<Change> {
        let voters = self.stay().count();
        let rests =
            voters > 2 && voters.is_multiple_of(2) && self.world.leader.view.detail.unchanged;
        let goal = self.goal(volunteers);
        let ideal = match self.size.ideal {
            Some(ideal) if voters > ideal => ideal,
            _ if rests && voters > goal => goal,
            ideal => ideal?,
        };
        let away = (voters > ideal).then(|| {
            let stay = self
                .stay()
                .filter(|node| node.stays() && !self.world.leads(node));
            stay.max_by_key(|node| (self.beside(node.there.map(|(m, _)| m)), node.slot))
        })??;
        let act = Act::Remove(away.listed.id.clone());
        Some(Change {
            missing: format!("{voters} vote, and {ideal} are to: {} goes", away.name()),
            step: Some(ask(self.world, act, StepKind::Arrange)),
        })
    }

    /// Who could be let in, and by which number.
    fn volunteers(&self) -> Vec<(u64, &'b Member)> {
        let nodes = self.world.nodes.iter();
        let listed: BTreeSet<u64> = nodes.filter_map(|node| node.number).collect();
        let blank = self.situation.spares().filter(|member| is_blank(member));
        let known = blank.filter_map(|member| Some((slot(member)?, member)));
        let numbered = known.map(|(slot, member)| (self.world.names.free(slot), member));
        numbered
            .filter(|(number, _)| !listed.contains(number))
            .collect()
    }

    /// One voter more: where none is on its node before where one is, of the lowest number;
    /// whoever did not come up, after the others.
    fn grow(&self, volunteers: &[(u64, &Member)]) -> Option<Change> {
        let (voters, goal) = (self.stay().count(), self.goal(volunteers.len()));
        if voters >= goal {
            let ideal = self.size.ideal.filter(|ideal| voters < *ideal)?;
            return Some(Change {
                missing: format!("{voters} vote, and {ideal} are to: too few volunteer"),
                step: None,
            });
        }
        let in_vain = &self.world.leader.view.detail.in_vain;
        let rank = |(number, member): &&(u64, &Member)| {
            let url = self.rules.peer_url(*number);
            let tried = in_vain.iter().position(|other| *other == url);
            (tried, self.beside(Some(member)), *number)
        };
        let (number, member) = volunteers.iter().min_by_key(rank)?;
        let peer_url = self.rules.peer_url(*number);
        Some(Change {
            missing: format!("{voters} vote, and {goal} are to: {} is let in", member.id),
            step: Some(ask(
                self.world,
                Act::AddLearner { peer_url },
                StepKind::Join,
            )),
        })
    }

    /// How many other voters are on this member's swarm node.
    fn beside(&self, member: Option<&Member>) -> usize {
        let Some((own, node)) = member.and_then(|member| Some((member, member.node.as_ref()?)))
        else {
            return 0;
        };
        let others = self.stay().filter_map(|node| node.there);
        let others = others.filter(|(other, _)| other.address != own.address);
        others
            .filter(|(other, _)| other.node.as_ref() == Some(node))
            .count()
    }
}

/// Whether there is no data on its disk.
pub fn is_blank(member: &Member) -> bool {
    match member.disk.as_deref() {
        Some(Disk::Nothing) => true,
        Some(disk @ Disk::Holds(_)) => disk.ids().is_none(),
        Some(Disk::Unreadable(_)) | None => false,
    }
}
