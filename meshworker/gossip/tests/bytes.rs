//! Bytes of members and routers: half ones, hostile ones, and those of each generation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::{BufMut, Bytes, BytesMut};
use meshworker_gossip::{
    Address, Change, Decoder, Dialect, Gone, IpPort, LONGEST, Letter, Member, Message, Name, Reply,
    Request, RouterId, SMALL, Word, outside,
};
use proptest::prelude::*;

/// A frame with this body.
fn frame(body: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    out.put_u32(body.len() as u32);
    out.put_slice(body);
    out.to_vec()
}

/// What the first request among these bytes is, and in what it is said.
fn first(bytes: &[u8]) -> Result<Option<(Dialect, Request)>, String> {
    let mut decoder = Decoder::default();
    decoder.buffer().extend_from_slice(bytes);
    let request = decoder.next_request().map_err(|why| why.to_string())?;
    Ok(request.map(|request| (decoder.dialect().unwrap(), request)))
}

const CHAT: &[u8] = b"\x01\x00\x04chat";
const WHO: &[u8] = b"\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02";
const AT: &[u8] = b"\x10\x04\x7f\0\0\x01\x1e\xdd";

fn registers(sender: bool, address: &[u8]) -> Vec<u8> {
    let null: &[u8] = if sender { b"\x01" } else { b"" };
    let name = b"\x01\x00\x01A\x00\x00";
    frame(&[b"\0", CHAT, address, null, name, AT, b"\0\0\0\0"].concat())
}

#[test]
fn the_layout_without_a_sender_is_found_out_and_answered_in() {
    for sender in [true, false] {
        let (dialect, request) = first(&registers(sender, WHO)).unwrap().unwrap();
        assert_eq!(dialect, Dialect::Framed { sender });
        let Request::Register(group, member) = request else {
            panic!("{request:?}");
        };
        assert_eq!(group, Name::of("chat"));
        assert_eq!(member.address, Address::Uuid(2 << 64 | 1));
        assert_eq!(
            member.address.to_string(),
            "00000000-0000-0002-0000-000000000001"
        );
        assert_eq!(member.at[0].to_string(), "127.0.0.1:7901");
        let answer = Reply::Members(&group, &[&member]).bytes(dialect);
        let null = usize::from(sender);
        assert_eq!(answer.len(), 4 + 1 + 7 + 1 + null + 1 + 2 + 32 + 1 + 4);
    }
    // Nobody changes to another one.
    let mut decoder = Decoder::default();
    decoder.buffer().extend_from_slice(&registers(true, WHO));
    decoder.buffer().extend_from_slice(&registers(false, WHO));
    assert!(decoder.next_request().unwrap().is_some());
    assert!(decoder.next_request().is_err());
}

/// One of a few hundred kilobytes was kept with each registration.
#[test]
fn only_a_message_is_long() {
    let part = [&b"\xff"[..], &[b'x'; 255]].concat();
    for parts in [2_u8, 9, 255] {
        let parts = [&[parts], &part.repeat(usize::from(parts) * 2)[..]].concat();
        let site = [b"\x04", &WHO[1..], &parts].concat();
        assert!(first(&registers(true, &site)).is_err());
    }
    let mut message = [b"\x04", CHAT, b"\x01", WHO].concat();
    message.put_u32(SMALL as u32 * 2);
    message.extend_from_slice(&[0; SMALL * 2]);
    assert!(first(&frame(&message)).unwrap().is_some());
}

/// 5.x writes a site as two texts, 4.x as keys and values: both go on as they came.
#[test]
fn members_that_bridge_sites_are_known_by_all_that_they_say() {
    let uuid = &WHO[1..];
    let texts = [b"\x04", uuid, b"\x01\x00\x03lon\x01\x00\x01A"].concat();
    let keys = [b"\x04", uuid, b"\x01\x0brelay2.site\x03lon"].concat();
    for address in [texts, keys] {
        let bytes = registers(true, &address);
        let (dialect, request) = first(&bytes).unwrap().unwrap();
        let Request::Register(group, member) = request else {
            panic!("{request:?}");
        };
        assert_eq!(
            member.address.to_string(),
            "00000000-0000-0002-0000-000000000001"
        );
        let answer = Reply::Members(&group, &[&member]).bytes(dialect);
        let contains = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|one| one == part);
        assert!(contains(&answer, &address));
        // Another router hears the same, whichever release wrote it.
        let word = Word::Change(Change::Registered(group.clone(), member.clone()));
        assert_eq!(Word::of(&word.bytes()), Ok(word));
        // 2.12 does not know them.
        let old = Reply::Members(&group, &[&member]).bytes(Dialect::Old);
        assert_eq!(&old[..], [0, 0]);
    }
}

#[test]
fn half_a_frame_is_awaited_and_a_hostile_length_is_not() {
    let whole = registers(true, WHO);
    for short in 0..whole.len() {
        assert_eq!(first(&whole[..short]), Ok(None), "{short}");
    }
    for length in [0, -1, i32::MIN, LONGEST as i32 + 1, 0x00ff_ffff] {
        assert!(first(&length.to_be_bytes()).is_err(), "{length}");
    }
    // A list that claims more than there is; a text that does; a type that is none.
    let members = frame(&[b"\x02", CHAT, b"\x01\x01\x00\xff\xff\x01\0\0\0\0"].concat());
    let name = frame(b"\x00\x01\xff\xff");
    let more = frame(&[b"\x05\x00\x01\x01\x00\0\0\x01\0\0\0\0", &b"\0"[..]].concat());
    for bytes in [members, name, more, frame(b"\x08"), frame(b"\x09")] {
        assert!(first(&bytes).is_err());
    }
}

#[test]
fn an_old_request_without_an_end_is_not_awaited_for_ever() {
    let message = |length: u32| {
        let mut out = BytesMut::new();
        out.put_slice(&[b"\x0a", CHAT, b"\x01\x00\xff\xff\xff\xff\x01"].concat());
        out.put_u32(length);
        out
    };
    assert!(first(&message(LONGEST as u32 + 1)).is_err());
    assert!(first(&message(u32::MAX)).is_err());
    let mut whole = message(5);
    assert_eq!(first(&whole), Ok(None));
    whole.put_slice(b"hello");
    let (dialect, request) = first(&whole).unwrap().unwrap();
    assert_eq!(dialect, Dialect::Old);
    assert!(matches!(request, Request::Message(message) if message.bytes == "hello"));
    // Names that are too long, and data of applications without an end.
    assert!(first(b"\x01\x01\x04\x01").is_err());
    let more = [&b"\x01"[..], CHAT, WHO, b"\x01\xff\xff"].concat();
    assert_eq!(first(&more), Ok(None));
    assert!(first(&[&more[..], &[0; SMALL]].concat()).is_err());
    // HTTP, and TLS.
    assert!(first(b"GET / HTTP/1.1\r\n\r\n").is_err());
    assert!(first(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").is_err());
}

fn address() -> impl Strategy<Value = Address> {
    let place = (
        any::<Option<[u8; 16]>>(),
        any::<bool>(),
        any::<u32>(),
        any::<u16>(),
    );
    let place = place.prop_map(|(ip, is_old, scope, port)| {
        let v4 = |ip: [u8; 16]| [ip[0], ip[1], ip[2], ip[3]];
        let ip: Option<std::net::IpAddr> = ip.map(|ip| match is_old {
            true => v4(ip).into(),
            false => ip.into(),
        });
        let scope = if ip.is_some_and(|ip| ip.is_ipv6()) {
            scope
        } else {
            0
        };
        IpPort { ip, scope, port }
    });
    prop_oneof![
        any::<u128>().prop_map(Address::Uuid),
        place.clone().prop_map(Address::Ip),
        (place, any::<u64>(), any::<u32>())
            .prop_map(|(at, low, high)| Address::IpUuid(Box::new((at, low, high)))),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    prop::collection::vec(any::<u8>(), 0..Name::LONGEST).prop_map(Name::of)
}

fn word() -> impl Strategy<Value = Word> {
    let all = || prop::collection::vec(address(), 0..17);
    let member = (address(), prop::option::of(name()), all());
    let member = member.prop_map(|(address, name, at)| Member {
        address,
        name,
        at: at.into(),
    });
    let message = (name(), prop::option::of(address()), any::<Vec<u8>>());
    let letter = (all(), message).prop_map(|(readers, (group, to, bytes))| Letter {
        readers,
        message: Message {
            group,
            from: to.clone(),
            to,
            bytes: Bytes::from(bytes),
        },
    });
    let how = proptest::sample::select(vec![Gone::Left, Gone::Elsewhere, Gone::Lost]);
    let gone = (name(), address(), how).prop_map(|(group, address, how)| Change::Gone {
        group,
        address,
        how,
    });
    prop_oneof![
        any::<u64>().prop_map(|id| Word::Hello(RouterId(id))),
        (name(), member).prop_map(|(group, one)| Word::Change(Change::Registered(group, one))),
        gone.prop_map(Word::Change),
        letter.prop_map(Word::Letter),
        Just(Word::Whole),
        Just(Word::Alive),
    ]
}

proptest! {
    #[test]
    fn what_a_router_says_is_what_another_hears(word in word()) {
        let bytes = word.bytes();
        prop_assert!(bytes.len() <= Word::LONGEST);
        prop_assert_eq!(Word::of(&bytes), Ok(word));
    }

    /// However the bytes come, the same is understood.
    #[test]
    fn pieces_make_no_difference(bytes in prop::collection::vec(any::<u8>(), 0..600), piece in 1..40_usize) {
        prop_assert_eq!(outside::requests(&bytes, piece), outside::requests(&bytes, usize::MAX));
    }

    #[test]
    fn a_frame_of_anything_is_a_request_or_a_refusal(body in prop::collection::vec(any::<u8>(), 1..200)) {
        prop_assert!(!matches!(first(&frame(&body)), Ok(None)));
    }
}
