//! What says of a member who it is and where: in routers' answers, and in tables that members
//! of JGroups keep in databases (`protocols/PingData.java`, `protocols/JDBC_PING.java`).

use bytes::{BufMut, Bytes, BytesMut};

use crate::address::Style;
use crate::framed::kind;
use crate::wire::{Fault, Malformed, Reader, put_name};
use crate::{Address, Name};

/// What says of a member who it is and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Who it is.
    pub address: Address,
    /// What people call it.
    pub name: Option<Name>,
    /// Where others reach it.
    pub at: Option<Address>,
    /// Whether it said that it coordinates; routers do not know.
    pub coordinates: bool,
}

/// It is one of the members' coordinators.
const COORDINATES: u8 = 2;

/// So many stand in one text.
const MOST: usize = 16_384;

impl Ping {
    /// The question who is registered in a group, as any member since 4.0 asks it.
    pub fn question(group: &Name) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u32(0);
        out.put_u8(kind::GET_MEMBERS);
        put_name(&mut out, Some(group));
        for _ in ["whom it is about", "who sends"] {
            Address::write(None, &mut out, Style::Texts);
        }
        put_name(&mut out, None);
        out.put_u16(0);
        Address::write(None, &mut out, Style::Texts);
        out.put_u32(0);
        let length = u32::try_from(out.len().saturating_sub(4)).unwrap_or_default();
        if let Some(place) = out.first_chunk_mut() {
            *place = length.to_be_bytes();
        }
        out.freeze()
    }

    /// Those in the answer to it, whose length was read before; none where it is something
    /// else that a router says unasked.
    ///
    /// # Errors
    ///
    /// No router says so.
    pub fn answered(body: &[u8]) -> Result<Option<Vec<Ping>>, Malformed> {
        told(answered(body))
    }

    /// Those in a row of `JDBC_PING`: since 5.3.2 their number stands before them.
    ///
    /// # Errors
    ///
    /// No member writes so.
    pub fn kept(bytes: &[u8]) -> Result<Vec<Ping>, Malformed> {
        told(counted(bytes).or_else(|_| Ok(vec![whole(bytes)?])))
    }

    fn read(reader: &mut Reader<'_>, style: Style) -> Result<Ping, Fault> {
        let address = Address::read(reader, style)?;
        let flags = reader.u8()?;
        let name = reader.name()?;
        let at = Address::read(reader, style)?;
        match reader.u16()? {
            u16::MAX => {}
            count => {
                for _ in 0..count {
                    Address::read(reader, style)?;
                }
            }
        }
        let address = address.ok_or(Fault::Malformed(Malformed("a member that is nobody")))?;
        Ok(Ping {
            address,
            name,
            at,
            coordinates: flags & COORDINATES != 0,
        })
    }
}

fn told<T>(read: Result<T, Fault>) -> Result<T, Malformed> {
    read.map_err(|fault| match fault {
        Fault::Short => Malformed("a text that ends too early"),
        Fault::Malformed(why) => why,
    })
}

fn answered(body: &[u8]) -> Result<Option<Vec<Ping>>, Fault> {
    let mut reader = Reader::new(body);
    if !matches!(reader.u8()?, kind::MEMBERS | kind::LAST_MEMBERS) {
        return Ok(None);
    }
    reader.name()?;
    for _ in ["whom it is about", "who sends"] {
        Address::read(&mut reader, Style::Texts)?;
    }
    reader.name()?;
    let count = usize::from(reader.u16()?);
    if count > MOST {
        return Fault::malformed("a list that is too long");
    }
    let all = (0..count).map(|_| Ping::read(&mut reader, Style::Texts));
    all.collect::<Result<Vec<_>, _>>().map(Some)
}

fn counted(bytes: &[u8]) -> Result<Vec<Ping>, Fault> {
    let mut reader = Reader::new(bytes);
    let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if count > MOST {
        return Fault::malformed("a list that is too long");
    }
    let all = (0..count).map(|_| Ping::read(&mut reader, Style::Texts));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    ends(&reader)?;
    Ok(all)
}

fn whole(bytes: &[u8]) -> Result<Ping, Fault> {
    let mut reader = Reader::new(bytes);
    let one = Ping::read(&mut reader, Style::Texts)?;
    ends(&reader)?;
    Ok(one)
}

fn ends(reader: &Reader<'_>) -> Result<(), Fault> {
    match reader.rest.is_empty() {
        true => Ok(()),
        false => Fault::malformed("a text that does not end where it should"),
    }
}
