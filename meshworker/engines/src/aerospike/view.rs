//! From the replies of one node to its view.
use std::num::NonZeroU64;

use meshworker_core::{Peer, Place, Unanswered, View, counted};

use super::detail::{ClusterKey, Detail};
use super::dialect::Dialect;
use super::info::{Value, cut, number};
use super::lists::Lists;
use super::namespaces::{self, Contents, MOST_MOVES_IN_ALL};
use super::peers::{self, Odd};

/// How many answers make a view.
pub(super) const QUESTIONS: usize = 10;

/// The commands that make a view, all in one round trip: one fewer than there are
/// answers to read, since each node is asked for its former peers in one way. On
/// the TLS port the nodes name each other's TLS addresses.
pub(super) fn questions(tls: bool, dialect: Dialect) -> Vec<String> {
    let (own, peers, alumni) = if tls {
        ("service-tls-std", "peers-tls-std", "alumni-tls-std")
    } else {
        ("service-clear-std", "peers-clear-std", "alumni-clear-std")
    };
    let edition = if dialect.release {
        "release"
    } else {
        "edition"
    };
    // The older form is of IPv4 only, and does not say which addresses belong to
    // one node.
    let alumni = if dialect.alumni {
        alumni
    } else {
        "services-alumni"
    };
    let questions = [
        "node",
        "build",
        edition,
        "cluster-name",
        "statistics",
        own,
        peers,
        alumni,
        "namespaces",
    ];
    questions.map(str::to_owned).to_vec()
}

/// Whether this answer to `cluster-name` says that there is none.
pub(super) fn no_name(answer: &str) -> bool {
    matches!(answer, "" | "null")
}

/// Whether data moves between the nodes, as the statistics of a node say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Migration {
    /// None does.
    Done,
    /// Some does or will, in the operator's words.
    Pending(String),
    /// They do not say; those of each namespace would.
    Unsaid,
}

/// What the answers to [`questions`] make.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// The view, but for what the namespaces say, and `working`.
    pub view: View<Detail>,
    /// Whether data moves.
    pub migration: Migration,
    /// The namespaces that the node has, sorted; none when it does not say.
    pub namespaces: Option<Vec<String>>,
}

/// The view in the answers to [`questions`], asked at the address `asked`.
///
/// # Errors
///
/// An answer is an error, or not of the known form.
pub(super) fn read(asked: Place, answers: &[Value<'_>], lists: &Lists) -> Result<Read, Unanswered> {
    let [
        node,
        build,
        edition,
        cluster_name,
        statistics,
        own,
        listed,
        alumni,
        services_alumni,
        listed_namespaces,
    ] = <[Value<'_>; QUESTIONS]>::try_from(answers)
        .map_err(|_| Unanswered::Garbage("another number of answers".into()))?;

    let node = short("node", text("node", node)?, LONGEST_ID)?.to_owned();
    let statistics = Statistics::read(text("statistics", statistics)?)?;
    let listed = text("peers", listed)?;

    let own = Peer {
        address: peers::nearest(asked, peers::addresses(text("service", own)?)).or(Some(asked)),
        node: node.clone(),
        alive: true,
    };
    let alive = lists.alive(asked, own, listed)?;
    let departed = departed(asked, &alive, listed, alumni, services_alumni)?;
    let migration = statistics.migration();
    let view = View {
        node,
        cluster_name: match text("cluster-name", cluster_name)? {
            name if no_name(name) => None,
            name => Some(short("cluster-name", name, LONGEST_NAME)?.to_owned()),
        },
        role: None,
        size: statistics.size,
        peers: alive,
        working: None,
        holdings: Default::default(),
        detail: Detail {
            build: short("build", text("build", build)?, LONGEST_ID)?.to_owned(),
            edition: match edition_in(text("edition", edition)?).parse() {
                Ok(edition) => edition,
                Err(never) => match never {},
            },
            key: statistics.key,
            integrity: statistics.integrity,
            is_member: statistics.is_member,
            principal: statistics.principal,
            uptime: statistics.uptime,
            departed: lists.departed(departed)?,
            namespaces: None,
            to_send: None,
        },
    };
    Ok(Read {
        view,
        migration,
        namespaces: namespaces::names(listed_namespaces),
    })
}

/// The addresses of remembered nodes that are none of a living one's, sorted.
/// The memory also holds the living.
fn departed(
    asked: Place,
    alive: &[Peer],
    listed: &str,
    alumni: Value<'_>,
    services_alumni: Value<'_>,
) -> Result<Vec<Place>, Unanswered> {
    let mut departed = Vec::new();
    if let Value::Data(alumni) = alumni {
        for entry in peers::entries(alumni) {
            let entry = entry.map_err(odd)?;
            let known = alive.binary_search_by(|peer| peer.node.as_str().cmp(entry.node));
            if known.is_err() {
                departed.extend(peers::nearest(asked, entry.addresses()));
            }
        }
    } else {
        departed.extend(peers::addresses(text("services-alumni", services_alumni)?));
    }
    departed.sort_unstable();
    departed.dedup();
    if departed.len() > MOST_NODES {
        return Err(odd(Odd));
    }
    without(&mut departed, alive.iter().filter_map(|peer| peer.address));
    // What is left may be another address of a living node: rare, so these are
    // read only now.
    if !departed.is_empty() {
        let entries = peers::entries(listed).filter_map(Result::ok);
        without(&mut departed, entries.flat_map(|entry| entry.addresses()));
        without(&mut departed, std::iter::once(asked));
    }
    Ok(departed)
}

/// Takes the living out of a sorted list.
fn without(departed: &mut Vec<Place>, living: impl Iterator<Item = Place>) {
    let mut lives = vec![false; departed.len()];
    for address in living {
        let found = departed.binary_search(&address).ok();
        if let Some(lives) = found.and_then(|at| lives.get_mut(at)) {
            *lives = true;
        }
    }
    let mut lives = lives.into_iter();
    departed.retain(|_| !lives.next().unwrap_or_default());
}

/// The edition in the answer to `release`, `edition=E;version=V;..`; the whole
/// answer to `edition`.
fn edition_in(answer: &str) -> &str {
    let mut items = answer.split(';');
    items
        .find_map(|item| item.strip_prefix("edition="))
        .unwrap_or(answer)
}

/// The longest id of a node or a build that is taken in: four times what a server
/// gives.
pub(super) const LONGEST_ID: usize = 64;
/// The longest name of a cluster that is taken in: twice what a server accepts.
const LONGEST_NAME: usize = 128;
/// The longest time in seconds since a server's start: a thousand years.
const LONGEST_UPTIME: u64 = 1000 * 365 * 24 * 3600;
/// The most nodes that are taken in: many times what a cluster has.
pub(super) const MOST_NODES: usize = 4096;

/// What a node says, if it is no longer than that.
fn short<'a>(field: &str, said: &'a str, longest: usize) -> Result<&'a str, Unanswered> {
    if said.len() <= longest {
        return Ok(said);
    }
    let found = said.len();
    Err(Unanswered::Garbage(format!(
        "{field}: found {found} bytes; allowed: at most {longest}"
    )))
}

/// The value of one answer, which must not be an error.
fn text<'a>(command: &str, value: Value<'a>) -> Result<&'a str, Unanswered> {
    match value {
        Value::Data(data) => Ok(data),
        Value::Ok => Ok("ok"),
        // 80 and 81: not authenticated, and not allowed to.
        Value::Error {
            code: Some(80 | 81),
            text,
        } => Err(Unanswered::Denied(cut(text).to_owned())),
        Value::Error { text, .. } => Err(Unanswered::Garbage(format!("{command}: {}", cut(text)))),
    }
}

fn odd(odd: Odd) -> Unanswered {
    Unanswered::Garbage(odd.to_string())
}

/// What is picked from the hundreds of statistics.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statistics {
    size: usize,
    key: Option<ClusterKey>,
    integrity: bool,
    is_member: bool,
    principal: Option<String>,
    uptime: u64,
    migrate_allowed: Option<bool>,
    partitions_remaining: Option<u64>,
}

impl Statistics {
    fn read(list: &str) -> Result<Statistics, Unanswered> {
        let mut read = Statistics::default();
        let (mut size, mut key) = (None, None);
        for (name, value) in list.split(';').filter_map(|item| item.split_once('=')) {
            let up_to = |most: u64| {
                let said = number(&format!("statistics: {name}"), value, most);
                said.map_err(Unanswered::Garbage)
            };
            match name {
                "cluster_size" => size = usize::try_from(up_to(MOST_NODES as u64)?).ok(),
                "cluster_key" => key = u64::from_str_radix(value, 16).ok(),
                "cluster_integrity" => read.integrity = value == "true",
                "cluster_is_member" => read.is_member = value == "true",
                // Before the first cluster it is 0.
                "cluster_principal" if value != "0" => {
                    let principal = short("cluster_principal", value, LONGEST_ID)?;
                    read.principal = Some(principal.to_owned());
                }
                "uptime" => read.uptime = up_to(LONGEST_UPTIME)?,
                "migrate_allowed" => read.migrate_allowed = value.parse().ok(),
                "migrate_partitions_remaining" => {
                    read.partitions_remaining = Some(up_to(MOST_MOVES_IN_ALL)?);
                }
                _ => {}
            }
        }
        let lacks = |name| Unanswered::Garbage(format!("statistics: no usable '{name}'"));
        read.size = size.ok_or_else(|| lacks("cluster_size"))?;
        let key = key.ok_or_else(|| lacks("cluster_key"))?;
        read.key = NonZeroU64::new(key).map(ClusterKey);
        Ok(read)
    }

    fn migration(&self) -> Migration {
        match (self.migrate_allowed, self.partitions_remaining) {
            // Between a change of membership and the new assignment nothing
            // moves, and nothing has moved yet.
            (Some(false), _) if self.key.is_some() => {
                Migration::Pending("partitions about to be assigned anew".into())
            }
            (_, Some(0)) => Migration::Done,
            (_, Some(count)) => Migration::Pending(format!(
                "{} to send or receive",
                counted(count, "partitions")
            )),
            (_, None) => Migration::Unsaid,
        }
    }
}

impl Migration {
    /// What moves, in the operator's words: as the statistics or the namespaces
    /// say, whichever says that something does; none when all say that nothing.
    pub fn working(self, contents: Option<&Contents>) -> Option<String> {
        let moving = contents.and_then(Contents::moving);
        match self {
            Migration::Pending(what) => moving.or(Some(what)),
            Migration::Done => moving,
            Migration::Unsaid => {
                let said = contents.is_some_and(|contents| !contents.unsaid);
                // No number is not the number zero.
                moving.or_else(|| (!said).then(|| "it does not say whether partitions move".into()))
            }
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
