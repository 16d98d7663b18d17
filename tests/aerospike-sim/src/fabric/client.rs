//! Asks other nodes over the fabric, with connections kept for the next question.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::message::{Reply, Request};
use super::server;
use crate::Member;
use crate::frame;
use crate::node::Node;

/// Longer than any batch takes on a busy machine; a member that is dead leaves the cluster sooner.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How many idle connections to one node are kept.
const MAX_IDLE: usize = 8;

/// The connections of one node to the others.
#[derive(Debug, Default)]
pub(crate) struct FabricClient {
    idle: Mutex<HashMap<SocketAddr, Vec<TcpStream>>>,
}

impl FabricClient {
    /// Asks a member; the node itself is asked without a socket.
    pub async fn ask(node: &Arc<Node>, member: &Member, request: Request) -> io::Result<Reply> {
        if member.id == node.id() {
            // Boxed because answering may ask others in turn.
            return Ok(Box::pin(server::answer(node, request)).await);
        }
        if node.is_isolated() {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        timeout(
            ANSWER_WITHIN,
            node.fabric.exchange(member.fabric(), &request),
        )
        .await?
    }

    async fn exchange(&self, address: SocketAddr, request: &Request) -> io::Result<Reply> {
        // A kept connection may have died with the run of the node that it led to: that says nothing about the node now.
        while let Some(mut stream) = self.take(address) {
            if let Ok(reply) = Self::over(&mut stream, request).await {
                self.keep(address, stream);
                return Ok(reply);
            }
        }
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let reply = Self::over(&mut stream, request).await?;
        self.keep(address, stream);
        Ok(reply)
    }

    async fn over(stream: &mut TcpStream, request: &Request) -> io::Result<Reply> {
        frame::write(stream, request).await?;
        frame::read(stream).await
    }

    fn take(&self, address: SocketAddr) -> Option<TcpStream> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&address)?
            .pop()
    }

    fn keep(&self, address: SocketAddr, stream: TcpStream) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(address).or_default();
        if kept.len() < MAX_IDLE {
            kept.push(stream);
        }
    }
}
