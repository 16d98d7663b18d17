//! The primitives that every generation is written in: big-endian numbers, strings, lists.

use bytes::BufMut;

use crate::Name;

/// Bytes that no member of any generation would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it says what is not understood: {0}")]
pub struct Malformed(pub(crate) &'static str);

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It may be whole when more bytes have come.
    Short,
    /// It never will be.
    Malformed(Malformed),
}

impl Fault {
    pub(crate) fn malformed<T>(what: &'static str) -> Result<T, Fault> {
        Err(Fault::Malformed(Malformed(what)))
    }
}

/// Reads from the beginning of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Reader<'a> {
        Reader { rest }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_be_bytes)
    }

    /// `00` for none, or `01`, an unsigned length of two bytes, and the text in Java's
    /// modified UTF-8.
    pub(crate) fn name(&mut self) -> Result<Option<Name>, Fault> {
        match self.u8()? {
            0 => Ok(None),
            1 => {
                let length = usize::from(self.u16()?);
                if length > Name::LONGEST {
                    return Fault::malformed("a name that is too long");
                }
                Ok(Some(Name::of(self.bytes(length)?)))
            }
            _ => Fault::malformed("a text that is neither there nor not"),
        }
    }
}

pub(crate) fn put_name(out: &mut impl BufMut, name: Option<&Name>) {
    match name {
        None => out.put_u8(0),
        Some(name) => {
            out.put_u8(1);
            // No name is longer than two bytes can say.
            let length = u16::try_from(name.bytes().len()).unwrap_or_default();
            out.put_u16(length);
            out.put_slice(name.bytes());
        }
    }
}
