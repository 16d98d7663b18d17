//! The leave queue: each release gate alone, then turns, kinds and hurry.

use std::collections::BTreeSet;

use meshworker_core::{
    Authority, Capabilities, Context, Floor, Gate, Going, Grade, Leaver, Limits, MemberId, Mind,
    Moment, Observation, Pace, Plan, Planner, Presence, Progress, Proposal, Reason, Refusal,
    Release, Report, Situation, Unanswered, Unity, Witness,
};

use Presence::{Absent, Ended, Leaving, OutOfSight, Present, Stopping};

use crate::support::{
    Ask, Clock, Toy, announced, content, dns, ip, leave, replica, seen, slot, step, tasks, view,
};

const ALL: [u8; 5] = [1, 2, 3, 4, 5];

/// A database in which these members are meant to go, in this order.
pub fn leaving(members: &[u8]) -> Toy {
    let mut toy = content();
    toy.0.leaves = members.iter().map(|last| leave(*last)).collect();
    for leave in &mut toy.0.leaves {
        leave.steps.clear();
    }
    toy
}

/// Five members that answer, and what these say of themselves.
pub fn five(announcements: &[(u8, Presence)]) -> Observation<()> {
    seen(vec![dns(&ALL), announced(announcements)], &ALL)
}

/// Who is in the queue, and at which gate each waits; none for who may stop.
pub fn queue(plan: &Plan<Ask>) -> Vec<(u8, Option<Gate>)> {
    let leavers = plan.leavers.iter();
    leavers
        .map(|leaver| {
            let last = leaver.address.to_string();
            let last = last.rsplit('.').next().and_then(|last| last.parse().ok());
            let gate = match &leaver.release {
                Release::Granted => None,
                Release::Held { gate, .. } => Some(*gate),
            };
            (last.unwrap_or_default(), gate)
        })
        .collect()
}

/// The queue after the hold has run out, seen the same way all the time.
pub fn after_the_hold(
    clock: &mut Clock,
    toy: &impl Planner<Detail = (), Request = Ask>,
    seen: &Observation<()>,
) -> Plan<Ask> {
    clock.after(1, toy, seen);
    clock.after(1, toy, seen);
    clock.after(1, toy, seen)
}

/// Whether this gate holds member 5 for an hour, with nothing done.
fn stays_closed(gate: Gate, toy: &Toy, observed: &Observation<()>) {
    let mut clock = Clock::start();
    for _ in 0..360 {
        let plan = clock.after(10, toy, observed);
        assert_eq!(plan.steps, []);
        let last = queue(&plan).pop();
        assert_eq!(last, Some((5, Some(gate))), "{:?}", plan.leavers);
    }
}

/// Whether member 5 may stop once the hold has run out.
pub fn opens(toy: &Toy, observed: &Observation<()>) {
    let plan = after_the_hold(&mut Clock::start(), toy, observed);
    let last = queue(&plan).pop();
    assert_eq!(last, Some((5, None)), "{:?}", plan.leavers);
}

#[test]
fn a_member_may_stop_after_the_hold_and_not_before() {
    let (toy, observed) = (leaving(&[5]), five(&[(5, Leaving)]));
    let mut clock = Clock::start();
    let leaver = |release| Leaver {
        member: slot(5),
        address: ip(5),
        node: "n5".into(),
        going: Going::Unclear,
        place: 1,
        progress: None,
        estimate: None,
        patient: true,
        release,
    };
    for left in ["2.0", "1.0"] {
        let seen = format!("{left} s are left");
        let gate = Gate::Settled;
        let plan = clock.after(1, &toy, &observed);
        assert_eq!(plan.leavers, [leaver(Release::Held { gate, seen })]);
        assert_eq!(plan.steps, []);
        assert_eq!(plan.refusals.len(), 1);
        assert_eq!(plan.refusals[0].reason.kind(), "release_gate_7_settled");
    }
    assert_eq!(
        clock.after(1, &toy, &observed),
        Plan {
            fence: Authority::alone().fence(),
            steps: Vec::new(),
            nominees: Vec::new(),
            leavers: vec![leaver(Release::Granted)],
            settled: true,
            together: Some(3),
            refusals: Vec::new(),
            unity: Unity::One { size: 3 },
            pace: Pace::Quick,
            outsiders: BTreeSet::new(),
            losses: Vec::new(),
            fulfilled: BTreeSet::new(),
            failed_over: None,
            born: None,
        }
    );
}

#[test]
fn whoever_is_not_proposed_is_not_in_the_queue() {
    let plan = Clock::start().after(0, &content(), &five(&[(5, Leaving)]));
    assert_eq!((plan.leavers, plan.steps), (vec![], vec![]));
}

#[test]
fn gate_1_two_leave_one_after_another() {
    let both = five(&[(4, Leaving), (5, Leaving)]);
    let mut clock = Clock::start();
    let toy = leaving(&[4, 5]);
    let plan = after_the_hold(&mut clock, &toy, &both);
    assert_eq!(queue(&plan), [(4, None), (5, Some(Gate::Turn))]);
    // It stops, and answers while it does so.
    let stops = five(&[(4, Stopping), (5, Leaving)]);
    for _ in 0..60 {
        let plan = clock.after(1, &toy, &stops);
        assert_eq!(queue(&plan).pop(), Some((5, Some(Gate::Turn))));
    }
    // It is gone, and the others have not noticed.
    let toy = leaving(&[5]);
    let mut gone = five(&[(5, Leaving)]);
    gone.answers.remove(&ip(4));
    let plan = clock.after(1, &toy, &gone);
    assert_eq!(queue(&plan), [(5, Some(Gate::Turn))]);
    // They have, and move data.
    let four = [1, 2, 3, 5];
    let mut quiet = seen(vec![dns(&four), announced(&[(5, Leaving)])], &four);
    let mut busy = quiet.clone();
    if let Some(Ok(view)) = busy.answers.get_mut(&ip(1)) {
        view.working = Some("7 partitions to send".into());
    }
    for _ in 0..60 {
        let plan = clock.after(1, &toy, &busy);
        assert_eq!(queue(&plan), [(5, Some(Gate::AtRest))]);
    }
    // They have done so.
    for gate in [Some(Gate::Settled), Some(Gate::Settled), None] {
        let plan = clock.after(1, &toy, &quiet);
        assert_eq!(queue(&plan), [(5, gate)]);
    }
    // A refusal names the gate for the log as well.
    quiet.answers.insert(ip(1), Err(Unanswered::Timeout));
    let plan = clock.after(1, &toy, &quiet);
    let held = plan.refusals.iter().find(|r| r.what == "let db.5 go");
    assert!(
        matches!(held, Some(Refusal { reason: Reason::Closed(closed), .. }) if closed.gate == Gate::MembersAnswer)
    );
}

#[test]
fn gate_1_waits_for_whoever_stops_or_cannot_wait() {
    let stops = five(&[(4, Stopping), (5, Leaving)]);
    stays_closed(Gate::Turn, &leaving(&[5]), &stops);
    let mut listed: Vec<_> = [1, 2, 3].map(|last| (last, Present)).into();
    listed.push((4, Leaving));
    listed.push((5, Leaving));
    let reports = vec![tasks(&listed, 3), announced(&[(5, Leaving)])];
    let stock = seen(reports.clone(), &ALL);
    stays_closed(Gate::Turn, &leaving(&[4, 5]), &stock);
    // Nobody waits for one that is gone, and only stands in a list.
    opens(&leaving(&[5]), &seen(reports, &[1, 2, 3, 5]));
}

#[test]
fn gate_1_one_that_was_let_go_and_stays_is_waited_for_a_while() {
    let toy = leaving(&[4, 5]);
    let mut clock = Clock::start();
    after_the_hold(&mut clock, &toy, &five(&[(4, Leaving), (5, Leaving)]));
    // It is wanted again, or never heard.
    let (toy, back) = (leaving(&[5]), five(&[(4, Present), (5, Leaving)]));
    for _ in 1..clock.limits.release_patience.as_secs() {
        let plan = clock.after(1, &toy, &back);
        assert_eq!(queue(&plan), [(5, Some(Gate::Turn))]);
    }
    assert_eq!(queue(&after_the_hold(&mut clock, &toy, &back)), [(5, None)]);
}

#[test]
fn the_next_at_an_address_was_taken_for_the_one_that_was_let_go_there() {
    let tasks_are = |task: &str, said: Presence| {
        let mut observed = five(&[(4, said), (5, Leaving)]);
        observed.reports[1].sightings[0].task = Some(task.into());
        observed
    };
    let mut clock = Clock::start();
    after_the_hold(&mut clock, &leaving(&[4, 5]), &tasks_are("old", Leaving));
    // A redeployment gave its address to another member, before anybody missed it.
    let (toy, mut next) = (leaving(&[5]), tasks_are("new", Present));
    // A task list that lags names the one before.
    let mut lags = tasks(&[1, 2, 3, 4, 5].map(|last| (last, Present)), 5);
    lags.sightings[3].task = Some("old".into());
    next.reports.insert(0, lags);
    assert_eq!(queue(&after_the_hold(&mut clock, &toy, &next)), [(5, None)]);
    // As long as nobody says which task it is, it may be the same.
    let mut clock = Clock::start();
    after_the_hold(&mut clock, &leaving(&[4, 5]), &tasks_are("old", Leaving));
    let unnamed = five(&[(4, Present), (5, Leaving)]);
    let plan = after_the_hold(&mut clock, &toy, &unnamed);
    assert_eq!(queue(&plan), [(5, Some(Gate::Turn))]);
}

#[test]
fn two_workers_that_let_go_different_members_waited_for_each_other() {
    let only = |last| five(&[(last, Leaving)]);
    let both = five(&[(4, Leaving), (5, Leaving)]);
    let (mut one, mut other) = (Clock::start(), Clock::start());
    after_the_hold(&mut one, &leaving(&[4]), &only(4));
    after_the_hold(&mut other, &leaving(&[5]), &only(5));
    let toy = leaving(&[4, 5]);
    let mut agree = Vec::new();
    for second in 0..60 {
        let (one, other) = (one.after(1, &toy, &both), other.after(1, &toy, &both));
        let (one, other) = (queue(&one), queue(&other));
        assert!(one[0].1.is_none() || one[1].1.is_some(), "both at once");
        if one == other {
            agree.push((second, one));
        }
    }
    // The first in the order is let go by both, once the other gave way.
    let expected = vec![(4, None), (5, Some(Gate::Turn))];
    assert!(
        matches!(agree.first(), Some((30..=33, queue)) if *queue == expected),
        "{agree:?}"
    );
}

#[test]
fn one_that_gave_way_waited_on_when_nobody_was_before_it_any_more() {
    let (toy, both) = (leaving(&[4, 5]), five(&[(4, Leaving), (5, Leaving)]));
    let mut clock = Clock::start();
    after_the_hold(&mut clock, &leaving(&[5]), &five(&[(5, Leaving)]));
    let gives_way = |plan: &Plan<Ask>| queue(plan) == [(4, None), (5, Some(Gate::Turn))];
    assert!((0..40).any(|_| gives_way(&clock.after(1, &toy, &both))));
    let there = [1, 2, 3, 5];
    let gone = seen(vec![dns(&there), announced(&[(5, Leaving)])], &there);
    let plan = after_the_hold(&mut clock, &leaving(&[5]), &gone);
    assert_eq!(queue(&plan), [(5, None)]);
}

#[test]
fn gate_2_one_whom_the_others_see_and_who_is_silent_holds_all() {
    let mut observed = five(&[(5, Leaving)]);
    observed.answers.insert(ip(2), Err(Unanswered::Timeout));
    stays_closed(Gate::MembersAnswer, &leaving(&[5]), &observed);
    observed.answers.remove(&ip(2));
    stays_closed(Gate::MembersAnswer, &leaving(&[5]), &observed);
}

#[test]
fn gate_2_one_who_never_was_in_the_cluster_holds_nobody() {
    let mut observed = five(&[(5, Leaving)]);
    observed.reports[0] = dns(&[1, 2, 3, 4, 5, 6]);
    observed.answers.insert(ip(6), Err(Unanswered::Timeout));
    opens(&leaving(&[5]), &observed);
    observed.reports[1] = announced(&[(5, Leaving), (6, Present)]);
    opens(&leaving(&[5]), &observed);
}

#[test]
fn gate_3_nobody_leaves_a_cluster_that_is_apart() {
    let mut toy = leaving(&[5]);
    toy.0.unity = Unity::apart("two fragments");
    let observed = five(&[(5, Leaving)]);
    stays_closed(Gate::MembersAgree, &toy, &observed);
    toy.0.unity = Unity::One { size: 5 };
    opens(&toy, &observed);
}

#[test]
fn gate_3_one_that_was_not_in_the_cluster_of_those_that_stay_took_its_data_along() {
    let mut observed = seen(vec![dns(&[1, 2, 5]), announced(&[(5, Leaving)])], &[1, 2]);
    observed.answers.insert(ip(5), view(5, &[5]));
    stays_closed(Gate::MembersAgree, &leaving(&[5]), &observed);
    for (last, view) in seen(vec![], &[1, 2, 5]).answers {
        observed.answers.insert(last, view);
    }
    opens(&leaving(&[5]), &observed);
}

/// Two members stay, the third is meant to go, and the floor is 3.
fn at_the_floor(docker: Option<Report>) -> (Toy, Observation<()>) {
    let mut toy = leaving(&[5]);
    toy.0.floor = Floor {
        members: 3,
        because: "replication factor 3".into(),
    };
    let mut reports = vec![announced(&[(5, Leaving)])];
    reports.push(docker.unwrap_or_else(|| dns(&[1, 2, 5])));
    (toy, seen(reports, &[1, 2, 5]))
}

#[test]
fn gate_4_a_deployment_that_shrinks_below_the_floor_is_held() {
    let shrunk = tasks(&[(1, Present), (2, Present), (5, Leaving)], 2);
    let (toy, observed) = at_the_floor(Some(shrunk));
    stays_closed(Gate::Floor, &toy, &observed);
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(
        plan.leavers[0].release.to_string(),
        "release gate 4 (enough members stay) is closed: \
         2 would stay, replication factor 3 asks for 3"
    );
}

#[test]
fn gate_4_whoever_comes_back_is_counted_in() {
    // The task list still wants three.
    let mut updated = tasks(&[(1, Present), (2, Present)], 3);
    updated.sightings.push(replica(3, 5, Leaving));
    let (toy, observed) = at_the_floor(Some(updated));
    opens(&toy, &observed);
    // Its successor is there, and has not started.
    let mut updated = tasks(&[(1, Present), (2, Present), (5, Leaving)], 2);
    updated.sightings.push(replica(5, 6, Present));
    let (toy, observed) = at_the_floor(Some(updated));
    opens(&toy, &observed);
}

#[test]
fn gate_4_one_alone_whom_nobody_can_place_is_taken_for_one_that_comes_back() {
    let (toy, mut observed) = at_the_floor(None);
    opens(&toy, &observed);
    let failed = Report::unknown(Witness::Docker, Grade::Timeout);
    observed.reports.push(failed);
    opens(&toy, &observed);
    // Two at once are a scale-in more often than an update.
    let (mut toy, mut observed) = at_the_floor(None);
    toy.0.leaves = leaving(&[2, 5]).0.leaves;
    observed.reports[0] = announced(&[(2, Leaving), (5, Leaving)]);
    stays_closed(Gate::Floor, &toy, &observed);
}

#[test]
fn gate_4_min_members_is_a_floor_too() {
    let (toy, observed) = (leaving(&[4, 5]), five(&[(4, Leaving), (5, Leaving)]));
    for (min_members, gate) in [(4, Some(Gate::Floor)), (3, None)] {
        let mut clock = Clock::start();
        clock.min_members = min_members;
        let plan = after_the_hold(&mut clock, &toy, &observed);
        assert_eq!(queue(&plan)[0], (4, gate));
    }
}

#[test]
fn gate_5_whoever_holds_something_alone_waits() {
    let mut toy = leaving(&[5]);
    toy.0.leaves[0].holds = vec!["5461 slots".into()];
    let observed = five(&[(5, Leaving)]);
    stays_closed(Gate::DataSafe, &toy, &observed);
    toy.0.leaves[0].holds.clear();
    opens(&toy, &observed);
}

#[test]
fn gate_6_nobody_leaves_while_data_moves() {
    let mut observed = five(&[(5, Leaving)]);
    if let Some(Ok(view)) = observed.answers.get_mut(&ip(3)) {
        view.working = Some("120 partitions to send".into());
    }
    stays_closed(Gate::AtRest, &leaving(&[5]), &observed);
}

#[test]
fn gate_7_a_short_disturbance_starts_the_hold_anew() {
    let (toy, quiet) = (leaving(&[5]), five(&[(5, Leaving)]));
    let mut busy = quiet.clone();
    if let Some(Ok(view)) = busy.answers.get_mut(&ip(3)) {
        view.working = Some("120 partitions to send".into());
    }
    let mut clock = Clock::start();
    for pass in 0..100 {
        let observed = if pass % 3 == 2 { &busy } else { &quiet };
        let plan = clock.after(1, &toy, observed);
        assert!(!plan.leavers[0].release.is_granted());
    }
}

#[test]
fn a_member_that_was_lost_between_two_looks_left_the_hold_running() {
    let (toy, all) = (leaving(&[5]), five(&[(5, Leaving)]));
    let four = [1, 2, 3, 5];
    let fewer = seen(vec![dns(&four), announced(&[(5, Leaving)])], &four);
    let mut clock = Clock::start();
    clock.after(0, &toy, &all);
    let plan = clock.after(2, &toy, &fewer);
    assert_eq!(queue(&plan), [(5, Some(Gate::Settled))]);
}

#[test]
fn a_restarted_worker_waits_once_more_before_it_lets_anybody_go() {
    let (toy, observed) = (leaving(&[5]), five(&[(5, Leaving)]));
    let mut clock = Clock::start();
    after_the_hold(&mut clock, &toy, &observed);
    clock.restart();
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(queue(&plan), [(5, Some(Gate::Settled))]);
}

#[test]
fn the_patient_hand_over_in_their_turn_the_others_at_once() {
    let mut toy = content();
    toy.0.leaves = vec![leave(4), leave(5)];
    let patient = five(&[(4, Leaving), (5, Leaving)]);
    let plan = Clock::start().after(0, &toy, &patient);
    assert_eq!(plan.steps, [step(4, Ask::HandOver)]);
    let listed = ALL.map(|last| (last, if last > 3 { Leaving } else { Present }));
    let stock = seen(vec![tasks(&listed, 3)], &ALL);
    let plan = Clock::start().after(0, &toy, &stock);
    assert_eq!(plan.steps, [step(4, Ask::HandOver), step(5, Ask::HandOver)]);
    // One that waits gives way to one that cannot.
    let mixed = seen(vec![tasks(&listed, 3), announced(&[(4, Leaving)])], &ALL);
    let mut clock = Clock::start();
    clock.after(0, &content(), &mixed);
    let plan = clock.after(10, &toy, &mixed);
    assert_eq!(plan.steps, [step(4, Ask::HandOver), step(5, Ask::HandOver)]);
}

#[test]
fn the_kind_of_leaving_is_told_from_the_task_list_and_from_successors() {
    let going = |reports: Vec<Report>| {
        let plan = Clock::start().after(0, &leaving(&[5]), &seen(reports, &ALL));
        plan.leavers[0].going
    };
    let says = announced(&[(5, Leaving)]);
    let listed = ALL.map(|last| (last, if last < 5 { Present } else { Leaving }));
    assert_eq!(going(vec![dns(&ALL), says.clone()]), Going::Unclear);
    let count = |desired| vec![tasks(&listed, desired), says.clone()];
    assert_eq!(going(count(4)), Going::ForGood);
    assert_eq!(going(count(5)), Going::Back);
    let failed = Report::unknown(Witness::Docker, Grade::Failed("api".into()));
    assert_eq!(going(vec![dns(&ALL), failed, says.clone()]), Going::Unclear);
    // Without a task list, whoever announces the same slot elsewhere.
    let mut both = says;
    both.sightings.push(replica(5, 9, Present));
    assert_eq!(going(vec![dns(&ALL), both]), Going::Back);
}

#[test]
fn one_place_to_fill_brought_all_who_left_back() {
    let listed = ALL.map(|last| (last, if last < 3 { Present } else { Leaving }));
    let observed = seen(vec![tasks(&listed, 3)], &ALL);
    let plan = Clock::start().after(0, &leaving(&[3, 4, 5]), &observed);
    let going: Vec<Going> = plan.leavers.iter().map(|leaver| leaver.going).collect();
    assert_eq!(going, [Going::Back, Going::ForGood, Going::ForGood]);
}

/// The service was set to one member and then to four, while the third place was empty:
/// as many places were to be filled as members left, and one of these had a higher number.
#[test]
fn one_whose_number_nobody_has_again_was_taken_for_one_that_comes_back() {
    let listed = [(1, Present), (2, Leaving), (4, Leaving), (5, Leaving)];
    let reports = |listed: &[_]| vec![tasks(listed, 4), announced(&[])];
    let observed = seen(reports(&listed), &[1, 2, 4, 5]);
    let plan = Clock::start().after(0, &leaving(&[2, 4, 5]), &observed);
    let going: Vec<Going> = plan.leavers.iter().map(|leaver| leaver.going).collect();
    assert_eq!(going, [Going::Back, Going::Back, Going::ForGood]);
    // Of two services nobody can tell which of them has the places to fill.
    let mut two = reports(&listed);
    two[0].sightings[0].member = Some(MemberId::Slot {
        service: "other".into(),
        slot: 1,
    });
    let plan = Clock::start().after(0, &leaving(&[2, 4, 5]), &seen(two, &[1, 2, 4, 5]));
    let unclear = |leaver: &Leaver| leaver.going == Going::Unclear;
    assert!(plan.leavers.iter().all(unclear), "{:?}", plan.leavers);
}

/// The task in the third place had no address yet, and the place counted as free.
#[test]
fn one_that_goes_was_taken_for_one_whose_task_had_no_address_yet() {
    let listed = [(1, Present), (2, Leaving), (3, Leaving), (4, Present)];
    let mut report = tasks(&listed, 3);
    let going = |report: &Report| {
        let observed = seen(vec![report.clone()], &[1, 2, 3, 4]);
        let plan = Clock::start().after(0, &leaving(&[2, 3]), &observed);
        let going = plan.leavers.iter().map(|leaver| leaver.going);
        going.collect::<Vec<Going>>()
    };
    assert_eq!(going(&report), [Going::Back, Going::ForGood]);
    report.coming = vec![slot(3)];
    assert_eq!(going(&report), [Going::ForGood, Going::Back]);
}

#[test]
fn whom_the_lists_do_not_know_leaves_all_the_same_when_it_says_so() {
    for docker in [Present, Absent, OutOfSight] {
        let mut listed: Vec<_> = [1, 2, 3, 4].map(|last| (last, Present)).into();
        if docker != Absent {
            listed.push((5, docker));
        }
        let reports = vec![tasks(&listed, 4), announced(&[(5, Leaving)])];
        opens(&leaving(&[5]), &seen(reports, &ALL));
    }
}

#[test]
fn the_time_that_is_left_follows_from_the_pace_so_far() {
    let mut clock = Clock::start();
    let mut told = |slots: u64| {
        let mut toy = leaving(&[5]);
        toy.0.leaves[0].holds = vec![format!("{slots} slots")];
        toy.0.leaves[0].progress = Some(Progress {
            unit: "slots",
            left: slots,
        });
        let plan = clock.after(2, &toy, &five(&[(5, Leaving)]));
        plan.leavers[0].left().unwrap()
    };
    assert_eq!(told(100), "100 slots left");
    assert_eq!(told(90), "90 slots left, about 18 s");
    assert_eq!(told(50), "50 slots left, about 4 s");
    // More came to it.
    assert_eq!(told(120), "120 slots left");
}

/// Sees a stranger at 9, and says that it has not joined.
struct Wary(Toy);

impl Planner for Wary {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let mut proposal = self.0.propose(situation);
        if situation.answers.contains_key(&ip(9)) {
            proposal.strangers.insert(ip(9));
            proposal.unity = Unity::apart("9 has not joined");
        }
        proposal
    }
}

/// On a network that two stacks share, the name server lists both stacks'
/// members under one name: nobody was ever in place, and nobody could leave.
#[test]
fn a_stranger_under_our_name_kept_everybody_from_being_in_place() {
    let mut observed = five(&[(5, Leaving)]);
    observed.reports[0] = dns(&[1, 2, 3, 4, 5, 9]);
    observed.answers.insert(ip(9), view(9, &[9]));
    let wary = Wary(leaving(&[5]));
    let mut mind = Mind::default();
    let mut last = None;
    for second in 0..4 {
        let limits = Limits::default();
        let context = Context::alone(Moment(std::time::Duration::from_secs(second)), &limits);
        let plan = mind.decide(&wary, &context, &observed);
        assert!(plan.settled);
        assert_eq!(plan.unity, Unity::apart("9 has not joined"));
        last = queue(&plan).pop();
    }
    assert_eq!(last, Some((5, None)));
}

/// The others hold one that has stopped to be alive for seconds, and the next one waited
/// for that, and its removal for the hold and the window.
#[test]
fn who_was_let_go_and_has_ended_is_neither_waited_for_nor_watched() {
    let seen_after = |how: Presence, quiet: bool| {
        let mut clock = Clock::start();
        let mut toy = leaving(&[5, 4]);
        toy.0.quiet = quiet;
        after_the_hold(&mut clock, &toy, &five(&[(4, Leaving), (5, Leaving)]));
        let mut toy = leaving(&[4]);
        toy.0.quiet = quiet;
        toy.0.departures = vec![crate::support::departed(5)];
        let mut gone = five(&[(4, Leaving), (5, how)]);
        gone.reports[0] = dns(&[1, 2, 3, 4]);
        gone.answers.remove(&ip(5));
        after_the_hold(&mut clock, &toy, &gone)
    };
    let plan = seen_after(Ended, true);
    assert_eq!(queue(&plan), [(4, None)]);
    let plan = seen_after(Ended, false);
    assert_eq!(queue(&plan), [(4, Some(Gate::Turn))]);
    let plan = seen_after(Stopping, true);
    assert_eq!(queue(&plan), [(4, Some(Gate::Turn))]);
    // And it is forgotten with the first look at that, where the task list says that
    // nobody comes back. One that is updated has the same node again in a moment.
    let mut clock = Clock::start();
    let mut toy = content();
    toy.0.departures = vec![crate::support::departed(5), crate::support::departed(4)];
    let gone = |how: Presence, tasks: Option<usize>| {
        let ends = announced(&[(4, how.clone()), (5, how)]);
        let mut reports = vec![dns(&[1, 2, 3]), ends];
        reports.extend(tasks.map(|desired| crate::support::docker(&[1, 2, 3], desired)));
        seen(reports, &[1, 2, 3])
    };
    assert_eq!(clock.after(1, &toy, &gone(Stopping, Some(3))).steps, []);
    for tasks in [None, Some(5)] {
        let plan = Clock::start().after(1, &toy, &gone(Ended, tasks));
        assert_eq!(plan.steps, [], "{tasks:?}");
    }
    let forget = |node: &str| step(1, Ask::Forget(node.into()));
    let both = [forget("n4"), forget("n5")];
    let plan = clock.after(1, &toy, &gone(Ended, Some(3)));
    assert_eq!(plan.steps, both);
    // Without one they are waited for, and not for each other.
    let mut clock = Clock::start();
    for _ in 0..10 {
        assert_eq!(clock.after(1, &toy, &gone(Ended, None)).steps, []);
    }
    assert_eq!(clock.after(1, &toy, &gone(Ended, None)).steps, both);
}

/// Where a member has to be out of the cluster before it stops, it is taken out once
/// everything else is done, and may stop when a look has shown that it is out.
#[test]
fn who_must_be_out_before_it_stops_is_taken_out_last() {
    let observed = five(&[(5, Leaving)]);
    let mut toy = leaving(&[5]);
    let out = step(1, Ask::Forget("n5".into()));
    toy.0.leaves[0].steps.clear();
    toy.0.leaves[0].last = vec![out.clone()];
    let mut clock = Clock::start();
    for _ in 0..2 {
        let plan = clock.after(1, &toy, &observed);
        assert_eq!(plan.steps, []);
        assert_eq!(queue(&plan), [(5, Some(Gate::Settled))]);
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [out]);
    assert_eq!(queue(&plan), [(5, Some(Gate::Settled))]);
    toy.0.leaves[0].last.clear();
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(queue(&plan), [(5, None)]);
}
