//! When nothing is changed at all.

use super::*;

/// Nothing but a reason.
fn refused(scene: &Scene, why: &str) {
    let proposal = scene.propose();
    let said = refusals(&proposal);
    assert!(said.iter().any(|said| said.contains(why)), "{said:?}");
    let bare = Proposal {
        refusals: Vec::new(),
        unity: Unity::apart(""),
        ..proposal
    };
    assert_eq!(bare, missing(""));
}

/// Who holds what, and who would bring it back.
#[test]
fn without_a_quorum_nothing_is_touched() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    scene.answers = [1].into();
    scene.change = |_, view| view.detail.leader = None;
    refused(
        &scene,
        "nobody leads: db.1 holds revision 40 of term 2; waited for: etcd-2, etcd-3",
    );
    // One that takes itself for the leader is none without the others.
    scene.change = |_, _| {};
    refused(
        &scene,
        "no quorum: 1 of 3 voters are in step, and 2 are needed: db.1 holds revision 40 of term \
         2; waited for: etcd-2, etcd-3",
    );
    // Nor are those in step that have another term, or another leader.
    scene.answers = [1, 2, 3].into();
    scene.change = |n, view| view.detail.term += u64::from(n == 1);
    refused(&scene, "no quorum: 1 of 3 voters are in step");
}

/// With its cluster's id and a high term it was believed whatever it said.
#[test]
fn one_that_lies_is_not_believed() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]).wish("3");
    let lies = |n: u8, view: &mut View<Detail>| {
        if n == 3 {
            view.detail.leader = Some(id(3));
            view.detail.term = 9999;
            view.detail.members = view.detail.members[2..].into();
        }
    };
    scene.change = lies;
    let proposal = scene.propose();
    assert_eq!((proposal.steps, proposal.departures), (vec![], vec![]));
    assert_eq!(proposal.unity, Unity::One { size: 3 });
    // It does the same beside one that has no quorum.
    scene.answers = [2, 3].into();
    scene.change = |n, view| {
        if n == 3 {
            view.detail.leader = Some(id(3));
            view.detail.term = 9999;
            view.detail.members = view.detail.members[2..].into();
        } else {
            view.detail.leader = None;
        }
    };
    refused(&scene, "1 of 2 that answer with a vote are in step");
}

#[test]
fn while_voters_list_others_nothing_is_changed() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    scene.change = |n, view| {
        if n != 1 {
            view.detail.members = view.detail.members[..2].into();
        }
    };
    refused(&scene, "the voters do not list the same members yet");
}

#[test]
fn two_clusters_are_nobodys_to_choose_from() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    scene.change = |n, view| {
        if n == 3 {
            view.detail.cluster = "c2".into();
        }
    };
    refused(&scene, "two clusters: db.1 is in c1, and db.3 in c2");
}

#[test]
fn a_copied_disk_that_runs_stops_everything() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[5]);
    scene.answers.insert(4);
    scene.change = |n, view| {
        if n == 4 {
            view.node = id(2);
            view.detail.members = [].into();
        }
    };
    // A spare that hands clients on seems to be at two places: it is where it says it is.
    let relayed = scene.propose();
    assert!(
        refusals(&relayed).iter().all(|said| !said.contains("copy")),
        "{relayed:?}"
    );
    scene.change = |n, view| {
        if n == 4 {
            view.node = id(2);
        }
        let at_home = |listed: &Listed| Listed {
            client_urls: vec!["http://etcd:2379".into()],
            ..listed.clone()
        };
        view.detail.members = view.detail.members.iter().map(at_home).collect();
    };
    refused(&scene, "both answer as 2a: the data of one is a copy");
}

/// Data that differs may be lost with any step; a full store only keeps the number of
/// voters as it is.
#[test]
fn alarms_are_told_and_nothing_is_made_worse() {
    let mut scene = Scene::of(&[1, 2, 3]).spares(&[4, 5]);
    scene.alarm = Some((2, Alarm::Corrupt));
    refused(&scene, "alarm CORRUPT at 2a");
    scene.leaving.insert(3);
    let held = scene.propose().leaves.remove(0).holds;
    assert_eq!(
        held,
        ["an alarm says that data differs: nothing is changed"]
    );
    scene.leaving.clear();
    scene.alarm = Some((2, Alarm::NoSpace));
    let proposal = scene.propose();
    assert_eq!(proposal.steps, []);
    assert!(refusals(&proposal)[0].contains("alarm NOSPACE at 2a: its store is full"));
}

#[test]
fn faulty_and_distant_versions_are_told() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.change = |n, view| {
        let version = if n == 1 { "3.5.2" } else { "3.7.1" };
        view.detail.version = version.into();
    };
    let said = refusals(&scene.propose()).join("\n");
    assert!(said.contains("etcd 3.5.2: its data may differ"), "{said}");
    assert!(said.contains("etcd 3.5.2 beside 3.7.1"), "{said}");
}

/// A voter's disk was too slow for weeks, and the first who heard of it was whoever lost the
/// other two.
#[test]
fn a_voter_that_lagged_was_told_nowhere() {
    let mut scene = Scene::of(&[1, 2, 3]);
    assert_eq!(refusals(&scene.propose()), [""; 0]);
    scene.change = |n, view| {
        if n == 3 {
            view.detail.index = 3999;
        }
    };
    let proposal = scene.propose();
    let said = refusals(&proposal);
    assert!(
        said[0].contains("etcd-3 votes, and is 1001 entries behind"),
        "{said:?}"
    );
    assert_eq!(
        Proposal {
            refusals: Vec::new(),
            ..proposal
        },
        nothing(3)
    );
}

/// Volumes were set back to the backup of last night, and the cluster was healthy.
#[test]
fn disks_that_were_set_back_were_told_nowhere() {
    let mut scene = Scene::of(&[1, 2, 3]);
    scene.change = |_, view| view.detail.missed = Some(61);
    let said = refusals(&scene.propose());
    assert!(
        said[0].contains("revision 61 was acknowledged, and the leader is at 40"),
        "{said:?}"
    );
    // Where the leader has it, somebody else was merely looked at late.
    scene.change = |n, view| {
        view.detail.missed = (n != 1).then_some(40);
    };
    assert_eq!(refusals(&scene.propose()), [""; 0]);
}
