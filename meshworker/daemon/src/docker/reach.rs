//! What a failed request to the engine means, in words that name the engine and
//! the remedy: those of the libraries in between say neither.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;

use meshworker_core::Told;
use serde::Deserialize;

use super::{DockerError, Endpoint};

/// An engine's message may be as long as its answer; people read a line of it. In bytes.
const LONGEST_MESSAGE: usize = 300;

impl Endpoint {
    /// What this failure means.
    pub(super) fn failure(&self, error: &(dyn Error + 'static)) -> DockerError {
        let at = self.place();
        match cause(error) {
            Some(io) if io.kind() == ErrorKind::TimedOut => DockerError::Timeout,
            Some(io) if io.kind() == ErrorKind::PermissionDenied => {
                DockerError::Denied(format!("{at}: permission denied{}", self.remedy()))
            }
            Some(io) if io.kind() == ErrorKind::NotFound => DockerError::Absent(format!(
                "{at}: there is no such socket; mount the engine's, or set DOCKER_HOST"
            )),
            Some(io) => DockerError::Unreachable(format!("{at}: {}", said(io))),
            None => DockerError::Unreachable(format!("{at}: no usable answer")),
        }
    }

    /// Where it listens, for people.
    pub(super) fn place(&self) -> &str {
        match self {
            Endpoint::Unix(host) => host.trim_start_matches("unix://"),
            Endpoint::Http(host) | Endpoint::Tls { host, .. } => host,
        }
    }

    /// Who may use the socket, and how to become one of them.
    fn remedy(&self) -> String {
        let Endpoint::Unix(_) = self else {
            return String::new();
        };
        let Ok(socket) = std::fs::metadata(self.place()) else {
            return String::new();
        };
        let (group, user) = (socket.gid(), rustix::process::geteuid().as_raw());
        format!("; its group is {group}: user {user}:{group}")
    }
}

/// The system's own error below those of libraries.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(innermost(io));
        }
        next = error.source();
    }
    None
}

impl DockerError {
    /// The engine's no, in the first line of its own words: of its message, where it
    /// says them as it should.
    pub(crate) fn refused(status: u16, body: &[u8]) -> DockerError {
        #[derive(Deserialize)]
        struct Refusal {
            message: String,
        }
        let said = match serde_json::from_slice(body) {
            Ok(Refusal { message }) => message,
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        DockerError::Refused {
            status,
            message: one_line(&said),
        }
    }
}

/// The error that others are wrapped around.
fn innermost(error: &io::Error) -> &io::Error {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<io::Error>()) {
        Some(inner) => innermost(inner),
        None => error,
    }
}

/// An error of the system in a word or two, without its number.
fn said(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            "the connection broke".to_owned()
        }
        kind => kind.to_string(),
    }
}

/// The first line of what an engine says, as far as people read it.
fn one_line(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    Told::<LONGEST_MESSAGE>::from(line).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ErrorKind) -> io::Error {
        io::Error::other(io::Error::from(kind))
    }

    #[test]
    fn a_socket_that_may_not_be_read_names_its_group() {
        let socket = tempfile::NamedTempFile::new().unwrap();
        let path = socket.path().display().to_string();
        let group = socket.as_file().metadata().unwrap().gid();
        let user = rustix::process::geteuid().as_raw();
        let engine = Endpoint::Unix(format!("unix://{path}"));
        let denied = engine.failure(&of(ErrorKind::PermissionDenied));
        let line = format!("{path}: permission denied; its group is {group}: user {user}:{group}");
        assert_eq!(denied.words(), line);
        assert!(denied.is_final());
        let refused = engine.failure(&of(ErrorKind::ConnectionRefused));
        assert_eq!(refused.words(), format!("{path}: connection refused"));
        assert!(!refused.is_final() && !refused.is_in_vain());
        let absent = engine.failure(&of(ErrorKind::NotFound));
        assert!(absent.is_in_vain(), "{absent}");
    }

    #[test]
    fn a_change_waits_for_nothing_that_only_a_human_can_mend() {
        let said = |status, message: &str| {
            let body = serde_json::json!({ "message": message }).to_string();
            DockerError::refused(status, body.as_bytes()).is_in_vain()
        };
        assert!(said(503, "This node is not a swarm manager."));
        assert!(said(403, "a proxy lets nobody change anything"));
        assert!(!said(500, "rpc error: update out of sequence"));
        assert!(!said(400, "rpc error: update out of sequence"));
        assert!(!said(503, "no leader"));
    }

    #[test]
    fn an_engines_message_of_a_megabyte_is_a_line() {
        let message = format!("no\u{1b}\nforged {}", "x".repeat(1 << 20));
        let said = |body: &[u8]| DockerError::refused(500, body).words();
        let line = "the Docker API said no (500): no\u{fffd}";
        assert_eq!(said(message.as_bytes()), line);
        let body = serde_json::json!({"message": message}).to_string();
        assert_eq!(said(body.as_bytes()), line);
        assert!(said(&[b'x'; 1 << 20]).len() < 400);
    }
}
