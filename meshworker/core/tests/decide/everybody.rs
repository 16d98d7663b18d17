//! Everybody goes at once, or only seems to: the service is removed, or somebody is out of sight.

use meshworker_core::{
    Capabilities, Gate, Going, Grade, Planner, Presence, Proposal, Report, Situation, Unanswered,
    Unity, Witness,
};

use Presence::{Leaving, Present, Stopping, Waiting};

use crate::leaving::{after_the_hold, five, leaving, opens, queue};
use crate::support::{
    Ask, Clock, announced, content, departed, dns, docker, ip, leave, replica, seen, tasks, view,
};

#[test]
fn everybody_is_released_together_when_the_service_is_removed() {
    let mut toy = content();
    toy.0.leaves = vec![leave(1), leave(2)];
    // Neither gate nor turn matters any more, nor is anything handed over.
    toy.0.leaves[0].holds = vec!["8192 slots".into()];
    toy.0.unity = Unity::apart("it falls apart");
    let gone = Report::unknown(Witness::Dns, Grade::NxDomain);
    let reports = vec![gone, announced(&[(1, Leaving), (2, Leaving)])];
    let mut observed = seen(reports, &[1, 2]);
    let mut clock = Clock::start();
    let first = clock.after(1, &toy, &observed);
    assert_eq!(first.steps, []);
    assert_eq!(
        queue(&first),
        [1, 2].map(|last| (last, Some(Gate::Settled)))
    );
    clock.after(1, &toy, &observed);
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(queue(&plan), [(1, None), (2, None)]);
    assert!(plan.leavers.iter().all(|l| l.going == Going::Everybody));
    // The database counts on one more, who says nothing of leaving.
    observed.answers.insert(ip(1), view(1, &[1, 2, 3]));
    let plan = clock.after(1, &toy, &observed);
    assert!(plan.leavers.iter().all(|l| !l.release.is_granted()));
    assert!(plan.leavers.iter().all(|l| l.going != Going::Everybody));
}

#[test]
fn one_left_behind_by_a_partition_took_itself_for_everybody() {
    let mut toy = leaving(&[5]);
    let all = five(&[(5, Leaving)]);
    let nobody = Report::unknown(Witness::Dns, Grade::NxDomain);
    let alone = seen(vec![nobody, announced(&[(5, Leaving)])], &[5]);
    let mut clock = Clock::start();
    clock.after(1, &toy, &all);
    for _ in 1..clock.limits.release_patience.as_secs() {
        let plan = clock.after(1, &toy, &alone);
        assert_eq!(queue(&plan), [(5, Some(Gate::MembersAnswer))]);
    }
    // For as long as the database remembers them, they may come back.
    toy.0.departures = vec![departed(1)];
    for _ in 0..60 {
        let plan = clock.after(10, &toy, &alone);
        assert!(!plan.leavers[0].release.is_granted());
    }
    // The task list knows better.
    let mut alone = alone;
    alone.reports[0] = tasks(&[(5, Leaving)], 0);
    opens(&toy, &alone);
}

/// A restarted worker heard of it from the name server alone, and then that fell
/// silent: the two others that went were let go as if the stack was removed.
#[test]
fn one_that_was_listed_and_out_of_reach_was_forgotten_when_the_name_server_fell_silent() {
    let says = announced(&[(1, Leaving), (2, Leaving)]);
    let mut listed = seen(vec![dns(&[1, 2, 3]), says.clone()], &[1, 2]);
    listed.answers.insert(ip(3), Err(Unanswered::Timeout));
    let silent = Report::unknown(Witness::Dns, Grade::Timeout);
    let silent = seen(vec![silent, says], &[1, 2]);
    let mut clock = Clock::start();
    clock.after(1, &leaving(&[1, 2]), &listed);
    for _ in 1..clock.limits.release_patience.as_secs() {
        let plan = clock.after(1, &leaving(&[1, 2]), &silent);
        assert_eq!(queue(&plan), [1, 2].map(|last| (last, Some(Gate::Floor))));
    }
    // Whoever is not heard of for so long is not there: all go together.
    let plan = after_the_hold(&mut clock, &leaving(&[1, 2]), &silent);
    assert_eq!(queue(&plan), [1, 2].map(|last| (last, None)));
}

/// A restarted worker heard of the third and the fourth alone, which were to go; the first
/// and the second were to stay, beyond a cut, and had never met them.
#[test]
fn those_with_lower_numbers_were_not_missed() {
    let says = announced(&[(3, Leaving), (4, Leaving)]);
    let silent = Report::unknown(Witness::Dns, Grade::Timeout);
    let observed = seen(vec![silent, says], &[3, 4]);
    let mut clock = Clock::start();
    for _ in 0..clock.limits.mass_vanish_hold.as_secs() {
        let plan = clock.after(1, &leaving(&[3, 4]), &observed);
        let held = [3, 4].map(|last| (last, Some(Gate::MembersAnswer)));
        assert_eq!(queue(&plan), held);
    }
    // Whoever is not heard of for so long is not there: a number may be free.
    let plan = after_the_hold(&mut clock, &leaving(&[3, 4]), &observed);
    assert_eq!(queue(&plan), [3, 4].map(|last| (last, None)));
    // Nor is one missed that was heard of before it went, whatever its number.
    let all = announced(&[(1, Leaving), (2, Leaving), (3, Leaving), (4, Leaving)]);
    let all = seen(vec![observed.reports[0].clone(), all], &[1, 2, 3, 4]);
    let mut clock = Clock::start();
    clock.after(1, &leaving(&[1, 2, 3, 4]), &all);
    let plan = after_the_hold(&mut clock, &leaving(&[3, 4]), &observed);
    assert_eq!(queue(&plan), [3, 4].map(|last| (last, None)));
    // Nor one of which the task list has said that its number is free.
    let shown = tasks(&[(3, Present), (4, Present)], 2);
    let mut clock = Clock::start();
    let toy = leaving(&[3, 4]);
    clock.after(1, &content(), &seen(vec![shown, announced(&[])], &[3, 4]));
    let plan = after_the_hold(&mut clock, &toy, &observed);
    assert_eq!(queue(&plan), [3, 4].map(|last| (last, None)));
    // And the task list knows all.
    let listed = tasks(&[(3, Leaving), (4, Leaving)], 0);
    let observed = seen(vec![listed, announced(&[])], &[3, 4]);
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[3, 4]), &observed);
    assert_eq!(queue(&plan), [3, 4].map(|last| (last, None)));
}

/// All had gone, and the third and the fourth came anew: so there were a first and a second
/// as well, of whom nobody had heard beyond a cut. They were taken for those that had gone.
#[test]
fn those_with_lower_numbers_were_not_missed_when_others_had_had_them() {
    let silent = || Report::unknown(Witness::Dns, Grade::Timeout);
    let went = [(1, Stopping), (2, Stopping), (3, Stopping), (4, Stopping)];
    let went = seen(vec![silent(), announced(&went)], &[]);
    let anew = |presence: Presence| {
        let mut says = announced(&[]);
        says.sightings = [(3, 13), (4, 14)]
            .map(|(slot, last)| replica(slot, last, presence.clone()))
            .into();
        seen(vec![silent(), says], &[13, 14])
    };
    let mut clock = Clock::start();
    // However long it has listened to those before.
    for _ in 0..clock.limits.mass_vanish_hold.as_secs() {
        clock.after(1, &content(), &went);
    }
    // Their last words are heard for a while.
    let mut both = anew(Present);
    both.reports[1]
        .sightings
        .extend(went.reports[1].sightings.clone());
    clock.after(1, &content(), &both);
    let toy = leaving(&[13, 14]);
    for _ in 1..clock.limits.mass_vanish_hold.as_secs() {
        let plan = clock.after(1, &toy, &anew(Leaving));
        let held = [13, 14].map(|last| (last, Some(Gate::MembersAnswer)));
        assert_eq!(queue(&plan), held);
    }
    let plan = after_the_hold(&mut clock, &toy, &anew(Leaving));
    assert_eq!(queue(&plan), [13, 14].map(|last| (last, None)));
    // Those that go are missed by nobody, in whatever order they end.
    let mut clock = Clock::start();
    let goes = [1, 2, 3, 4].map(|last| (last, Leaving));
    let all = seen(vec![silent(), announced(&goes)], &[1, 2, 3, 4]);
    let toy = leaving(&[1, 2, 3, 4]);
    after_the_hold(&mut clock, &toy, &all);
    let rest = seen(
        vec![silent(), announced(&[(3, Stopping), (4, Leaving)])],
        &[4],
    );
    let plan = clock.after(1, &leaving(&[4]), &rest);
    assert_eq!(queue(&plan), [(4, None)]);
}

/// A restarted worker saw two that go, and no witness named the others: the database
/// had lost sight of them as well, and had not agreed yet that they were gone.
#[test]
fn those_that_the_database_only_suspected_were_not_counted() {
    let says = announced(&[(1, Leaving), (2, Leaving)]);
    let silent = Report::unknown(Witness::Dns, Grade::Timeout);
    let mut observed = seen(vec![silent, says], &[1, 2]);
    let mut suspects = |alive| {
        let mut own = view(1, &[1, 2, 3]);
        if let Ok(view) = &mut own {
            let mut peers = view.peers.to_vec();
            peers[2].alive = alive;
            view.peers = peers.into();
        }
        observed.answers.insert(ip(1), own);
        let plan = after_the_hold(&mut Clock::start(), &leaving(&[1, 2]), &observed);
        plan.leavers
            .iter()
            .any(|leaver| leaver.going == Going::Everybody)
    };
    assert!(!suspects(true));
    assert!(!suspects(false));
    let plan = {
        observed.answers.insert(ip(1), view(1, &[1, 2]));
        after_the_hold(&mut Clock::start(), &leaving(&[1, 2]), &observed)
    };
    assert!(plan.leavers.iter().all(|l| l.going == Going::Everybody));
}

/// Its slot's successor ran, with data, and was cut off: what has answered does
/// not wait for its slot any more.
#[test]
fn a_successor_that_had_answered_and_was_cut_off_was_not_counted() {
    let mut says = announced(&[(1, Leaving), (2, Leaving)]);
    says.sightings.push(replica(2, 8, Present));
    let both = seen(vec![dns(&[1, 2, 8]), says.clone()], &[1, 2, 8]);
    let mut cut = seen(vec![dns(&[1, 2, 8]), says], &[1, 2]);
    cut.answers.insert(ip(8), Err(Unanswered::Timeout));
    let (toy, mut clock) = (leaving(&[1, 2]), Clock::start());
    clock.after(1, &toy, &both);
    for _ in 0..60 {
        let plan = clock.after(1, &toy, &cut);
        assert!(plan.leavers.iter().all(|l| !l.release.is_granted()));
    }
}

/// A service of one replica, updated with the Docker API in sight: its successor
/// waits for it to stop, and was taken for a member that stays.
#[test]
fn a_single_member_waited_for_its_own_successor() {
    let task_list = Report {
        desired: Some(1),
        sightings: vec![replica(5, 5, Leaving), replica(5, 9, Presence::Present)],
        ..docker(&[5], 1)
    };
    let mut observed = seen(vec![task_list, announced(&[(5, Leaving)])], &[5]);
    let why = meshworker_core::Unanswered::Unreachable("refused".into());
    observed.answers.insert(ip(9), Err(why));
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[5]), &observed);
    assert_eq!(queue(&plan), [(5, None)]);
    assert_eq!(plan.leavers[0].going, Going::Everybody);
}

/// Its successor runs already where we cannot reach it, and the task list wants
/// two: the other one was let go with it, as if the stack was removed.
#[test]
fn a_successor_out_of_reach_was_taken_for_one_that_waits() {
    let task_list = Report {
        desired: Some(2),
        sightings: vec![
            replica(4, 4, Leaving),
            replica(4, 8, Presence::Present),
            replica(5, 5, Leaving),
            replica(5, 9, Presence::Present),
        ],
        ..docker(&[5], 2)
    };
    let says = announced(&[(4, Leaving), (5, Leaving)]);
    let mut observed = seen(vec![task_list, says], &[4, 5]);
    for last in [8, 9] {
        let why = meshworker_core::Unanswered::Timeout;
        observed.answers.insert(ip(last), Err(why));
    }
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[4, 5]), &observed);
    let going: Vec<Going> = plan.leavers.iter().map(|leaver| leaver.going).collect();
    assert!(!going.contains(&Going::Everybody), "{going:?}");
    assert!(
        plan.leavers.iter().all(|l| !l.release.is_granted()),
        "{plan:?}"
    );
}

/// The node of the only member to stay had died, and its successor ran where we could not
/// reach it: the others were let go as if the stack was removed.
#[test]
fn the_successor_of_one_that_is_lost_was_taken_for_one_that_waits() {
    let task_list = Report {
        desired: Some(1),
        sightings: vec![
            replica(1, 1, Presence::OutOfSight),
            replica(1, 9, Present),
            replica(2, 2, Leaving),
            replica(3, 3, Leaving),
        ],
        ..docker(&[1], 1)
    };
    let says = announced(&[(2, Leaving), (3, Leaving)]);
    let mut observed = seen(vec![task_list, says], &[2, 3]);
    observed.answers.insert(ip(9), Err(Unanswered::Timeout));
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[2, 3]), &observed);
    let floor = [2, 3].map(|last| (last, Some(Gate::Floor)));
    assert_eq!(queue(&plan), floor);
}

/// The service was set to one member, whose successor ran already beyond a cut beside the
/// one that it follows: all others were let go with that one, as if the stack was removed.
#[test]
fn others_went_with_an_only_one_that_was_updated() {
    let task_list = Report {
        desired: Some(1),
        sightings: vec![
            replica(1, 1, Leaving),
            replica(1, 9, Present),
            replica(2, 2, Leaving),
        ],
        ..docker(&[1], 1)
    };
    let says = announced(&[(1, Leaving), (2, Leaving)]);
    let mut observed = seen(vec![task_list, says], &[1, 2]);
    observed.answers.insert(ip(9), Err(Unanswered::Timeout));
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[1, 2]), &observed);
    let floor = [1, 2].map(|last| (last, Some(Gate::Floor)));
    assert_eq!(queue(&plan), floor);
}

/// Two were cut off, and only one that was to go remembered them: once somebody was to stay,
/// who had never met them, nobody asked it any more, and they counted as forgotten.
#[test]
fn those_whom_only_one_that_goes_remembered_were_taken_for_forgotten() {
    let mut clock = Clock::start();
    let nobody = || Report::unknown(Witness::Dns, Grade::NxDomain);
    let all = announced(&[(1, Present), (2, Present), (3, Present)]);
    clock.after(1, &content(), &seen(vec![dns(&[1, 2, 3]), all], &[1, 2, 3]));
    let mut toy = leaving(&[3]);
    toy.0.departures = [1, 2].map(departed).into();
    for departure in &mut toy.0.departures {
        departure.steps[0].to = ip(3);
    }
    let goes = seen(vec![nobody(), announced(&[(3, Leaving)])], &[3]);
    clock.after(1, &toy, &goes);
    toy.0.departures.clear();
    let both = announced(&[(3, Leaving), (4, Present)]);
    clock.after(1, &toy, &seen(vec![nobody(), both], &[3, 4]));
    let last = seen(vec![nobody(), announced(&[(4, Leaving)])], &[4]);
    for _ in 5..clock.limits.mass_vanish_hold.as_secs() {
        let plan = clock.after(1, &leaving(&[4]), &last);
        assert_ne!(plan.leavers[0].going, Going::Everybody);
    }
    // Whoever is not heard of for so long is not there.
    clock.after(3, &leaving(&[4]), &last);
    let plan = after_the_hold(&mut clock, &leaving(&[4]), &last);
    assert_eq!(plan.leavers[0].going, Going::Everybody);
}

/// Whoever goes holds nothing alone, and somebody must answer who stays.
struct AnyDatabase;

impl Planner for AnyDatabase {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let size = situation.wanted_views().count();
        let last = |at: meshworker_core::Place| at.to_string().rsplit('.').next()?.parse().ok();
        let leavers = situation.leaving_views();
        let leaves = leavers.filter_map(|(member, _)| Some(leave(last(member.address)?)));
        Proposal {
            leaves: leaves.collect(),
            ..Proposal::nothing(match size {
                0 => Unity::apart("no member answers"),
                size => Unity::One { size },
            })
        }
    }
}

/// The successor of the only one that was to stay waited for it, and there was nobody to
/// whom the others could have handed over what they held: all waited for their grace.
#[test]
fn nobody_went_where_a_service_was_set_to_one_and_updated() {
    let task_list = Report {
        desired: Some(1),
        sightings: vec![
            replica(1, 1, Leaving),
            replica(1, 9, Present),
            replica(2, 2, Leaving),
        ],
        ..docker(&[1], 1)
    };
    let mut says = announced(&[(1, Leaving), (2, Leaving)]);
    says.sightings.push(replica(1, 9, Waiting));
    let mut observed = seen(vec![task_list, says], &[1, 2]);
    let refused = Unanswered::Unreachable("refused".into());
    observed.answers.insert(ip(9), Err(refused));
    let mut clock = Clock::start();
    let plan = after_the_hold(&mut clock, &AnyDatabase, &observed);
    assert_eq!(queue(&plan), [(2, None), (1, Some(Gate::Turn))]);
    assert_eq!(plan.leavers[0].going, Going::ForGood);
    assert!(plan.unity.is_one(), "{}", plan.unity);
    // It has gone, and so does the last.
    for report in &mut observed.reports {
        report.sightings.retain(|seen| seen.address != ip(2));
    }
    observed.answers = seen(Vec::new(), &[1]).answers;
    let refused = Unanswered::Unreachable("refused".into());
    observed.answers.insert(ip(9), Err(refused));
    let plan = after_the_hold(&mut clock, &AnyDatabase, &observed);
    assert_eq!(queue(&plan), [(1, None)]);
    assert_eq!(plan.leavers[0].going, Going::Everybody);
}
