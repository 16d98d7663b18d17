//! What a node says of its namespaces: how many copies they keep, whether all
//! of it is there, and what is on the move.

use std::sync::{Arc, Mutex, PoisonError};

use meshworker_core::{Figure, Holdings, counted};

use super::detail::Namespace;
use super::info::{Value, number};

/// The most namespaces that are asked about: twice what a server can have. A
/// longer list is not a server's.
const MOST_NAMES: usize = 64;

/// The longest name that is asked about: twice what a server accepts.
const LONGEST_NAME: usize = 64;

/// Into how many partitions each namespace is cut.
pub(super) const PARTITIONS: u64 = 4096;
/// The most copies of a record: as many as a cluster has nodes at most.
const MOST_COPIES: u64 = 256;
/// The most partitions that a node can have on their way: each to or from all.
pub(super) const MOST_MOVES: u64 = PARTITIONS * MOST_COPIES;
/// The same of all its namespaces.
pub(super) const MOST_MOVES_IN_ALL: u64 = MOST_MOVES * MOST_NAMES as u64;

/// The namespaces that nodes of this cluster are known to have, so that a node
/// can be asked about them in the same round trip in which it names them.
#[derive(Debug, Default)]
pub(super) struct Known {
    names: Mutex<Arc<[String]>>,
}

impl Known {
    /// All of them.
    pub fn all(&self) -> Arc<[String]> {
        Arc::clone(&self.names())
    }

    /// Takes in what a node has. Beyond all reason, only that counts.
    pub fn learn(&self, own: &[String]) {
        let mut names = self.names();
        if own.iter().all(|name| names.contains(name)) {
            return;
        }
        let mut all: Vec<String> = names.iter().chain(own).cloned().collect();
        all.sort_unstable();
        all.dedup();
        *names = if all.len() > MOST_NAMES {
            own.into()
        } else {
            all.into()
        };
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Arc<[String]>> {
        // A whole value is put in or read: nothing can be half done.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names in the answer to `namespaces`, sorted; none when it is no list of
/// names: they become part of further questions.
pub(super) fn names(answer: Value<'_>) -> Option<Vec<String>> {
    let Value::Data(list) = answer else {
        return None;
    };
    let names = list.split(';').filter(|name| !name.is_empty());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    let is_name = |name: &String| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte);
        name.len() <= LONGEST_NAME && name.bytes().all(fits)
    };
    (names.len() <= MOST_NAMES && names.iter().all(is_name)).then_some(names)
}

/// The question about one of them.
pub(super) fn question(name: &str) -> String {
    format!("namespace/{name}")
}

/// What all namespaces of a node say together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Each of them, in the order of their names.
    pub namespaces: Vec<Namespace>,
    /// Partitions that are left to send.
    pub send: u64,
    /// Partitions that are left to receive.
    pub receive: u64,
    /// Whether some does not say what is left to send or to receive.
    pub unsaid: bool,
    /// How many records the node has, copies included.
    pub records: u64,
    /// How many bytes of data it has, of how many.
    pub data: Option<(u64, u64)>,
    /// The namespaces that refuse writes, each with the statistic that says so.
    pub refuse: Vec<String>,
}

impl Contents {
    /// What these answers say, each to the [`question`] about the name beside
    /// it. No number is not the number zero.
    ///
    /// # Errors
    ///
    /// Names the first field whose value cannot be.
    pub fn read<'a>(
        answers: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for (name, answer) in answers {
            let statistics = match answer {
                Value::Data(statistics) => statistics,
                Value::Ok | Value::Error { .. } => "",
            };
            let (mut moves, mut data) = ((None, None), (None, None));
            let mut namespace = Namespace {
                name: name.to_owned(),
                ..Namespace::default()
            };
            let items = statistics.split(';');
            for (item, value) in items.filter_map(|item| item.split_once('=')) {
                let up_to =
                    |most| number(&format!("namespace '{name}': {item}"), value, most).map(Some);
                match item {
                    "replication-factor" => namespace.replication_factor = up_to(MOST_COPIES)?,
                    "effective_replication_factor" => namespace.copies = up_to(MOST_COPIES)?,
                    "unavailable_partitions" => namespace.unavailable = up_to(PARTITIONS)?,
                    "dead_partitions" => namespace.dead = up_to(PARTITIONS)?,
                    "pending_quiesce" => namespace.quiesce_pending = value.parse().ok(),
                    "effective_is_quiesced" => namespace.quiesced = value.parse().ok(),
                    "storage-engine" if namespace.volatile.is_none() => {
                        namespace.volatile = Some(value == "memory");
                    }
                    // Memory that is kept on a disk besides.
                    _ if item.starts_with("storage-engine.file[")
                        || item.starts_with("storage-engine.device[") =>
                    {
                        namespace.volatile = Some(false);
                    }
                    "objects" => {
                        let records = up_to(u64::MAX)?;
                        namespace.empty = records.map(|n| n == 0);
                        let all = contents.records.saturating_add(records.unwrap_or_default());
                        contents.records = all;
                    }
                    "data_used_bytes" => data.0 = up_to(u64::MAX)?,
                    "data_total_bytes" => data.1 = up_to(u64::MAX)?,
                    "stop_writes" | "clock_skew_stop_writes" if value == "true" => {
                        contents.refuse.push(format!("namespace {name}: {item}"));
                    }
                    "migrate_tx_partitions_remaining" => moves.0 = up_to(MOST_MOVES)?,
                    "migrate_rx_partitions_remaining" => moves.1 = up_to(MOST_MOVES)?,
                    _ => {}
                }
            }
            if let (Some(used), Some(of)) = data {
                let (all, most) = contents.data.unwrap_or_default();
                contents.data = Some((all.saturating_add(used), most.saturating_add(of)));
            }
            contents.namespaces.push(namespace);
            let (send, receive): (Option<u64>, Option<u64>) = moves;
            contents.unsaid |= send.is_none() || receive.is_none();
            contents.send = contents.send.saturating_add(send.unwrap_or_default());
            contents.receive = contents.receive.saturating_add(receive.unwrap_or_default());
        }
        Ok(contents)
    }

    /// What the node has, of all its namespaces.
    pub fn holdings(&self) -> Holdings {
        let data = self.data;
        let data = data.map(|(used, of)| Figure::bytes("data", used, Some(of)));
        let records = Figure::count("records", self.records);
        // How many it has at rest is told by a table of thousands of lines alone.
        let moving = self.send.saturating_add(self.receive);
        let moving = (moving > 0).then(|| Figure::count("moving partitions", moving));
        Holdings {
            follows: None,
            figures: moving.into_iter().chain([records]).chain(data).collect(),
            refuses_writes: (!self.refuse.is_empty()).then(|| self.refuse.join(", ")),
            replication: None,
        }
    }

    /// What is on the move, in the operator's words.
    pub fn moving(&self) -> Option<String> {
        let Contents { send, receive, .. } = self;
        (*send > 0 || *receive > 0).then(|| {
            let send = counted(send, "partitions");
            format!("{send} to send, {receive} to receive")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_none_are_not_asked_about() {
        let names = |list: &'static str| names(Value::Data(list));
        assert_eq!(names("test;bar"), Some(vec!["bar".into(), "test".into()]));
        assert_eq!(names(""), Some(vec![]));
        let long = "n".repeat(LONGEST_NAME + 1);
        let many = "n;".repeat(MOST_NAMES + 1);
        for list in ["a b", "a:b", "a\tb", &long, &many] {
            assert_eq!(super::names(Value::Data(list)), None, "{list}");
        }
        assert_eq!(super::names(Value::Ok), None);
    }

    #[test]
    fn what_nodes_have_is_remembered_within_reason() {
        let known = Known::default();
        let names = |list: &[&str]| -> Vec<String> { list.iter().map(|n| (*n).into()).collect() };
        known.learn(&names(&["test"]));
        known.learn(&names(&["bar", "test"]));
        known.learn(&names(&["test"]));
        assert_eq!(*known.all(), names(&["bar", "test"]));
        let many: Vec<String> = (0..MOST_NAMES).map(|n| format!("n{n}")).collect();
        known.learn(&many);
        assert_eq!(*known.all(), many);
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let said = "objects=7;effective_replication_factor=2;replication-factor=3;\
                    unavailable_partitions=1;dead_partitions=0;pending_quiesce=true;\
                    effective_is_quiesced=false;storage-engine=memory;migrate_tx_partitions_remaining=120;\
                    migrate_rx_partitions_remaining=3";
        let refused = Value::Error {
            code: Some(20),
            text: "unknown namespace",
        };
        let contents = Contents::read([("bar", Value::Data(said)), ("test", refused)]).unwrap();
        let bar = Namespace {
            name: "bar".into(),
            replication_factor: Some(3),
            copies: Some(2),
            unavailable: Some(1),
            dead: Some(0),
            quiesce_pending: Some(true),
            quiesced: Some(false),
            empty: Some(false),
            volatile: Some(true),
        };
        let test = Namespace {
            name: "test".into(),
            ..Namespace::default()
        };
        let expected = Contents {
            namespaces: vec![bar, test],
            send: 120,
            receive: 3,
            unsaid: true,
            records: 7,
            ..Contents::default()
        };
        assert_eq!(contents, expected);
        let moving = contents.moving();
        assert_eq!(
            moving.as_deref(),
            Some("120 partitions to send, 3 to receive")
        );
        assert_eq!(Contents::default().moving(), None);
        let figures = contents.holdings().figures;
        let figures: Vec<_> = figures.iter().map(ToString::to_string).collect();
        assert_eq!(figures, ["123 moving partitions", "7 records"]);
    }

    #[test]
    fn a_member_that_refuses_writes_was_joined_and_well() {
        let said =
            |more| format!("objects=4;data_used_bytes=1048576;data_total_bytes=2097152{more}");
        let (well, full) = (said(";stop_writes=false"), said(";stop_writes=true"));
        let of = |one| Contents::read([("bar", Value::Data(one)), ("test", Value::Data(&well))]);
        let holdings = of(&full).unwrap().holdings();
        let figures: Vec<_> = holdings.figures.iter().map(ToString::to_string).collect();
        assert_eq!(figures, ["8 records", "2/4M data"]);
        let why = holdings.refuses_writes;
        assert_eq!(why.as_deref(), Some("namespace bar: stop_writes"));
        assert_eq!(of(&well).unwrap().holdings().refuses_writes, None);
    }

    /// A leaver that said so, and one fewer later, ended the worker.
    #[test]
    fn a_number_that_cannot_be_is_an_error_that_names_its_field() {
        for (said, error) in [
            (
                "migrate_tx_partitions_remaining=18446744073709551615",
                "namespace 'test': migrate_tx_partitions_remaining: found '18446744073709551615'; \
                 allowed: 0 to 1048576",
            ),
            (
                "dead_partitions=4097",
                "namespace 'test': dead_partitions: found '4097'; allowed: 0 to 4096",
            ),
            (
                "replication-factor=-1",
                "namespace 'test': replication-factor: found '-1'; allowed: 0 to 256",
            ),
            (
                "objects=18446744073709551616",
                "namespace 'test': objects: found '18446744073709551616'; \
                 allowed: 0 to 18446744073709551615",
            ),
        ] {
            let contents = Contents::read([("test", Value::Data(said))]);
            assert_eq!(contents, Err(error.to_owned()));
        }
    }
}
