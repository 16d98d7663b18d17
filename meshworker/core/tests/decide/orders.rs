//! What an operator orders: less than everything, or more than the witnesses
//! allow, and never more than the database allows.

use std::collections::BTreeMap;

use meshworker_core::{
    Gate, Grade, Objection, Observation, Plan, Presence, Reason, Release, Report, Standing,
    StepKind, Witness,
};

use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, docker, ip, leave, says, seen, slot, step,
};

/// A database that wants to take in 3, let 2 go and forget 4.
fn busy() -> Toy {
    let mut toy = content();
    toy.0.steps = vec![step(1, Ask::Join(ip(3)))];
    toy.0.leaves = vec![leave(2)];
    toy.0.departures = vec![departed(4)];
    toy
}

fn world() -> Observation<()> {
    let announced = announced(&[(2, Presence::Leaving)]);
    seen(vec![dns(&[1, 2, 3]), announced], &[1, 2, 3])
}

/// The plan once every hold is over.
fn settled(clock: &mut Clock, toy: &Toy, observed: &Observation<()>) -> Plan<Ask> {
    let mut plan = clock.after(0, toy, observed);
    let mut kinds: Vec<StepKind> = Vec::new();
    for _ in 0..60 {
        kinds.extend(plan.steps.iter().map(|step| kind(&step.request)));
        plan = clock.after(1, toy, observed);
    }
    kinds.sort();
    kinds.dedup();
    plan.steps
        .retain(|step| !kinds.contains(&kind(&step.request)));
    plan.steps
        .extend(kinds.into_iter().map(|kind| step(0, example(kind))));
    plan
}

fn kind(ask: &Ask) -> StepKind {
    meshworker_core::Request::kind(ask)
}

/// One request of each kind stands for all of them.
fn example(kind: StepKind) -> Ask {
    match kind {
        StepKind::Join | StepKind::Arrange | StepKind::Succeed => Ask::Join(ip(0)),
        StepKind::Leave => Ask::HandOver,
        StepKind::Forget => Ask::Tidy,
    }
}

fn done(plan: &Plan<Ask>) -> Vec<StepKind> {
    plan.steps.iter().map(|step| kind(&step.request)).collect()
}

fn refused(plan: &Plan<Ask>, kind: &str) -> Vec<String> {
    let refusals = plan.refusals.iter();
    let refusals = refusals.filter(|refusal| refusal.reason.kind() == kind);
    refusals.map(|refusal| refusal.what.clone()).collect()
}

fn release(plan: &Plan<Ask>) -> &Release {
    &plan.leavers[0].release
}

#[test]
fn without_orders_all_of_it_is_done() {
    let plan = settled(&mut Clock::start(), &busy(), &world());
    assert_eq!(
        done(&plan),
        [StepKind::Join, StepKind::Leave, StepKind::Forget]
    );
    assert_eq!(release(&plan), &Release::Granted);
}

#[test]
fn a_held_cluster_is_left_alone_and_every_refusal_says_why() {
    let mut clock = Clock::start();
    clock.orders.hold = Some("a restore is under way".into());
    let plan = settled(&mut clock, &busy(), &world());
    assert_eq!(done(&plan), []);
    assert_eq!(
        refused(&plan, "on_hold"),
        [
            "forget n4",
            "10.0.0.1: join 10.0.0.3",
            "10.0.0.2: hand over"
        ]
    );
    let on_hold = plan.refusals.iter().find(|r| r.reason.kind() == "on_hold");
    assert_eq!(
        on_hold.unwrap().reason.to_string(),
        "an operator holds it: a restore is under way"
    );
    assert_eq!(
        release(&plan),
        &Release::Held {
            gate: Gate::Turn,
            seen: "an operator holds it: a restore is under way".into()
        }
    );
}

#[test]
fn a_held_member_is_left_alone_and_the_others_are_not() {
    for (held, left) in [
        ("10.0.0.3", vec![StepKind::Leave, StepKind::Forget]),
        ("10.0.0.4", vec![StepKind::Join, StepKind::Leave]),
        ("n4", vec![StepKind::Join, StepKind::Leave]),
        ("10.0.0.2", vec![StepKind::Join, StepKind::Forget]),
        ("db.2", vec![StepKind::Join, StepKind::Forget]),
    ] {
        let mut clock = Clock::start();
        clock.orders.held.insert(held.into(), "look at it".into());
        let plan = settled(&mut clock, &busy(), &world());
        assert_eq!(done(&plan), left, "{held}");
        let waits = !left.contains(&StepKind::Leave);
        assert_eq!(!release(&plan).is_granted(), waits, "{held}");
    }
}

/// Nobody can be saved by waiting, and the operator removes the stack himself.
#[test]
fn a_hold_does_not_keep_a_removed_stack() {
    let mut clock = Clock::start();
    clock.orders.hold = Some("why".into());
    let mut toy = content();
    toy.0.leaves = vec![leave(1), leave(2)];
    let all = [(1, Presence::Leaving), (2, Presence::Leaving)];
    let observed = seen(vec![announced(&all)], &[1, 2]);
    let plan = settled(&mut clock, &toy, &observed);
    assert!(
        plan.leavers
            .iter()
            .all(|leaver| leaver.release.is_granted())
    );
}

#[test]
fn without_removals_members_join_and_leave_and_nobody_is_forgotten() {
    let mut clock = Clock::start();
    clock.orders.no_removals = true;
    let mut toy = busy();
    toy.0.cleanup = vec![step(1, Ask::Tidy)];
    let plan = settled(&mut clock, &toy, &world());
    assert_eq!(done(&plan), [StepKind::Join, StepKind::Leave]);
    assert_eq!(refused(&plan, "removals_off"), ["forget n4"]);
}

#[test]
fn a_dry_run_lets_nobody_go_not_even_all_of_them() {
    let mut clock = Clock::start();
    clock.orders.dry_run = true;
    let mut toy = content();
    toy.0.leaves = vec![leave(1), leave(2)];
    let all = [(1, Presence::Leaving), (2, Presence::Leaving)];
    let observed = seen(vec![announced(&all)], &[1, 2]);
    let plan = settled(&mut clock, &toy, &observed);
    assert!(
        plan.leavers
            .iter()
            .all(|leaver| !leaver.release.is_granted())
    );
    let plan = settled(&mut clock, &busy(), &world());
    assert!(!release(&plan).is_granted());
}

/// A database that remembers 4 and 5 to 9, seen by 1 to 3.
fn many_gone() -> Toy {
    let mut toy = content();
    toy.0.departures = (4..=9).map(departed).collect();
    toy
}

#[test]
fn an_operators_word_stands_for_the_witnesses() {
    let node_down = says(
        Witness::Docker,
        &[
            (1, Presence::Present),
            (2, Presence::Present),
            (3, Presence::Present),
            (4, Presence::OutOfSight),
        ],
        None,
    );
    let failing = Report::unknown(Witness::Dns, Grade::ServFail);
    for reports in [vec![dns(&[1, 2, 3]), node_down], vec![failing]] {
        let mut observed = seen(reports, &[1, 2, 3]);
        observed.answers.retain(|address, _| *address != ip(4));
        for who in ["n4", "10.0.0.4"] {
            let mut clock = Clock::start();
            let toy = many_gone();
            let plan = clock.after(1, &toy, &observed);
            assert_eq!(plan.steps, [], "{plan:?}");
            clock.orders.forget.insert(who.into());
            let plan = clock.after(1, &toy, &observed);
            assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))], "{plan:?}");
        }
    }
}

#[test]
fn an_operators_word_does_not_stand_against_the_database_or_a_witness_that_sees_it() {
    let mut alive = many_gone();
    alive.0.departures[0].objections = vec![Objection::AliveTo {
        node: "n1".into(),
        said: "alive".into(),
    }];
    let mut holds = many_gone();
    holds.0.departures[0].objections = vec![Objection::HoldsData("7 slots".into())];
    let mut working = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    if let Some(Ok(view)) = working.answers.get_mut(&ip(1)) {
        view.working = Some("moves".into());
    }
    let all = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    for (toy, observed, gate) in [
        (&alive, &all, Gate::MembersAgree),
        (&holds, &all, Gate::DataSafe),
        (&many_gone(), &working, Gate::AtRest),
        (
            &many_gone(),
            &seen(vec![docker(&[1, 2, 3, 4], 4)], &[1, 2, 3]),
            Gate::WitnessesAgree,
        ),
    ] {
        let mut clock = Clock::start();
        clock.orders.forget.insert("n4".into());
        let plan = clock.after(1, toy, observed);
        assert_eq!(plan.steps, [], "{gate:?}");
        let closed = plan.refusals.iter().find(|r| r.what == "forget n4");
        assert!(
            matches!(&closed.unwrap().reason, Reason::Closed(closed) if closed.gate == gate),
            "{gate:?}: {closed:?}"
        );
    }
}

/// A member that was drained on an operator's order goes on running, and nobody else
/// was let go until somebody had stopped it.
#[test]
fn a_drained_member_that_goes_on_running_kept_everybody_waiting() {
    let all = [1, 2, 3, 4, 5];
    let mut toy = content();
    toy.0.leaves = vec![leave(5), leave(4)];
    let mut going = announced(&[(4, Presence::Leaving), (5, Presence::Present)]);
    let observed = seen(vec![dns(&all), going.clone()], &all);
    let queue = |plan: &Plan<Ask>| {
        let leavers = plan.leavers.iter();
        let queue = leavers.map(|leaver| (leaver.address, leaver.release.is_granted()));
        queue.collect::<Vec<_>>()
    };
    let mut clock = Clock::start();
    clock.orders.drains.insert("db.5".into(), String::new());
    clock.orders.leave.insert(ip(5), slot(5));
    let first = clock.after(1, &toy, &observed);
    // What the second one has is moved in its turn.
    assert_eq!(first.steps, [step(5, Ask::HandOver)]);
    for _ in 0..20 {
        clock.after(1, &toy, &observed);
    }
    let plan = clock.after(1, &toy, &observed);
    // Its own word waits meanwhile: it may be stopped when that one has.
    assert_eq!(queue(&plan), [(ip(5), false), (ip(4), true)]);
    // Without an order it is waited for, until its patience is over.
    going.sightings[1].presence = Presence::Leaving;
    let observed = seen(vec![dns(&all), going], &all);
    let mut clock = Clock::start();
    for _ in 0..20 {
        clock.after(1, &toy, &observed);
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(queue(&plan), [(ip(5), true), (ip(4), false)]);
}

/// All were granted without a gate, as if the stack was removed, and said to hold nothing alone.
#[test]
fn whoever_was_drained_with_all_others_was_let_go_with_what_it_held() {
    let all = [1, 2, 3];
    let mut toy = content();
    toy.0.leaves = all.map(leave).to_vec();
    let run = |drained: &[u8], own: Presence| {
        let observed = seen(
            vec![dns(&all), announced(&all.map(|last| (last, own.clone())))],
            &all,
        );
        let mut clock = Clock::start();
        for last in all {
            clock.orders.leave.insert(ip(last), slot(last.into()));
        }
        clock.orders.drains.extend(
            drained
                .iter()
                .map(|last| (format!("db.{last}"), String::new())),
        );
        let mut plan = clock.after(1, &toy, &observed);
        for _ in 0..40 {
            plan = clock.after(1, &toy, &observed);
        }
        plan.leavers
            .iter()
            .all(|leaver| leaver.release.is_granted())
    };
    assert!(!run(&all, Presence::Present));
    assert!(
        !run(&[1], Presence::Present),
        "it is the only one that stays"
    );
    // A service that is scaled to none, and a stack that is removed meanwhile, go.
    assert!(run(&[], Presence::Present));
    assert!(run(&all, Presence::Leaving));
}

/// Whoever had the address next within five seconds was ordered to leave as well.
#[test]
fn an_order_was_for_whoever_had_the_address_next() {
    let leave = BTreeMap::from([(ip(3), slot(7)), (ip(4), slot(4)), (ip(5), slot(5))]);
    let says = announced(&[(3, Presence::Present), (4, Presence::Present)]);
    let observed = seen(vec![dns(&[3, 4, 5]), says], &[3, 4, 5]);
    let roster = observed.roster().ordered_away(&leave);
    let ordered = roster.members().iter().filter(|member| member.ordered);
    let ordered: Vec<_> = ordered.map(|member| member.address).collect();
    // Of the last one no witness knows who it is.
    assert_eq!(ordered, [ip(4), ip(5)]);
}

/// An order was told as if the member itself had said that it leaves.
#[test]
fn whom_an_operator_orders_to_leave_leaves_and_its_own_word_stays_what_it_was() {
    let all = [1, 2, 3];
    let own = announced(&[(3, Presence::Present)]);
    let observed = seen(vec![dns(&all), own], &all);
    let mut clock = Clock::start();
    clock.orders.leave.insert(ip(3), slot(3));
    let roster = observed.roster().ordered_away(&clock.orders.leave);
    let member = roster.at(ip(3)).unwrap();
    assert_eq!(member.standing(), Standing::Leaving);
    assert!(member.is_patient());
    assert_eq!(member.seen[&Witness::Announce], Presence::Present);
    let mut toy = content();
    toy.0.leaves = vec![leave(3)];
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(3, Ask::HandOver)]);
    assert_eq!(plan.leavers.len(), 1);
    // It stops by now, and is waited for as such.
    let own = announced(&[(3, Presence::Stopping)]);
    let roster = seen(vec![dns(&all), own], &all)
        .roster()
        .ordered_away(&clock.orders.leave);
    assert!(!roster.at(ip(3)).unwrap().is_patient());
    // Taken back, it is a member as before.
    clock.orders.leave.clear();
    toy.0.leaves.clear();
    let plan = clock.after(1, &toy, &observed);
    assert_eq!((plan.steps.len(), plan.leavers.len()), (0, 0));
}
