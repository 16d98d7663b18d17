//! Where the supervisor answers health checks: an abstract socket, which needs
//! no file system and is the container's own, since it belongs to the network
//! namespace.

use std::io::{self, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use meshworker_core::Told;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, Uid, geteuid};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::health::Checker;

/// The socket's name, unless [`NAME_VARIABLE`] gives another one.
const NAME: &str = "meshworker-init";

/// Where several supervisors share a network namespace, each needs a name of
/// its own.
pub const NAME_VARIABLE: &str = "MESHWORKER_HEALTH_SOCKET";

/// For this long the check waits for its answer: longer than a database may
/// take with the usual settings, shorter than Docker's 30 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest line that is read. A real one has a few hundred bytes.
const LONGEST: usize = 16 * 1024;

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
pub(super) async fn serve(listener: &tokio::net::UnixListener, checker: &Checker) {
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
    ask_at(&address()?)
}

fn ask_at(address: &SocketAddr) -> io::Result<(String, bool)> {
    let mut stream = UnixStream::connect_addr(address)?;
    let owner = socket_peercred(&stream)?;
    // The name is free for all, and whoever took it says what it likes.
    if owner.pid != Pid::INIT && owner.uid != Uid::ROOT && owner.uid != geteuid() {
        let owner = owner.uid.as_raw();
        let why = format!("what answers there belongs to user {owner}, and is no supervisor");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let line = read_line(&mut stream, PATIENCE)?;
    let healthy = line.starts_with(HEALTHY);
    Ok((line, healthy))
}

/// One line, for people, of what comes within this time.
fn read_line(stream: &mut UnixStream, patience: Duration) -> io::Result<String> {
    let begun = Instant::now();
    let mut line = Vec::new();
    let mut bytes = [0; 1024];
    while !line.contains(&b'\n') && line.len() < LONGEST {
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut bytes)? {
            0 => break,
            read => line.extend_from_slice(bytes.get(..read).unwrap_or_default()),
        }
    }
    let line = String::from_utf8_lossy(&line);
    let line = line.lines().next().unwrap_or_default();
    Ok(Told::<LONGEST>::from(line).into_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A place where somebody says once that all is well: a process of this user, as far
    /// as the kernel can tell.
    fn listening_as(user: Uid) -> (SocketAddr, std::thread::JoinHandle<()>) {
        let name = format!("meshworker-test-{}-{user:?}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let there = address.clone();
        let (listens, listening) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            // Of this thread alone; what listens belongs to who it is then.
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            let listener = UnixListener::bind_addr(&there).unwrap();
            listens.send(()).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"healthy: all is well\n");
        });
        listening.recv().unwrap();
        (address, other)
    }

    #[test]
    fn a_process_of_another_user_called_the_member_healthy() {
        if !geteuid().is_root() {
            meshworker_needs::missing("root", "run it as root, which can be another user");
            return;
        }
        let (address, root) = listening_as(Uid::ROOT);
        let healthy = ("healthy: all is well".to_owned(), true);
        assert_eq!(ask_at(&address).unwrap(), healthy);
        let (address, another) = listening_as(Uid::from_raw(4747));
        let refused = ask_at(&address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let why = "what answers there belongs to user 4747, and is no supervisor";
        assert_eq!(refused.to_string(), why);
        root.join().unwrap();
        another.join().unwrap();
    }

    #[test]
    fn a_line_without_end_was_read_until_memory_ended() {
        let (mut stream, mut other) = UnixStream::pair().unwrap();
        let endless = std::thread::spawn(move || {
            let mut written = 0;
            while let Ok(more) = other.write(&[b'x'; 4096]) {
                written += more;
            }
            written
        });
        let line = read_line(&mut stream, PATIENCE).unwrap();
        assert!(line.len() < LONGEST + 1024, "{}", line.len());
        drop(stream);
        endless.join().unwrap();
    }

    #[test]
    fn a_drip_kept_the_health_check_for_ever() {
        let (mut stream, mut other) = UnixStream::pair().unwrap();
        let drip = std::thread::spawn(move || {
            while other.write(b"x").is_ok() {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        // Each read is answered in time, all together are not.
        let said = read_line(&mut stream, Duration::from_millis(200));
        assert!(said.is_err(), "{said:?}");
        drop(stream);
        drip.join().unwrap();
    }
}
