//! Copies of a database's data, from the supervisor of a member that runs to that of one
//! that waits with an empty disk.
//!
//! ```text
//! one that waits ── TLS, both know the token: the cluster's name ──> one that runs
//!                <── frames of a copy, then that it is whole, or why it is not ──
//! unpacks beside its data, has it made usable, and only then gives it its name
//! ```
//!
//! What breaks off is begun anew: half a copy never has the name of data. One copy is given
//! at a time; how it is made and unpacked, the engine says.

mod fetch;
mod give;
mod program;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(super) use fetch::Fetching;
pub(super) use give::{Gives, give};
pub(super) use program::Children;

/// A part of a copy, in bytes. Each is in memory once at either end.
const FRAME: usize = 64 * 1024;

/// A side that moves nothing for so long is gone: a server that locks its tables for a copy
/// says nothing for seconds.
const SILENCE: Duration = Duration::from_secs(60);

/// A cluster's name, and why there is no copy, in bytes.
const LONGEST: usize = 1000;

/// Sends a line of text. May not be cancelled.
async fn say(to: &mut (impl AsyncWrite + Unpin), text: &str) -> std::io::Result<()> {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    to.write_u16(bytes.len() as u16).await?;
    to.write_all(bytes).await?;
    to.flush().await
}

/// Reads a line of text.
async fn hear(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let length = usize::from(from.read_u16().await?);
    if length > LONGEST {
        return Err(std::io::Error::other(format!(
            "found {length} bytes of text; allowed: {LONGEST}"
        )));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
