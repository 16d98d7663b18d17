//! Removals: each gate alone, then the limits of time.

use std::time::Duration;

use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, docker, ip, leave, seen, step, tasks,
};
use meshworker_core::{
    Change, Gate, Grade, MemberId, Objection, Observation, Plan, Presence, Reason, Report,
    Sighting, Unanswered, Witness,
};

/// A database that remembers these nodes and cannot reach them.
fn remembers(gone: &[u8]) -> Toy {
    let mut toy = content();
    toy.0.departures = gone.iter().map(|last| departed(*last)).collect();
    toy
}

fn gates(plan: &Plan<Ask>) -> Vec<Gate> {
    let refusals = plan.refusals.iter();
    refusals
        .filter_map(|refusal| match &refusal.reason {
            Reason::Closed(closed) if closed.change == Change::Forget => Some(closed.gate),
            _ => None,
        })
        .collect()
}

fn survivors() -> Observation<()> {
    seen(vec![dns(&[1, 2, 3])], &[1, 2, 3])
}

/// Whether this gate stays closed for an hour, with nothing done.
fn stays_closed(gate: Gate, toy: &Toy, observed: &Observation<()>) {
    let mut clock = Clock::start();
    for _ in 0..360 {
        let plan = clock.after(10, toy, observed);
        assert_eq!(plan.steps, [], "{plan:?}");
        assert_eq!(gates(&plan), [gate], "{plan:?}");
    }
}

#[test]
fn a_member_that_all_say_is_gone_is_forgotten_after_the_hold_and_not_before() {
    let (toy, observed) = (remembers(&[4]), survivors());
    let mut clock = Clock::start();
    let hold = clock.limits.removal_hold.as_secs();
    for second in 0..hold {
        let plan = clock.after(u64::from(second > 0), &toy, &observed);
        assert_eq!(plan.steps, []);
        assert_eq!(gates(&plan), [Gate::Hold]);
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    assert_eq!(gates(&plan), []);
}

#[test]
fn gate_1_no_incomplete_answer_removes_anybody() {
    for grade in [
        Grade::Empty,
        Grade::NxDomain,
        Grade::ServFail,
        Grade::Refused,
        Grade::Timeout,
        Grade::Truncated,
        Grade::Failed("api".into()),
    ] {
        let unknown = Report::unknown(Witness::Dns, grade);
        let observed = seen(vec![unknown, docker(&[1, 2, 3], 3)], &[1, 2, 3]);
        stays_closed(Gate::WitnessesComplete, &remembers(&[4]), &observed);
    }
    stays_closed(
        Gate::WitnessesComplete,
        &remembers(&[4]),
        &seen(vec![], &[1, 2, 3]),
    );
}

#[test]
fn gate_2_one_witness_that_still_sees_it_is_enough_to_hold() {
    let listed = seen(vec![dns(&[1, 2, 3, 4]), docker(&[1, 2, 3], 3)], &[1, 2, 3]);
    stays_closed(Gate::WitnessesAgree, &remembers(&[4]), &listed);
    for presence in [Presence::Leaving, Presence::OutOfSight] {
        let mut tasks = docker(&[1, 2, 3], 3);
        tasks.sightings.push(Sighting {
            presence,
            ..Sighting::at(ip(4))
        });
        let observed = seen(vec![dns(&[1, 2, 3]), tasks], &[1, 2, 3]);
        stays_closed(Gate::WitnessesAgree, &remembers(&[4]), &observed);
    }
}

#[test]
fn gate_3_a_silent_member_may_see_the_departed_one() {
    let mut observed = seen(vec![dns(&[1, 2, 3])], &[1, 2]);
    stays_closed(Gate::MembersAnswer, &remembers(&[4]), &observed);
    observed.answers.insert(ip(3), Err(Unanswered::Timeout));
    stays_closed(Gate::MembersAnswer, &remembers(&[4]), &observed);
}

#[test]
fn gates_4_and_5_the_database_objects() {
    let mut toy = remembers(&[4]);
    toy.0.departures[0].objections = vec![Objection::HoldsData("slots 0-5460".into())];
    stays_closed(Gate::DataSafe, &toy, &survivors());
    toy.0.departures[0].objections.push(Objection::AliveTo {
        node: "n2".into(),
        said: "fail?".into(),
    });
    stays_closed(Gate::MembersAgree, &toy, &survivors());
}

#[test]
fn gate_6_nobody_is_forgotten_while_data_moves() {
    let mut observed = survivors();
    if let Some(Ok(view)) = observed.answers.get_mut(&ip(2)) {
        view.working = Some("120 partitions to send".into());
    }
    stays_closed(Gate::AtRest, &remembers(&[4]), &observed);
}

#[test]
fn gate_7_nobody_is_forgotten_when_most_vanish_at_once() {
    let (toy, observed) = (remembers(&[2, 3]), seen(vec![dns(&[1])], &[1]));
    let mut clock = Clock::start();
    let hold = clock.limits.mass_vanish_hold.as_secs();
    for _ in 0..hold / 10 {
        let plan = clock.after(10, &toy, &observed);
        assert_eq!(plan.steps, []);
        assert_eq!(gates(&plan), [Gate::BlastRadius, Gate::BlastRadius]);
    }
    // After ten quiet minutes it is the new state of the world.
    let later: Vec<_> = (0..3).map(|_| clock.after(10, &toy, &observed)).collect();
    assert!(later.iter().any(|plan| !plan.steps.is_empty()), "{later:?}");
}

#[test]
fn gate_7_half_of_the_members_that_the_database_had_not_met_yet_were_forgotten_one_by_one() {
    let six = [1, 2, 3, 4, 5, 6];
    let mut silent = seen(vec![dns(&six)], &six);
    for last in [4, 5, 6] {
        let nothing = Err(Unanswered::Timeout);
        silent.answers.insert(ip(last), nothing);
    }
    // Whoever was cut off before it answered once is seen in a list alone.
    for before in [seen(vec![dns(&six)], &six), silent] {
        let (toy, left) = (remembers(&[4]), seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]));
        let mut clock = Clock::start();
        clock.after(1, &content(), &before);
        for _ in 1..clock.limits.mass_vanish_hold.as_secs() / 10 {
            let plan = clock.after(10, &toy, &left);
            let closed = (gates(&plan), plan.steps);
            assert_eq!(closed, (vec![Gate::BlastRadius], vec![]));
        }
        let later = [10, 10].map(|seconds| clock.after(seconds, &toy, &left));
        assert_eq!(later[1].steps, [step(1, Ask::Forget("n4".into()))]);
    }
}

/// Whoever restarted without a supervisor came back elsewhere, and counted as gone at its
/// old address for ten minutes.
#[test]
fn gate_7_members_that_had_moved_counted_as_gone() {
    let mut clock = Clock::start();
    let before = [1, 2, 3, 4];
    clock.after(1, &content(), &seen(vec![dns(&before)], &before));
    // Their nodes are the same, and they are at other addresses.
    let mut moved = seen(vec![dns(&[11, 12, 13])], &[11, 12, 13]);
    for (last, answer) in (1..).zip(moved.answers.values_mut()) {
        if let Ok(view) = answer {
            view.node = format!("n{last}");
        }
    }
    let toy = remembers(&[4]);
    let plan = clock.after(1, &toy, &moved);
    assert_eq!(gates(&plan), [Gate::Hold]);
    let plan = clock.after(10, &toy, &moved);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
}

#[test]
fn gate_7_one_whom_another_worker_has_forgotten_has_not_vanished() {
    let mut clock = Clock::start();
    let mut members = vec![1, 2, 3, 4, 5];
    clock.after(1, &content(), &seen(vec![dns(&members)], &members));
    for last in [5, 4] {
        members.pop();
        let left = seen(vec![dns(&members)], &members);
        clock.after(1, &remembers(&[last]), &left);
        clock.after(1, &content(), &left);
    }
    let (toy, left) = (remembers(&[3]), seen(vec![dns(&[1, 2])], &[1, 2]));
    clock.after(1, &toy, &left);
    let plan = clock.after(10, &toy, &left);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n3".into()))]);
}

/// The only one that remembered it was killed, and it counted as forgotten.
#[test]
fn gate_7_one_whom_nobody_that_is_left_has_met_has_vanished_still() {
    let mut clock = Clock::start();
    let (all, three) = ([1, 2, 3, 4], [1, 2, 3]);
    clock.after(1, &content(), &seen(vec![dns(&all)], &all));
    clock.after(1, &remembers(&[4]), &seen(vec![dns(&three)], &three));
    let mut toy = remembers(&[1]);
    toy.0.departures[0].steps = vec![step(2, Ask::Forget("n1".into()))];
    let left = seen(vec![dns(&[2, 3])], &[2, 3]);
    for _ in 0..6 {
        let plan = clock.after(10, &toy, &left);
        assert_eq!(
            (gates(&plan), plan.steps),
            (vec![Gate::BlastRadius], vec![])
        );
    }
}

#[test]
fn gate_7_opens_when_the_task_list_says_that_so_few_are_wished_for() {
    let (toy, observed) = (
        remembers(&[2, 3]),
        seen(vec![dns(&[1]), docker(&[1], 1)], &[1]),
    );
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    assert_eq!(clock.after(10, &toy, &observed).steps.len(), 1);
}

#[test]
fn gate_8_a_flapping_witness_starts_the_hold_anew() {
    let toy = remembers(&[4]);
    let listed = seen(vec![dns(&[1, 2, 3, 4])], &[1, 2, 3]);
    let mut clock = Clock::start();
    for pass in 0..100 {
        let observed = if pass % 3 == 2 { &listed } else { &survivors() };
        assert_eq!(clock.after(4, &toy, observed).steps, []);
    }
}

#[test]
fn gate_9_one_removal_per_window() {
    let (toy, observed) = (remembers(&[4, 5]), survivors());
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    let first = clock.after(10, &toy, &observed);
    assert_eq!(first.steps, [step(1, Ask::Forget("n4".into()))]);
    assert_eq!(gates(&first), [Gate::Window]);
    // Both are still remembered; the one that was not tried yet has its turn.
    let second = clock.after(5, &toy, &observed);
    assert_eq!(second.steps, [step(1, Ask::Forget("n5".into()))]);
}

#[test]
fn a_removal_that_was_tried_in_vain_left_room_for_another_right_after_its_retry() {
    let observed = survivors();
    let forget = |node: u8| -> Vec<_> {
        let ask = || Ask::Forget(format!("n{node}"));
        (1..=3).map(|at| step(at, ask())).collect()
    };
    let mut toy = remembers(&[4, 5]);
    for (departure, node) in toy.0.departures.iter_mut().zip([4, 5]) {
        departure.steps = forget(node);
    }
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    assert_eq!(clock.after(10, &toy, &observed).steps, forget(4));
    // The requests were lost: they are made again when their back-off is over, and count from then.
    let retried = clock.after(4, &toy, &observed);
    assert_eq!(retried.steps, forget(4));
    for _ in 0..4 {
        let plan = clock.after(1, &remembers(&[5]), &observed);
        assert_eq!((plan.steps.len(), gates(&plan)), (0, vec![Gate::Window]));
    }
    let plan = clock.after(1, &remembers(&[5]), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n5".into()))]);
}

#[test]
fn two_workers_forgot_two_members_in_one_window() {
    let observed = survivors();
    let mut clock = Clock::start();
    clock.after(0, &remembers(&[4, 5]), &observed);
    clock.after(9, &remembers(&[4, 5]), &observed);
    // Another worker was first: nobody remembers the one any more.
    for _ in 0..5 {
        let plan = clock.after(1, &remembers(&[5]), &observed);
        assert_eq!(plan.steps, []);
        assert_eq!(plan.refusals.len(), 1);
    }
    let plan = clock.after(1, &remembers(&[5]), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n5".into()))]);
}

#[test]
fn another_worker_finished_what_we_had_tried_long_ago_and_two_were_forgotten_at_once() {
    let (both, observed) = (remembers(&[4, 5]), survivors());
    let mut clock = Clock::start();
    clock.after(0, &both, &observed);
    let plan = clock.after(10, &both, &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    // The request was lost, and then a member was silent.
    let mut silent = survivors();
    silent.answers.insert(ip(3), Err(Unanswered::Timeout));
    clock.after(4, &both, &silent);
    clock.after(1, &both, &observed);
    clock.after(9, &both, &observed);
    // Another worker, whose request reached the node, was faster by a second.
    for _ in 0..5 {
        let plan = clock.after(1, &remembers(&[5]), &observed);
        assert_eq!((plan.steps.len(), gates(&plan)), (0, vec![Gate::Window]));
    }
    let plan = clock.after(1, &remembers(&[5]), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n5".into()))]);
}

#[test]
fn a_member_that_was_forgotten_before_took_another_along() {
    let mut clock = Clock::start();
    clock.after(0, &remembers(&[4]), &survivors());
    let plan = clock.after(10, &remembers(&[4]), &survivors());
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    // It was back for a while.
    clock.after(
        60,
        &content(),
        &seen(vec![dns(&[1, 2, 3, 4])], &[1, 2, 3, 4]),
    );
    clock.after(60, &remembers(&[4, 5]), &survivors());
    let plan = clock.after(10, &remembers(&[4, 5]), &survivors());
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    assert_eq!(gates(&plan), [Gate::Window]);
}

#[test]
fn the_second_departed_member_waited_for_ever_when_passes_were_frequent() {
    let (toy, observed) = (remembers(&[4, 5]), survivors());
    let mut clock = Clock::start();
    let mut forgotten = Vec::new();
    for _ in 0..17 {
        let plan = clock.after(1, &toy, &observed);
        forgotten.extend(plan.steps.into_iter().map(|step| step.request));
    }
    assert!(
        forgotten.contains(&Ask::Forget("n4".into()))
            && forgotten.contains(&Ask::Forget("n5".into())),
        "{forgotten:?}"
    );
}

#[test]
fn what_remains_is_tidied_up_once_everybody_was_forgotten() {
    let mut toy = remembers(&[4, 5]);
    toy.0.cleanup = vec![step(1, Ask::Tidy)];
    let observed = survivors();
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    assert!(
        !clock
            .after(10, &toy, &observed)
            .steps
            .contains(&toy.0.cleanup[0])
    );
    assert!(
        clock
            .after(5, &toy, &observed)
            .steps
            .contains(&toy.0.cleanup[0])
    );
}

#[test]
fn a_restarted_worker_waits_once_more_before_it_forgets() {
    let (toy, observed) = (remembers(&[4]), survivors());
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    clock.now += Duration::from_secs(9);
    clock.restart();
    assert_eq!(gates(&clock.after(1, &toy, &observed)), [Gate::Hold]);
}

#[test]
fn an_address_that_answers_as_somebody_else_does_not_keep_the_departed_one() {
    let mut toy = remembers(&[3]);
    toy.0.departures[0].address = None;
    let mut clock = Clock::start();
    clock.after(0, &toy, &survivors());
    assert_eq!(clock.after(10, &toy, &survivors()).steps.len(), 1);
}

#[test]
fn a_refusal_carries_what_each_witness_said() {
    let observed = seen(vec![dns(&[1, 2, 3, 4]), docker(&[1, 2, 3], 3)], &[1, 2, 3]);
    let plan = Clock::start().after(0, &remembers(&[4]), &observed);
    let refusal = plan.refusals.iter().find(|r| r.what == "forget n4");
    let evidence: Vec<String> = refusal
        .map(|r| r.evidence.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    let id = MemberId::Address(ip(4));
    assert_eq!(
        evidence,
        [format!("dns: {id} present"), format!("docker: {id} absent")]
    );
}

/// Six members of which four say this of themselves, then two that see the four
/// no more: what stands in the way of forgetting these, when the hold is over.
fn four_of_six_gone(clock: &mut Clock, said: Presence) -> Plan<Ask> {
    let four = [3, 4, 5, 6].map(|last| (last, said.clone()));
    let six = [1, 2, 3, 4, 5, 6];
    let all = seen(vec![dns(&six), announced(&four)], &six);
    clock.after(1, &content(), &all);
    two_are_left(clock)
}

fn two_are_left(clock: &mut Clock) -> Plan<Ask> {
    let (toy, left) = (remembers(&[3, 4, 5, 6]), seen(vec![dns(&[1, 2])], &[1, 2]));
    clock.after(1, &toy, &left);
    clock.after(10, &toy, &left)
}

#[test]
fn members_that_left_one_soon_after_another_were_taken_for_vanished() {
    let mut clock = Clock::start();
    let plan = four_of_six_gone(&mut clock, Presence::Stopping);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n3".into()))]);
    assert_eq!(gates(&plan), [Gate::Window; 3]);
    // Also those that were let go, and gone at the next look.
    let mut clock = Clock::start();
    for leaver in [6, 5, 4, 3] {
        let members: Vec<u8> = (1..=leaver).collect();
        let mut toy = remembers(&[3, 4, 5, 6][usize::from(leaver) - 2..]);
        toy.0.leaves = vec![leave(leaver)];
        let says = announced(&[(leaver, Presence::Leaving)]);
        let observed = seen(vec![dns(&members), says], &members);
        let granted = (0..5).any(|_| {
            let plan = clock.after(1, &toy, &observed);
            plan.leavers
                .iter()
                .any(|leaver| leaver.release.is_granted())
        });
        assert!(granted, "{leaver}");
        // It is gone, and what it said is still heard.
        let rest = &members[..members.len() - 1];
        let left = seen(vec![dns(rest), observed.reports[1].clone()], rest);
        clock.after(1, &toy, &left);
    }
    let plan = two_are_left(&mut clock);
    assert!(!gates(&plan).contains(&Gate::BlastRadius), "{plan:?}");
}

#[test]
fn gate_7_members_that_waited_for_their_turn_may_be_behind_a_partition() {
    for said in [Presence::Leaving, Presence::Present] {
        let plan = four_of_six_gone(&mut Clock::start(), said);
        assert_eq!(
            (gates(&plan), plan.steps),
            (vec![Gate::BlastRadius; 4], vec![])
        );
    }
    // Only the task list says that they go: their node may be down, and it says
    // no longer how many there should be.
    let mut clock = Clock::start();
    let six = [1, 2, 3, 4, 5, 6];
    let four = [3, 4, 5, 6].map(|last| (last, Presence::OutOfSight));
    let all = seen(vec![dns(&six), tasks(&four, 6)], &six);
    clock.after(1, &content(), &all);
    assert_eq!(gates(&two_are_left(&mut clock)), [Gate::BlastRadius; 4]);
}

#[test]
fn gate_7_what_is_known_of_an_address_is_known_of_its_last_owner() {
    let mut clock = Clock::start();
    let six = [1, 2, 3, 4, 5, 6];
    let four = [3, 4, 5, 6].map(|last| (last, Presence::Stopping));
    let all = seen(vec![dns(&six), announced(&four)], &six);
    clock.after(1, &content(), &all);
    // Others have their addresses, and vanish.
    clock.after(60, &content(), &seen(vec![dns(&six)], &six));
    assert_eq!(gates(&two_are_left(&mut clock)), [Gate::BlastRadius; 4]);
}

#[test]
fn gate_7_what_was_known_is_not_known_after_a_restart_or_after_long() {
    let mut clock = Clock::start();
    four_of_six_gone(&mut clock, Presence::Stopping);
    clock.restart();
    assert_eq!(gates(&two_are_left(&mut clock)), [Gate::BlastRadius; 4]);
    let mut clock = Clock::start();
    let six = [1, 2, 3, 4, 5, 6];
    let four = [3, 4, 5, 6].map(|last| (last, Presence::Stopping));
    let all = seen(vec![dns(&six), announced(&four)], &six);
    clock.after(1, &content(), &all);
    clock.now += clock.limits.quarantine;
    assert_eq!(gates(&two_are_left(&mut clock)), [Gate::BlastRadius; 4]);
}

#[test]
fn gate_7_one_that_was_forgotten_and_is_still_remembered_has_not_vanished() {
    let mut clock = Clock::start();
    let mut members = vec![1, 2, 3, 4, 5];
    let mut gone = Vec::new();
    for last in [5, 4, 3] {
        members.pop();
        gone.insert(0, last);
        let (toy, observed) = (remembers(&gone), seen(vec![dns(&members)], &members));
        clock.after(60, &toy, &observed);
        let plan = clock.after(10, &toy, &observed);
        let forget = step(1, Ask::Forget(format!("n{last}")));
        assert!(plan.steps.contains(&forget), "{plan:?}");
    }
}
