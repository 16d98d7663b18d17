//! Members that wait with data while the cluster runs.

use super::*;
use crate::etcd::plan::tests::restart::alone;

fn told(disk: Disk) -> Vec<Nomination> {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4]);
    scene.waits.insert(4, disk);
    let proposal = scene.propose();
    assert_eq!(
        (&proposal.steps, &proposal.unity),
        (&vec![], &Unity::One { size: 3 })
    );
    proposal.nominations
}

fn aside(why: &str) -> Vec<Nomination> {
    vec![tell(4, Tell::Aside { why: why.into() })]
}

#[test]
fn data_that_is_nobodys_here_is_put_aside_and_named() {
    assert_eq!(told(promised(u64::MAX, "c1")), []);

    let removed = "its data is of member 4a, which was removed";
    assert_eq!(told(data("4a", "c1")), aside(removed));
    let stranger = "its data is of cluster c9, and this is c1";
    assert_eq!(told(data("4a", "c9")), aside(stranger));
    let copy = "its data is a copy of that of db.2";
    assert_eq!(told(data("2a", "c1")), aside(copy));
    let cut = "no ids in etcd/member/wal/0.wal";
    assert_eq!(told(Disk::Unreadable(cut.into())), aside(cut));
}

#[test]
fn who_waits_with_its_own_data_is_started_with_it() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.answers.remove(&3);
    scene.waits.insert(3, data("3a", "c1"));
    let proposal = scene.propose();
    assert_eq!(proposal.nominations, [tell(3, start(3, &[]))]);
    assert_eq!(proposal.departures, []);
}

/// Some versions end with 1 on the data of a member that was removed and let in again: it was
/// started again and again.
#[test]
fn data_of_before_is_put_aside_where_its_slot_was_let_in_again() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4]).wish("5");
    scene.desired = Some(5);
    scene.waits.insert(4, data("4b", "c1"));
    scene.learner = Some((4, false));
    let why = "its data is of member 4b, which was removed";
    assert_eq!(scene.propose().nominations, aside(why));
}

/// An empty disk in a slot whose member is still listed: never started under the old id.
#[test]
fn an_empty_disk_is_not_started_under_an_id_that_is_listed() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.answers.remove(&3);
    scene.waits.insert(3, promised(u64::MAX, "c1"));
    assert_eq!(scene.propose().nominations, []);
}

/// Those that were taken out counted for the birth that they had promised themselves to once:
/// the only voter restarted, and they began a second cluster beside its data.
#[test]
fn an_empty_disk_that_has_seen_a_cluster_counted_for_a_birth() {
    let mut scene = Scene::of(&[3]).wish("1");
    scene.waits = [
        (1, promised(1, "1-t1-1")),
        (2, promised(1, "1-t1-1")),
        (4, Disk::Nothing),
    ]
    .into();
    scene.desired = Some(4);
    let begun = |n: u8| Nomination {
        address: at(n),
        tell: Tell::Promise(Promise {
            number: u64::MAX,
            to: "c1".into(),
        }),
        touches: Touches::Parts([format!("slot {n}")].into()),
    };
    assert_eq!(scene.propose().nominations, [1, 2, 4].map(begun));
    // Marked once, and let in by the same mark.
    scene.waits = [1, 2, 4].map(|n| (n, promised(u64::MAX, "c1"))).into();
    assert_eq!(scene.propose().nominations, []);
    // Nobody answers any more.
    scene.voters.clear();
    scene.answers.clear();
    scene.leader = None;
    scene.desired = None;
    scene.rules.initial = Some(3);
    let proposal = scene.propose();
    assert_eq!(proposal.nominations, []);
    assert!(
        refusals(&proposal)[0].contains("cluster c1 has begun"),
        "{proposal:?}"
    );
}

/// All members waited with their data after a restart, and a hand-started etcd at an address of
/// the service's name was taken for the cluster: all of it was put aside.
#[test]
fn an_etcd_that_a_name_server_alone_knew_had_all_data_put_aside() {
    let mut scene = Scene::of(&[4]);
    scene.unvouched = [4].into();
    scene.desired = None;
    scene.waits = [1, 2, 3].map(|n| (n, data(&id(n), "c9"))).into();
    let why = "others wait, and of those that answer with a vote too few are known by more than \
               their address: 10.0.0.4 holds revision 40 of term 2";
    let proposal = scene.propose();
    let expected = [1, 2, 3].map(|n| alone(n, start(n, &[])));
    assert_eq!(proposal.nominations, expected);
    assert_eq!(proposal.steps, []);
    assert_eq!(proposal.unity, Unity::apart(why));
}
