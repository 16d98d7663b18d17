//! What whoever asks a router reads, and what members keep in tables.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use meshworker_gossip::{Address, Dialect, IpPort, Member, Name, Ping, Reply};

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn a() -> Ping {
    Ping {
        address: Address::Uuid(0x7e7d_6719_68c3_4125_9437_2af1_c84a_76ca),
        name: Some(Name::of("A")),
        at: Some(Address::Ip(IpPort {
            ip: Some([127, 0, 0, 1].into()),
            scope: 0,
            port: 7901,
        })),
        coordinates: false,
    }
}

/// As a member of 5.5.6 asks, and as routers of 5.5.6 and of ours answer.
#[test]
fn a_router_is_asked_as_members_do() {
    let question = Ping::question(&Name::of("chat"));
    let asked = hex("00000012020100046368617401010000000100000000");
    assert_eq!(question, asked);
    let answer = hex(
        "070100046368617401010000010294372af1c84a76ca7e7d671968c34125010100014110047f0000011eddffff0100000000",
    );
    assert_eq!(Ping::answered(&answer).unwrap(), Some(vec![a()]));
    let member = Member {
        address: a().address,
        name: a().name,
        at: a().at.into_iter().collect(),
    };
    let ours = Reply::Members(&Name::of("chat"), &[&member]);
    let ours = ours.bytes(Dialect::Framed { sender: true });
    assert_eq!(Ping::answered(&ours[4..]).unwrap(), Some(vec![a()]));
    let heartbeat = hex("050001010000000100000000");
    assert_eq!(Ping::answered(&heartbeat).unwrap(), None);
    assert!(Ping::answered(&answer[..40]).is_err());
}

#[test]
fn rows_of_tables_have_a_count_or_none() {
    let row = "0294372af1c84a76ca7e7d671968c34125030100014110047f0000011eddffff";
    let coordinator = Ping {
        coordinates: true,
        ..a()
    };
    assert_eq!(
        Ping::kept(&hex(row)).unwrap(),
        std::slice::from_ref(&coordinator)
    );
    let counted = format!("00000001{row}");
    assert_eq!(Ping::kept(&hex(&counted)).unwrap(), [coordinator]);
    assert!(Ping::kept(&hex(&format!("00000002{row}"))).is_err());
    assert!(Ping::kept(b"").is_err());
}
