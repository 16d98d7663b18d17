//! What follows from what is said.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use meshworker_core::Moment;
use meshworker_gossip::{
    Address, Change, ConnectionId, Dialect, Effect, End, Gone, IpPort, Letter, Limits, Member,
    Message, Name, Reply, Request, Router, RouterId, Word,
};

const NEW: Dialect = Dialect::Framed { sender: true };
const G2: Dialect = Dialect::Framed { sender: false };
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOW: Moment = Moment(Duration::ZERO);

fn id(number: u64) -> ConnectionId {
    ConnectionId(number)
}

fn group() -> Name {
    Name::of("chat")
}

fn who(number: u128) -> Address {
    Address::Uuid(number)
}

fn member(number: u128) -> Member {
    let ip = Some([10, 0, 0, number as u8].into());
    let at = IpPort {
        ip,
        scope: 0,
        port: 7800,
    };
    Member {
        address: who(number),
        name: Some(Name::of(format!("m{number}"))),
        at: Box::new([Address::Ip(at)]),
    }
}

fn register(number: u128) -> Request {
    Request::Register(group(), member(number))
}

fn registered(number: u128) -> Effect {
    Effect::Tell(Change::Registered(group(), member(number)))
}

fn gone(number: u128, how: Gone) -> Effect {
    Effect::Tell(went(number, how))
}

fn went(number: u128, how: Gone) -> Change {
    Change::Gone {
        group: group(),
        address: who(number),
        how,
    }
}

fn message(to: Option<u128>, from: Option<u128>) -> Message {
    Message {
        group: group(),
        to: to.map(who),
        from: from.map(who),
        bytes: Bytes::from_static(b"hello"),
    }
}

/// A router to which these members are connected, each on the connection of its number.
fn with(members: &[(u128, Dialect)]) -> Router {
    let mut router = Router::new(Limits::default());
    for (number, dialect) in members {
        router.hear(NOW, HOME, id(*number as u64), *dialect, register(*number));
    }
    router
}

fn members(router: &Router) -> Vec<(String, bool, usize)> {
    let groups = router.picture().groups;
    let all = groups.into_iter().flat_map(|group| group.members);
    all.map(|one| (one.name.unwrap(), one.here, one.elsewhere))
        .collect()
}

fn one(name: &str, here: bool, elsewhere: usize) -> (String, bool, usize) {
    (name.to_owned(), here, elsewhere)
}

#[test]
fn a_registration_is_told_and_so_is_its_end() {
    let mut router = with(&[]);
    assert_eq!(
        router.hear(NOW, HOME, id(1), NEW, register(1)),
        [registered(1)]
    );
    assert_eq!(
        router.hear(NOW, HOME, id(2), Dialect::Old, register(2)),
        [
            Effect::Send(id(2), Reply::Registered.bytes(Dialect::Old)),
            registered(2)
        ]
    );
    let leaves = Request::Unregister(group(), who(1));
    assert_eq!(
        router.hear(NOW, HOME, id(1), NEW, leaves.clone()),
        [gone(1, Gone::Left)]
    );
    // A member says it twice.
    assert_eq!(router.hear(NOW, HOME, id(1), NEW, leaves), []);
    assert_eq!(router.ended(id(1), End::Lost), []);
    assert_eq!(router.ended(id(2), End::Lost), [gone(2, Gone::Lost)]);
    assert_eq!(router.picture().groups, []);
}

/// The older connection's end took the newer one's registration along.
#[test]
fn whoever_came_again_stays_when_its_older_connection_ends() {
    let mut router = with(&[(1, NEW)]);
    assert_eq!(
        router.hear(NOW, HOME, id(7), NEW, register(1)),
        [registered(1)]
    );
    assert_eq!(router.ended(id(1), End::Lost), []);
    assert_eq!(members(&router), [one("m1", true, 0)]);
    // An old one's is closed at once, as its own router does.
    let mut router = with(&[(1, Dialect::Old)]);
    let effects = router.hear(NOW, HOME, id(7), Dialect::Old, register(1));
    assert!(matches!(effects[0], Effect::Close(closed, _) if closed == id(1)));
    assert_eq!(router.ended(id(1), End::Ours), []);
    assert_eq!(members(&router), [one("m1", true, 0)]);
}

/// A type that is a suspicion in one generation is a heartbeat in another.
#[test]
fn only_those_hear_of_a_suspicion_that_take_it_for_one() {
    let members = [
        (1, NEW),
        (2, NEW),
        (3, G2),
        (4, Dialect::Old),
        (5, Dialect::Old),
        (6, NEW),
    ];
    let mut router = with(&members);
    router.hear(NOW, HOME, id(2), NEW, Request::Heartbeat);
    let tunnels = Request::Message(message(Some(9), None));
    router.hear(NOW, HOME, id(5), Dialect::Old, tunnels);
    let suspect = |to: u64, dialect: Dialect| {
        let bytes = Reply::Suspect {
            group: &group(),
            address: &who(6),
        };
        Effect::Post(id(to), bytes.bytes(dialect))
    };
    let expected = [
        gone(6, Gone::Lost),
        suspect(2, NEW),
        suspect(3, G2),
        suspect(5, Dialect::Old),
    ];
    assert_eq!(router.ended(id(6), End::Lost), expected);
    // Who says farewell is suspected of nothing, nor is anybody when this router ends.
    assert_eq!(router.ended(id(1), End::Told), [gone(1, Gone::Left)]);
    assert_eq!(router.ended(id(4), End::Ours), [gone(4, Gone::Elsewhere)]);
}

#[test]
fn who_is_known_to_another_router_is_not_suspected() {
    let mut router = with(&[(1, NEW), (2, NEW)]);
    router.hear(NOW, HOME, id(1), NEW, Request::Heartbeat);
    assert!(router.met(RouterId(9)));
    router.told(NOW, RouterId(9), Change::Registered(group(), member(2)));
    assert_eq!(router.ended(id(2), End::Lost), [gone(2, Gone::Lost)]);
    assert_eq!(members(&router), [one("m1", true, 0), one("m2", false, 1)]);
    let lost = went(2, Gone::Lost);
    assert_eq!(router.told(NOW, RouterId(9), lost).len(), 1);
    assert_eq!(members(&router), [one("m1", true, 0)]);
}

#[test]
fn a_lost_routers_members_are_told_until_they_have_had_time_to_come_again() {
    let mut router = with(&[(1, NEW)]);
    let at = |seconds| Moment(Duration::from_secs(seconds));
    assert!(router.met(RouterId(9)));
    for number in [1, 2] {
        router.told(
            NOW,
            RouterId(9),
            Change::Registered(group(), member(number)),
        );
    }
    router.whole(RouterId(9));
    router.lost(at(10), RouterId(9));
    router.lost(at(20), RouterId(9));
    router.tidy(at(39));
    assert_eq!(members(&router), [one("m1", true, 1), one("m2", false, 1)]);
    // It is back, and tells only one of them.
    assert!(router.met(RouterId(9)));
    router.told(NOW, RouterId(9), Change::Registered(group(), member(1)));
    router.tidy(at(60));
    assert_eq!(members(&router), [one("m1", true, 1), one("m2", false, 1)]);
    router.whole(RouterId(9));
    assert_eq!(members(&router), [one("m1", true, 1)]);
    router.lost(at(70), RouterId(9));
    router.tidy(at(100));
    assert_eq!(members(&router), [one("m1", true, 0)]);
    assert_eq!(router.picture().lost_routers, 0);
}

#[test]
fn what_is_told_another_router_is_all_and_only_what_came_here() {
    let mut router = with(&[(1, NEW)]);
    assert!(router.met(RouterId(9)));
    router.told(NOW, RouterId(9), Change::Registered(group(), member(2)));
    let all = [
        Word::Change(Change::Registered(group(), member(1))),
        Word::Whole,
    ];
    assert_eq!(router.own(), all);
}

#[test]
fn a_message_reaches_each_member_of_its_group_once_in_its_own_words() {
    let mut router = with(&[(1, NEW), (2, NEW), (3, G2), (4, Dialect::Old)]);
    assert!(router.met(RouterId(8)) && router.met(RouterId(9)));
    // It is connected to both routers; others to one other, or two.
    for (router_id, number) in [(8, 2), (8, 5), (9, 5), (9, 6)] {
        router.told(
            NOW,
            RouterId(router_id),
            Change::Registered(group(), member(number)),
        );
    }
    let post = |to: u64, dialect, message: &Message| {
        Effect::Post(id(to), Reply::Message(message).bytes(dialect))
    };
    let pass = |to: u64, readers: &[u128], message: &Message| {
        let letter = Letter {
            readers: readers.iter().copied().map(who).collect(),
            message: message.clone(),
        };
        Effect::Pass(RouterId(to), letter)
    };
    let to_all = message(None, Some(1));
    let expected = [
        post(2, NEW, &to_all),
        post(3, G2, &to_all),
        post(4, Dialect::Old, &to_all),
        pass(8, &[5], &to_all),
        pass(9, &[6], &to_all),
    ];
    let said = router.hear(NOW, HOME, id(1), NEW, Request::Message(to_all));
    assert_eq!(said, expected);
    // Where one router is lost the other one gets it.
    router.lost(NOW, RouterId(8));
    let to_one = message(Some(5), Some(1));
    let said = router.hear(NOW, HOME, id(1), NEW, Request::Message(to_one.clone()));
    assert_eq!(said, [pass(9, &[5], &to_one)]);
    // Before 4.0 nobody says who sends, and whoever does expects it back.
    let old = message(None, None);
    let said = router.hear(
        NOW,
        HOME,
        id(4),
        Dialect::Old,
        Request::Message(old.clone()),
    );
    assert_eq!(said[..4].len(), 4);
    assert!(said.contains(&post(4, Dialect::Old, &old)));
    // What another router passes on goes to those it names.
    let letter = Letter {
        readers: vec![who(2), who(5)],
        message: to_one.clone(),
    };
    assert_eq!(router.passed(&letter), [post(2, NEW, &to_one)]);
}

#[test]
fn a_stranger_says_nothing_in_a_group() {
    let mut router = with(&[(1, NEW)]);
    let said = router.hear(
        NOW,
        HOME,
        id(7),
        NEW,
        Request::Message(message(None, Some(1))),
    );
    assert_eq!(said, []);
}

#[test]
fn whoever_is_over_a_limit_is_closed_and_leaves_nothing() {
    let limits = Limits {
        groups: 2,
        members: 3,
        of_one: 2,
        routers: 1,
    };
    let mut router = Router::new(limits);
    let from = |number: u128| IpAddr::from([127, 0, 0, number as u8]);
    let into = |name: &str, number| Request::Register(Name::of(name), member(number));
    let closes = |effects: &[Effect], id: ConnectionId| {
        effects
            .iter()
            .any(|one| matches!(one, Effect::Close(closed, _) if *closed == id))
    };
    for (number, group) in [(1, "a"), (2, "a"), (3, "b")] {
        let effects = router.hear(
            NOW,
            from(number),
            id(number as u64),
            NEW,
            into(group, number),
        );
        assert!(!closes(&effects, id(number as u64)));
    }
    // More members, and one group more.
    assert!(closes(
        &router.hear(NOW, from(4), id(4), NEW, into("a", 4)),
        id(4)
    ));
    router.ended(id(2), End::Told);
    assert!(closes(
        &router.hear(NOW, from(5), id(5), NEW, into("c", 5)),
        id(5)
    ));
    // Three of one.
    assert!(!closes(
        &router.hear(NOW, from(1), id(1), NEW, into("b", 6)),
        id(1)
    ));
    router.ended(id(3), End::Told);
    assert!(closes(
        &router.hear(NOW, from(1), id(1), NEW, into("b", 7)),
        id(1)
    ));
    assert_eq!(router.picture().groups, []);
    assert!(router.met(RouterId(1)) && !router.met(RouterId(2)));
}

#[test]
fn an_answer_is_that_of_this_moment() {
    let mut router = with(&[(1, NEW)]);
    let ask =
        |router: &mut Router| router.hear(NOW, HOME, id(1), NEW, Request::Members(Some(group())));
    let answer = |all: &[u128]| {
        let members: Vec<Member> = all.iter().copied().map(member).collect();
        let members: Vec<&Member> = members.iter().collect();
        vec![Effect::Send(
            id(1),
            Reply::Members(&group(), &members).bytes(NEW),
        )]
    };
    assert_eq!(ask(&mut router), answer(&[1]));
    router.hear(NOW, HOME, id(2), NEW, register(2));
    assert_eq!(ask(&mut router), answer(&[1, 2]));
    router.ended(id(2), End::Lost);
    assert_eq!(ask(&mut router), answer(&[1]));
    // Nobody waits because nobody is there.
    let nobody = router.hear(
        NOW,
        HOME,
        id(1),
        NEW,
        Request::Members(Some(Name::of("no"))),
    );
    let none = Reply::Members(&Name::of("no"), &[]).bytes(NEW);
    assert_eq!(nobody, [Effect::Send(id(1), none)]);
}

/// A member that was cut off from one router left by another one, and was still told by the
/// first: whoever came took a ghost for its coordinator.
#[test]
fn whoever_left_by_one_router_stayed_registered_with_another() {
    let mut router = with(&[(1, NEW), (2, NEW)]);
    for other in [8, 9] {
        assert!(router.met(RouterId(other)));
        let registered = Change::Registered(group(), member(2));
        router.told(NOW, RouterId(other), registered);
    }
    let left = router.told(NOW, RouterId(9), went(2, Gone::Left));
    assert_eq!(left, [gone(2, Gone::Elsewhere)]);
    assert_eq!(members(&router), [one("m1", true, 0)]);
    assert_eq!(router.ended(id(2), End::Lost), []);
    // It says so here.
    let registered = Change::Registered(group(), member(1));
    router.told(NOW, RouterId(8), registered);
    let leaves = Request::Unregister(group(), who(1));
    let left = router.hear(NOW, HOME, id(1), NEW, leaves);
    assert_eq!(left, [gone(1, Gone::Left)]);
    assert_eq!(members(&router), []);
}

/// A letter went to a router that was heard and not reached, and was lost.
#[test]
fn a_letter_takes_the_way_that_there_is() {
    let mut router = with(&[(1, NEW)]);
    for other in [8, 9] {
        assert!(router.met(RouterId(other)));
        let registered = Change::Registered(group(), member(2));
        router.told(NOW, RouterId(other), registered);
    }
    let to = |router: &mut Router| {
        let letter = Request::Message(message(Some(2), Some(1)));
        match &router.hear(NOW, HOME, id(1), NEW, letter)[..] {
            [Effect::Pass(to, _)] => *to,
            other => panic!("{other:?}"),
        }
    };
    router.reached(RouterId(9));
    assert_eq!(to(&mut router), RouterId(9));
    router.reached(RouterId(8));
    router.unreached(RouterId(9));
    assert_eq!(to(&mut router), RouterId(8));
}

/// Routers that end at once and begin again took all places.
#[test]
fn who_is_lost_longest_gives_its_place_to_another_router() {
    let limits = Limits {
        routers: 2,
        ..Limits::default()
    };
    let mut router = Router::new(limits);
    let at = |seconds| Moment(Duration::from_secs(seconds));
    assert!(router.met(RouterId(1)) && router.met(RouterId(2)));
    router.told(NOW, RouterId(1), Change::Registered(group(), member(1)));
    assert!(!router.met(RouterId(3)));
    router.lost(at(1), RouterId(2));
    router.lost(at(2), RouterId(1));
    assert!(router.met(RouterId(3)));
    assert_eq!(members(&router), [one("m1", false, 1)]);
    assert!(router.met(RouterId(4)) && !router.met(RouterId(5)));
    assert_eq!(members(&router), []);
}

/// One host registered so much that nobody else could, on any router.
#[test]
fn one_source_has_no_more_than_its_part_of_all_registrations() {
    let limits = Limits {
        members: 8,
        of_one: 2,
        ..Limits::default()
    };
    let mut router = Router::new(limits);
    let other = IpAddr::from([127, 0, 0, 2]);
    let closes = |effects: Vec<Effect>| matches!(effects.last(), Some(Effect::Close(..)));
    // What is free is for everybody.
    for (number, from) in [(1, HOME), (2, HOME), (3, HOME), (4, other)] {
        let effects = router.hear(NOW, from, id(number as u64), NEW, register(number));
        assert!(!closes(effects), "{number}");
    }
    assert!(closes(router.hear(NOW, HOME, id(5), NEW, register(5))));
    assert!(!closes(router.hear(NOW, other, id(6), NEW, register(6))));
}

/// What was over the limit when it was told stayed unknown here for ever.
#[test]
fn whoever_had_too_much_is_asked_anew_when_there_is_room() {
    let limits = Limits {
        members: 1,
        ..Limits::default()
    };
    let mut router = Router::new(limits);
    router.hear(NOW, HOME, id(1), NEW, register(1));
    assert!(router.met(RouterId(9)));
    router.told(NOW, RouterId(9), Change::Registered(group(), member(2)));
    assert_eq!(router.missed(), []);
    router.ended(id(1), End::Told);
    assert_eq!(router.missed(), [RouterId(9)]);
    assert!(router.met(RouterId(9)));
    assert_eq!(router.missed(), []);
}
