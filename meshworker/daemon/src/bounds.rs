//! What a worker may take at the most, whoever tries: the sum stays below what the
//! stack files let it have.
//!
//! `docs/security.md` shows the table; a test holds it, and the stack files, to this.

use meshworker_engines::budget::{A_CONNECTION, FREE, LISTS, LONG, MOST_KEPT, READING};

use crate::announce::{A_MEMBER, MOST_HELD, MOST_MEMBERS};
use crate::board::EVENTS;
use crate::docker;
use crate::gossip;
use crate::group;
use crate::http::{A_STREAM, ANSWERS, BARE, CONNECTIONS};
use crate::kubernetes;
use crate::operators::STREAMS;
use crate::witness::{self, dns};
use crate::worker::AT_ONCE;

/// One thing that takes memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What it is.
    pub what: &'static str,
    /// So many bytes at the most.
    pub bytes: usize,
}

const fn bound(what: &'static str, bytes: usize) -> Bound {
    Bound { what, bytes }
}

/// The longer one: whoever runs in one world does not run in the other.
const fn longer(one: usize, other: usize) -> usize {
    match one > other {
        true => one,
        false => other,
    }
}

/// The program, and a thousand members at rest: measured (`docs/benchmarks.md`).
const PROGRAM: usize = 10 << 20;

/// So many nodes are asked at the same time: those that are known, and others beside them.
const ASKED: usize = 2 * AT_ONCE;

/// The servers for members and for operators.
const SERVERS: usize = 2;

/// The names that it is asked for at the same time: the members', and the workers'.
const NAMES: usize = 2;

/// All of them.
pub const BOUNDS: [Bound; 15] = [
    bound("the program, a thousand members at rest", PROGRAM),
    bound("connections to nodes", (MOST_KEPT + ASKED) * A_CONNECTION),
    bound("replies of nodes under way", LONG + ASKED * FREE),
    bound("the reply that is being read", READING),
    bound("lists that nodes tell", LISTS),
    bound("connections to both servers", SERVERS * CONNECTIONS),
    bound("answers under way", SERVERS * ANSWERS),
    bound("streams of events", STREAMS * A_STREAM),
    bound("events that are remembered", EVENTS),
    bound("announcements", MOST_MEMBERS * A_MEMBER),
    bound("answers that are held for members", MOST_HELD * A_STREAM),
    bound(
        "an answer of the Docker API or Kubernetes', and what is read of it",
        longer(
            docker::ANSWER + witness::docker::REPORTS,
            kubernetes::ANSWER + witness::docker::REPORTS,
        ),
    ),
    bound("answers of the name server", NAMES * dns::ANSWERS),
    bound("connections of other workers", BARE),
    bound("what workers agree on", group::MEMORY),
];

/// The same of a gossip router with as many connections as it takes unless told otherwise.
pub const GOSSIP_BOUNDS: [Bound; 6] = [
    bound("the program", PROGRAM),
    bound("connections of members", gossip::CONNECTIONS),
    bound("long frames that are not whole", gossip::FRAMES),
    bound("answers and messages to members", gossip::SENT),
    bound("registrations", gossip::REGISTRATIONS),
    bound("lines of other routers", BARE + gossip::LINES),
];
