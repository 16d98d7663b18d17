//! Data whose last copies went before they were made anew: told until an operator knows.

use std::time::Duration;

use meshworker_core::{
    Acknowledged, Copies, Loss, Observation, Pace, Plan, Presence, Report, Run, Stock, Unanswered,
    Unity,
};

use Presence::{Ended, Leaving, Present, Stopping};

use crate::support::{Ask, Clock, Toy, announced, content, dns, ip, leave, replica, seen, slot};

const THREE: [u8; 3] = [1, 2, 3];

/// A namespace that these nodes hold, each piece on two of them.
fn twice(nodes: &[u8]) -> Toy {
    kept(2, nodes, None)
}

/// The same, on so many of them; in memory alone for so many seconds, or on a disk.
fn kept(copies: usize, nodes: &[u8], up: Option<u64>) -> Toy {
    let nodes = nodes.iter();
    let mut toy = content();
    toy.0.copies = Copies {
        stocks: vec![Stock {
            what: "namespace test".into(),
            pieces: 4096,
            unit: "partitions",
            copies,
            nodes: nodes
                .map(|last| (format!("n{last}"), up.map(Duration::from_secs)))
                .collect(),
        }],
        made: true,
        ..Copies::default()
    };
    toy
}

/// These members answer, see each other, and say that they are there.
fn there(members: &[u8]) -> Observation<()> {
    let says: Vec<_> = members.iter().map(|last| (*last, Present)).collect();
    seen(vec![dns(members), announced(&says)], members)
}

/// Of the slots 1, 2, ... each is at this address.
fn slots(at: &[u8]) -> Observation<()> {
    let members = (1..).zip(at).map(|(of, last)| replica(of, *last, Present));
    let report = Report {
        sightings: members.collect(),
        ..announced(&[])
    };
    seen(vec![dns(at), report], at)
}

/// A worker that has seen all copies made.
fn settled(toy: &Toy, observed: &Observation<()>) -> Clock {
    let mut clock = Clock::start();
    for _ in 0..4 {
        clock.after(1, toy, observed);
    }
    clock
}

fn lost(members: &[u64], told: bool) -> Loss {
    let members = members.iter();
    Loss {
        number: 1,
        what: "about 1366 of the 4096 partitions of namespace test".into(),
        members: members.map(|of| (slot(*of), format!("n{of}"))).collect(),
        told,
    }
}

/// What the plan says when nothing is to be done.
fn says(plan: &Plan<Ask>) -> (&Unity, &[Loss], bool, Option<usize>) {
    assert_eq!((&plan.steps, &plan.leavers), (&vec![], &vec![]));
    (&plan.unity, &plan.losses, plan.settled, plan.together)
}

const ONE: Unity = Unity::One { size: 3 };

#[test]
fn two_members_were_killed_within_two_seconds_and_all_was_called_well() {
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    let mut toy = twice(&[1]);
    toy.0.copies.made = false;
    clock.after(1, &toy, &slots(&[1, 2]));
    // Others have their slots, and are one cluster at rest with what is left.
    let toy = twice(&[1, 12, 13]);
    let after = slots(&[1, 12, 13]);
    let bereft = Unity::Bereft {
        size: 3,
        lost: "about 1366 of the 4096 partitions of namespace test: db.2 and db.3 went without \
               being let go, before anybody else had a copy; lost, unless they come back with \
               their data"
            .into(),
    };
    for _ in 0..360 {
        let plan = clock.after(10, &toy, &after);
        let expected = (&bereft, &[lost(&[2, 3], true)][..], true, Some(3));
        assert_eq!(says(&plan), expected);
        let refusals = plan.refusals.iter();
        let kinds: Vec<_> = refusals.map(|refusal| refusal.reason.kind()).collect();
        assert_eq!((plan.pace, kinds), (Pace::Calm, vec!["data_lost".into()]));
    }
    let headline = bereft.to_string();
    assert!(
        headline.starts_with("one cluster of 3 members, DATA IS LOST: about 1366"),
        "{headline}"
    );
    // An operator knows; and it is not found anew.
    clock.orders.acknowledged = Some(Acknowledged {
        number: 1,
        losses: 1,
        members: 3,
    });
    for _ in 0..10 {
        assert_eq!(
            says(&clock.after(10, &toy, &after)),
            (&ONE, &[][..], true, Some(3))
        );
    }
}

#[test]
fn what_an_operator_was_not_shown_he_does_not_acknowledge() {
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    let order = |number| Acknowledged {
        number,
        losses: 0,
        members: 3,
    };
    clock.orders.acknowledged = Some(order(1));
    let plan = clock.after(10, &twice(&[1, 12, 13]), &slots(&[1, 12, 13]));
    assert_eq!(plan.losses, [lost(&[2, 3], true)]);
    clock.orders.acknowledged = Some(order(2));
    let plan = clock.after(10, &twice(&[1, 12, 13]), &slots(&[1, 12, 13]));
    assert_eq!(plan.losses, [lost(&[2, 3], true)]);
}

/// Two losses: one is told, of the other somebody may be back any moment.
#[test]
fn a_word_on_one_loss_covered_another_that_was_not_told_yet() {
    let stock = |what: &str, nodes: [u8; 2]| Stock {
        what: what.into(),
        pieces: 100,
        unit: "slots",
        copies: 2,
        nodes: nodes.map(|last| (format!("n{last}"), None)).into(),
    };
    let mut toy = content();
    toy.0.copies = Copies {
        stocks: vec![stock("slots 0-99", [1, 2]), stock("slots 100-199", [3, 4])],
        made: true,
        ..Copies::default()
    };
    let mut clock = settled(&toy, &there(&[1, 2, 3, 4, 5]));
    toy.0.copies.made = false;
    clock.after(40, &toy, &there(&[3, 4, 5]));
    clock.after(40, &toy, &there(&[3, 4, 5]));
    let word = |clock: &mut Clock, number, losses| {
        clock.orders.acknowledged = Some(Acknowledged {
            number,
            losses,
            members: 1,
        });
        let plan = clock.after(1, &toy, &there(&[5]));
        let losses = plan.losses.iter();
        losses
            .map(|loss| (loss.number, loss.told))
            .collect::<Vec<_>>()
    };
    assert_eq!(word(&mut clock, 1, 2), [(2, false)]);
    // Told at last, it takes a word of its own.
    clock.orders.acknowledged = None;
    let plan = clock.after(40, &toy, &there(&[5]));
    assert_eq!((plan.losses[0].number, plan.losses[0].told), (2, true));
    assert_eq!(word(&mut clock, 2, 1), [(2, true)]);
    assert_eq!(word(&mut clock, 3, 2), []);
}

/// A third member goes after the loss of two was told: that is more than was known.
#[test]
fn a_loss_that_grew_was_covered_by_the_word_on_what_it_had_been() {
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    let after = slots(&[1, 12, 13]);
    clock.after(1, &twice(&[1, 12, 13]), &after);
    let mut toy = twice(&[12, 13]);
    toy.0.copies.made = false;
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    clock.after(1, &toy, &after);
    let gone = slots(&[11, 12, 13]);
    clock.orders.acknowledged = Some(Acknowledged {
        number: 1,
        losses: 1,
        members: 3,
    });
    let plan = clock.after(1, &toy, &gone);
    let [loss] = &plan.losses[..] else {
        panic!("{:?}", plan.losses);
    };
    assert_eq!((loss.number, loss.told, loss.members.len()), (2, true, 3));
}

/// What an operator knows is not all that is lost once a third one has gone as well.
#[test]
fn with_one_more_gone_what_an_operator_knew_was_told_no_more() {
    let mut toy = twice(&[12, 13]);
    toy.0.copies.made = false;
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    clock.after(1, &toy, &slots(&[1, 12, 13]));
    clock.orders.acknowledged = Some(Acknowledged {
        number: 1,
        losses: 1,
        members: 3,
    });
    let plan = clock.after(1, &toy, &slots(&[1, 12, 13]));
    assert_eq!(plan.losses, []);
    let plan = clock.after(1, &toy, &slots(&[11, 12, 13]));
    let [loss] = &plan.losses[..] else {
        panic!("{:?}", plan.losses);
    };
    assert_eq!((loss.number, loss.told, loss.members.len()), (2, true, 3));
}

#[test]
fn one_after_another_is_no_loss_once_the_copies_are_made_again() {
    let mut clock = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    let mut toy = twice(&[1, 2, 13]);
    toy.0.copies.made = false;
    clock.after(1, &toy, &slots(&[1, 2, 13]));
    toy.0.copies.made = true;
    let mut early = settled(&twice(&THREE), &slots(&[1, 2, 3]));
    early.after(1, &toy, &slots(&[1, 2, 13]));
    for _ in 0..3 {
        clock.after(1, &toy, &slots(&[1, 2, 13]));
    }
    // They were made for two seconds, or only for a moment.
    let next = slots(&[1, 12, 13]);
    assert_eq!(clock.after(1, &twice(&[1, 12, 13]), &next).losses, []);
    assert_eq!(
        early.after(1, &twice(&[1, 12, 13]), &next).losses,
        [lost(&[2, 3], true)]
    );
}

#[test]
fn whoever_was_let_go_is_no_loss_and_whoever_merely_ends_is() {
    let ends = |how: Option<Presence>| {
        let mut clock = settled(&twice(&THREE), &there(&THREE));
        if let Some(how) = how {
            let going = announced(&[(1, Present), (2, how.clone()), (3, how)]);
            clock.after(1, &twice(&[1]), &seen(vec![dns(&[1]), going], &[1]));
        }
        let others = seen(vec![dns(&[1, 12, 13])], &[1, 12, 13]);
        clock.after(1, &twice(&[1, 12, 13]), &others).losses
    };
    assert_eq!(ends(Some(Ended)), []);
    // Its database crashed, or its time was over.
    assert_eq!(ends(Some(Stopping)), [lost(&[2, 3], false)]);
    assert_eq!(ends(None), [lost(&[2, 3], false)]);
}

#[test]
fn a_service_that_is_removed_loses_nothing() {
    let mut clock = settled(&twice(&THREE), &there(&THREE));
    let mut toy = twice(&THREE);
    toy.0.leaves = THREE.map(leave).to_vec();
    let going = THREE.map(|last| (last, Leaving));
    let leaves = seen(vec![dns(&THREE), announced(&going)], &THREE);
    for _ in 0..5 {
        let plan = clock.after(1, &toy, &leaves);
        assert_eq!((&plan.losses, &plan.steps), (&vec![], &vec![]));
    }
    let back = seen(vec![dns(&[1, 12, 13])], &[1, 12, 13]);
    assert_eq!(clock.after(60, &twice(&[1, 12, 13]), &back).losses, []);
}

/// Three masters without copies; the second one's container is started again in place.
#[test]
fn a_member_that_is_back_within_seconds_with_its_data_is_no_loss() {
    let mut clock = settled(&kept(1, &THREE, None), &there(&THREE));
    let mut toy = content();
    toy.0.unity = Unity::apart("slots are not served");
    let away = |clock: &mut Clock, seconds| {
        let mut away = there(&[1, 3]);
        away.reports = there(&THREE).reports;
        let down = Unanswered::Unreachable("nobody listens".into());
        away.answers.insert(ip(2), Err(down));
        clock.after(seconds, &toy, &away)
    };
    let plan = away(&mut clock, 1);
    assert!(plan.losses.iter().all(|loss| !loss.told));
    assert_eq!(
        plan.unity,
        Unity::apart("10.0.0.2: unreachable: nobody listens")
    );
    let back = clock.after(5, &kept(1, &THREE, None), &there(&THREE));
    assert_eq!(says(&back), (&ONE, &[][..], true, Some(3)));
    // One that stays away is told of, and taken back when it comes after all.
    away(&mut clock, 1);
    let plan = away(&mut clock, 40);
    assert_eq!(
        plan.unity,
        Unity::apart(
            "10.0.0.2: unreachable: nobody listens; and about 1366 of the 4096 partitions of \
             namespace test: db.2 went without being let go, before anybody else had a copy; \
             lost, unless they come back with their data"
        )
    );
    let back = clock.after(5, &kept(1, &THREE, None), &there(&THREE));
    assert_eq!(says(&back), (&ONE, &[][..], true, Some(3)));
}

#[test]
fn a_process_that_was_started_again_without_its_memory_is_not_back() {
    let mut clock = settled(&kept(2, &THREE, Some(500)), &there(&THREE));
    clock.after(1, &kept(2, &[1], Some(504)), &there(&[1]));
    // Cut off and healed: it has run all the time.
    let plan = clock.after(1, &kept(2, &THREE, Some(505)), &there(&THREE));
    assert_eq!(says(&plan), (&ONE, &[][..], true, Some(3)));
    // Started anew between two looks, under their old ids.
    let mut toy = kept(2, &THREE, Some(2));
    let nodes = &mut toy.0.copies.stocks[0].nodes;
    nodes.insert("n1".into(), Some(Duration::from_secs(515)));
    let plan = clock.after(10, &toy, &there(&THREE));
    let loss = Loss {
        number: 2,
        ..lost(&[2, 3], true)
    };
    assert_eq!(plan.losses, [loss]);
}

#[test]
fn a_whole_cluster_that_starts_again_with_its_data_has_lost_nothing() {
    let mut clock = settled(&twice(&THREE), &there(&THREE));
    let nobody = seen(vec![dns(&[])], &[]);
    assert_eq!(clock.after(100, &content(), &nobody).losses, []);
    // The first one is up, the second loads its data for long.
    let mut some = there(&[1]);
    some.reports = there(&THREE).reports;
    for last in [2, 3] {
        let loads = Unanswered::Starting("LOADING".into());
        some.answers.insert(ip(last), Err(loads));
    }
    let mut toy = twice(&[1]);
    toy.0.copies.made = false;
    for _ in 0..60 {
        let plan = clock.after(10, &toy, &some);
        assert!(plan.losses.iter().all(|loss| !loss.told));
        assert_eq!(
            plan.unity,
            Unity::apart("10.0.0.2: still starting: LOADING")
        );
    }
    let plan = clock.after(1, &twice(&THREE), &there(&THREE));
    assert_eq!(says(&plan), (&ONE, &[][..], true, Some(3)));
    // All come back empty, as others: then all is lost.
    let others = [11, 12, 13];
    let plan = clock.after(1, &twice(&others), &slots(&others));
    let [loss] = &plan.losses[..] else {
        panic!("{:?}", plan.losses);
    };
    assert_eq!(loss.what, "namespace test");
    let nodes: Vec<&str> = loss.members.iter().map(|(_, node)| node.as_str()).collect();
    assert_eq!((nodes, loss.told), (vec!["n1", "n2", "n3"], true));
}

/// A master and its only replica: what they had is named, and nothing else.
#[test]
fn a_master_and_its_replica_take_their_slots_along() {
    let stock = |what: &str, pieces, nodes: &[u8]| Stock {
        what: what.into(),
        pieces,
        unit: "slots",
        copies: nodes.len(),
        nodes: nodes
            .iter()
            .map(|last| (format!("n{last}"), None))
            .collect(),
    };
    let mut toy = content();
    toy.0.copies = Copies {
        stocks: vec![
            stock("slots 0-5460", 5461, &[1, 4]),
            stock("slots 5461-10922", 5462, &[2, 5]),
            stock("slots 10923-16383", 5461, &[3, 6]),
        ],
        made: true,
        ..Copies::default()
    };
    let mut clock = settled(&toy, &there(&[1, 2, 3, 4, 5, 6]));
    let mut after = content();
    after.0.copies.made = false;
    // One of each of two masters' crews is no loss.
    assert_eq!(clock.after(60, &after, &there(&[1, 3, 4, 5])).losses, []);
    let plan = clock.after(60, &after, &there(&[3, 4, 5]));
    assert_eq!(plan.losses, []);
    let plan = clock.after(60, &after, &there(&[3, 4]));
    let what: Vec<&str> = plan.losses.iter().map(|loss| loss.what.as_str()).collect();
    assert_eq!(what, ["slots 5461-10922"]);
}

/// A master without persistence came back empty in its place, and emptied its replica:
/// nobody had gone for long, and nothing was told.
#[test]
fn one_that_came_back_empty_in_its_place_and_emptied_its_replica_was_no_loss() {
    let runs = |process: &str, empty: &[u8]| {
        let run = |last: u8| Run {
            process: process.into(),
            empty: empty.contains(&last),
        };
        [1, 2].map(|last| (format!("n{last}"), run(last))).into()
    };
    let toy = |process: &str, empty: &[u8]| {
        let mut toy = kept(2, &[1, 2], None);
        toy.0.copies.runs = runs(process, empty);
        if !empty.is_empty() {
            toy.0.copies.stocks.clear();
        }
        toy
    };
    let all = there(&THREE);
    // Emptied by an operator: its process is the same.
    let mut clock = settled(&toy("a", &[]), &all);
    assert_eq!(clock.after(1, &toy("a", &[1, 2]), &all).losses, []);
    // Started anew, and the replica still has its copy.
    let mut clock = settled(&toy("a", &[]), &all);
    assert_eq!(clock.after(1, &toy("b", &[1]), &all).losses, []);
    let losses = clock.after(1, &toy("b", &[1, 2]), &all).losses;
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert_eq!((losses[0].told, losses[0].members.len()), (true, 2));
    // Nor does it end because one of them is let go later.
    let mut going = there(&THREE);
    going.reports[1] = announced(&[(1, Ended), (2, Present), (3, Present)]);
    let losses = clock.after(1, &toy("b", &[1, 2]), &going).losses;
    assert_eq!(losses.len(), 1, "{losses:?}");
}

/// The replica took over what its master's new process had by then: it was never seen
/// empty.
#[test]
fn a_replica_that_had_loaded_what_was_written_since_counted_as_a_copy() {
    let run = |process: &str, empty| Run {
        process: process.into(),
        empty,
    };
    let toy = |one: Run, other: Option<Run>| {
        let mut toy = kept(2, &[1, 2], None);
        let other = other.map(|run| ("n2".to_owned(), run));
        toy.0.copies.runs = other.into_iter().chain([("n1".into(), one)]).collect();
        toy
    };
    let all = there(&THREE);
    let before = toy(run("a", false), Some(run("a", false)));
    let mut clock = settled(&before, &all);
    assert_eq!(clock.after(1, &toy(run("b", true), None), &all).losses, []);
    let since = toy(run("b", false), Some(run("b", false)));
    assert_eq!(clock.after(1, &since, &all).losses.len(), 1);
}

/// Everything was deleted, and then a process started anew: it lost nothing.
#[test]
fn a_new_process_of_an_emptied_database_was_a_loss() {
    let toy = |process: &str, empty: bool| {
        let mut toy = kept(1, &[1], None);
        let run = Run {
            process: process.into(),
            empty,
        };
        toy.0.copies.runs = [("n1".to_owned(), run)].into();
        if empty {
            toy.0.copies.stocks.clear();
        }
        toy
    };
    let all = there(&THREE);
    let mut clock = settled(&toy("a", false), &all);
    for _ in 0..4 {
        assert_eq!(clock.after(1, &toy("a", true), &all).losses, []);
    }
    assert_eq!(clock.after(1, &toy("b", true), &all).losses, []);
}
