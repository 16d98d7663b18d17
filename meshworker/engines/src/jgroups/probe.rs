//! What a member answers a probe, by TCP (`stack/DiagnosticsHandler.java` of 4.2 and 5.5).
//!
//! Only keys that read are ever sent: `op=` calls methods, and `jmx=P.attribute=value` and
//! `insert-protocol` change a member. One request is answered at a time, and whoever says
//! nothing blocks all others: the question is sent at once, and the connection closed.

use std::net::SocketAddr;

use meshworker_core::{Told, Unanswered};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::detail::ViewId;
use super::words::{is_uuid, socket};
use crate::Access;
use crate::dial::dial;

/// View and coordinator of the group's own protocol, and whom it knows by name.
const QUESTION: &[u8] = b"jmx=GMS.view,coord uuids\n";

/// The longest reply that is read: a hundred bytes for each of some thousand members.
const LONGEST: u64 = 256 << 10;

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    pub name: String,
    pub at: Option<SocketAddr>,
    pub group: String,
    pub version: String,
    pub view: Option<ViewId>,
    /// How many are in the view.
    pub size: usize,
    /// Who: the first 20.
    pub members: Vec<String>,
    pub coordinates: bool,
    pub known: Vec<Known>,
}

/// Somebody whom it has heard of since it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    pub uuid: String,
    pub at: Option<SocketAddr>,
    /// It is about to forget it.
    pub removable: bool,
}

/// Asks whoever is there.
///
/// # Errors
///
/// Nobody is, or says nothing that a member would.
pub async fn ask(access: &Access, at: SocketAddr, deadline: Instant) -> Result<Said, Unanswered> {
    let unreachable = |why: std::io::Error| Unanswered::Unreachable(why.to_string());
    let asked = async {
        let mut stream = dial(at, access.deadline, deadline)
            .await
            .map_err(unreachable)?;
        stream.write_all(QUESTION).await.map_err(unreachable)?;
        let mut said = Vec::new();
        let mut reading = stream.take(LONGEST);
        reading.read_to_end(&mut said).await.map_err(unreachable)?;
        Ok::<Vec<u8>, Unanswered>(said)
    };
    let said = timeout_at(deadline, asked)
        .await
        .map_err(|_| Unanswered::Timeout)??;
    // Whoever asks for a passcode hangs up on those who have none.
    if said.is_empty() {
        return Err(Unanswered::Denied(
            "it hangs up on a probe: diag.passcode is set, or another group's name is asked for"
                .into(),
        ));
    }
    let text = String::from_utf8_lossy(&said);
    parse(&text).ok_or_else(|| Unanswered::Garbage(Told::<80>::from(&*text).into_string()))
}

/// What a reply says, if it is one.
pub fn parse(text: &str) -> Option<Said> {
    let (head, rest) = text
        .split_once('\n')
        .filter(|(head, _)| head.contains(" [ip="))?;
    let (name, inside) = head.split_once(" [ip=")?;
    let mut said = Said {
        name: told(name.strip_prefix("local_addr=").unwrap_or(name)),
        ..Said::default()
    };
    let inside = inside.trim_end().trim_end_matches(']');
    for (number, field) in inside.split(", ").enumerate() {
        match (number, field.split_once('=')) {
            (0, _) => said.at = socket(field),
            (_, Some(("cluster", group))) => said.group = told(group),
            (_, Some(("version", version))) => {
                said.version = told(version.split(' ').next().unwrap_or_default());
            }
            _ => {}
        }
    }
    if let Some((_, gms)) = rest.split_once("GMS={") {
        let gms = gms.lines().next().unwrap_or_default();
        said.coordinates = gms.starts_with("coord=true") || gms.contains(", coord=true");
        let view = gms.split_once("view=").and_then(|(_, view)| view_of(view));
        if let Some((view, size, members)) = view {
            (said.view, said.size, said.members) = (Some(view), size, members);
        }
    }
    said.known = rest.lines().filter_map(known).collect();
    Some(said)
}

/// `[A|4] (2) [A, B]`, with `MergeView::` before it and more groups behind it where two have
/// become one. The number is missing where it was switched off.
fn view_of(text: &str) -> Option<(ViewId, usize, Vec<String>)> {
    let text = text.strip_prefix("MergeView::").unwrap_or(text);
    let (creator, rest) = text.strip_prefix('[')?.split_once('|')?;
    let (id, rest) = rest.split_once(']')?;
    let view = ViewId {
        creator: told(creator),
        id: id.parse().ok()?,
    };
    let mut rest = rest.trim_start();
    let mut size = None;
    if let Some((number, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
        size = number.parse().ok();
        rest = after.trim_start();
    }
    let members = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
    let members = members.map(|(members, _)| members).unwrap_or_default();
    let members = members.trim_end_matches("...").trim_end().split(", ");
    let members: Vec<String> = members
        .filter(|name| !name.is_empty())
        .take(1000)
        .map(told)
        .collect();
    let size = size.unwrap_or(members.len());
    Some((view, size, members))
}

/// `B: 9fa6737f-...: 127.0.0.1:7902 (86 secs old, removable)`.
fn known(line: &str) -> Option<Known> {
    let line = line.strip_prefix("uuids=").unwrap_or(line);
    let (rest, age) = line.trim_end().rsplit_once(" (")?;
    let (rest, at) = rest.rsplit_once(": ")?;
    let (name, uuid) = rest.rsplit_once(": ")?;
    is_uuid(uuid).then(|| Known {
        name: told(name),
        uuid: uuid.to_owned(),
        at: socket(at),
        removable: age.contains("removable"),
    })
}

fn told(text: &str) -> String {
    Told::<200>::from(text).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_member_of_5_says() {
        let said = parse(
            "A [ip=127.0.0.1:7901, 2 mbr(s), cluster=chat, version=5.5.6.Final (Kazan) (java 17)]\n\
             GMS={coord=true, members=(2) A, B, view=[A|4] (2) [A, B], view_ack_collection_timeout=2s}\r\n\
             local_addr=A\r\nuuids=A: 7e7d6719-68c3-4125-9437-2af1c84a76ca: 127.0.0.1:7901 (6 secs old)\n\
             B: 9f399f65-14a6-8245-9fa6-737f22e8a2df: 127.0.0.1:7902 (86 secs old, removable)\n\r\n",
        )
        .unwrap();
        assert_eq!((said.name.as_str(), said.group.as_str()), ("A", "chat"));
        assert_eq!(said.version, "5.5.6.Final");
        assert_eq!(said.view.unwrap().to_string(), "[A|4]");
        assert_eq!((said.size, said.coordinates), (2, true));
        assert_eq!(said.members, ["A", "B"]);
        assert_eq!(said.known.len(), 2);
        assert_eq!(said.known[1].at, socket("127.0.0.1:7902"));
        assert!(said.known[1].removable && !said.known[0].removable);
    }

    #[test]
    fn what_a_member_of_4_says() {
        let said = parse(
            "local_addr=B [ip=127.0.0.1:7902, version=4.2.30.Final (Julier), cluster=chat, 1 mbr(s)]\n\
             GMS={coord=false, view=MergeView::[A|3] (2) [A, B], 2 subgroups: [B|0] (1) [B], [A|2] (1) [A]}\n\n",
        )
        .unwrap();
        assert_eq!((said.name.as_str(), said.group.as_str()), ("B", "chat"));
        assert_eq!(said.view.unwrap().to_string(), "[A|3]");
        assert_eq!((said.members.len(), said.coordinates), (2, false));
        assert_eq!(said.known, []);
    }

    /// Who has not joined yet has no view, and a list of many is cut.
    #[test]
    fn what_is_not_there_is_none() {
        let said = parse("A [ip=127.0.0.1:7901, cluster=chat]\nGMS={coord=false, view=null}\n");
        assert_eq!(said.unwrap().view, None);
        let (_, size, members) = view_of("[A|1] (25) [A, B, C ...]").unwrap();
        assert_eq!((size, members.len()), (25, 3));
        assert_eq!(parse("HTTP/1.1 400 Bad Request\r\n\r\n"), None);
        assert_eq!(socket("0:0:0:0:0:0:0:1:7800"), socket("[::1]:7800"));
    }
}
