//! Who votes, decided from a picture: the whole decision, "nothing" included.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::Moment;
use meshworker_group::{Decision, Picture, Seat, Shift, Standing, StoreId, decide};

const NOW: Moment = Moment(Duration::from_secs(1_000));

/// A group as its leader sees it: store 1 leads.
struct Group {
    voters: BTreeSet<StoreId>,
    learners: BTreeSet<StoreId>,
    stores: BTreeMap<StoreId, Standing>,
    changing: bool,
    changed: Moment,
    removed: BTreeSet<StoreId>,
    preferred: Option<StoreId>,
}

fn ids(ids: &[u64]) -> BTreeSet<StoreId> {
    ids.iter().copied().map(StoreId).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ago(time: Duration) -> Moment {
    Moment(NOW.0 - time)
}

/// There, in step for a while, on a node of its own, in the slot of its number.
fn well(slot: u64) -> Standing {
    Standing {
        seat: Seat {
            slot,
            node: Some(format!("node-{slot}")),
            task: format!("task-{slot}"),
        },
        kept: true,
        unheard: Duration::ZERO,
        in_step: Some(ago(seconds(60))),
        leaving: None,
        gone: false,
    }
}

impl Group {
    fn of(voters: &[u64], learners: &[u64]) -> Group {
        let all = voters.iter().chain(learners);
        Group {
            voters: ids(voters),
            learners: ids(learners),
            stores: all.map(|id| (StoreId(*id), well(*id))).collect(),
            changing: false,
            changed: ago(seconds(60)),
            removed: BTreeSet::new(),
            preferred: None,
        }
    }

    fn with(mut self, store: u64, change: impl FnOnce(&mut Standing)) -> Group {
        change(
            self.stores
                .entry(StoreId(store))
                .or_insert_with(|| well(store)),
        );
        self
    }

    fn decide(&self) -> Decision {
        decide(&Picture {
            me: StoreId(1),
            voters: &self.voters,
            learners: &self.learners,
            stores: &self.stores,
            changing: self.changing,
            changed: self.changed,
            removed: &self.removed,
            preferred: self.preferred,
            now: NOW,
        })
    }

    /// What changes; nothing is waited for.
    fn change(&self) -> Option<Shift> {
        let decision = self.decide();
        assert_eq!(decision.waits, [], "nothing is waited for");
        decision.change
    }

    /// Whom something is waited for, and why; nothing changes.
    fn waits(&self) -> Vec<(u64, String)> {
        let decision = self.decide();
        assert_eq!(decision.change, None);
        decision
            .waits
            .into_iter()
            .map(|(store, why)| (store.0, why))
            .collect()
    }
}

fn members(voters: &[u64], learners: &[u64]) -> Option<Shift> {
    Some(Shift::Members {
        voters: ids(voters),
        learners: ids(learners),
    })
}

fn silent(time: Duration) -> impl FnOnce(&mut Standing) {
    move |one| one.unheard = time
}

fn leaves(since: Duration) -> impl FnOnce(&mut Standing) {
    move |one| one.leaving = Some(ago(since))
}

#[test]
fn a_group_at_rest_changes_nothing() {
    assert_eq!(Group::of(&[1, 2, 3], &[]).change(), None);
    assert_eq!(Group::of(&[1], &[]).change(), None);
    // Two workers: one vote, which nothing but its own end can stop.
    assert_eq!(Group::of(&[1], &[2]).change(), None);
}

#[test]
fn while_one_change_is_under_way_nothing_else_is_decided() {
    let group = Group::of(&[1], &[2, 3]);
    let group = Group {
        changing: true,
        ..group
    };
    assert_eq!(group.decide(), Decision::default());
}

#[test]
fn whoever_comes_learns_first_and_votes_when_the_number_is_odd() {
    let group = Group::of(&[1], &[]).with(2, |_| {});
    assert_eq!(group.change(), members(&[1], &[2]));
    assert_eq!(Group::of(&[1], &[2, 3]).change(), members(&[1, 2, 3], &[]));
    assert_eq!(Group::of(&[1, 2, 3], &[4]).change(), None);
    assert_eq!(
        Group::of(&[1, 2, 3], &[4, 5]).change(),
        members(&[1, 2, 3, 4, 5], &[])
    );
    assert_eq!(Group::of(&[1, 2, 3, 4, 5], &[6, 7]).change(), None);
}

/// Six servers joined at once, and none of them had a log (hashicorp/consul 3472).
#[test]
fn consul_3472_whoever_is_not_in_step_has_no_vote() {
    let behind = |one: &mut Standing| one.in_step = None;
    let fresh = |one: &mut Standing| one.in_step = Some(ago(Duration::from_millis(100)));
    let group = Group::of(&[1], &[2, 3]).with(2, behind).with(3, fresh);
    assert_eq!(group.change(), None);
    let group = Group::of(&[1], &[2, 3, 4]).with(2, behind);
    assert_eq!(group.change(), members(&[1, 3, 4], &[2]));
}

#[test]
fn those_on_a_node_of_their_own_vote_first() {
    let beside = |one: &mut Standing| one.seat.node = Some("node-1".into());
    let group = Group::of(&[1], &[2, 3, 4]).with(2, beside);
    assert_eq!(group.change(), members(&[1, 3, 4], &[2]));
}

/// Dead servers were taken out as soon as new ones came, until the rest was no majority
/// (hashicorp/consul 5922, 8118).
#[test]
fn consul_8118_a_reboot_of_all_in_turn_takes_nobody_out() {
    let group = Group::of(&[1, 2, 3], &[]).with(3, silent(seconds(9)));
    assert_eq!(
        group.waits(),
        [(3, "unheard, but not for 600 s yet".into())]
    );
    let group = Group::of(&[1, 2, 3], &[]).with(3, silent(seconds(700)));
    assert_eq!(
        group.waits(),
        [(3, "unheard, but a witness lists it or cannot tell".into())]
    );
}

#[test]
fn consul_5922_the_dead_go_only_where_a_majority_stays() {
    let dead = |one: &mut Standing| {
        one.unheard = seconds(700);
        one.gone = true;
    };
    let group = Group::of(&[1, 2, 3], &[]).with(3, dead);
    assert_eq!(group.change(), members(&[1, 2], &[]));
    let group = Group::of(&[1, 2, 3, 4, 5], &[])
        .with(3, dead)
        .with(4, dead)
        .with(5, dead);
    let why = "without it no majority is there and in step";
    let waits = [3, 4, 5].map(|store| (store, why.to_owned()));
    assert_eq!(group.waits(), waits);
}

/// A member that had lost its disk was refused for ever (etcd-io/etcd 11410).
#[test]
fn etcd_11410_a_new_store_in_the_slot_of_a_lost_one_takes_its_vote() {
    let in_slot_3 = |one: &mut Standing| one.seat.slot = 3;
    let group = Group::of(&[1, 2, 3], &[4])
        .with(4, in_slot_3)
        .with(3, silent(seconds(21)));
    assert_eq!(group.change(), members(&[1, 2, 4], &[]));
    let group = Group::of(&[1, 2, 3], &[4])
        .with(4, in_slot_3)
        .with(3, silent(seconds(5)));
    let decision = group.decide();
    assert_eq!(decision.change, None);
    let why = "somebody else has its slot; it is silent since a moment only";
    assert!(
        decision.waits.contains(&(StoreId(3), why.into())),
        "{decision:?}"
    );
}

/// A left-over behind a cut that others still hear keeps its vote.
#[test]
fn whoever_any_voter_hears_is_not_replaced() {
    let in_slot_3 = |one: &mut Standing| one.seat.slot = 3;
    let group = Group::of(&[1, 2, 3], &[4]).with(4, in_slot_3);
    assert_eq!(group.change(), None);
}

#[test]
fn those_that_leave_together_go_in_one_change() {
    let just_now = Duration::from_millis(400);
    let group = Group::of(&[1, 2, 3], &[])
        .with(2, leaves(just_now))
        .with(3, leaves(just_now));
    let why = "others may leave at the same time".to_owned();
    assert_eq!(group.waits(), [(2, why.clone()), (3, why)]);
    let group = Group::of(&[1, 2, 3], &[])
        .with(2, leaves(seconds(1)))
        .with(3, leaves(seconds(1)));
    assert_eq!(group.change(), members(&[1], &[2, 3]));
}

/// Every restart cost a vote until none was left (pryv/open-pryv.io 98).
#[test]
fn open_pryv_98_a_store_without_a_disk_goes_and_one_with_a_disk_learns() {
    let forgets = |one: &mut Standing| {
        one.leaving = Some(ago(seconds(2)));
        one.kept = false;
    };
    let group = Group::of(&[1, 2, 3], &[]).with(3, forgets);
    assert_eq!(group.change(), members(&[1, 2], &[]));
    let group = Group::of(&[1, 2, 3], &[]).with(3, leaves(seconds(2)));
    assert_eq!(group.change(), members(&[1, 2], &[3]));
    // It is back.
    assert_eq!(Group::of(&[1, 2], &[3]).change(), members(&[1, 2, 3], &[]));
}

#[test]
fn when_all_leave_nothing_changes() {
    let group = Group::of(&[1, 2, 3], &[]);
    let group = [1, 2, 3]
        .into_iter()
        .fold(group, |group, one| group.with(one, leaves(seconds(2))));
    assert_eq!(group.change(), None);
}

#[test]
fn a_leader_that_leaves_hands_over_at_once() {
    let group = Group::of(&[1, 2, 3], &[]).with(1, leaves(Duration::from_millis(1)));
    assert_eq!(group.change(), Some(Shift::HandOver(StoreId(2))));
    // Nobody who stays has a vote: whoever is in step gets one first.
    let group = Group::of(&[1], &[2]).with(1, leaves(seconds(1)));
    assert_eq!(group.change(), members(&[1, 2], &[]));
}

#[test]
fn an_even_number_settles_once_nobody_comes_back() {
    let group = Group::of(&[1, 2], &[]);
    assert_eq!(group.change(), members(&[1], &[2]));
    let group = Group {
        changed: ago(seconds(3)),
        ..Group::of(&[1, 2], &[])
    };
    let why = "an even number of voters stays a moment: somebody may be restarting";
    assert_eq!(group.waits(), [(2, why.into())]);
}

#[test]
fn an_operators_word_opens_what_time_would_and_not_what_the_rest_needs() {
    let removed = |group: Group| Group {
        removed: ids(&[3]),
        ..group
    };
    let group = removed(Group::of(&[1, 2, 3], &[]).with(3, silent(seconds(30))));
    assert_eq!(group.change(), members(&[1, 2], &[]));
    let group = removed(
        Group::of(&[1, 2, 3], &[])
            .with(3, silent(seconds(30)))
            .with(2, silent(seconds(30))),
    );
    let why = "without it no majority is there and in step".to_owned();
    assert!(group.waits().contains(&(3, why)));
}

#[test]
fn whoever_is_preferred_leads_once_it_has_kept_up() {
    let group = Group {
        preferred: Some(StoreId(2)),
        ..Group::of(&[1, 2, 3], &[])
    };
    assert_eq!(group.change(), Some(Shift::HandOver(StoreId(2))));
    let group = group.with(2, |one| one.in_step = Some(ago(seconds(3))));
    assert_eq!(group.change(), None);
}

#[test]
fn whoever_lost_its_vote_while_it_was_elected_hands_over() {
    let group = Group::of(&[2, 3], &[1]);
    assert_eq!(group.change(), Some(Shift::HandOver(StoreId(2))));
}
