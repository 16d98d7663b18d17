//! The info port: reads requests, answers them, and misbehaves where told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::accept::accept_all;
use crate::codec::{self, CodecError};
use crate::command::Command;
use crate::node::Node;
use crate::{Misbehaviour, replies};

/// How long a connection may be idle, as with the real server's default.
const IDLE: Duration = Duration::from_secs(60);
/// The pause before a port that is taken is tried again.
const BIND_RETRY: Duration = Duration::from_millis(200);

/// Serves the info port for ever. Without a listener it is opened here, when the node is no longer late.
pub(crate) async fn serve(node: Arc<Node>, address: SocketAddr, mut listener: Option<TcpListener>) {
    let mut mode = node.watch_misbehaviour();
    loop {
        let late = match &*mode.borrow_and_update() {
            Misbehaviour::Late(by) => Some(*by),
            _ => None,
        };
        if let Some(by) = late {
            listener = None;
            tokio::select! {
                () = sleep(by) => node.misbehave(Misbehaviour::None),
                _ = mode.changed() => {}
            }
            continue;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => match TcpListener::bind(address).await {
                Ok(open) => open,
                Err(error) => {
                    tracing::error!(%address, %error, "cannot open the info port");
                    sleep(BIND_RETRY).await;
                    continue;
                }
            },
        };
        let serving = accept_all(open, |stream, _| {
            let node = Arc::clone(&node);
            async move { converse(&node, stream).await }
        });
        tokio::select! {
            () = serving => {}
            _ = mode.wait_for(|how| matches!(how, Misbehaviour::Late(_))) => {}
        }
    }
}

/// Answers one connection until it ends, or deserves to.
async fn converse(node: &Arc<Node>, mut stream: TcpStream) {
    node.counters.connection();
    let ended = async {
        stream.set_nodelay(true)?;
        while let Ok(read) = timeout(IDLE, codec::read_body(&mut stream)).await {
            let Some(body) = read? else { break };
            node.counters.round_trip();
            if !respond(node, &body, &mut stream).await? {
                break;
            }
        }
        Ok::<(), CodecError>(())
    };
    if let Err(error) = ended.await {
        tracing::debug!(node = %node.id(), %error, "info connection ended");
    }
}

/// Answers one request. `false` when the connection is to be closed.
async fn respond(
    node: &Arc<Node>,
    body: &[u8],
    stream: &mut TcpStream,
) -> Result<bool, CodecError> {
    let is_ours = Command::all(body)
        .next()
        .is_some_and(|first| first.name.starts_with("sim-"));
    let how = if is_ours {
        Misbehaviour::None
    } else {
        node.misbehaviour()
    };
    match how {
        Misbehaviour::Silent => {
            count(node, body);
            return Ok(true);
        }
        Misbehaviour::Close => {
            count(node, body);
            return Ok(false);
        }
        Misbehaviour::Garbage => {
            count(node, body);
            stream
                .write_all(b"\x16\x03\x01\x02\x00HTTP/1.1 418 \xFF\xFE\x00 no frame at all\r\n\r\n")
                .await?;
            return Ok(true);
        }
        Misbehaviour::Slow(by) => sleep(by).await,
        _ => {}
    }
    let frame = codec::encode(&answer_all(node, body).await);
    match how {
        Misbehaviour::HalfThenStall => {
            stream.write_all(&frame[..frame.len() / 2]).await?;
            // Until the other side gives up, or the node is stopped.
            sleep(IDLE).await;
            Ok(false)
        }
        Misbehaviour::HalfThenClose => {
            stream.write_all(&frame[..frame.len() / 2]).await?;
            Ok(false)
        }
        _ => {
            stream.write_all(&frame).await?;
            Ok(true)
        }
    }
}

async fn answer_all(node: &Arc<Node>, body: &[u8]) -> Vec<u8> {
    count(node, body);
    let mut reply = Vec::new();
    for command in Command::all(body) {
        reply.extend_from_slice(command.raw);
        reply.push(b'\t');
        reply.extend_from_slice(replies::answer(node, &command).await.as_bytes());
        reply.push(b'\n');
    }
    reply
}

fn count(node: &Node, body: &[u8]) {
    for command in Command::all(body).filter(|command| !command.name.starts_with("sim-")) {
        node.counters.command(command.counted_as());
    }
}
