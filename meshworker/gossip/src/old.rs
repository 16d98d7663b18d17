//! What members up to 3.6.4 say: one field after another, without a length before them.

use bytes::{Bytes, BytesMut};

use crate::address::Style;
use crate::limits::{LONGEST, SMALL};
use crate::wire::{Fault, Malformed, Reader};
use crate::{Address, Member, Message, Request};

/// The type of a request or an answer (`GossipRouter.java` of 2.12).
pub(crate) mod kind {
    pub(crate) const CONNECT: u8 = 1;
    pub(crate) const DISCONNECT: u8 = 2;
    pub(crate) const GOSSIP_GET: u8 = 4;
    pub(crate) const MESSAGE: u8 = 10;
    pub(crate) const SUSPECT: u8 = 11;
    pub(crate) const PING: u8 = 12;
    pub(crate) const CLOSE: u8 = 13;
    pub(crate) const CONNECT_OK: u8 = 14;
    pub(crate) const DISCONNECT_OK: u8 = 16;
}

/// Takes the next request from the beginning of these bytes; none while it is not whole.
///
/// # Errors
///
/// It is none, and never will be.
pub(crate) fn take(bytes: &mut BytesMut) -> Result<Option<Request>, Malformed> {
    let (head, used, message) = match head(bytes) {
        Ok(read) => read,
        // All but a message's own bytes fits into a few.
        Err(Fault::Short) if bytes.len() < SMALL => return Ok(None),
        Err(Fault::Short) => return Err(Malformed("a request that is too long")),
        Err(Fault::Malformed(why)) => return Err(why),
    };
    if message > LONGEST {
        return Err(Malformed("a message that is too long"));
    }
    if bytes.len() < used + message {
        return Ok(None);
    }
    let _ = bytes.split_to(used);
    let message = bytes.split_to(message).freeze();
    Ok(Some(match head {
        Request::Message(head) => Request::Message(Message {
            bytes: message,
            ..head
        }),
        head => head,
    }))
}

/// All but a message's own bytes; how long it is, and how long those are.
fn head(bytes: &[u8]) -> Result<(Request, usize, usize), Fault> {
    let mut reader = Reader::new(bytes.get(..SMALL).unwrap_or(bytes));
    let before = reader.rest.len();
    let kind = reader.u8()?;
    if !(kind::CONNECT..=kind::DISCONNECT_OK).contains(&kind) {
        return Fault::malformed("a request of an unknown type");
    }
    let group = reader.name()?;
    let address = Address::read(&mut reader, Style::Old)?;
    let name = reader.name()?;
    Address::read_list(&mut reader, Style::Old)?;
    let at = Address::read_list(&mut reader, Style::Old)?;
    let message = match reader.u8()? {
        0 => 0,
        1 => usize::try_from(reader.u32()?).unwrap_or(usize::MAX),
        _ => return Fault::malformed("a message that is neither there nor not"),
    };
    let used = before.saturating_sub(reader.rest.len());
    let request = match (kind, group, address) {
        (kind::CONNECT, Some(group), Some(address)) => {
            let at = at.into();
            Request::Register(group, Member { address, name, at })
        }
        (kind::DISCONNECT, Some(group), Some(address)) => Request::Unregister(group, address),
        (kind::GOSSIP_GET, Some(group), _) => Request::Members(Some(group)),
        (kind::MESSAGE, Some(group), to) => Request::Message(Message {
            group,
            to,
            from: None,
            bytes: Bytes::new(),
        }),
        (kind::PING, ..) => Request::Ping,
        (kind::CLOSE, ..) => Request::Close,
        _ => return Fault::malformed("a request without what its type needs"),
    };
    // Only a message has bytes of its own.
    if message > 0 && !matches!(request, Request::Message(_)) {
        return Fault::malformed("bytes where none belong");
    }
    Ok((request, used, message))
}
