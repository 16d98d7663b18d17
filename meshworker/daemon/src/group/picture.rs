//! How the group stands, for operators.

use std::collections::BTreeSet;
use std::time::SystemTime;

use meshworker_core::{Authority, Moment};
use meshworker_group::{Participant, StoreId};

use crate::status::{GroupMember, GroupStatus, Part};

/// How the group stands, as this worker sees it.
pub(super) fn of(
    participant: &Participant,
    takeovers: u64,
    since: Option<SystemTime>,
    now: Moment,
) -> GroupStatus {
    let own = participant.hello(now);
    let replica = participant.replica();
    let leader = replica.and_then(|replica| replica.leader());
    let voters = replica.map(|replica| replica.counted()).unwrap_or_default();
    let learners = replica
        .map(|replica| replica.learners().clone())
        .unwrap_or_default();
    let heard: BTreeSet<StoreId> = participant.heard(now).map(|hello| hello.store).collect();
    let known: BTreeSet<StoreId> = voters.union(&learners).copied().collect();
    let all = known.union(&heard).copied().chain([own.store]);
    let waits = &participant.decision().waits;
    let part = |store: &StoreId| {
        if Some(*store) == leader {
            Part::Leader
        } else if voters.contains(store) {
            Part::Voter
        } else if learners.contains(store) {
            Part::Learner
        } else {
            Part::Outside
        }
    };
    let member = |store: StoreId| {
        let hello = match store == own.store {
            true => Some(&own),
            false => participant.heard(now).find(|hello| hello.store == store),
        };
        let seat = hello
            .map(|hello| hello.seat.clone())
            .or_else(|| participant.seat(store));
        let why = waits.iter().find(|(about, _)| *about == store);
        GroupMember {
            store: store.to_string(),
            slot: seat.as_ref().map(|seat| seat.slot),
            node: seat.and_then(|seat| seat.node),
            address: participant.book().address(store).map(|at| at.to_string()),
            part: part(&store),
            answers: hello.is_some(),
            kept: hello.map(|hello| hello.kept),
            last: hello.map(|hello| hello.last),
            behind: replica.and_then(|replica| replica.lag(store)),
            leaving: hello.is_some_and(|hello| hello.leaving),
            waits: why.map(|(_, why)| why.clone()),
        }
    };
    let members: BTreeSet<StoreId> = all.collect();
    let mut members: Vec<GroupMember> = members.into_iter().map(member).collect();
    members.sort_by_key(|member| (member.slot, member.store.clone()));
    let authority = participant.authority(now);
    GroupStatus {
        group: replica.map(|replica| replica.group().to_string()),
        me: own.store.to_string(),
        acts: authority.fence().is_some(),
        fence: authority.fence().map(|fence| fence.0),
        why: match authority {
            Authority::Yielded(to) => Some(to),
            Authority::Held(_) => None,
        },
        leader: leader.map(|leader| leader.to_string()),
        since: since.map(crate::clock::told),
        term: replica.map_or(0, |replica| replica.term()),
        committed: replica.map_or(0, |replica| replica.applied()),
        takeovers,
        open: replica.map_or(0, |replica| replica.machine().open.len()),
        other: participant.other_group(now).map(|group| group.to_string()),
        unkept: None,
        unsound: participant.unsound(now),
        members,
    }
}
