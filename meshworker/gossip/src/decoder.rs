//! From bytes to requests, on one connection.

use bytes::{Buf, BytesMut};

use crate::limits::LONGEST;
use crate::{Dialect, Malformed, Request, framed, old};

/// What stands in place of a length before a connection ends, since 5.5.3
/// (`Connection.GRACEFUL_CLOSE`, -5).
pub(crate) const CLOSES: i32 = -5;

/// From bytes to requests, on one connection: finds out what is spoken there.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: BytesMut,
    dialect: Option<Dialect>,
}

impl Decoder {
    /// What is spoken; none while nothing was.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    /// Where bytes that came are put.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// So many bytes are here of a request that is not whole.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }

    /// The next request; none while it is not whole.
    ///
    /// # Errors
    ///
    /// It is none in any generation: nothing more on this connection can be understood.
    pub fn next_request(&mut self) -> Result<Option<Request>, Malformed> {
        let Some(first) = self.bytes.first() else {
            return Ok(None);
        };
        // A length begins with this, as long as frames are short, and the word of farewell.
        // No request of the old ones does.
        let framed = matches!(first, 0 | 0xff);
        match (self.dialect, framed) {
            (Some(Dialect::Old), _) | (None, false) => {
                let request = old::take(&mut self.bytes)?;
                if request.is_some() {
                    self.dialect = Some(Dialect::Old);
                }
                Ok(request)
            }
            (Some(Dialect::Framed { .. }) | None, _) => self.frame(),
        }
    }

    fn frame(&mut self) -> Result<Option<Request>, Malformed> {
        let Some(length) = self.bytes.first_chunk() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*length);
        if length == CLOSES {
            self.bytes.advance(4);
            return Ok(Some(Request::Close));
        }
        let length = usize::try_from(length)
            .ok()
            .filter(|length| (1..=LONGEST).contains(length));
        let length = length.ok_or(Malformed("a frame of a length that none has"))?;
        if self.bytes.len() < 4 + length {
            return Ok(None);
        }
        self.bytes.advance(4);
        let body = self.bytes.split_to(length).freeze();
        let (dialect, request) = framed::read(&body, self.dialect)?;
        self.dialect = Some(dialect);
        Ok(Some(request))
    }
}
