//! Nobody goes, is emptied or is forgotten where too few would be left.

use meshworker_core::{Change, Floor, Gate, Grade, Presence, Reason, Report, Unanswered, Witness};

use Presence::{Leaving, Present, Waiting};

use crate::leaving::queue;
use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, docker, ip, leave, replica, seen, step,
    tasks, view,
};

fn asks_for(members: usize) -> Floor {
    Floor {
        members,
        because: format!("replication factor {members}"),
    }
}

/// A database of this floor that remembers these nodes and cannot reach them.
fn remembers(gone: &[u8], floor: usize) -> Toy {
    let mut toy = content();
    toy.0.departures = gone.iter().map(|last| departed(*last)).collect();
    toy.0.floor = asks_for(floor);
    toy
}

/// The steps and closed gates of every pass of half an hour.
fn half_an_hour(clock: &mut Clock, toy: &Toy, members: &[u8], reports: &[Report]) -> Vec<String> {
    let observed = seen(reports.to_vec(), members);
    let mut told = Vec::new();
    for _ in 0..180 {
        let plan = clock.after(10, toy, &observed);
        told.extend(plan.steps.iter().map(ToString::to_string));
        told.extend(plan.refusals.iter().map(ToString::to_string));
    }
    told.sort();
    told.dedup();
    told
}

#[test]
fn half_of_all_behind_a_cut_were_forgotten_one_by_one() {
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let toy = remembers(&[4, 5, 6], 1);
    let mut clock = Clock::start();
    for _ in 0..clock.limits.mass_vanish_hold.as_secs() / 10 {
        let plan = clock.after(10, &toy, &observed);
        assert_eq!(plan.steps, []);
        let gates = plan.refusals.iter().map(|refusal| &refusal.reason);
        let closed = |reason: &Reason| {
            let what = "3 of 6 are gone, and no task list says so";
            *reason == Reason::Closed(Change::Forget.closed(Gate::BlastRadius, what))
        };
        assert_eq!(gates.filter(|reason| closed(reason)).count(), 3, "{plan:?}");
    }
}

#[test]
fn a_cluster_was_forgotten_down_to_any_number() {
    // Two are left of five, and three copies are to be kept.
    let told = half_an_hour(
        &mut Clock::start(),
        &remembers(&[3, 4, 5], 3),
        &[1, 2],
        &[dns(&[1, 2])],
    );
    let gate = "gate 7 (most members are there) is closed";
    let of = |node: u8, why: &str| format!("not done: forget n{node}: {gate}: {why}");
    let short = "2 are there, replication factor 3 asks for 3";
    let mass = "3 of 5 are gone, and no task list says so";
    let mut expected: Vec<_> = [3, 4, 5]
        .iter()
        .flat_map(|n| [of(*n, short), of(*n, mass)])
        .collect();
    expected.sort();
    assert_eq!(told, expected);
    // Not one either, nor where the task list says that so few are wished for.
    for reports in [vec![dns(&[1, 2])], vec![dns(&[1, 2]), docker(&[1, 2], 2)]] {
        let told = half_an_hour(&mut Clock::start(), &remembers(&[3], 3), &[1, 2], &reports);
        assert_eq!(told, [of(3, short)]);
    }
    // The operator asks for more than the database.
    let mut clock = Clock::start();
    clock.min_members = 4;
    let told = half_an_hour(
        &mut clock,
        &remembers(&[4], 1),
        &[1, 2, 3],
        &[dns(&[1, 2, 3])],
    );
    assert_eq!(told, [of(4, "3 are there, min-members asks for 4")]);
}

#[test]
fn an_operator_knows_that_so_few_are_enough() {
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let mut clock = Clock::start();
    clock.orders.forget.insert("n3".into());
    let plan = clock.after(1, &remembers(&[3], 3), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n3".into()))]);
}

/// These leave, of six; so many are wished for.
fn shrunk(leavers: &[u8], desired: usize) -> (Vec<(u8, Presence)>, Vec<Report>) {
    let listed = |last: u8| {
        if leavers.contains(&last) {
            Leaving
        } else {
            Present
        }
    };
    let listed = [1, 2, 3, 4, 5, 6].map(|last| (last, listed(last)));
    let says: Vec<_> = leavers.iter().map(|last| (*last, Leaving)).collect();
    let reports = vec![tasks(&listed, desired), announced(&says)];
    (says, reports)
}

#[test]
fn members_that_are_to_stay_by_the_floor_were_emptied_all_the_same() {
    let all = [1, 2, 3, 4, 5, 6];
    let (_, reports) = shrunk(&[6, 5, 4, 3, 2], 1);
    let observed = seen(reports, &all);
    let mut toy = remembers(&[], 2);
    toy.0.leaves = [6, 5, 4, 3, 2].map(leave).into();
    let mut clock = Clock::start();
    for _ in 0..60 {
        let plan = clock.after(10, &toy, &observed);
        assert_eq!(plan.steps, []);
        let held = [6, 5, 4, 3, 2].map(|last| (last, Some(Gate::Floor)));
        assert_eq!(queue(&plan), held);
    }
    // Three may stay: the first in the queue is emptied.
    let (_, reports) = shrunk(&[6, 5, 4], 3);
    toy.0.leaves = [6, 5, 4].map(leave).into();
    let plan = Clock::start().after(0, &toy, &seen(reports, &all));
    assert_eq!(plan.steps, [step(6, Ask::HandOver)]);
}

#[test]
fn whoever_is_to_stay_kept_the_turn_from_one_that_may_go() {
    // 5 goes for good and may not; 4 comes back and may.
    let listed = [(1, Present), (2, Present), (4, Leaving), (5, Leaving)];
    let mut docker = tasks(&listed, 3);
    docker.sightings.push(replica(4, 9, Present));
    let says = announced(&[(4, Leaving), (5, Leaving)]);
    let observed = seen(vec![docker, says], &[1, 2, 4, 5]);
    let mut toy = remembers(&[], 3);
    toy.0.leaves = vec![leave(5), leave(4)];
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(plan.steps, [step(4, Ask::HandOver)]);
    // So is one that an operator holds.
    let mut clock = Clock::start();
    clock.orders.held.insert("10.0.0.5".into(), "disk".into());
    toy.0.floor = asks_for(1);
    let plan = clock.after(0, &toy, &observed);
    assert_eq!(plan.steps, [step(4, Ask::HandOver)]);
}

/// The engine of a node died, its place was filled again, and the old one runs on.
#[test]
fn a_successor_that_runs_already_was_counted_twice() {
    let mut docker = tasks(&[(2, Leaving), (3, Leaving)], 0);
    docker.sightings.push(replica(2, 1, Presence::OutOfSight));
    let mut says = announced(&[(2, Leaving), (3, Leaving)]);
    says.sightings.push(replica(2, 1, Present));
    let observed = seen(vec![docker, says], &[1, 2, 3]);
    let mut toy = remembers(&[], 2);
    toy.0.leaves = vec![leave(2), leave(3)];
    let mut clock = Clock::start();
    for _ in 0..60 {
        let plan = clock.after(10, &toy, &observed);
        assert_eq!(plan.steps, []);
        let held = [2, 3].map(|last| (last, Some(Gate::Floor)));
        assert_eq!(queue(&plan), held);
    }
}

/// A shrink that was taken back: successors wait for members that are held.
#[test]
fn two_that_come_back_waited_for_each_other_until_their_grace_was_over() {
    let mut says = announced(&[(2, Leaving), (3, Leaving)]);
    says.sightings.push(replica(2, 8, Waiting));
    says.sightings.push(replica(3, 9, Waiting));
    let observed = seen(vec![dns(&[1]), says], &[1, 2, 3]);
    let mut toy = remembers(&[], 3);
    toy.0.leaves = vec![leave(3), leave(2)];
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(plan.steps, [step(3, Ask::HandOver)]);
    // Once the first is gone, the second is needed until that one is back.
    let mut says = announced(&[(2, Leaving)]);
    says.sightings.push(replica(2, 8, Waiting));
    says.sightings.push(replica(3, 9, Present));
    let mut observed = seen(vec![dns(&[1]), says], &[1, 2]);
    observed
        .answers
        .insert(ip(9), Err(Unanswered::Starting("loading".into())));
    toy.0.leaves = vec![leave(2)];
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(queue(&plan), [(2, Some(Gate::Floor))]);
}

#[test]
fn whoever_stops_in_seconds_is_helped_whatever_stays() {
    let (_, mut reports) = shrunk(&[6, 5, 4, 3, 2], 1);
    reports[1] = Report::unknown(Witness::Announce, Grade::Empty);
    let mut toy = remembers(&[], 2);
    toy.0.leaves = vec![leave(6)];
    let observed = seen(reports, &[1, 2, 3, 4, 5, 6]);
    let mut clock = Clock::start();
    clock.after(0, &content(), &observed);
    let plan = clock.after(10, &toy, &observed);
    assert_eq!(plan.steps, [step(6, Ask::HandOver)]);
    assert_eq!(plan.leavers[0].address, ip(6));
}

/// Two of three were updated at once: the second went while the successor of the first
/// was loading its data still, and one member was left where two keep the promise.
#[test]
fn the_second_of_two_that_come_back_went_before_the_first_was_up() {
    let loading = Err(Unanswered::Starting("loading".into()));
    let plan = |first: meshworker_core::Answer<()>| {
        let mut says = announced(&[(1, Present), (2, Leaving)]);
        says.sightings.push(replica(3, 9, Present));
        let tasks = tasks(&[(1, Present), (2, Leaving)], 3);
        let mut observed = seen(vec![dns(&[1]), tasks, says], &[1, 2]);
        observed.reports[1].sightings.push(replica(3, 9, Present));
        observed.reports[1].sightings.push(replica(2, 8, Waiting));
        let known: &[u8] = if first.is_ok() { &[1, 2, 9] } else { &[1, 2] };
        for last in [1, 2] {
            observed.answers.insert(ip(last), view(last, known));
        }
        observed.answers.insert(ip(9), first);
        let mut toy = remembers(&[], 2);
        toy.0.leaves = vec![leave(2)];
        Clock::start().after(0, &toy, &observed)
    };
    assert_eq!(queue(&plan(loading)), [(2, Some(Gate::Floor))]);
    let up = view(9, &[1, 2, 9]);
    assert_eq!(queue(&plan(up)), [(2, Some(Gate::Settled))]);
}

/// One that never comes up kept the others from being mended until they were killed.
#[test]
fn one_that_never_comes_up_held_every_update_of_a_cluster_that_has_no_more_than_it_takes() {
    let mut observed = seen(
        vec![dns(&[1, 3]), announced(&[(1, Present), (2, Leaving)])],
        &[1, 2],
    );
    let gone = Err(Unanswered::Unreachable("nobody listens".into()));
    observed.answers.insert(ip(3), gone);
    let mut toy = remembers(&[], 2);
    toy.0.leaves = vec![leave(2)];
    let mut clock = Clock::start();
    assert_eq!(
        queue(&clock.after(0, &toy, &observed)),
        [(2, Some(Gate::Floor))]
    );
    assert_eq!(
        queue(&clock.after(50, &toy, &observed)),
        [(2, Some(Gate::Floor))]
    );
    assert_eq!(
        queue(&clock.after(20, &toy, &observed)),
        [(2, Some(Gate::Settled))]
    );
}
