//! Joins: optimistic, but never of a stranger, and never in a hurry.

use std::collections::BTreeSet;

use crate::support::{
    Ask, Clock, Toy, announced, content, dns, docker, ip, replica, seen, step, tasks,
};
use meshworker_core::{
    Authority, Grade, Member, MemberId, Pace, Plan, Presence, Reason, Report, Roster, Sighting,
    Standing, Unanswered, Unity, Witness,
};

fn wants_to_join(last: u8) -> Toy {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Join(ip(last)))];
    toy.0.unity = Unity::apart("two fragments");
    toy
}

fn reasons(plan: &Plan<Ask>) -> Vec<String> {
    plan.refusals
        .iter()
        .map(|r| r.reason.kind().into_owned())
        .collect()
}

#[test]
fn a_formed_cluster_gets_the_empty_plan() {
    let plan = Clock::start().after(0, &content(), &seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]));
    assert_eq!(
        plan,
        Plan {
            fence: Authority::alone().fence(),
            nominees: Vec::new(),
            leavers: Vec::new(),
            settled: true,
            together: Some(3),
            steps: vec![],
            refusals: vec![],
            unity: Unity::One { size: 3 },
            pace: Pace::Calm,
            outsiders: BTreeSet::new(),
            losses: Vec::new(),
            fulfilled: BTreeSet::new(),
            failed_over: None,
            born: None,
        }
    );
}

#[test]
fn one_trustworthy_sighting_is_enough() {
    let unknown = Report::unknown(Witness::Dns, Grade::NxDomain);
    let observed = seen(vec![unknown, docker(&[1, 2], 2)], &[1, 2]);
    let plan = Clock::start().after(0, &wants_to_join(2), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Join(ip(2)))]);
}

#[test]
fn a_step_is_repeated_only_after_its_effect_could_show_and_ever_later() {
    let (toy, observed) = (wants_to_join(2), seen(vec![dns(&[1, 2])], &[1, 2]));
    let mut clock = Clock::start();
    let mut made = Vec::new();
    for second in 0..60 {
        let plan = clock.after(1, &toy, &observed);
        if plan.steps.is_empty() {
            assert_eq!(reasons(&plan), ["awaiting"]);
        } else {
            made.push(second);
        }
    }
    let pauses: Vec<u64> = made.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(made[0], 0);
    assert!((2..=3).contains(&pauses[0]), "{pauses:?}");
    assert!(
        pauses.windows(2).all(|pair| pair[0] < pair[1]),
        "{pauses:?}"
    );
    assert!(pauses.iter().all(|pause| *pause <= 38), "{pauses:?}");
}

#[test]
fn what_the_database_does_by_itself_as_a_rule_is_asked_for_only_where_it_does_not() {
    let mut toy = wants_to_join(2);
    let last_resort = step(1, Ask::JoinAfterAll(ip(2)));
    toy.0.steps = vec![last_resort.clone()];
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let mut clock = Clock::start();
    let first = clock.after(0, &toy, &observed);
    assert_eq!(
        (first.steps.len(), reasons(&first)),
        (0, vec!["awaiting".to_owned()])
    );
    let words = first.refusals[0].reason.to_string();
    assert!(words.starts_with("it may come about by itself"), "{words}");
    assert_eq!(clock.after(1, &toy, &observed).steps, []);
    // The time for an effect to show, and its jitter.
    assert_eq!(clock.after(2, &toy, &observed).steps, [last_resort]);
    assert_eq!(clock.after(1, &toy, &observed).steps, []);
}

#[test]
fn a_join_waited_because_it_had_been_a_last_resort_before() {
    let mut toy = wants_to_join(2);
    toy.0.steps = vec![step(1, Ask::JoinAfterAll(ip(2)))];
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let mut clock = Clock::start();
    assert_eq!(clock.after(0, &toy, &observed).steps, []);
    let plan = clock.after(1, &wants_to_join(2), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Join(ip(2)))]);
}

#[test]
fn a_restarted_worker_makes_the_step_again_at_once() {
    let (toy, observed) = (wants_to_join(2), seen(vec![dns(&[1, 2])], &[1, 2]));
    let mut clock = Clock::start();
    let first = clock.after(0, &toy, &observed);
    clock.restart();
    assert_eq!(clock.after(0, &toy, &observed), first);
}

#[test]
fn a_stale_record_whose_address_the_task_list_does_not_know_is_not_joined() {
    let observed = seen(vec![dns(&[1, 2, 9]), docker(&[1, 2], 2)], &[1, 2, 9]);
    let plan = Clock::start().after(0, &wants_to_join(9), &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(reasons(&plan), ["disowned", "disowned"]);
}

#[test]
fn a_member_that_is_leaving_is_not_joined() {
    let mut tasks = docker(&[1], 1);
    tasks.sightings.push(Sighting {
        presence: Presence::Leaving,
        member: Some(MemberId::Slot {
            service: "db".into(),
            slot: 2,
        }),
        ..Sighting::at(ip(2))
    });
    let plan = Clock::start().after(
        0,
        &wants_to_join(2),
        &seen(vec![dns(&[1, 2]), tasks], &[1, 2]),
    );
    assert_eq!(plan.steps, []);
    assert_eq!(reasons(&plan), ["leaving"]);
}

#[test]
fn a_silent_member_is_named_and_blocks_nobody() {
    let mut observed = seen(vec![dns(&[1, 2, 3])], &[1, 2]);
    observed.answers.insert(ip(3), Err(Unanswered::Timeout));
    let plan = Clock::start().after(0, &wants_to_join(2), &observed);
    assert_eq!(plan.steps, [step(1, Ask::Join(ip(2)))]);
    assert_eq!(reasons(&plan), ["not_answering"]);
    assert_eq!(
        plan.unity,
        Unity::apart("10.0.0.3: no answer before the deadline")
    );
}

#[test]
fn members_that_the_task_list_still_expects_are_missing() {
    let plan = Clock::start().after(0, &content(), &seen(vec![docker(&[1, 2], 3)], &[1, 2]));
    let missing = Reason::TooFew { have: 2, need: 3 }.to_string();
    assert_eq!(plan.unity, Unity::apart(missing));
    assert_eq!(plan.pace, Pace::Quick);
}

#[test]
fn nothing_is_one_when_no_witness_answers() {
    let unknown = Report::unknown(Witness::Dns, Grade::ServFail);
    let plan = Clock::start().after(0, &content(), &seen(vec![unknown], &[]));
    assert_eq!(plan.steps, []);
    assert_eq!(plan.unity, Unity::apart("dns: SERVFAIL"));
}

/// Its address was another's until just now, whose last words were still heard.
#[test]
fn a_successor_left_with_whoever_had_its_address_before() {
    let of = |task: &str, presence: Presence| Sighting {
        task: Some(task.into()),
        ..replica(1, 1, presence)
    };
    let standing = |said: Sighting| {
        let (mut docker, mut says) = (tasks(&[], 1), announced(&[]));
        docker.sightings.push(of("new", Presence::Present));
        says.sightings.push(said);
        let roster = Roster::merge(&[docker, says], &BTreeSet::new());
        roster.at(ip(1)).map(Member::standing)
    };
    for last in [Presence::Leaving, Presence::Stopping, Presence::Ended] {
        assert_eq!(standing(of("old", last.clone())), Some(Standing::Wanted));
        // Whoever says so itself goes, and whoever does not say which task it is.
        let own = of("new", last);
        assert_eq!(standing(own.clone()), Some(Standing::Leaving));
        let nameless = Sighting { task: None, ..own };
        assert_eq!(standing(nameless), Some(Standing::Leaving));
    }
}
