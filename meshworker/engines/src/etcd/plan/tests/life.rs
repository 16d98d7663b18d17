//! As many voters as are wished for, one step at a time.

use super::*;

fn remove(n: u8, kind: StepKind) -> Step<EtcdRequest> {
    ask(Act::Remove(id(n)), kind)
}

#[test]
fn a_cluster_that_is_as_it_should_be_is_left_alone() {
    for voters in [&[1][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
        assert_eq!(Scene::of(voters).propose(), nothing(voters.len()));
    }
    assert_eq!(Scene::of(&[1, 2, 3]).spares(&[4]).propose(), nothing(3));
}

/// One learner after another, of the lowest slots, and started by the list as it is then.
#[test]
fn it_grows_by_one_learner_at_a_time() {
    let mut scene = Scene::of(&[1]).spares(&[2, 3]);
    let expected = Proposal {
        steps: vec![let_in(2)],
        ..missing("1 vote, and 3 are to: db.2 is let in")
    };
    assert_eq!(scene.propose(), expected);
    scene.learner = Some((2, false));
    let joins = [
        "--initial-advertise-peer-urls=http://etcd-2.mesh:2380",
        "--initial-cluster=1a=http://etcd-1.mesh:2380,etcd-2=http://etcd-2.mesh:2380",
        "--initial-cluster-state=existing",
    ];
    let expected = Proposal {
        nominations: vec![tell(2, start(2, &joins))],
        ..missing("2a was let in and does not run yet")
    };
    assert_eq!(scene.propose(), expected);
    // It runs, and has next to nothing yet.
    scene.waits.remove(&2);
    scene.learner = Some((2, true));
    scene.answers.insert(2);
    scene.change = |n, view| {
        if n == 2 {
            view.detail.index = 3999;
        }
    };
    let behind = missing("etcd-2 has no vote yet, and is 1001 entries behind");
    assert_eq!(scene.propose(), behind);
    scene.change = |n, view| {
        if n == 2 {
            view.detail.index = 4000;
        }
    };
    let expected = Proposal {
        steps: vec![ask(Act::Promote(id(2)), StepKind::Join)],
        ..missing("etcd-2 has no vote yet, and is 1000 entries behind")
    };
    assert_eq!(scene.propose(), expected);
}

#[test]
fn a_learner_that_is_not_there_or_not_needed_is_let_go() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[5]).wish("5");
    scene.desired = Some(5);
    scene.learner = Some((4, false));
    let expected = Proposal {
        steps: vec![remove(4, StepKind::Arrange)],
        ..missing("4a was let in and is not there, and is let go again")
    };
    assert_eq!(scene.propose(), expected);
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4]).wish("3");
    scene.learner = Some((4, false));
    let steps = scene.propose().steps;
    assert_eq!(steps, [remove(4, StepKind::Arrange)]);
}

/// Nothing grew any more: it was listed, and its slot waited with an empty disk.
#[test]
fn a_learner_that_had_lost_its_disk_was_waited_for_for_ever() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]).wish("5");
    scene.learner = Some((4, true));
    let expected = Proposal {
        steps: vec![remove(4, StepKind::Arrange)],
        ..missing("etcd-4 has lost its data, and is let go again")
    };
    assert_eq!(scene.propose(), expected);
}

/// It was waited for for ever, and nobody was let in beside it.
#[test]
fn a_learner_that_does_not_come_up_within_a_minute_makes_room_for_another_one() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]).wish("5");
    scene.learner = Some((4, false));
    assert_eq!(scene.propose().steps, []);
    scene.change = |_, view| view.detail.unchanged = true;
    let expected = [remove(4, StepKind::Arrange)];
    assert_eq!(scene.propose().steps, expected);
    // One that runs may take its time.
    scene.waits.remove(&4);
    scene.answers.insert(4);
    scene.learner = Some((4, true));
    let promoted = [ask(Act::Promote(id(4)), StepKind::Join)];
    assert_eq!(scene.propose().steps, promoted);
    // But not for ever: one that never got in step kept all others out.
    let mut never = Scene::of(&[1, 2, 3]).spares(&[5]).wish("5");
    never.desired = Some(5);
    never.learner = Some((4, true));
    never.answers.insert(4);
    never.change = |n, view| {
        view.detail.unchanged = true;
        view.detail.index = if n == 4 { 3000 } else { 5000 };
    };
    assert_eq!(never.propose().steps, []);
    never.change = |n, view| {
        view.detail.overdue = true;
        view.detail.index = if n == 4 { 3000 } else { 5000 };
    };
    let expected = Proposal {
        steps: vec![remove(4, StepKind::Arrange)],
        ..missing("etcd-4 is 2000 entries behind for too long, and is let go again")
    };
    assert_eq!(never.propose(), expected);
    // In step it may wait for as long as others have their turn.
    never.change = |_, view| view.detail.overdue = true;
    assert_eq!(never.propose().steps, promoted);
    // The next one is another one, and the one that failed longest ago after that.
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]).wish("5");
    scene.change = |_, view| view.detail.in_vain = vec!["http://etcd-4.mesh:2380".into()];
    assert_eq!(scene.propose().steps, [let_in(5)]);
    scene.change = |_, view| {
        view.detail.in_vain = [5, 4].map(|n| format!("http://etcd-{n}.mesh:2380")).into();
    };
    assert_eq!(scene.propose().steps, [let_in(5)]);
}

/// The fifth never came: a vote more was needed, and no more could be lost.
#[test]
fn nobody_rests_at_an_even_number() {
    let mut scene = Scene::of(&[1, 2, 3, 4]).wish("5");
    scene.desired = Some(5);
    let waits = missing("4 vote, and 5 are to: too few volunteer");
    assert_eq!(scene.propose(), waits);
    scene.change = |_, view| view.detail.unchanged = true;
    let expected = Proposal {
        steps: vec![remove(4, StepKind::Arrange)],
        ..missing("4 vote, and 3 are to: etcd-4 goes")
    };
    assert_eq!(scene.propose(), expected);
    // Without Docker's list nobody says how many there are to be.
    scene.wishes = Wishes::none();
    scene.desired = None;
    assert_eq!(scene.propose(), expected);
    // The one that was let go volunteers, and there is no pair for it.
    let mut three = Scene::of(&[1, 2, 3]).spares(&[4]).wish("5");
    three.desired = Some(5);
    three.change = |_, view| view.detail.unchanged = true;
    assert_eq!(three.propose().steps, []);
    // Where there is a fifth one it is let in instead.
    let five = scene.spares(&[5]);
    assert_eq!(five.propose().steps, [let_in(5)]);
}

/// A node was lost for longer than a minute, and the second copy of all data was let go.
#[test]
fn of_two_nobody_goes_by_itself() {
    let mut scene = Scene::of(&[1, 2]).wish("3");
    scene.desired = Some(3);
    scene.change = |_, view| view.detail.unchanged = true;
    let waits = missing("2 vote, and 3 are to: too few volunteer");
    assert_eq!(scene.propose(), waits);
}

#[test]
fn a_node_without_a_voter_comes_before_one_that_has_one() {
    let mut scene = Scene::of(&[1]).spares(&[2, 3]);
    scene.hosts = [(1, "a"), (2, "a"), (3, "b")].into();
    assert_eq!(scene.propose().steps, [let_in(3)]);
    // And of several on a node one goes first.
    let mut scene = Scene::of(&[1, 2, 3, 4, 5]).wish("3");
    scene.hosts = [(1, "a"), (2, "b"), (3, "b"), (4, "c"), (5, "d")].into();
    assert_eq!(scene.propose().steps, [remove(3, StepKind::Arrange)]);
}

/// The one that leads is never the first to go.
#[test]
fn it_shrinks_from_the_highest_slot_and_keeps_its_leader() {
    let mut scene = Scene::of(&[1, 2, 3, 4, 5]).wish("3");
    let expected = Proposal {
        steps: vec![remove(5, StepKind::Arrange)],
        ..missing("5 vote, and 3 are to: etcd-5 goes")
    };
    assert_eq!(scene.propose(), expected);
    scene.leader = Some(5);
    let step = scene.propose().steps.remove(0);
    assert_eq!((step.to, step.request.act), (at(5), Act::Remove(id(4))));
    // An even number is never rested at.
    let four = Scene::of(&[1, 2, 3, 4]).wish("3");
    assert_eq!(four.propose().steps, [remove(4, StepKind::Arrange)]);
}

/// A mere loss of sight made one shrink itself.
#[test]
fn while_nobody_says_how_many_there_are_to_be_nobody_is_taken_out() {
    let mut scene = Scene::of(&[1, 2, 3, 4, 5]);
    scene.desired = None;
    assert_eq!(scene.propose(), nothing(5));
    scene.wishes = Wishes::none().with("ideal-size", "3");
    assert_eq!(scene.propose().steps, [remove(5, StepKind::Arrange)]);
    // One is started anew: its slot is wished for as before.
    let mut restarted = Scene::of(&[1, 2, 3]);
    restarted.answers.remove(&3);
    restarted.tasks = Some(vec![1, 2]);
    let proposal = restarted.propose();
    assert_eq!((proposal.steps, proposal.departures), (vec![], vec![]));
}

#[test]
fn nobody_is_added_or_taken_out_before_all_have_been_connected_for_5_s() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    scene.fresh = [3].into();
    let why = "3 vote, and 5 are to: db.4 is let in; etcd-1 has not been connected with etcd-3 \
               for 5 s";
    assert_eq!(scene.propose(), missing(why));
    scene.fresh.clear();
    assert_eq!(scene.propose().steps, [let_in(4)]);
}

/// Its task runs elsewhere with a new disk: the old member goes first.
#[test]
fn the_dead_are_removed_before_they_are_replaced() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.answers.remove(&3);
    scene.waits.insert(3, promised(u64::MAX, "c1"));
    let proposal = scene.propose();
    assert_eq!((&proposal.steps, &proposal.nominations), (&vec![], &vec![]));
    let [gone] = &proposal.departures[..] else {
        panic!("{proposal:?}");
    };
    assert_eq!(
        (&gone.node, gone.address, &gone.objections),
        (&id(3), Some(at(3)), &vec![])
    );
    assert_eq!(gone.steps, [remove(3, StepKind::Forget)]);
    // Nor is anybody else let in beside it.
    let mut others = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    others.answers.remove(&3);
    others.waits.insert(3, promised(u64::MAX, "c1"));
    let why = "3 vote, and 5 are to: db.4 is let in; etcd-3 does not answer";
    assert_eq!(others.propose().unity, Unity::apart(why));
    assert_eq!(others.propose().steps, []);
    // Somebody who is connected with it objects.
    scene.change = |n, view| {
        if n == 2 {
            view.detail.connected.insert(id(3), true);
        }
    };
    assert_eq!(scene.propose().departures[0].objections.len(), 1);
}

#[test]
fn one_more_volunteer_than_there_are_pairs_makes_no_even_number() {
    let four = Scene::of(&[1, 2, 3]).spares(&[4]);
    assert_eq!(four.propose(), nothing(3));
    let mut wished = Scene::of(&[1, 2, 3]).spares(&[4]).wish("5");
    let said = "not done: change the number of voters: 5 voters are wished for and there are 4 \
                replicas: 3 of them vote";
    let proposal = wished.propose();
    assert_eq!(
        (proposal.steps, proposal.unity),
        (vec![], Unity::One { size: 3 })
    );
    assert!(refusals(&wished.propose())[0].contains(&said[said.len() - 60..]));
    // The fifth replica has not come up yet.
    wished.desired = Some(5);
    assert_eq!(
        wished.propose(),
        missing("3 vote, and 5 are to: too few volunteer")
    );
}

#[test]
fn a_size_that_cannot_be_is_refused_with_the_reason_and_changes_nothing() {
    for size in ["4", "0", "many"] {
        let scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]).wish(size);
        let mut scene = scene;
        scene.rules.ideal = Some(3);
        let proposal = scene.propose();
        assert_eq!(proposal.steps, [], "{size}");
        assert!(refusals(&proposal)[0].contains(&format!("ideal-size '{size}'")));
    }
}

#[test]
fn the_key_in_etcd_counts_where_nobody_ordered_anything() {
    let mut scene = Scene::of(&[1, 2, 3, 4, 5]);
    scene.change = |_, view| view.detail.wish = Some("3".into());
    assert_eq!(scene.propose().steps, [remove(5, StepKind::Arrange)]);
    let scene = scene.wish("5");
    assert_eq!(scene.propose(), nothing(5));
}

/// Swarm kept a place for a task that fitted on no node, and two spares waited for ever.
#[test]
fn a_dead_voter_was_kept_for_a_task_that_never_came() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4]);
    scene.answers.remove(&3);
    scene.tasks = Some(vec![1, 2, 4]);
    // For a minute it is waited for.
    assert_eq!(scene.propose().departures, []);
    scene.change = |_, view| view.detail.away = [id(3)].into();
    let departures = scene.propose().departures;
    let gone: Vec<&str> = departures.iter().map(|gone| &*gone.node).collect();
    assert_eq!(gone, ["3a"]);
    // Where nobody waits in its place nothing is won by that.
    scene.waits.clear();
    scene.tasks = Some(vec![1, 2]);
    scene.desired = Some(3);
    assert_eq!(scene.propose().departures, []);
}
