//! Mutations of kept inputs, as data, so that proptest can make a failing one smaller.

use proptest::prelude::*;
use proptest::sample::Index;

/// The longest input that mutations make.
const LONGEST: usize = 64 << 10;

/// What parsers of text and of lengths stumble over.
const TOKENS: [&[u8]; 32] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
    b":",
    b",",
    b"=",
    b"-1",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"1e309",
    b"NaN",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\xff",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"\xc2\x9b",
    b"\xe2\x80\x8b",
    b"null",
    b"*",
    b"$9\r\n",
    b"::1",
];

/// One change of an input.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Puts these bytes there.
    Insert(Index, Vec<u8>),
    /// Takes so many bytes out.
    Remove(Index, usize),
    /// Writes this byte there.
    Write(Index, u8),
    /// Repeats so many bytes so often.
    Repeat(Index, usize, usize),
    /// Ends there.
    Cut(Index),
}

/// Up to eight changes.
pub fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let token = prop::sample::select(TOKENS.to_vec()).prop_map(<[u8]>::to_vec);
    let bytes = prop::collection::vec(any::<u8>(), 1..8);
    let one = prop_oneof![
        4 => (any::<Index>(), token).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (any::<Index>(), 1..32_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Write(at, byte)),
        1 => (any::<Index>(), 1..64_usize, 1..256_usize)
            .prop_map(|(at, count, times)| Mutation::Repeat(at, count, times)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ];
    prop::collection::vec(one, 0..8)
}

/// The input with these changes, one after another.
pub fn mutated(input: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for mutation in mutations {
        let (Mutation::Insert(at, _)
        | Mutation::Remove(at, _)
        | Mutation::Write(at, _)
        | Mutation::Repeat(at, _, _)
        | Mutation::Cut(at)) = mutation;
        let at = at.index(bytes.len() + 1);
        let rest = bytes.split_off(at);
        match mutation {
            Mutation::Insert(_, new) => {
                bytes.extend_from_slice(new);
                bytes.extend_from_slice(&rest);
            }
            Mutation::Remove(_, count) => bytes.extend(rest.iter().skip(*count)),
            Mutation::Write(_, byte) => {
                bytes.push(*byte);
                bytes.extend(rest.iter().skip(1));
            }
            Mutation::Repeat(_, count, times) => {
                let part = rest.get(..*count).unwrap_or(&rest);
                for _ in 0..*times {
                    bytes.extend_from_slice(part);
                }
                bytes.extend_from_slice(&rest);
            }
            Mutation::Cut(_) => {}
        }
        bytes.truncate(LONGEST);
    }
    bytes
}
