//! Who has a place.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use meshworker_gossip::{ConnectionId, Seat, Seats};

fn from(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

#[test]
fn idle_strangers_of_one_source_kept_everybody_else_out() {
    let mut seats = Seats::of(8, 6);
    let mut number = 0;
    let mut enter = |seats: &mut Seats, last: u8| {
        number += 1;
        seats.enter(from(last), ConnectionId(number))
    };
    for _ in 0..6 {
        assert_eq!(enter(&mut seats, 1), Seat::Taken);
    }
    assert_eq!(enter(&mut seats, 1), Seat::None, "it has its share");
    assert_eq!(enter(&mut seats, 2), Seat::Taken);
    assert_eq!(enter(&mut seats, 2), Seat::Taken);
    seats.known(from(1), ConnectionId(1));
    // The oldest that nobody knows, of whoever has most.
    assert_eq!(enter(&mut seats, 3), Seat::InPlaceOf(ConnectionId(2)));
    assert_eq!(seats.taken(), 8);
    // Members stay.
    for known in 3..=6 {
        seats.known(from(1), ConnectionId(known));
    }
    assert_eq!(enter(&mut seats, 4), Seat::InPlaceOf(ConnectionId(8)));
    assert_eq!(
        enter(&mut seats, 4),
        Seat::None,
        "nobody has more who could give way"
    );
    // Whose place was taken gives none back when it ends.
    seats.leave(from(1), ConnectionId(2));
    assert_eq!(enter(&mut seats, 5), Seat::None);
    seats.leave(from(1), ConnectionId(1));
    assert_eq!(enter(&mut seats, 4), Seat::Taken);
}
