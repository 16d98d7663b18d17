//! The frame between simulated nodes: four bytes of length, then JSON. The real server's formats are not imitated here, only its manners.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest frame that is read: a large batch of records.
const MAX_FRAME: usize = 64 * 1024 * 1024;

/// A message with its length before it.
pub(crate) fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).map_err(|_| io::ErrorKind::InvalidData)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// Reads one message. Not cancel-safe.
pub(crate) async fn read<T: DeserializeOwned, R: AsyncRead + Unpin>(
    stream: &mut R,
) -> io::Result<T> {
    let length = stream.read_u32().await? as usize;
    if length > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::with_capacity(length.min(64 * 1024));
    if stream.take(length as u64).read_to_end(&mut body).await? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Writes one message.
pub(crate) async fn write<T: Serialize, W: AsyncWrite + Unpin>(
    stream: &mut W,
    message: &T,
) -> io::Result<()> {
    stream.write_all(&encode(message)?).await
}
