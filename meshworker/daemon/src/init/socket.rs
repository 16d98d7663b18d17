//! Where the supervisor answers health checks: an abstract socket, which needs
//! no file system and is the container's own, since it belongs to the network
//! namespace.

use std::io::{self, BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::health::Checker;

/// The socket's name, unless [`NAME_VARIABLE`] gives another one.
const NAME: &str = "meshworker-init";

/// Where several supervisors share a network namespace, each needs a name of
/// its own.
pub const NAME_VARIABLE: &str = "MESHWORKER_HEALTH_SOCKET";

/// For this long the check waits for its answer: longer than a database may
/// take with the usual settings, shorter than Docker's 30 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// What begins the line of a healthy member.
const HEALTHY: &str = "healthy: ";

/// What begins the line of one that is not.
const UNHEALTHY: &str = "unhealthy: ";

fn address() -> io::Result<SocketAddr> {
    let name = std::env::var(NAME_VARIABLE).unwrap_or_else(|_| NAME.to_owned());
    SocketAddr::from_abstract_name(name)
}

/// Begins to listen.
///
/// # Errors
///
/// Another supervisor in this network namespace does.
pub(super) fn listen() -> io::Result<tokio::net::UnixListener> {
    let listener = UnixListener::bind_addr(&address()?)?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

/// Answers checks, one after another: they come seconds apart.
pub(super) async fn serve(listener: tokio::net::UnixListener, checker: Arc<Checker>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            // Too many open files, and the like: for the moment.
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        let health = checker.check().await;
        let begin = if health.healthy { HEALTHY } else { UNHEALTHY };
        let line = format!("{begin}{}\n", health.why);
        // A check that has gone away needs no answer. A line fits into the
        // socket's buffer, so this does not wait.
        let _ = stream.write_all(line.as_bytes()).await;
    }
}

/// Asks the supervisor of this container: the line for people, and whether the
/// member is healthy.
///
/// # Errors
///
/// No supervisor runs here, or it does not answer.
pub fn ask() -> io::Result<(String, bool)> {
    let stream = UnixStream::connect_addr(&address()?)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let healthy = line.starts_with(HEALTHY);
    Ok((line.trim_end().to_owned(), healthy))
}
