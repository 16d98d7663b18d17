//! What stands in a frame: `GossipData` from 3.6.5 on.

use bytes::Bytes;

use crate::address::Style;
use crate::limits::SMALL;
use crate::wire::{Fault, Malformed, Reader};
use crate::{Address, Dialect, Member, Message, Request};

/// The type of a frame (`GossipType.java`). 5 and 6 changed their meaning with 5.2.6.
pub(crate) mod kind {
    pub(crate) const REGISTER: u8 = 0;
    pub(crate) const UNREGISTER: u8 = 1;
    pub(crate) const GET_MEMBERS: u8 = 2;
    pub(crate) const MEMBERS: u8 = 3;
    pub(crate) const MESSAGE: u8 = 4;
    /// From 5.2.6 on.
    pub(crate) const HEARTBEAT: u8 = 5;
    /// Before.
    pub(crate) const SUSPECT_BEFORE: u8 = 5;
    pub(crate) const SUSPECT: u8 = 6;
    /// The last of several answers, from 5.4.4 on.
    pub(crate) const LAST_MEMBERS: u8 = 7;
}

/// Reads the body of a frame. All of it must be used up: that is how the layouts are told
/// apart, the newest first.
///
/// # Errors
///
/// It is none in any of them.
pub(crate) fn read(body: &Bytes, spoken: Option<Dialect>) -> Result<(Dialect, Request), Malformed> {
    let mut first = None;
    for (sender, style) in [
        (true, Style::Texts),
        (true, Style::Keys),
        (false, Style::Keys),
    ] {
        let dialect = Dialect::Framed { sender };
        // Whoever has spoken one does not change to another.
        if spoken.is_some_and(|spoken| spoken != dialect) {
            continue;
        }
        match data(body, sender, style) {
            Ok(request) => return Ok((dialect, request)),
            Err(Fault::Malformed(why)) => first = first.or(Some(why)),
            Err(Fault::Short) => first = first.or(Some(Malformed("a frame that ends too early"))),
        }
    }
    Err(first.unwrap_or(Malformed("another generation than before")))
}

fn data(body: &Bytes, sender: bool, style: Style) -> Result<Request, Fault> {
    let mut reader = Reader::new(body);
    let kind = reader.u8()?;
    if kind > kind::LAST_MEMBERS {
        return Fault::malformed("a frame of an unknown type");
    }
    if kind != kind::MESSAGE && body.len() > SMALL {
        return Fault::malformed("a request that is too long");
    }
    let group = reader.name()?;
    let address = Address::read(&mut reader, style)?;
    let from = match sender {
        true => Address::read(&mut reader, style)?,
        false => None,
    };
    let (mut name, mut at) = (None, None);
    if kind != kind::MESSAGE {
        name = reader.name()?;
        // Only routers send the list that would follow.
        if reader.u16()? != 0 {
            return Fault::malformed("a list that only routers send");
        }
        at = Address::read(&mut reader, style)?;
    }
    let length = reader.u32()?;
    let length = usize::try_from(length).map_err(|_| Fault::Short)?;
    let begins = body.len().saturating_sub(reader.rest.len());
    reader.bytes(length)?;
    if !reader.rest.is_empty() {
        return Fault::malformed("a frame that does not end where it should");
    }
    Ok(match (kind, group, address) {
        (kind::REGISTER, Some(group), Some(address)) => {
            let at = at.into_iter().collect();
            Request::Register(group, Member { address, name, at })
        }
        (kind::UNREGISTER, Some(group), Some(address)) => Request::Unregister(group, address),
        (kind::GET_MEMBERS, group, _) => Request::Members(group),
        (kind::MESSAGE, Some(group), to) => Request::Message(Message {
            group,
            to,
            from,
            bytes: body.slice(begins..),
        }),
        (kind::HEARTBEAT, None, None) => Request::Heartbeat,
        // A suspicion of a member's, which routers do not pass on either.
        (kind::SUSPECT_BEFORE | kind::SUSPECT, Some(_), _) => Request::Idle,
        _ => return Fault::malformed("a frame without what its type needs"),
    })
}
