//! What is never done, whatever servers say: nothing is lost, begun twice, or waited for for ever.

use meshworker_core::{Gate, Release};

use super::*;

/// The controlling server and a copy, in these states.
fn pair(controlling: &str, copy: &str) -> String {
    status(&[
        ("controlling-1-t4sk", "db_controlling", controlling),
        ("copy-1-t4sk", "10.0.0.2", copy),
    ])
}

/// The same, controlled by the copy, whose name begins as only a chief's does in these tests.
fn switched() -> String {
    pair("running", "running")
        .replace(r#""controlling":true"#, r#""controlling":0"#)
        .replace(r#""controlling":false"#, r#""controlling":true"#)
        .replace(r#""controlling":0"#, r#""controlling":false"#)
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn one_that_this_worker_took_out_is_thrown_away_only_as_the_same_one_and_in_no_cluster() {
    let world = |code, said: &str, was: &str| {
        let world = World::default().says(1, true, 200, &status(ALONE));
        let mut world = world.says(2, true, code, said);
        if let Some(Ok(view)) = world.answers.get_mut(&at(2)) {
            view.detail.taken_out = Some(was.to_owned());
        }
        let proposal = world.proposal();
        assert!(proposal.steps.is_empty(), "{:?}", proposal.steps);
        proposal.departures.len()
    };
    assert_eq!(world(400, "not replicated", "copy-1-t4sk"), 1);
    assert_eq!(world(400, "not replicated", "copy-1-0ld"), 0);
    // A short list of the controlling server is no reason.
    let stale = pair("running", "running");
    assert_eq!(world(200, &stale, "copy-1-t4sk"), 0);
    assert_eq!(world(500, "oh", "copy-1-t4sk"), 0);
}

#[test]
fn what_only_sounds_as_if_it_was_taken_out_is_kept() {
    for (code, said) in [
        (500, "it was removed from its cluster"),
        (400, "the lock could not be removed"),
        (400, "index spogi was removed"),
        (400, "it was not removed from its cluster"),
    ] {
        let world = World::default().says(1, true, 200, &status(ALONE));
        let proposal = world.says(2, true, code, said).proposal();
        assert!(proposal.departures.is_empty(), "{code} {said}");
        assert_eq!(proposal.refusals.len(), 1, "{code} {said}");
    }
}

#[test]
fn that_there_was_a_cluster_outlives_the_worker_and_an_order_names_who_begins_anew() {
    let begun = World::default().says(1, true, 200, &status(ALONE));
    let born = begun.proposal().born;
    assert_eq!(born.as_deref(), Some("controlling-1-t4sk"));
    let away = World::default().says(2, true, 200, &pair("unreachable", "running"));
    assert_eq!(away.proposal().born, born);
    let world = || World {
        born: born.clone(),
        ..World::default().empty(1).empty(2)
    };
    let (steps, told) = world().plan();
    assert!(
        steps.is_empty() && told.contains("begin=controlling-1-t4sk"),
        "{told}"
    );
    let ordered = world().wishing("begin", "controlling-1-t4sk");
    assert_eq!(ordered.plan().0, [CREATE]);
    // That was another container.
    let before = world().wishing("begin", "controlling-1-0ld");
    assert!(before.plan().0.is_empty());
}

#[test]
fn nobody_begins_beside_one_whom_only_a_name_server_names() {
    let denied = Err(Unanswered::Denied("not shown the password".into()));
    let mut world = World::default().empty(1);
    world.unvouched.insert(at(2));
    let world = world.member(2, Presence::Present, denied);
    let plan = world.decided();
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
}

#[test]
fn data_goes_to_nobody_whom_only_a_name_server_names() {
    let mut world = World::default().says(1, true, 200, &status(ALONE)).empty(2);
    world.unvouched.insert(at(2));
    let (steps, told) = world.plan();
    assert!(
        steps.is_empty() && told.contains("only a name server names it"),
        "{steps:?} {told}"
    );
}

#[test]
fn a_copy_that_controls_the_others_is_held_and_gives_the_control_back() {
    let all = switched();
    let world =
        World::default()
            .says(1, true, 200, &all)
            .going(2, true, 200, &all, Presence::Leaving);
    let proposal = world.proposal();
    let [leave] = &proposal.leaves[..] else {
        panic!("{:?}", proposal.leaves);
    };
    assert!(leave.last.is_empty() && leave.holds[0].contains("no volumes"));
    let back = "10.0.0.2: repl/controllingInstance instanceName=controlling-1-t4sk";
    assert_eq!(texts(&leave.steps), [back]);
    let plan = world.decided();
    assert_eq!(texts(&plan.steps), [back]);
    assert!(!plan.leavers[0].release.is_granted());
    // To one that has no data yet it gives nothing.
    let alone = status(&[("controlling-x", "10.0.0.2", "running")]);
    let world = World::default()
        .empty(1)
        .going(2, true, 200, &alone, Presence::Leaving);
    let leave = &world.proposal().leaves[0];
    assert!(leave.steps.is_empty() && leave.holds.len() == 1);
}

#[test]
fn one_of_the_service_that_controls_comes_back_and_is_not_taken_out() {
    let all = switched();
    let world = World::default()
        .going(1, true, 200, &all, Presence::Leaving)
        .says(2, true, 200, &all);
    let leave = &world.proposal().leaves[0];
    assert_eq!((leave.holds.len(), leave.last.len()), (0, 0));
    assert!(world.decided().leavers[0].release.is_granted());
    // Nor when it is away, unless an operator says so.
    let away = all.replacen("running", "unreachable", 1);
    let mut world = World::default().says(2, true, 200, &away);
    let gone = &world.proposal().departures[0];
    assert_eq!(gone.node, "controlling-1-t4sk");
    assert!(gone.objections[0].to_string().contains("only an order"));
    world.forget.insert("controlling-1-t4sk".into());
    assert!(world.proposal().departures[0].objections.is_empty());
}

#[test]
fn a_copy_goes_while_another_one_is_copied_or_not_yet_in() {
    let copying = [
        ALONE,
        &[
            ("copy-1-t4sk", "10.0.0.2", "running"),
            ("copy-2-t4sk", "10.0.0.3", "copying"),
        ],
    ];
    let all = status(&copying.concat());
    let world = World::default()
        .says(1, true, 200, &all)
        .going(2, true, 200, &all, Presence::Leaving)
        .empty(3)
        .empty(4);
    let plan = world.decided();
    assert_eq!(
        texts(&plan.steps),
        ["10.0.0.1: repl/remove instanceName=copy-1-t4sk"]
    );
    assert!(
        matches!(&plan.leavers[0].release, Release::Held { gate, seen }
            if *gate == Gate::Settled && seen.contains("taken out of the cluster first")),
        "{:?}",
        plan.leavers
    );
}

#[test]
fn a_copy_goes_that_gets_its_data_or_says_nothing_of_the_others() {
    let goes = |chief: &str, own: Option<&str>| {
        let world = World::default().says(1, true, 200, chief);
        let world = match own {
            Some(own) => world.going(2, true, 200, own, Presence::Leaving),
            None => world.going(2, false, 404, "none", Presence::Leaving),
        };
        texts(&world.decided().steps)
    };
    let remove = ["10.0.0.1: repl/remove instanceName=copy-1-t4sk"];
    assert_eq!(goes(&pair("running", "copying"), None), remove);
    assert_eq!(goes(&pair("running", "copying"), Some("{}")), remove);
    let idle = pair("Running (idle)", "Running (idle)");
    assert_eq!(goes(&idle, Some(&idle)), remove);
    let unsaid = pair("", "");
    assert_eq!(goes(&unsaid, Some(&unsaid)), remove);
    // What one was given that does not reach the others may be nowhere else.
    let cut = pair("unreachable", "running");
    assert!(goes(&pair("running", "running"), Some(&cut)).is_empty());
}

#[test]
fn nobody_takes_over_who_is_not_whole_or_while_nobody_says_that_the_other_is_lost() {
    let plan = |state: &str, lost: &str| {
        let world = World::default().says(2, true, 200, &pair("unreachable", state));
        let world = world.wishing("primary", "db_copy.1").wishing("lost", lost);
        world.plan()
    };
    let (steps, told) = plan("running", "controlling-1-0ld");
    assert!(
        steps.is_empty() && told.contains("lost=controlling-1-t4sk"),
        "{steps:?} {told}"
    );
    for state in ["copying", "failed", "stopped"] {
        let (steps, told) = plan(state, "controlling-1-t4sk");
        assert!(steps.is_empty() && told.contains("copied yet"), "{told}");
    }
    assert_eq!(
        plan("running", "controlling-1-t4sk").0,
        ["10.0.0.2: repl/controllingInstance instanceName=copy-1-t4sk"]
    );
}

#[test]
fn nobody_waits_for_one_without_data_while_the_controlling_one_is_away() {
    let world = World::default()
        .says(2, true, 200, &pair("unreachable", "running"))
        .going(3, false, 404, "none", Presence::Leaving);
    let proposal = world.proposal();
    assert!(proposal.leaves.is_empty() && proposal.outsiders.contains(&at(3)));
}

#[test]
fn one_that_was_taken_out_is_not_the_chief_because_a_name_leads_to_it() {
    let world = World::default().says(2, true, 200, &status(ALONE)).empty(3);
    let proposal = world.proposal();
    assert!(proposal.steps.is_empty() && proposal.departures.is_empty());
    let told = texts(&proposal.refusals).join("\n");
    assert!(told.contains("is waited for"), "{told}");
}

#[test]
fn the_copy_of_another_task_at_the_same_address_is_taken_out() {
    let all = [ALONE, &[("copy-1-0ld", "10.0.0.2", "copying")]].concat();
    let proposal = World::default()
        .says(1, true, 200, &status(&all))
        .empty(2)
        .proposal();
    assert!(proposal.steps.is_empty());
    let [gone] = &proposal.departures[..] else {
        panic!("{:?}", proposal.departures);
    };
    assert_eq!(
        (gone.node.as_str(), gone.objections.len()),
        ("copy-1-0ld", 0)
    );
    // One that somebody else named may be this one's.
    let all = [ALONE, &[("mine", "10.0.0.2", "copying")]].concat();
    let proposal = World::default()
        .says(1, true, 200, &status(&all))
        .empty(2)
        .proposal();
    assert!(proposal.departures.is_empty());
    let told = texts(&proposal.refusals).join("\n");
    assert!(told.contains("by no request of this worker"), "{told}");
}

#[test]
fn a_request_that_is_open_is_a_copy_under_way_whether_listed_or_not() {
    let all = [ALONE, &[("copy-1-t4sk", "10.0.0.2", "")]].concat();
    let all = status(&all);
    let mut world = World::default()
        .says(1, true, 200, &all)
        .says(2, true, 200, &all)
        .empty(3);
    let (steps, _) = world.plan();
    assert_eq!(steps.len(), 1, "{steps:?}");
    if let Some(Ok(view)) = world.answers.get_mut(&at(1)) {
        view.detail.growing = vec![Grown {
            instance: "copy-1-t4sk".into(),
            to: at(2),
            open: true,
            refused: None,
        }];
    }
    let proposal = world.proposal();
    assert!(proposal.steps.is_empty());
    assert_eq!(
        proposal.unity,
        Unity::apart("db_copy.1: its data is being copied")
    );
}
