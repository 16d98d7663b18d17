//! The headline names the member that is meant, where it is one.

use meshworker_core::{Presence, Reason, Refusal, Unity, Witness};

use crate::support::{Clock, Toy, announced, content, departed, dns, ip, seen, tasks};

/// A database that keeps these out for a reason that time does not mend.
fn refusing(members: &[u8]) -> Toy {
    let mut toy = content();
    toy.0.unity = Unity::apart("somebody has not joined");
    toy.0.refusals.extend(members.iter().map(|last| {
        let reason = Reason::WrongCluster {
            expected: "a".into(),
            found: "b".into(),
        };
        Refusal::new(format!("join {}", ip(*last)), reason)
    }));
    toy
}

#[test]
fn one_member_of_another_cluster_was_not_named_in_the_headline() {
    let observed = seen(vec![dns(&[1, 2, 3])], &[1, 2, 3]);
    let headline = |toy: &Toy| Clock::start().after(0, toy, &observed).unity;
    let named = "10.0.0.3: it belongs to cluster 'b', not 'a'";
    assert_eq!(headline(&refusing(&[3])), Unity::apart(named));
    // Of several none is meant alone, and where they are one nobody is.
    let several = Unity::apart("somebody has not joined");
    assert_eq!(headline(&refusing(&[2, 3])), several);
    let mut one = refusing(&[3]);
    one.0.unity = Unity::One { size: 3 };
    assert_eq!(headline(&one), one.0.unity);
}

#[test]
fn five_of_six_did_not_say_who_was_gone() {
    let mut clock = Clock::start();
    let mut toy = content();
    let present = |members: &[u8]| -> Vec<(u8, Presence)> {
        members
            .iter()
            .map(|last| (*last, Presence::Present))
            .collect()
    };
    let listed = |members: &[u8]| {
        let members = present(members);
        seen(vec![tasks(&members, 3), announced(&members)], &[1, 2, 3])
    };
    clock.after(0, &toy, &listed(&[1, 2, 3]));
    toy.0.departures = vec![departed(3)];
    let mut observed = listed(&[1, 2]);
    observed.answers.remove(&ip(3));
    let few = "2 of the 3 members that it takes are there";
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.unity, Unity::apart(format!("{few}: db.3 is gone")));
    // Once its place is taken, who is missing is somebody else.
    let mut back = seen(vec![tasks(&[], 3)], &[]);
    let mut third = crate::support::replica(3, 4, Presence::Present);
    third.task = Some("new".into());
    back.reports[0].sightings.push(third);
    back.reports[0].witness = Witness::Docker;
    let plan = clock.after(1, &toy, &back);
    let few = "1 of the 3 members that it takes are there";
    assert_eq!(plan.unity, Unity::apart(few));
}
