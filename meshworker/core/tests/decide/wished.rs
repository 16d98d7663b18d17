//! How many members there should be stands until a witness that can know says otherwise.

use meshworker_core::{Authority, Fence, Grade, Pace, Presence, Report, Unity, Witness};

use Presence::{Leaving, OutOfSight, Present, Spare, Stopping};

use crate::support::{Clock, announced, content, departed, dns, seen, tasks};

const SIX: [u8; 6] = [1, 2, 3, 4, 5, 6];
const THREE: [u8; 3] = [1, 2, 3];

fn missed(have: usize, need: usize) -> Unity {
    Unity::apart(format!(
        "{have} of {need} members are there, and no witness says that fewer are wished for"
    ))
}

#[test]
fn half_of_six_were_cut_off_and_three_were_called_one_cluster() {
    let says = |members: &[u8]| {
        let says: Vec<_> = members.iter().map(|last| (*last, Present)).collect();
        seen(vec![dns(members), announced(&says)], members)
    };
    let mut clock = Clock::start();
    let plan = clock.after(1, &content(), &says(&SIX));
    assert!(plan.unity.is_one());
    for _ in 0..360 {
        let plan = clock.after(10, &content(), &says(&THREE));
        assert_eq!(plan.unity, missed(3, 6));
        assert_eq!((plan.pace, plan.settled), (Pace::Watchful, true));
    }
    // Others take their places, wherever.
    let replaced = [1, 2, 3, 7, 8, 9];
    assert!(clock.after(1, &content(), &says(&replaced)).unity.is_one());
    // What a restarted worker does not know, it does not say.
    clock.restart();
    assert!(clock.after(1, &content(), &says(&THREE)).unity.is_one());
}

/// Whoever gained the authority to act forgot how many there had been, and called half of
/// them one cluster.
#[test]
fn another_worker_gained_authority_and_half_of_six_were_one_cluster() {
    let mut clock = Clock::start();
    clock.authority = Authority::Yielded("10.0.0.77".into());
    clock.after(1, &content(), &seen(vec![dns(&SIX)], &SIX));
    // Two of them say that they leave, and nobody misses them when they have.
    let going = [5, 6].map(|last| (last, Leaving));
    let leaves = seen(vec![dns(&SIX), announced(&going)], &SIX);
    assert!(clock.after(1, &content(), &leaves).unity.is_one());
    // The worker that acted is lost, and with it a member.
    let three = seen(vec![dns(&THREE)], &THREE);
    for fence in [3, 5] {
        clock.authority = Authority::Held(Fence(fence));
        assert_eq!(clock.after(1, &content(), &three).unity, missed(3, 4));
    }
    let four = seen(vec![dns(&[1, 2, 3, 7])], &[1, 2, 3, 7]);
    assert!(clock.after(1, &content(), &four).unity.is_one());
}

#[test]
fn the_task_list_knows_how_many_are_wished_for_and_is_remembered() {
    let list = |present: &[u8], desired| {
        let listed = SIX.map(|last| {
            let there = present.contains(&last);
            (last, if there { Present } else { OutOfSight })
        });
        seen(vec![dns(present), tasks(&listed, desired)], present)
    };
    let silent = seen(
        vec![
            dns(&THREE),
            Report::unknown(Witness::Docker, Grade::Timeout),
        ],
        &THREE,
    );
    let mut clock = Clock::start();
    clock.after(1, &content(), &list(&SIX, 6));
    assert!(!clock.after(1, &content(), &list(&THREE, 6)).unity.is_one());
    assert_eq!(clock.after(1, &content(), &silent).unity, missed(3, 6));
    // Three are enough, says the task list, and falls silent again.
    assert!(clock.after(1, &content(), &list(&THREE, 3)).unity.is_one());
    assert!(clock.after(1, &content(), &silent).unity.is_one());
}

#[test]
fn whoever_asked_to_leave_is_not_missed() {
    for how in [Leaving, Stopping] {
        let mut clock = Clock::start();
        clock.after(1, &content(), &seen(vec![dns(&SIX)], &SIX));
        let going = [4, 5, 6].map(|last| (last, how.clone()));
        let leaves = seen(vec![dns(&SIX), announced(&going)], &SIX);
        assert!(clock.after(1, &content(), &leaves).unity.is_one());
        let plan = clock.after(1, &content(), &seen(vec![dns(&THREE)], &THREE));
        assert!(plan.unity.is_one(), "{:?}", plan.unity);
        // One of those that stay vanishes: that is another matter.
        let plan = clock.after(1, &content(), &seen(vec![dns(&[1, 2])], &[1, 2]));
        assert_eq!(plan.unity, missed(2, 3));
    }
}

/// An ideal size takes members out of the cluster, and they stay as spares.
#[test]
fn members_that_were_taken_out_were_missed_for_ever_though_they_were_there() {
    let mut clock = Clock::start();
    clock.after(1, &content(), &seen(vec![dns(&SIX)], &SIX));
    let spares = [4, 5, 6].map(|last| (last, Spare));
    let three = seen(vec![dns(&SIX), announced(&spares)], &THREE);
    let plan = clock.after(1, &content(), &three);
    assert!(plan.unity.is_one(), "{:?}", plan.unity);
    // They go, and nobody misses them.
    let three = seen(vec![dns(&THREE)], &THREE);
    assert!(clock.after(1, &content(), &three).unity.is_one());
    let plan = clock.after(1, &content(), &seen(vec![dns(&[1, 2])], &[1, 2]));
    assert_eq!(plan.unity, missed(2, 3));
}

#[test]
fn an_operator_who_knows_that_they_are_gone_says_that_fewer_are_enough() {
    let mut clock = Clock::start();
    clock.after(1, &content(), &seen(vec![dns(&SIX)], &SIX));
    let mut toy = content();
    toy.0.departures = vec![departed(4), departed(5), departed(6)];
    let three = seen(vec![dns(&THREE)], &THREE);
    assert_eq!(clock.after(1, &toy, &three).unity, missed(3, 6));
    for node in ["n4", "10.0.0.5"] {
        clock.orders.forget.insert(node.into());
    }
    assert_eq!(clock.after(1, &toy, &three).unity, missed(3, 4));
    clock.orders.forget.insert("n6".into());
    assert!(clock.after(1, &toy, &three).unity.is_one());
}
