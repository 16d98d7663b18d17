//! The end of a member that runs: gives a copy of its data to whoever knows the token.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use meshworker_core::Start;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::program::Children;
use super::{FRAME, SILENCE, hear, say};
use crate::proof::Door;
use crate::words::dull;

/// After a failed accept: too many open files, and the like.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// What a member gives copies of.
pub(in crate::init) struct Gives {
    /// The cluster that it is of: nobody else's member gets one.
    pub(in crate::init) cluster: String,
    /// What writes a copy to its standard output; made anew each time, as secrets change.
    pub(in crate::init) send: Box<dyn Fn() -> Start + Send + Sync>,
    /// Where that is started.
    pub(in crate::init) directory: PathBuf,
    pub(in crate::init) children: Children,
}

/// Gives copies to one after another, for as long as it is polled.
///
/// # Errors
///
/// It cannot listen there.
pub(in crate::init) async fn give(
    at: SocketAddr,
    door: Arc<Door>,
    gives: Gives,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(at).await?;
    loop {
        match listener.accept().await {
            // One at a time: whoever comes meanwhile waits for its turn.
            Ok((stream, peer)) => answer(stream, peer, &door, &gives).await,
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn answer(stream: TcpStream, peer: SocketAddr, door: &Door, gives: &Gives) {
    let Some(acceptor) = door.acceptor() else {
        return;
    };
    let mut stream = match timeout(SILENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => return door.refused(peer.ip(), &why),
        Err(_) => return,
    };
    let asked = match timeout(SILENCE, hear(&mut stream)).await {
        Ok(Ok(asked)) => asked,
        Ok(Err(_)) | Err(_) => return,
    };
    let done = match asked == gives.cluster {
        true => {
            info!("{} gets a copy of the data here", peer.ip());
            send(&mut stream, gives).await
        }
        false => Err(std::io::Error::other(format!(
            "this is a member of {}",
            gives.cluster
        ))),
    };
    let why = done.err().map(|why| why.to_string()).unwrap_or_default();
    match &*why {
        "" => info!("{} has a whole copy", peer.ip()),
        why => warn!("{} gets no copy: {}", peer.ip(), dull(why)),
    }
    let end = async {
        stream.write_u32(0).await?;
        say(&mut stream, &why).await?;
        stream.shutdown().await
    };
    let _ = timeout(SILENCE, end).await;
}

/// Sends all that the program writes; good if that ended well.
async fn send(to: &mut (impl AsyncWrite + Unpin), gives: &Gives) -> std::io::Result<()> {
    let streams = (Stdio::null(), Stdio::piped());
    let what = (gives.send)();
    let mut program = gives.children.start(&what, &gives.directory, streams)?;
    if let Some(output) = program.output.take() {
        frames(output, to).await?;
    }
    program.done().await
}

async fn frames(
    mut from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<()> {
    let silent = |_| std::io::Error::other("nothing moved for a minute");
    let mut frame = vec![0; FRAME];
    loop {
        let length = timeout(SILENCE, from.read(&mut frame))
            .await
            .map_err(silent)??;
        let Some(part) = frame.get(..length).filter(|part| !part.is_empty()) else {
            return Ok(());
        };
        let send = async {
            to.write_u32(part.len() as u32).await?;
            to.write_all(part).await
        };
        timeout(SILENCE, send).await.map_err(silent)??;
    }
}
