//! The frame of the info protocol: eight bytes of header, then text.
//!
//! Version, type and a 48-bit length, big endian. Anything else than version 2 and type 1 is not for us.

use std::io;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The only protocol version there is.
const VERSION: u8 = 2;
/// The message type of info requests and replies.
const INFO: u8 = 1;
/// The length of the header.
pub const HEADER: usize = 8;
/// The longest body that is read. A whole cluster's worth of tips fits many times over.
pub const MAX_BODY: usize = 1024 * 1024;

/// Why a frame could not be read. In every case the connection is of no further use.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The connection failed, or ended in the middle of a frame.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// Not an info frame.
    #[error("not an info frame: version {version}, type {kind}")]
    NotInfo {
        /// The version byte.
        version: u8,
        /// The type byte.
        kind: u8,
    },
    /// A frame that announces more than anybody sends.
    #[error("a body of {length} bytes is over the limit of {MAX_BODY}")]
    TooLong {
        /// The announced length.
        length: u64,
    },
}

/// The whole frame around a body.
#[must_use]
pub fn encode(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend_from_slice(&header(body.len()));
    frame.extend_from_slice(body);
    frame
}

/// The header of a body of this length.
#[must_use]
pub fn header(length: usize) -> [u8; HEADER] {
    let mut bytes = (length as u64).to_be_bytes();
    bytes[0] = VERSION;
    bytes[1] = INFO;
    bytes
}

/// The body length that a header announces.
///
/// # Errors
/// [`CodecError::NotInfo`] and [`CodecError::TooLong`].
pub fn body_length(header: [u8; HEADER]) -> Result<usize, CodecError> {
    let [version, kind, rest @ ..] = header;
    if version != VERSION || kind != INFO {
        return Err(CodecError::NotInfo { version, kind });
    }
    let length = rest
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    if length > MAX_BODY as u64 {
        return Err(CodecError::TooLong { length });
    }
    Ok(length as usize)
}

/// Reads one frame and returns its body; `None` when the connection ended between frames.
///
/// # Errors
/// [`CodecError`]; the stream is then somewhere inside a frame. Not cancel-safe, for the same reason.
pub async fn read_body<R: AsyncRead + Unpin>(
    stream: &mut R,
) -> Result<Option<Vec<u8>>, CodecError> {
    let mut head = [0_u8; HEADER];
    match stream.read(&mut head).await? {
        0 => return Ok(None),
        some => stream.read_exact(&mut head[some..]).await?,
    };
    let length = body_length(head)?;
    // The announced length is not believed before the bytes are there.
    let mut body = Vec::with_capacity(length.min(16 * 1024));
    let read = stream.take(length as u64).read_to_end(&mut body).await?;
    if read < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_encoded_is_read_again() {
        for body in [&b""[..], b"build\n", &[7; 70_000]] {
            let frame = encode(body);
            assert_eq!(read_body(&mut &frame[..]).await.unwrap().unwrap(), body);
        }
        assert_eq!(
            encode(b"node\n"),
            [&[2, 1, 0, 0, 0, 0, 0, 5][..], b"node\n"].concat()
        );
    }

    #[tokio::test]
    async fn no_frame_at_all_is_the_end() {
        assert!(read_body(&mut &b""[..]).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn broken_frames_are_told_apart() {
        type Expected = fn(&CodecError) -> bool;
        let frames: [(&[u8], Expected); 5] = [
            (&[2, 1, 0], |e| matches!(e, CodecError::Io(_))),
            (&[2, 1, 0, 0, 0, 0, 0, 9, b'x'], |e| {
                matches!(e, CodecError::Io(_))
            }),
            (&[1, 1, 0, 0, 0, 0, 0, 1, b'x'], |e| {
                matches!(e, CodecError::NotInfo { version: 1, .. })
            }),
            (&[2, 3, 0, 0, 0, 0, 0, 1, b'x'], |e| {
                matches!(e, CodecError::NotInfo { kind: 3, .. })
            }),
            (&[2, 1, 255, 255, 255, 255, 255, 255], |e| {
                matches!(e, CodecError::TooLong { .. })
            }),
        ];
        for (frame, expected) in frames {
            let error = read_body(&mut &*frame).await.unwrap_err();
            assert!(expected(&error), "{frame:?}: {error}");
        }
    }
}
