//! Members that wait with data while the cluster runs.

use super::*;

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
    assert_eq!(told(Disk::Nothing), []);
    assert_eq!(told(promised(1, "1-t1-1")), []);
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

/// An empty disk in a slot whose member is still listed: never started under the old id.
#[test]
fn an_empty_disk_is_not_started_under_an_id_that_is_listed() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.answers.remove(&3);
    scene.waits.insert(3, Disk::Nothing);
    assert_eq!(scene.propose().nominations, []);
}
