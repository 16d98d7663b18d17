//! What one router says to another one, and how it goes over the wire.

use bytes::{BufMut, Bytes, BytesMut};

use crate::address::Style;
use crate::wire::{Fault, Malformed, Reader, put_name};
use crate::{Address, Member, Message, Name, RouterId};

/// What one router says to another one, on a line that it has opened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Who it is. What follows up to [`Word::Whole`] is all that is registered with it.
    Hello(RouterId),
    /// Something has changed, or belongs to what it has.
    Change(Change),
    /// That was all.
    Whole,
    /// It is there. Whoever hears it says it back.
    Alive,
    /// A message for members of the other one.
    Letter(Letter),
}

/// What has changed among a router's own registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A member has come to it.
    Registered(Name, Member),
    /// A member has gone from it.
    Gone {
        /// Its group.
        group: Name,
        /// Who.
        address: Address,
        /// In which way.
        how: Gone,
    },
}

/// How a member has gone from a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It said so: it is nowhere any more.
    Left,
    /// It may be elsewhere.
    Elsewhere,
    /// Its connection was lost, without a word of its own.
    Lost,
}

/// A message for members of another router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// For whom of them.
    pub readers: Vec<Address>,
    /// What.
    pub message: Message,
}

const HELLO: u8 = 1;
const REGISTERED: u8 = 2;
const GONE: u8 = 3;
const LOST: u8 = 4;
const WHOLE: u8 = 5;
const ALIVE: u8 = 6;
const LETTER: u8 = 7;
const LEFT: u8 = 8;

const STYLE: Style = Style::Ours;

impl Word {
    /// The longest one, in bytes: a message, and for whom.
    pub const LONGEST: usize = crate::LONGEST + (256 << 10);

    /// So many readers one letter has: with the longest addresses they take half of the rest.
    pub const READERS: usize = 256;

    /// As it goes over the wire, without its length.
    pub fn bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Word::Hello(RouterId(id)) => {
                out.put_u8(HELLO);
                out.put_u64(*id);
            }
            Word::Change(Change::Registered(group, member)) => {
                out.put_u8(REGISTERED);
                put_name(&mut out, Some(group));
                Address::write(Some(&member.address), &mut out, STYLE);
                put_name(&mut out, member.name.as_ref());
                put_all(&mut out, &member.at);
            }
            Word::Change(Change::Gone {
                group,
                address,
                how,
            }) => {
                out.put_u8(match how {
                    Gone::Left => LEFT,
                    Gone::Elsewhere => GONE,
                    Gone::Lost => LOST,
                });
                put_name(&mut out, Some(group));
                Address::write(Some(address), &mut out, STYLE);
            }
            Word::Whole => out.put_u8(WHOLE),
            Word::Alive => out.put_u8(ALIVE),
            Word::Letter(Letter { readers, message }) => {
                out.put_u8(LETTER);
                put_name(&mut out, Some(&message.group));
                Address::write(message.to.as_ref(), &mut out, STYLE);
                Address::write(message.from.as_ref(), &mut out, STYLE);
                put_all(&mut out, readers);
                out.put_slice(&message.bytes);
            }
        }
        out.freeze()
    }

    /// What came over the wire.
    ///
    /// # Errors
    ///
    /// No router says so.
    pub fn of(bytes: &Bytes) -> Result<Word, Malformed> {
        read(bytes).map_err(|fault| match fault {
            Fault::Short => Malformed("a router's word that ends too early"),
            Fault::Malformed(why) => why,
        })
    }
}

fn read(bytes: &Bytes) -> Result<Word, Fault> {
    let mut reader = Reader::new(bytes);
    let word = match reader.u8()? {
        HELLO => Word::Hello(RouterId(reader.u64()?)),
        REGISTERED => {
            let (group, address) = whose(&mut reader)?;
            let name = reader.name()?;
            let at = all(&mut reader, 16)?.into();
            Word::Change(Change::Registered(group, Member { address, name, at }))
        }
        kind @ (GONE | LOST | LEFT) => {
            let (group, address) = whose(&mut reader)?;
            Word::Change(Change::Gone {
                group,
                address,
                how: match kind {
                    LEFT => Gone::Left,
                    LOST => Gone::Lost,
                    _ => Gone::Elsewhere,
                },
            })
        }
        WHOLE => Word::Whole,
        ALIVE => Word::Alive,
        LETTER => {
            let group = reader.name()?;
            let group = group.ok_or(Fault::Malformed(Malformed("a letter to no group")))?;
            let to = Address::read(&mut reader, STYLE)?;
            let from = Address::read(&mut reader, STYLE)?;
            let readers = all(&mut reader, Word::READERS)?;
            let begins = bytes.len().saturating_sub(reader.rest.len());
            let message = Message {
                group,
                to,
                from,
                bytes: bytes.slice(begins..),
            };
            Word::Letter(Letter { readers, message })
        }
        _ => return Fault::malformed("a router's word of an unknown kind"),
    };
    // A newer router may say more behind it than is understood here.
    Ok(word)
}

fn whose(reader: &mut Reader<'_>) -> Result<(Name, Address), Fault> {
    match (reader.name()?, Address::read(reader, STYLE)?) {
        (Some(group), Some(address)) => Ok((group, address)),
        _ => Fault::malformed("a registration of nobody"),
    }
}

fn put_all(out: &mut BytesMut, addresses: &[Address]) {
    out.put_u16(u16::try_from(addresses.len()).unwrap_or(u16::MAX));
    for address in addresses {
        Address::write(Some(address), out, STYLE);
    }
}

fn all(reader: &mut Reader<'_>, most: usize) -> Result<Vec<Address>, Fault> {
    let count = usize::from(reader.u16()?);
    if count > most {
        return Fault::malformed("a list that is too long");
    }
    let all = (0..count).map(|_| Address::read(reader, STYLE));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().collect())
}
