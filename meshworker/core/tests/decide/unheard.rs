//! Members that are meant to go and give no view: each gets a verdict.

use meshworker_core::{
    Gate, Going, Leaver, Objection, Observation, Presence, Progress, Release, Report, Unanswered,
    Witness,
};

use Presence::{Leaving, Present};
use Unanswered::{Denied, Garbage, Starting, Timeout, Unreachable};

use crate::leaving::{after_the_hold, five, leaving, queue};
use crate::support::{
    Clock, announced, content, departed, dns, ip, leave, replica, seen, slot, tasks, view,
};

/// Five members, of which the last is meant to go and gives no view, and the
/// others do not hold it to be alive.
fn without_a_view(why: Unanswered) -> Observation<()> {
    let four = [1, 2, 3, 4];
    let mut observed = seen(
        vec![dns(&[1, 2, 3, 4, 5]), announced(&[(5, Leaving)])],
        &four,
    );
    observed.answers.insert(ip(5), Err(why));
    observed
}

/// The same, and the others hold it to be alive.
fn alive(why: Unanswered) -> Observation<()> {
    let mut observed = without_a_view(why);
    observed.answers.insert(ip(1), view(1, &[1, 2, 3, 4, 5]));
    observed
}

fn leaver(release: Release) -> Leaver {
    Leaver {
        member: slot(5),
        address: ip(5),
        node: String::new(),
        going: Going::Unclear,
        place: 1,
        progress: None,
        estimate: None,
        patient: true,
        release,
    }
}

fn held(seen: &str) -> Release {
    Release::Held {
        gate: Gate::MembersAnswer,
        seen: format!("it gives no view: {seen}"),
    }
}

#[test]
fn a_leaver_that_gave_no_view_got_no_verdict() {
    let starts = || Starting("LOADING".into());
    let refused = || Unreachable("refused".into());
    let cases = [
        (
            alive(starts()),
            "still starting: LOADING; the others know it: it is waited for until it has started",
        ),
        (
            alive(Timeout),
            "no answer before the deadline; a database that hangs is not mended by waiting: \
             stop it, or its grace period does",
        ),
        (
            without_a_view(Denied("WRONGPASS".into())),
            "credentials refused: WRONGPASS; waiting does not mend this: give worker and \
             members the same credentials",
        ),
        (
            without_a_view(Garbage("HTTP".into())),
            "not this database's answer: HTTP; waiting does not mend this: whatever answers \
             there is not the database",
        ),
        (
            alive(refused()),
            "unreachable: refused; a database that has ended is not mended by waiting: \
             stop it, or its grace period does",
        ),
    ];
    for (observed, seen) in cases {
        let mut clock = Clock::start();
        for _ in 0..60 {
            let plan = clock.after(10, &content(), &observed);
            assert_eq!(plan.leavers, [leaver(held(seen))]);
            assert_eq!(plan.steps, []);
            let told: Vec<_> = plan.refusals.iter().map(|r| r.what.as_str()).collect();
            assert_eq!(told, ["let db.5 go"]);
        }
    }
}

#[test]
fn a_leaver_that_never_came_up_waited_for_its_whole_grace() {
    for why in [Starting("LOADING".into()), Unreachable("refused".into())] {
        let plan = Clock::start().after(0, &content(), &without_a_view(why));
        assert_eq!(plan.leavers, [leaver(Release::Granted)]);
        assert_eq!((plan.steps, plan.refusals), (vec![], vec![]));
    }
}

#[test]
fn one_that_never_came_up_keeps_nobody_waiting() {
    let mut observed = without_a_view(Starting("LOADING".into()));
    observed.reports[1] = announced(&[(4, Leaving), (5, Leaving)]);
    let plan = after_the_hold(&mut Clock::start(), &leaving(&[4]), &observed);
    assert_eq!(queue(&plan), [(4, None), (5, None)]);
}

#[test]
fn nobody_tells_what_never_came_up_where_nobody_answers() {
    let mut observed = without_a_view(Unreachable("refused".into()));
    for last in [1, 2, 3, 4] {
        observed
            .answers
            .insert(ip(last), Err(Denied("WRONGPASS".into())));
    }
    let plan = after_the_hold(&mut Clock::start(), &content(), &observed);
    assert_eq!(queue(&plan), [(5, Some(Gate::MembersAnswer))]);
}

#[test]
fn whoever_comes_back_to_its_disk_goes_though_the_others_know_it() {
    let mut observed = alive(Starting("LOADING".into()));
    observed.reports[1].sightings.push(replica(5, 9, Present));
    let plan = Clock::start().after(0, &content(), &observed);
    assert_eq!(queue(&plan), [(5, None)]);
}

/// It loads what nobody else has, and its slot is not filled again.
#[test]
fn one_that_goes_for_good_is_waited_for_when_data_is_missed() {
    let listed = [1, 2, 3, 4, 5].map(|last| (last, if last < 5 { Present } else { Leaving }));
    let mut observed = without_a_view(Starting("LOADING".into()));
    observed.reports[0] = tasks(&listed, 4);
    let mut toy = content();
    toy.0.departures = vec![departed(7)];
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(queue(&plan), [(5, None)]);
    toy.0.departures[0].objections = vec![Objection::HoldsData("slots 0-5460".into())];
    let plan = Clock::start().after(0, &toy, &observed);
    let seen = "still starting: LOADING; nobody else has slots 0-5460: \
                it is waited for until it has started";
    assert_eq!(plan.leavers[0].release, held(seen));
}

#[test]
fn one_that_has_answered_in_its_place_has_been_up() {
    let mut clock = Clock::start();
    let all = seen(
        vec![dns(&[1, 2, 3, 4, 5]), announced(&[(5, Present)])],
        &[1, 2, 3, 4, 5],
    );
    clock.after(0, &content(), &all);
    let plan = clock.after(1, &content(), &without_a_view(Starting("LOADING".into())));
    assert_eq!(queue(&plan), [(5, Some(Gate::MembersAnswer))]);
    assert_eq!(plan.leavers[0].node, "n5");
}

#[test]
fn whoever_has_no_supervisor_is_told_of_while_somebody_answers_there() {
    let listed = [1, 2, 3, 4, 5].map(|last| (last, if last < 5 { Present } else { Leaving }));
    for (why, queued) in [(Denied("WRONGPASS".into()), 1), (Timeout, 0)] {
        let mut observed = without_a_view(why);
        observed.reports = vec![tasks(&listed, 5)];
        let plan = Clock::start().after(0, &content(), &observed);
        assert_eq!(plan.leavers.len(), queued, "{:?}", plan.leavers);
    }
}

#[test]
fn when_everybody_goes_those_without_a_view_go_too() {
    let gone = Report::unknown(Witness::Dns, meshworker_core::Grade::NxDomain);
    let says = announced(&[(1, Leaving), (2, Leaving)]);
    let mut observed = seen(vec![gone, says], &[1]);
    observed.answers.insert(ip(2), Err(Timeout));
    let mut toy = content();
    toy.0.leaves = vec![leave(1)];
    let plan = after_the_hold(&mut Clock::start(), &toy, &observed);
    assert_eq!(queue(&plan), [(1, None), (2, None)]);
}

/// A node that counts down from the largest number there is ended the worker.
#[test]
fn a_count_that_no_time_can_hold_ended_the_worker() {
    let mut clock = Clock::start();
    let mut told = |left: u64| {
        let mut toy = leaving(&[5]);
        let unit = "partitions";
        toy.0.leaves[0].progress = Some(Progress { unit, left });
        let plan = clock.after(3600, &toy, &five(&[(5, Leaving)]));
        plan.leavers[0].left().unwrap()
    };
    let most = u64::MAX;
    assert_eq!(told(most), format!("{most} partitions left"));
    assert_eq!(
        told(most - 2048),
        format!("{} partitions left", most - 2048)
    );
    assert_eq!(told(0), "0 partitions left, about 0 s");
}
