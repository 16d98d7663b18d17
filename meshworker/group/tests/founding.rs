//! Who begins a group: one at the most.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::Moment;
use meshworker_group::{Book, Founding, GroupId, Hello, Listing, Seat, Seeker, StoreId, founding};

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(1_000 + seconds))
}

fn seat(slot: u64) -> Seat {
    Seat {
        slot,
        node: None,
        task: format!("task-{slot}"),
    }
}

fn hello(slot: u64, group: Option<u64>) -> Hello {
    Hello {
        store: StoreId(slot),
        seat: seat(slot),
        kept: true,
        group: group.map(GroupId),
        leader: None,
        term: 0,
        last: 0,
        applied: 0,
        voters: [].into(),
        heir_of: None,
        knows: 0,
        awake: 60_000,
        young: false,
        leaving: false,
        unheard: BTreeMap::new(),
    }
}

fn seeker(seat: &Seat, ended: Option<GroupId>, knows: u64) -> Seeker<'_> {
    Seeker {
        seat,
        first: seat.slot == 1,
        ended,
        knows,
        woke: at(0),
    }
}

fn address(slot: u8) -> std::net::IpAddr {
    [10, 0, 0, slot].into()
}

/// DNS lists these besides the worker itself, and these of them have answered.
fn seen(listed: &[u8], answered: &[(u8, Option<u64>)], now: Moment) -> (Listing, Book) {
    let mut book = Book::default();
    for (slot, group) in answered {
        book.hear(hello(u64::from(*slot), *group), Some(address(*slot)), now);
    }
    let listing = Listing {
        others: listed.iter().copied().map(address).collect(),
        whole: true,
        wanted: None,
        blind: false,
    };
    (listing, book)
}

fn decide(slot: u64, listed: &[u8], answered: &[(u8, Option<u64>)], awake: u64) -> Founding {
    let now = at(awake);
    let (listing, book) = seen(listed, answered, now);
    founding(&seeker(&seat(slot), None, 0), &listing, &book, now)
}

fn waits(why: &str) -> Founding {
    Founding::Wait(why.into())
}

#[test]
fn one_alone_begins_at_once() {
    assert_eq!(decide(1, &[], &[], 0), Founding::Found);
}

#[test]
fn of_those_that_begin_together_the_first_slot_founds() {
    assert_eq!(
        decide(1, &[2, 3], &[(2, None), (3, None)], 0),
        Founding::Found
    );
    let others = [(1, None), (3, None)];
    assert_eq!(
        decide(2, &[1, 3], &others, 100),
        waits("worker 1 is to begin")
    );
}

/// Each server wrote down whom it had seen, and two lists were two clusters
/// (hashicorp/raft 114).
#[test]
fn raft_114_whoever_sees_half_of_them_founds_nothing_beside_the_others() {
    assert_eq!(
        decide(2, &[], &[], 1),
        waits("somebody with a lower slot may come")
    );
    assert_eq!(
        decide(3, &[2], &[(2, None)], 1),
        waits("worker 2 is to begin")
    );
}

/// "Nobody answers, so I begin" (svix/diom 76, atomix/copycat 51).
#[test]
fn diom_76_silence_of_whoever_is_listed_is_no_absence() {
    assert_eq!(
        decide(1, &[2], &[], 5),
        waits("10.0.0.2 is listed, and does not answer")
    );
    // The address of a task that is gone is taken back long before.
    assert_eq!(decide(1, &[2], &[], 61), Founding::Found);
}

/// An isolated master founded again (seaweedfs 10880).
#[test]
fn seaweedfs_10880_whoever_sees_a_group_joins_it() {
    let others = [(2, Some(7)), (3, None)];
    assert_eq!(decide(1, &[2, 3], &others, 0), Founding::Join(GroupId(7)));
}

#[test]
fn where_the_first_slot_never_comes_the_lowest_begins_after_a_while() {
    assert_eq!(decide(2, &[3], &[(3, None)], 15), Founding::Found);
    assert_eq!(
        decide(3, &[2], &[(2, None)], 15),
        waits("worker 2 is to begin")
    );
}

#[test]
fn a_name_that_leads_nowhere_is_waited_for_and_not_for_ever() {
    let nowhere = |awake| {
        let listing = Listing::default();
        let seat = seat(1);
        founding(
            &seeker(&seat, None, 0),
            &listing,
            &Book::default(),
            at(awake),
        )
    };
    let why = "the workers' name does not lead to this one yet";
    assert_eq!(nowhere(14), waits(why));
    assert_eq!(nowhere(15), Founding::Found);
}

/// All workers ended, and some are back: whoever has what they kept goes on with it.
#[test]
fn of_those_that_come_back_whoever_knows_most_founds() {
    let (listing, mut book) = seen(&[2], &[], at(0));
    let knows = Hello {
        knows: 7,
        ..hello(2, Some(5))
    };
    let ended = Some(GroupId(5));
    book.hear(knows, Some(address(2)), at(0));
    let decide = |slot, knows| {
        let seat = seat(slot);
        founding(&seeker(&seat, ended, knows), &listing, &book, at(0))
    };
    assert_eq!(decide(1, 6), waits("worker 2 is to begin"));
    assert_eq!(decide(1, 7), Founding::Found);
    assert_eq!(decide(3, 7), waits("worker 2 is to begin"));
}

/// One worker alone waited a minute for the address of the one that it followed.
#[test]
fn whoever_is_meant_to_be_alone_waits_for_nobody() {
    let (listing, book) = seen(&[2], &[], at(0));
    let alone = Listing {
        wanted: Some(1),
        whole: false,
        ..listing
    };
    let seat = seat(3);
    let seeker = seeker(&seat, None, 0);
    assert_eq!(founding(&seeker, &alone, &book, at(0)), Founding::Found);
    let (_, book) = seen(&[2], &[(2, None)], at(0));
    let waits = founding(&seeker, &alone, &book, at(0));
    assert!(
        matches!(waits, Founding::Wait(_)),
        "{waits:?}: one is there all the same"
    );
}

/// An empty store that was cut off began a group at once, beside the one that it had lost.
#[test]
fn whoever_sees_fewer_than_most_of_those_that_are_meant_to_be_waits() {
    let of_three = |(listing, book): (Listing, Book), now| {
        let wanted = Some(3);
        founding(
            &seeker(&seat(1), None, 0),
            &Listing { wanted, ..listing },
            &book,
            now,
        )
    };
    let waits = of_three(seen(&[], &[], at(59)), at(59));
    assert!(matches!(waits, Founding::Wait(_)), "{waits:?}");
    assert_eq!(of_three(seen(&[], &[], at(60)), at(60)), Founding::Found);
    assert_eq!(
        of_three(seen(&[2], &[(2, None)], at(5)), at(5)),
        Founding::Found
    );
}

/// Two of three, cut off from the third and its group, began another one: the second had lost
/// its store and looked for the first time, and would have seen the third a moment later.
#[test]
fn whoever_has_just_begun_to_look_counts_for_no_founding_without_the_others() {
    let of_three = |others: &[u8], looked: u64, awake: u64| {
        let now = at(awake);
        let mut book = Book::default();
        for slot in others {
            let other = Hello {
                awake: looked * 1_000,
                ..hello(u64::from(*slot), None)
            };
            book.hear(other, Some(address(*slot)), now);
        }
        let listing = Listing {
            others: others.iter().copied().map(address).collect(),
            whole: true,
            wanted: Some(3),
            blind: false,
        };
        founding(&seeker(&seat(1), None, 0), &listing, &book, now)
    };
    let begun = waits("of 3 workers 2 can be seen, and have just begun to look");
    assert_eq!(of_three(&[2], 4, 30), begun);
    assert_eq!(of_three(&[2], 30, 4), begun);
    assert_eq!(of_three(&[2], 5, 5), Founding::Found);
    assert_eq!(
        of_three(&[2, 3], 0, 0),
        Founding::Found,
        "nobody is missing"
    );
}
