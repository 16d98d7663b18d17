//! What a stranger could say, for those who try it.

use bytes::Bytes;

use crate::{Decoder, Request, Word};

/// Reads all requests of a connection in pieces of this length, and tells what of them would
/// be shown to people.
pub fn requests(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut said = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_request() {
                Ok(Some(Request::Register(group, member))) => {
                    let at = member.at.iter().map(ToString::to_string);
                    let named = member.name.iter().map(ToString::to_string);
                    said.extend(at.chain(named));
                    said.extend([group.to_string(), member.address.to_string()]);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(why) => {
                    said.push(why.to_string());
                    return said;
                }
            }
        }
    }
    said
}

/// The same of what another router says.
pub fn word(bytes: &[u8]) -> Vec<String> {
    match Word::of(&Bytes::copy_from_slice(bytes)) {
        Ok(_) => Vec::new(),
        Err(why) => vec![why.to_string()],
    }
}
