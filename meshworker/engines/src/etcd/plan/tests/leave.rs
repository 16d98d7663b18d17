//! Members that are meant to go.

use meshworker_core::Leave;

use super::*;

/// These leave, and their slots are filled again or not.
fn leaving(mut scene: Scene, slots: &[u8], comes_back: bool) -> Scene {
    scene.leaving.extend(slots);
    if !comes_back {
        scene.desired = scene.desired.map(|desired| desired - slots.len());
    }
    scene
}

fn leave(n: u8) -> Leave<EtcdRequest> {
    Leave::of(at(n), &id(n))
}

fn out(n: u8) -> Vec<Step<EtcdRequest>> {
    vec![ask(Act::Remove(id(n)), StepKind::Leave)]
}

#[test]
fn who_comes_back_is_let_go_and_stays_a_member() {
    let scene = leaving(Scene::of(&[1, 2, 3]), &[3], true);
    let expected = Proposal {
        leaves: vec![leave(3)],
        ..nothing(3)
    };
    assert_eq!(scene.propose(), expected);
}

#[test]
fn who_goes_for_good_is_taken_out_before_it_stops() {
    let scene = leaving(Scene::of(&[1, 2, 3, 4, 5]), &[5], false);
    let expected = Proposal {
        leaves: vec![Leave {
            last: out(5),
            ..leave(5)
        }],
        ..nothing(5)
    };
    assert_eq!(scene.propose(), expected);
}

/// Both were taken out in one pass.
#[test]
fn two_that_go_for_good_are_taken_out_one_after_the_other() {
    let scene = leaving(Scene::of(&[1, 2, 3]), &[2, 3], false);
    let expected = vec![
        Leave {
            last: out(2),
            ..leave(2)
        },
        Leave {
            holds: vec!["its vote, until 2a is taken out".into()],
            ..leave(3)
        },
    ];
    assert_eq!(scene.propose().leaves, expected);
}

/// One of two voters stopped while the third was taken out.
#[test]
fn while_one_is_taken_out_nobody_else_stops() {
    let mut scene = leaving(Scene::of(&[1, 2, 3]), &[3], false);
    scene.leaving.insert(2);
    scene.desired = Some(2);
    let leaves = scene.propose().leaves;
    let holds = leaves.iter().map(|leave| leave.holds.len());
    assert_eq!(
        (leaves[0].node.as_str(), holds.collect::<Vec<_>>()),
        ("2a", vec![1, 0])
    );
    assert_eq!(leaves[1].last, out(3));
}

/// Leadership goes to whoever has most of the log and stays; until then it holds it.
#[test]
fn the_leader_hands_over_first_and_is_the_last_to_go() {
    for comes_back in [true, false] {
        let mut scene = leaving(Scene::of(&[1, 2, 3]), &[1], comes_back);
        scene.change = |n, view| view.detail.index += u64::from(n);
        let expected = vec![Leave {
            holds: vec!["it leads the others".into()],
            steps: vec![ask(Act::MoveLeader(id(3)), StepKind::Leave)],
            ..leave(1)
        }];
        assert_eq!(scene.propose().leaves, expected);
    }
    let scene = leaving(Scene::of(&[1, 2, 3, 4, 5]), &[1, 5], true);
    let order = scene.propose().leaves.into_iter().map(|leave| leave.node);
    assert_eq!(order.collect::<Vec<_>>(), [id(5), id(1)]);
}

#[test]
fn nobody_goes_with_whom_the_quorum_would_go() {
    let mut scene = leaving(Scene::of(&[1, 2, 3]), &[3], true);
    scene.answers.remove(&2);
    scene.tasks = Some(vec![1, 2]);
    let held = |held: &str| {
        vec![Leave {
            holds: vec![held.into()],
            ..leave(3)
        }]
    };
    let why = "its vote: 1 of 3 voters would be there, and 2 are needed";
    assert_eq!(scene.propose().leaves, held(why));
    // Nor is it taken out, though it does not come back.
    scene.desired = Some(2);
    let why = "its vote: 1 of 2 voters would be there, and 2 are needed";
    assert_eq!(scene.propose().leaves, held(why));
}

/// The whole service is removed, or nobody knows: nobody is taken out.
#[test]
fn where_it_is_unclear_nobody_is_taken_out() {
    let mut scene = leaving(Scene::of(&[1, 2, 3]), &[1, 2, 3], false);
    let taken_out = |scene: &Scene| {
        let leaves = scene.propose().leaves;
        leaves.iter().map(|leave| leave.last.len()).sum::<usize>()
    };
    assert_eq!(taken_out(&scene), 0);
    scene.leaving = [3].into();
    scene.desired = None;
    assert_eq!(scene.propose().leaves, [leave(3)]);
}

/// Those that go for good have all votes: one that stays gets one first.
#[test]
fn the_votes_are_handed_on_before_all_that_have_one_are_taken_out() {
    let scene = leaving(Scene::of(&[3]).spares(&[1]), &[3], false);
    let proposal = scene.propose();
    let held = "its vote: none of the voters would stay".to_owned();
    assert_eq!(proposal.leaves[0].holds, [held]);
    let peer_url = "http://etcd-1.mesh:2380".to_owned();
    assert_eq!(proposal.steps[0].request.act, Act::AddLearner { peer_url });
}

/// While one is updated the others do not change places.
#[test]
fn while_one_comes_back_nobody_is_added() {
    let mut scene = leaving(Scene::of(&[1, 2, 3]).spares(&[4, 5]), &[3], true);
    scene.tasks = Some(vec![1, 2, 4, 5]);
    assert_eq!(scene.propose().steps, []);
    scene.leaving.clear();
    scene.tasks = None;
    assert_eq!(scene.propose().steps, [let_in(4)]);
}

/// Without the task list nobody knew that they went for good: the second one waited until its
/// grace was over, and with it the quorum was gone.
#[test]
fn of_three_two_went_at_once_and_took_the_quorum_with_them() {
    let mut scene = leaving(Scene::of(&[1, 2, 3]), &[2, 3], false);
    scene.desired = None;
    let expected = [
        Leave {
            last: out(2),
            ..leave(2)
        },
        Leave {
            holds: vec!["its vote, until 2a is taken out".into()],
            ..leave(3)
        },
    ];
    assert_eq!(scene.propose().leaves, expected);
    // Of five two may be away for a while.
    let mut scene = leaving(Scene::of(&[1, 2, 3, 4, 5]), &[4, 5], false);
    scene.desired = None;
    assert_eq!(scene.propose().leaves, [leave(4), leave(5)]);
    // With one that is dead neither may go: to be taken out takes a quorum of those that stay.
    let mut scene = leaving(Scene::of(&[1, 2, 3]), &[3], false);
    scene.desired = None;
    scene.answers.remove(&2);
    let why = "its vote: 1 of 2 voters would be there, and 2 are needed";
    assert_eq!(scene.propose().leaves[0].holds, [why]);
}
