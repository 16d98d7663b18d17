//! Members whose data came from another slot: their names stay with it.

use super::*;

/// The directories of 1 and 2 are each other's, and 3 is itself.
fn swapped() -> Scene {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.numbers = [(1, 2), (2, 1)].into();
    scene
}

/// After a power cut each asked for the others under the names of their slots.
#[test]
fn who_has_another_slots_data_is_started_under_the_name_that_the_others_know() {
    let mut scene = swapped();
    assert_eq!(scene.propose(), nothing(3));
    scene.answers.remove(&2);
    scene.waits.insert(2, data("2a", "c1"));
    let start = Start {
        arguments: vec![
            "--name=etcd-1".into(),
            "--advertise-client-urls=http://10.0.0.2:2379".into(),
        ],
        known_as: Some(1),
        ..Start::default()
    };
    let proposal = scene.propose();
    assert_eq!(proposal.nominations, [tell(2, Tell::Start(start))]);
    assert_eq!(proposal.departures, []);
}

/// Slot 2 has the data of 1, and 2 was taken out. 1 is empty: its own name is another
/// one's.
#[test]
fn an_empty_one_joins_under_a_name_that_is_free() {
    let mut scene = Scene::of(&[2, 3, 4]).spares(&[1, 5]).wish("5");
    scene.numbers = [(2, 1)].into();
    let peer_url = "http://etcd-2.mesh:2380".to_owned();
    let step = ask(Act::AddLearner { peer_url }, StepKind::Join);
    let step = Step {
        to: at(2),
        request: EtcdRequest {
            node: id(2),
            ..step.request.clone()
        },
        ..step
    };
    assert_eq!(scene.propose().steps, [step]);
    // The learner that nobody has started yet is that one, and no other one.
    scene.learner = Some((1, false));
    scene.numbers.insert(1, 2);
    let proposal = scene.propose();
    let [
        Nomination {
            address,
            tell: Tell::Start(start),
            ..
        },
    ] = &proposal.nominations[..]
    else {
        panic!("{proposal:?}");
    };
    assert_eq!((*address, start.known_as), (at(1), Some(2)));
    let own = "--initial-advertise-peer-urls=http://etcd-2.mesh:2380";
    assert!(
        start.arguments.iter().any(|argument| argument == own),
        "{start:?}"
    );
}

/// Its slot is empty, and another one has the data that is called after it.
#[test]
fn a_dead_one_is_looked_for_where_its_data_was() {
    let mut scene = swapped();
    scene.answers.remove(&2);
    scene.waits.insert(2, promised(u64::MAX, "c1"));
    let departures = scene.propose().departures;
    let gone: Vec<&str> = departures.iter().map(|gone| &*gone.node).collect();
    assert_eq!(gone, [id(2)]);
    // It is about to be filled: nobody is removed.
    scene.waits.remove(&2);
    scene.tasks = Some(vec![1, 3]);
    assert_eq!(scene.propose().departures, []);
}
