//! Who a member is, and where.

use std::fmt;
use std::net::IpAddr;

use bytes::BufMut;

use crate::wire::{Fault, Reader};

/// Who a member is to its group, or where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A UUID, with its high half first.
    Uuid(u128),
    /// An address and a port.
    Ip(IpPort),
    /// What a few releases of 4.0 made of both: place, low and high part.
    IpUuid(Box<(IpPort, u64, u32)>),
    /// A UUID with a site, of members that bridge sites: kept as it came, because releases
    /// write it differently.
    Site(Box<Site>),
}

/// An address and a port, as JGroups writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpPort {
    /// The address; none where Java had none.
    pub ip: Option<IpAddr>,
    /// Of a link-local IPv6 address.
    pub scope: u32,
    /// The port.
    pub port: u16,
}

/// The flag, and all that follows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    flag: u8,
    body: Box<[u8]>,
}

/// How addresses are written: the flags of 2.12 differ, and so do sites of 4.x and 5.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// Up to 3.6.4: a flag of its own for IP addresses, and a byte that says that nothing
    /// more follows.
    Old,
    /// From 3.6.5, with sites as 3.x and 4.x write them: keys and values.
    Keys,
    /// With sites as 5.x writes them: two texts.
    Texts,
    /// As routers write them to each other: a site has its length before it.
    Ours,
}

const NULL: u8 = 1;
const UUID: u8 = 2;
const SITE_UUID: u8 = 4;
const SITE_MASTER: u8 = 8;
const IP: u8 = 16;
const IP_UUID: u8 = 32;
/// What 2.12 has for [`IP`].
const OLD_IP: u8 = 4;

/// A UUID, and two names or a few words, in bytes.
const LONGEST_SITE: usize = 512;

/// So many addresses stand in a list of ours at the most.
const MOST_LISTED: u16 = 16;

impl Address {
    /// Reads one; none where `null` is written.
    pub(crate) fn read(reader: &mut Reader<'_>, style: Style) -> Result<Option<Address>, Fault> {
        let flag = reader.u8()?;
        Ok(Some(match (flag, style) {
            (NULL, _) => return Ok(None),
            (UUID, _) => {
                let uuid = uuid(reader)?;
                nothing_more(reader, style)?;
                Address::Uuid(uuid)
            }
            (OLD_IP, Style::Old) | (IP, Style::Keys | Style::Texts | Style::Ours) => {
                let at = IpPort::read(reader)?;
                nothing_more(reader, style)?;
                Address::Ip(at)
            }
            (IP_UUID, Style::Keys | Style::Texts | Style::Ours) => Address::IpUuid(Box::new((
                IpPort::read(reader)?,
                reader.u64()?,
                reader.u32()?,
            ))),
            (SITE_UUID | SITE_MASTER, Style::Keys | Style::Texts) => {
                let from = reader.rest;
                site(reader, style)?;
                let length = from.len().saturating_sub(reader.rest.len());
                Address::site(flag, from.get(..length).unwrap_or_default())?
            }
            (SITE_UUID | SITE_MASTER, Style::Ours) => {
                let length = reader.u16()?;
                Address::site(flag, reader.bytes(length.into())?)?
            }
            // A class of the application's own: its length is not known.
            _ => return Fault::malformed("an address of an unknown kind"),
        }))
    }

    fn site(flag: u8, body: &[u8]) -> Result<Address, Fault> {
        if body.len() > LONGEST_SITE {
            return Fault::malformed("a site that is too long");
        }
        let body = body.into();
        Ok(Address::Site(Box::new(Site { flag, body })))
    }

    /// Reads a list; none where `null` is written.
    pub(crate) fn read_list(reader: &mut Reader<'_>, style: Style) -> Result<Vec<Address>, Fault> {
        let count = match reader.u16()? {
            u16::MAX => 0,
            count if count > MOST_LISTED => return Fault::malformed("a list that is too long"),
            count => count,
        };
        let all = (0..count).map(|_| Address::read(reader, style));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Whether it can be written so.
    pub(crate) fn has(&self, style: Style) -> bool {
        match self {
            Address::Uuid(_) | Address::Ip(_) => true,
            Address::IpUuid(..) | Address::Site(_) => style != Style::Old,
        }
    }

    /// Writes this one; `null` where it is none, or cannot be written so.
    pub(crate) fn write(address: Option<&Address>, out: &mut impl BufMut, style: Style) {
        match address.filter(|address| address.has(style)) {
            None => out.put_u8(NULL),
            Some(Address::Uuid(uuid)) => {
                out.put_u8(UUID);
                put_uuid(out, *uuid);
                put_nothing_more(out, style);
            }
            Some(Address::Ip(at)) => {
                out.put_u8(if style == Style::Old { OLD_IP } else { IP });
                at.write(out);
                put_nothing_more(out, style);
            }
            Some(Address::IpUuid(parts)) => {
                let (at, low, high) = parts.as_ref();
                out.put_u8(IP_UUID);
                at.write(out);
                out.put_u64(*low);
                out.put_u32(*high);
            }
            Some(Address::Site(site)) => {
                out.put_u8(site.flag);
                if style == Style::Ours {
                    // None is longer than two bytes can say.
                    out.put_u16(u16::try_from(site.body.len()).unwrap_or_default());
                }
                out.put_slice(&site.body);
            }
        }
    }
}

impl IpPort {
    fn read(reader: &mut Reader<'_>) -> Result<IpPort, Fault> {
        let (ip, scope) = match reader.u8()? {
            0 => (None, 0),
            4 => {
                let ip: [u8; 4] = fixed(reader)?;
                (Some(IpAddr::from(ip)), 0)
            }
            16 => {
                let ip: [u8; 16] = fixed(reader)?;
                (Some(IpAddr::from(ip)), reader.u32()?)
            }
            _ => return Fault::malformed("an IP address of a strange length"),
        };
        let port = reader.u16()?;
        Ok(IpPort { ip, scope, port })
    }

    fn write(self, out: &mut impl BufMut) {
        match self.ip {
            None => out.put_u8(0),
            Some(IpAddr::V4(ip)) => {
                out.put_u8(4);
                out.put_slice(&ip.octets());
            }
            Some(IpAddr::V6(ip)) => {
                out.put_u8(16);
                out.put_slice(&ip.octets());
                out.put_u32(self.scope);
            }
        }
        out.put_u16(self.port);
    }
}

fn fixed<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], Fault> {
    reader.bytes(N)?.try_into().map_err(|_| Fault::Short)
}

/// The low half comes first on the wire.
fn uuid(reader: &mut Reader<'_>) -> Result<u128, Fault> {
    let (low, high) = (reader.u64()?, reader.u64()?);
    Ok(u128::from(high) << 64 | u128::from(low))
}

fn put_uuid(out: &mut impl BufMut, uuid: u128) {
    let half = |shift: u32| u64::try_from(uuid >> shift & u128::from(u64::MAX)).unwrap_or_default();
    out.put_u64(half(0));
    out.put_u64(half(64));
}

/// The data that applications of 2.x could add is passed over: nobody else reads it.
fn nothing_more(reader: &mut Reader<'_>, style: Style) -> Result<(), Fault> {
    if style == Style::Old && reader.u8()? != 0 {
        let length = reader.u16()?;
        reader.bytes(length.into())?;
    }
    Ok(())
}

fn put_nothing_more(out: &mut impl BufMut, style: Style) {
    if style == Style::Old {
        out.put_u8(0);
    }
}

fn site(reader: &mut Reader<'_>, style: Style) -> Result<(), Fault> {
    uuid(reader)?;
    if style == Style::Texts {
        reader.name()?;
        reader.name()?;
        return Ok(());
    }
    for _ in 0..reader.u8()? {
        for _ in ["key", "value"] {
            let length = reader.u8()?;
            reader.bytes(length.into())?;
        }
    }
    Ok(())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Uuid(uuid) => {
                let text = format!("{uuid:032x}");
                for (number, letter) in text.chars().enumerate() {
                    if matches!(number, 8 | 12 | 16 | 20) {
                        f.write_str("-")?;
                    }
                    write!(f, "{letter}")?;
                }
                Ok(())
            }
            Address::Ip(at) => write!(f, "{at}"),
            Address::IpUuid(parts) => write!(f, "{}", parts.0),
            Address::Site(site) => {
                let (low, high) = site.body.split_at(site.body.len().min(8));
                let half = |bytes: &[u8]| {
                    let bytes = bytes.iter().take(8);
                    bytes.fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte))
                };
                write!(f, "{}", Address::Uuid(half(high) << 64 | half(low)))
            }
        }
    }
}

impl fmt::Display for IpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            None => write!(f, ":{}", self.port),
            Some(IpAddr::V4(ip)) => write!(f, "{ip}:{}", self.port),
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}
