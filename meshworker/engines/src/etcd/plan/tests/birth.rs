//! A cluster begins once.

use meshworker_core::Presence;

use super::*;

const TOKEN: &str = "1-t1-1";

/// So many wait, all with nothing on their disks.
fn blank(slots: &[u8]) -> Scene {
    Scene {
        leader: None,
        ..Scene::of(&[]).spares(slots)
    }
}

fn asked(n: u8, number: u64, to: &str) -> Nomination {
    let to = to.into();
    tell(n, Tell::Promise(Promise { number, to }))
}

/// One seed alone starts anew, and only once all have promised.
#[test]
fn all_promise_and_then_one_seed_alone_begins() {
    let mut scene = blank(&[1, 2, 3]);
    let expected = Proposal {
        nominations: [1, 2, 3].map(|n| asked(n, 1, TOKEN)).into(),
        ..missing("a cluster begins: 0 of 3 members have promised")
    };
    assert_eq!(scene.propose(), expected);
    scene.waits.insert(1, promised(1, TOKEN));
    scene.waits.insert(2, promised(1, TOKEN));
    let expected = Proposal {
        nominations: vec![asked(3, 1, TOKEN)],
        ..missing("a cluster begins: 2 of 3 members have promised")
    };
    assert_eq!(scene.propose(), expected);
    scene.waits.insert(3, promised(1, TOKEN));
    let start = start(
        1,
        &[
            "--initial-advertise-peer-urls=http://etcd-1.mesh:2380",
            "--initial-cluster=etcd-1=http://etcd-1.mesh:2380",
            "--initial-cluster-state=new",
            "--initial-cluster-token=1-t1-1",
        ],
    );
    let expected = Proposal {
        nominations: vec![tell(1, start)],
        ..missing("a cluster begins: 3 of 3 members have promised")
    };
    assert_eq!(scene.propose(), expected);
}

fn nothing_begins(scene: &Scene, why: &str) {
    let expected = missing(why);
    let proposal = scene.propose();
    assert_eq!(refusals(&proposal).len(), 1, "{proposal:?}");
    let proposal = Proposal {
        refusals: Vec::new(),
        ..proposal
    };
    assert_eq!(proposal, expected);
}

/// Its disk was new, and it was begun a second time beside data that two others had seen.
#[test]
fn a_birth_that_may_have_happened_is_not_repeated() {
    let mut scene = blank(&[1, 2, 3]);
    for n in [2, 3] {
        scene.waits.insert(n, promised(1, TOKEN));
    }
    nothing_begins(
        &scene,
        "a cluster may have begun as 1-t1-1, and the disk of its seed is gone: bring that disk \
         back; if no cluster was ever there, remove the file `promise` from each slot's directory",
    );
}

/// A promise that too few keep is replaced by a higher one, and not by another of its number.
#[test]
fn a_birth_that_cannot_have_happened_gives_way_to_a_higher_number() {
    let mut scene = blank(&[1, 2, 3]);
    scene.waits.insert(3, promised(4, "2-t0-4"));
    let expected = Proposal {
        nominations: [1, 2, 3].map(|n| asked(n, 5, "1-t1-5")).into(),
        ..missing("a cluster begins: 0 of 3 members have promised")
    };
    assert_eq!(scene.propose(), expected);
    // Where its seed waits with it, it goes on.
    scene.waits.insert(2, promised(4, "2-t0-4"));
    let expected = Proposal {
        nominations: vec![asked(1, 4, "2-t0-4")],
        ..missing("a cluster begins: 2 of 3 members have promised")
    };
    assert_eq!(scene.propose(), expected);
}

#[test]
fn nothing_begins_beside_data_that_exists_or_cannot_be_read() {
    let mut scene = blank(&[1, 2, 3]);
    scene.waits.insert(2, data("2a", "c1"));
    let why = "db.2 has data of cluster c1 and does not run: no cluster is begun beside it";
    let proposal = scene.propose();
    assert_eq!(proposal.unity, Unity::apart(why));
    let started = proposal.nominations.iter().map(|one| one.address);
    assert_eq!(started.collect::<Vec<_>>(), [at(2)]);
    scene
        .waits
        .insert(2, Disk::Unreadable("input/output error".into()));
    nothing_begins(&scene, "db.2: input/output error");
}

#[test]
fn nothing_begins_before_all_are_there() {
    let mut scene = blank(&[1, 2]);
    scene.desired = Some(3);
    nothing_begins(&scene, "2 of 3 members are there");
    // One that starts with its data is no blank one.
    scene.tasks = Some(vec![1, 2, 3]);
    nothing_begins(&scene, "db.3: unreachable: refused");
    let unknown = Scene {
        desired: None,
        ..blank(&[1, 2, 3])
    };
    nothing_begins(
        &unknown,
        "no witness says how many members there are to be: set the option initial-members",
    );
}

/// After the loss of its only disk a cluster of one looks as before its birth.
#[test]
fn one_alone_begins_only_on_the_operators_word() {
    let mut scene = blank(&[1]);
    nothing_begins(
        &scene,
        "a single empty disk looks the same before a birth and after a loss: set the option \
         initial-members=1 if this member may begin a cluster whenever it is empty, or deploy 3 \
         replicas",
    );
    // The stack waits for three, and whoever scaled it to one was told of no way out.
    for desired in [Some(1), None] {
        scene.desired = desired;
        scene.rules.initial = Some(3);
        let said = refusals(&scene.propose());
        assert!(said[0].contains("initial-members=1"), "{said:?}");
    }
    scene.rules.initial = Some(1);
    assert_eq!(scene.propose().nominations, [asked(1, 1, TOKEN)]);
    // But never fewer than there are to be.
    scene.desired = Some(3);
    nothing_begins(&scene, "1 of 3 members are there");
}

#[test]
fn while_somebody_is_meant_to_go_nothing_begins() {
    let mut scene = blank(&[1, 2, 3]);
    scene.leaving.insert(3);
    assert_eq!(
        scene.observed().roster().at(at(3)).unwrap().seen[&Witness::Announce],
        Presence::Leaving
    );
    nothing_begins(&scene, "db.3 has not said what is on its disk");
}

/// All volumes of a cluster that ran were lost at once, and a worker that had not seen it began
/// it anew.
#[test]
fn the_workers_forgot_a_cluster_and_began_it_twice() {
    let born = |scene: &Scene| scene.proposal().born;
    assert_eq!(born(&Scene::of(&[1, 2, 3])).as_deref(), Some("c1"));
    // What one says that has no quorum is not noted.
    let mut apart = Scene::of(&[1, 2, 3]);
    apart.answers = [1].into();
    assert_eq!(born(&apart), None);

    let mut scene = Scene::of(&[]).spares(&[1, 2, 3]);
    scene.desired = Some(3);
    assert_eq!(scene.propose().nominations.len(), 3);
    let why = "cluster c1 was here, and nobody who has its data answers: bring one of its disks \
               back; if all are lost, `meshworker acknowledge` lets a new one begin";
    scene.born = Some("c1");
    nothing_begins(&scene, why);
    // Nor where a single empty one may begin: it did so once.
    let mut alone = Scene::of(&[]).spares(&[1]);
    alone.desired = Some(1);
    alone.rules.initial = Some(1);
    assert_eq!(alone.propose().nominations.len(), 1);
    alone.born = Some("c1");
    nothing_begins(&alone, why);
}
