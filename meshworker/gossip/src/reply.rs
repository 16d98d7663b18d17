//! What a router says to a member, in what that member speaks.

use bytes::{BufMut, Bytes, BytesMut};

use crate::address::Style;
use crate::decoder::CLOSES;
use crate::framed::kind;
use crate::wire::put_name;
use crate::{Address, Dialect, Member, Message, Name, old};

/// What stands before a group's name where somebody asked for all groups
/// (`GossipRouter.ALL_GROUPS` since 5.4.4).
const ALL_GROUPS: &[u8] = b"<<all-groups>>:";

/// What a router says to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// It is registered. Only old ones are told.
    Registered,
    /// It no longer is. Only old ones are told.
    Unregistered,
    /// These are in the group. The type is always the one that all generations know: newer
    /// ones have another for the last of several answers, and older ones break on it.
    Members(&'a Name, &'a [&'a Member]),
    /// The same, of one of all groups; whether it is the last one.
    OneOfAll(&'a Name, &'a [&'a Member], bool),
    /// A message of another member.
    Message(&'a Message),
    /// The router is there.
    Heartbeat,
    /// This member is lost, perhaps: older and newer ones have other types for it.
    Suspect {
        /// In this group.
        group: &'a Name,
        /// Whom.
        address: &'a Address,
    },
    /// This connection ends.
    Closing,
}

impl Reply<'_> {
    /// As it goes over the wire; nothing where whoever speaks so is not told.
    pub fn bytes(&self, dialect: Dialect) -> Bytes {
        match dialect {
            Dialect::Old => self.old(),
            Dialect::Framed { sender } => self.framed(sender),
        }
        .freeze()
    }

    fn old(&self) -> BytesMut {
        let style = Style::Old;
        let mut out = BytesMut::new();
        match self {
            Reply::Registered => out.put_u8(old::kind::CONNECT_OK),
            Reply::Unregistered => old_data(&mut out, old::kind::DISCONNECT_OK, None, None),
            Reply::Members(_, members) | Reply::OneOfAll(_, members, _) => {
                let members = members.iter().filter(|one| one.address.has(style));
                // Some kinds of addresses it does not know.
                out.put_u16(count(members.clone().count()));
                for member in members {
                    Address::write(Some(&member.address), &mut out, style);
                    // No view, no id of one, a server.
                    out.put_slice(&[0, 0, 1]);
                    put_name(&mut out, member.name.as_ref());
                    let at = member.at.iter().filter(|at| at.has(style));
                    match at.clone().count() {
                        0 => out.put_u16(u16::MAX),
                        some => out.put_u16(count(some)),
                    }
                    at.for_each(|at| Address::write(Some(at), &mut out, style));
                }
            }
            Reply::Message(message) => {
                let bytes = Some(&message.bytes);
                old_data(&mut out, old::kind::MESSAGE, message.to.as_ref(), bytes);
            }
            Reply::Suspect { address, .. } => {
                old_data(&mut out, old::kind::SUSPECT, None, None);
                Address::write(Some(address), &mut out, style);
            }
            Reply::Heartbeat | Reply::Closing => {}
        }
        out
    }

    fn framed(&self, sender: bool) -> BytesMut {
        let body = Body { sender };
        match self {
            Reply::Registered | Reply::Unregistered => BytesMut::new(),
            Reply::Members(group, members) => body.members(kind::MEMBERS, group, members),
            Reply::OneOfAll(group, members, is_last) => {
                let group = Name::of([ALL_GROUPS, group.bytes()].concat());
                // Only those ask for all groups that know it.
                let kind = match is_last {
                    true => kind::LAST_MEMBERS,
                    false => kind::MEMBERS,
                };
                body.members(kind, &group, members)
            }
            Reply::Message(message) => {
                let Message {
                    group,
                    to,
                    from,
                    bytes,
                } = message;
                framed(64 + bytes.len(), |out| {
                    body.head(out, kind::MESSAGE, Some(group), to.as_ref(), from.as_ref());
                    out.put_u32(u32::try_from(bytes.len()).unwrap_or_default());
                    out.put_slice(bytes);
                })
            }
            Reply::Heartbeat => body.data(kind::HEARTBEAT, None, None, &[]),
            Reply::Suspect { group, address } => {
                let kind = match sender {
                    true => kind::SUSPECT,
                    false => kind::SUSPECT_BEFORE,
                };
                body.data(kind, Some(group), Some(address), &[])
            }
            Reply::Closing => BytesMut::from(&CLOSES.to_be_bytes()[..]),
        }
    }
}

/// What stands in a frame.
struct Body {
    sender: bool,
}

impl Body {
    fn members(&self, kind: u8, group: &Name, members: &[&Member]) -> BytesMut {
        self.data(kind, Some(group), None, members)
    }

    fn data(
        &self,
        kind: u8,
        group: Option<&Name>,
        address: Option<&Address>,
        members: &[&Member],
    ) -> BytesMut {
        let style = Style::Texts;
        framed(64 + 64 * members.len(), |out| {
            self.head(out, kind, group, address, None);
            put_name(out, None);
            out.put_u16(count(members.len()));
            for member in members {
                Address::write(Some(&member.address), out, style);
                // A server; who coordinates is not known here.
                out.put_u8(1);
                put_name(out, member.name.as_ref());
                Address::write(member.at.first(), out, style);
                // No members of its own.
                out.put_u16(u16::MAX);
            }
            Address::write(None, out, style);
            out.put_u32(0);
        })
    }

    fn head(
        &self,
        out: &mut BytesMut,
        kind: u8,
        group: Option<&Name>,
        address: Option<&Address>,
        from: Option<&Address>,
    ) {
        out.put_u8(kind);
        put_name(out, group);
        Address::write(address, out, Style::Texts);
        if self.sender {
            Address::write(from, out, Style::Texts);
        }
    }
}

/// A length, and what is written.
fn framed(room: usize, write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::with_capacity(room);
    out.put_u32(0);
    write(&mut out);
    let length = u32::try_from(out.len().saturating_sub(4)).unwrap_or_default();
    if let Some(place) = out.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    out
}

fn old_data(out: &mut BytesMut, kind: u8, address: Option<&Address>, bytes: Option<&Bytes>) {
    out.put_u8(kind);
    put_name(out, None);
    Address::write(address, out, Style::Old);
    put_name(out, None);
    out.put_u16(u16::MAX);
    out.put_u16(u16::MAX);
    match bytes {
        None => out.put_u8(0),
        Some(bytes) => {
            out.put_u8(1);
            out.put_u32(u32::try_from(bytes.len()).unwrap_or_default());
            out.put_slice(bytes);
        }
    }
}

/// Java reads it as a number with a sign: there are fewer ([`crate::Limits`]).
fn count(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
