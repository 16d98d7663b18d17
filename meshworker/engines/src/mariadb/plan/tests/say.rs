//! Who has a say: members with a slot, of the cluster of most.

use super::*;

/// A disk of another cluster, whose member was told this role in this term.
fn of_another(role: &str, term: u64) -> Disk {
    let Disk::Holds(mut holds) = disk(role, term) else {
        panic!("nothing there");
    };
    holds.ids.as_mut().unwrap().cluster = "another".into();
    Disk::Holds(holds)
}

/// Two were writable: clients of the old one hung, and read what was old.
#[test]
fn who_takes_writes_under_a_lower_term_is_to_end() {
    let mut scene = three();
    let second = scene.views.get_mut(&2).unwrap();
    second.source = None;
    second.read_only = false;
    second.mark = mark(PRIMARY, 2);
    let told = scene.told();
    let kills: Vec<&String> = told
        .iter()
        .filter(|line| line.starts_with("db.1: end its"))
        .collect();
    assert_eq!(kills, ["db.1: end its database "]);
    // Whoever was made writable by somebody else was not outranked.
    let mut scene = three();
    scene.views.get_mut(&3).unwrap().read_only = false;
    assert!(
        scene
            .told()
            .iter()
            .all(|line| !line.starts_with("db.1: end its"))
    );
}

/// A volume that an earlier stack had left on a node had healthy data put aside.
#[test]
fn a_left_over_disk_of_a_higher_term_changes_nothing() {
    let mut scene = three();
    scene.disks.insert(4, of_another(PRIMARY, 9));
    let told = scene.told();
    assert!(
        told.iter()
            .any(|line| line.starts_with("db.4: put its data aside")),
        "{told:?}"
    );
    assert!(scene.plan().unity.is_one() || told.len() == 2, "{told:?}");
    // All wait, and nobody knows yet whose cluster it is: nothing is put aside.
    let mut scene = three();
    scene.views.clear();
    scene.disks = [
        (1, disk(PRIMARY, 2)),
        (2, disk(REPLICA, 2)),
        (3, of_another(PRIMARY, 9)),
    ]
    .into();
    let told = scene.told();
    assert!(
        told.iter()
            .all(|line| !(line.starts_with("db.") && line.contains(": put its data aside"))),
        "{told:?}"
    );
    assert!(
        told.iter().all(|line| !line.starts_with("db.3: start")),
        "{told:?}"
    );
    assert!(
        told.contains(&"db.1: start --init-rpl-role=MASTER".to_owned()),
        "{told:?}"
    );
}

/// It was opened, and what the two others had was of another cluster than it.
#[test]
fn one_of_another_cluster_that_takes_writes_has_nobodys_data_put_aside() {
    let mut scene = three();
    scene.views.remove(&2);
    scene.views.remove(&3);
    scene.mark(1).cluster = "another".into();
    scene.disks = [(2, disk(PRIMARY, 2)), (3, disk(REPLICA, 2))].into();
    let told = scene.told();
    assert!(
        told.iter()
            .all(|line| !(line.starts_with("db.") && line.contains(": put its data aside"))),
        "{told:?}"
    );
}

/// A disk that could not be read for a moment was put aside.
#[test]
fn what_cannot_be_read_is_not_put_aside() {
    let mut scene = three();
    scene.views.remove(&3);
    let unreadable = Disk::Unreadable("Input/output error".into());
    scene.disks.insert(3, unreadable);
    let told = scene.told();
    assert!(
        told.iter()
            .all(|line| !(line.starts_with("db.") && line.contains(": put its data aside"))),
        "{told:?}"
    );
}

/// The first ones have data, and are out of sight: three new ones were enough to begin anew.
#[test]
fn a_cluster_begins_with_its_first_slots_and_no_others() {
    let mut scene = three();
    scene.views.clear();
    scene.initial = Some(3);
    for n in 4..=6 {
        let blank = Detail {
            read_only: true,
            mark: Some(Mark::default()),
            ..Detail::default()
        };
        scene.views.insert(n, blank);
    }
    assert_eq!(scene.plan().steps, [], "{:?}", scene.told());
    let missing = "the member of slot 1 is not there";
    assert!(
        scene.told().iter().any(|line| line.contains(missing)),
        "{:?}",
        scene.told()
    );
}

/// Members of a StatefulSet count from 0, and MariaDB has no server 0: none ever formed.
#[test]
fn a_cluster_of_slots_from_0_never_began() {
    let mut scene = three();
    scene.views.clear();
    scene.initial = Some(3);
    let blank = Detail {
        read_only: true,
        mark: Some(Mark::default()),
        ..Detail::default()
    };
    for n in 0..3 {
        scene.views.insert(n, blank.clone());
    }
    assert!(!scene.plan().steps.is_empty(), "{:?}", scene.told());
    // Where the first is on its way, those with higher numbers do not begin without it.
    scene.views.remove(&0);
    scene.views.insert(3, blank);
    assert!(!scene.plan().steps.is_empty(), "counted from 1");
    scene.coming = vec![0];
    assert_eq!(scene.plan().steps, [], "{:?}", scene.told());
    let missing = "the member of slot 0 is not there";
    assert!(
        scene.told().iter().any(|line| line.contains(missing)),
        "{:?}",
        scene.told()
    );
}
