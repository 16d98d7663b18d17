//! The text of `CLUSTER NODES`.
//!
//! One line per node:
//! `id ip:port@cport[,hostname] flags master ping pong epoch link slot...`,
//! where a slot is `7`, `0-5460`, or, in the line of the node that was asked,
//! `[93->-id]` and `[77-<-id]` for a slot on the move.
//! <https://redis.io/docs/latest/commands/cluster-nodes/>

use serde::Serialize;

use super::slots::{SLOTS, Slots};
use crate::intern::Weigh;
use meshworker_core::Place;

/// More lines than any Redis cluster has nodes (its makers recommend 1000 at
/// the most), so that a stranger's answer cannot fill the memory.
const MOST_LINES: usize = 8192;

/// One node in one node's table, without what differs between the tables of
/// two healthy members.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Entry {
    /// The node's id: 40 hexadecimal digits.
    pub node: String,
    /// Where it is said to be; none while nobody knows.
    pub address: Option<Place>,
    /// Whether it is a replica.
    pub replica: bool,
    /// The master that it follows, if it is a replica.
    pub master: Option<String>,
    /// How it is seen.
    pub health: Health,
    /// Whether the link to it is up.
    pub connected: bool,
    /// The slots that it owns.
    pub slots: Slots,
}

/// How a node is seen by the one that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nothing is wrong.
    Well,
    /// `fail?`: it did not answer this node in time.
    Suspected,
    /// `fail`: a majority of the masters agreed that it is gone.
    Failed,
    /// `noaddr`: nobody knows where it is.
    Lost,
}

impl Weigh for Entry {
    fn weight(&self) -> usize {
        let master = self.master.as_ref().map_or(0, String::len);
        size_of::<Entry>() + self.node.len() + master + size_of_val(self.slots.ranges())
    }
}

impl Weigh for OpenSlot {
    fn weight(&self) -> usize {
        size_of::<OpenSlot>() + self.other.len()
    }
}

impl Entry {
    /// Whether it is seen alive.
    pub fn is_alive(&self) -> bool {
        self.health == Health::Well
    }

    /// Whether it is seen as gone, which a mere suspicion is not.
    pub fn is_gone(&self) -> bool {
        matches!(self.health, Health::Failed | Health::Lost)
    }

    /// How it is seen, in the words of `CLUSTER NODES`.
    pub fn said(&self) -> String {
        let health = match self.health {
            Health::Well => "",
            Health::Suspected => ",fail?",
            Health::Failed => ",fail",
            Health::Lost => ",noaddr",
        };
        let role = if self.replica { "slave" } else { "master" };
        let link = if self.connected {
            "connected"
        } else {
            "disconnected"
        };
        format!("{role}{health} {link}")
    }
}

/// A slot on the move, as the node that was asked sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct OpenSlot {
    /// The slot.
    pub slot: u16,
    /// The node at the other end.
    pub other: String,
    /// Whether the slot leaves the node that was asked, or comes to it.
    pub leaves: bool,
}

/// What `CLUSTER NODES` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    /// All nodes with a proper id, sorted by it.
    pub table: Vec<Entry>,
    /// Where in the table the node that was asked is.
    pub myself: usize,
    /// The host name that it announces.
    pub hostname: Option<String>,
    /// The port that it names as its own.
    pub port: u16,
    /// The port of its cluster bus.
    pub bus_port: Option<u16>,
    /// The slots on the move at it.
    pub open: Vec<OpenSlot>,
    /// The addresses that it is shaking hands with.
    pub handshakes: Vec<Place>,
}

/// The text is not what a Redis node writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A line that cannot be read.
    #[error("CLUSTER NODES, line {0}: not understood")]
    Line(usize),
    /// Not exactly one line is the node that was asked.
    #[error("CLUSTER NODES: {0} lines say 'myself' instead of one")]
    Myself(usize),
    /// A field that is longer than any that Redis writes.
    #[error("CLUSTER NODES, line {line}, {field}: {found} bytes; allowed: {allowed}")]
    Field {
        /// Which line.
        line: usize,
        /// Which field of it.
        field: &'static str,
        /// How long it is.
        found: usize,
        /// How long it may be.
        allowed: usize,
    },
    /// More lines than a cluster can have nodes.
    #[error("CLUSTER NODES: more than {MOST_LINES} lines")]
    TooLong,
}

impl Nodes {
    /// Reads the text.
    ///
    /// # Errors
    ///
    /// Names the first line that is not as documented.
    pub fn parse(text: &str) -> Result<Nodes, Malformed> {
        let mut nodes = Nodes {
            table: Vec::new(),
            myself: 0,
            hostname: None,
            port: 0,
            bus_port: None,
            open: Vec::new(),
            handshakes: Vec::new(),
        };
        let mut asked: Vec<String> = Vec::new();
        let mut ranges = 0;
        for (position, line) in text.lines().filter(|line| !line.is_empty()).enumerate() {
            if position >= MOST_LINES {
                return Err(Malformed::TooLong);
            }
            let number = position + 1;
            bounded(line, number, &mut ranges)?;
            let line = Line::parse(line).ok_or(Malformed::Line(number))?;
            if line.has("handshake") {
                // Its id is made up until it has introduced itself.
                nodes.handshakes.extend(line.entry.address);
                continue;
            }
            if line.has("myself") {
                asked.push(line.entry.node.clone());
                nodes.hostname = line.hostname.map(str::to_owned);
                nodes.port = line.port;
                nodes.bus_port = line.bus_port;
                nodes.open = line.open;
            }
            nodes.table.push(line.entry);
        }
        nodes.handshakes.sort_unstable();
        nodes.table.sort_by(|a, b| a.node.cmp(&b.node));
        nodes.table.dedup_by(|a, b| a.node == b.node);
        let [myself] = asked.as_slice() else {
            return Err(Malformed::Myself(asked.len()));
        };
        nodes.myself = nodes
            .table
            .binary_search_by(|entry| entry.node.cmp(myself))
            .map_err(|_| Malformed::Myself(0))?;
        Ok(nodes)
    }

    /// The same, of a node that was asked here, in a cluster whose own port is `usual`.
    /// Ports count only where it names for itself the one at which it was asked: behind
    /// another one, of TLS or for the world outside, it names the others' likewise.
    pub fn asked_at(mut self, asked: Place, usual: u16) -> Nodes {
        let counts = self.port == asked.port(usual);
        let addresses = self.table.iter_mut().filter_map(|e| e.address.as_mut());
        for place in addresses.chain(&mut self.handshakes) {
            place.port = place.port.filter(|port| counts && *port != usual);
        }
        self
    }
}

/// The longest id, host name (as in DNS) and list of flags, and the most slots and
/// ranges of slots in all lines.
const FIELDS: [(&str, usize); 8] = [
    ("id", 40),
    ("place", 600),
    ("flags", 128),
    ("master", 40),
    ("ping", 20),
    ("pong", 20),
    ("epoch", 20),
    ("link", 12),
];
const LONGEST_NAME: usize = 253;
const LONGEST_SLOT: usize = 64;
const MOST_RANGES: usize = 2 * SLOTS as usize;

/// Whether every field has a length that Redis could have written; and all lines
/// together no more `ranges` of slots than there are slots.
fn bounded(text: &str, line: usize, ranges: &mut usize) -> Result<(), Malformed> {
    let within = |field, found, allowed| {
        let fault = Malformed::Field {
            line,
            field,
            found,
            allowed,
        };
        if found > allowed { Err(fault) } else { Ok(()) }
    };
    let mut words = text.split_ascii_whitespace();
    for ((field, allowed), word) in FIELDS.iter().zip(&mut words) {
        if *field == "place" {
            let name = word.split(',').nth(1).unwrap_or_default();
            within("host name", name.len(), LONGEST_NAME)?;
        }
        within(field, word.len(), *allowed)?;
    }
    for word in words {
        *ranges += 1;
        within("slot", word.len(), LONGEST_SLOT)?;
    }
    within("number of slots", *ranges, MOST_RANGES)
}

struct Line<'a> {
    entry: Entry,
    flags: &'a str,
    hostname: Option<&'a str>,
    port: u16,
    bus_port: Option<u16>,
    open: Vec<OpenSlot>,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Line<'a>> {
        let mut words = line.split_ascii_whitespace();
        let node = words.next().filter(|id| is_id(id))?;
        let place = words.next()?;
        let flags = words.next()?;
        let master = words.next()?;
        let _ping: u64 = words.next()?.parse().ok()?;
        let _pong: u64 = words.next()?.parse().ok()?;
        let _epoch: u64 = words.next()?.parse().ok()?;
        let connected = match words.next()? {
            "connected" => true,
            "disconnected" => false,
            _ => return None,
        };
        let (address, port, bus_port, hostname) = place_of(place)?;
        let mut ranges = Vec::new();
        let mut open = Vec::new();
        for word in words {
            match word.strip_prefix('[') {
                Some(word) => open.push(open_slot(word.strip_suffix(']')?)?),
                None => {
                    let (first, last) = word.split_once('-').unwrap_or((word, word));
                    ranges.push((slot(first)?, slot(last)?));
                }
            }
        }
        let has = |flag: &str| flags.split(',').any(|word| word == flag);
        let health = if has("noaddr") {
            Health::Lost
        } else if has("fail") {
            Health::Failed
        } else if has("fail?") {
            Health::Suspected
        } else {
            Health::Well
        };
        Some(Line {
            entry: Entry {
                node: node.to_owned(),
                address,
                replica: has("slave"),
                master: is_id(master).then(|| master.to_owned()),
                health,
                connected,
                slots: Slots::from_ranges(ranges),
            },
            flags,
            hostname,
            port,
            bus_port,
            open,
        })
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.split(',').any(|word| word == flag)
    }
}

fn is_id(word: &str) -> bool {
    word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn slot(word: &str) -> Option<u16> {
    word.parse().ok().filter(|slot| *slot < SLOTS)
}

/// `slot->-id` or `slot-<-id`, without the brackets.
fn open_slot(word: &str) -> Option<OpenSlot> {
    let (number, leaves, other) = match word.split_once("->-") {
        Some((number, other)) => (number, true, other),
        None => {
            let (number, other) = word.split_once("-<-")?;
            (number, false, other)
        }
    };
    Some(OpenSlot {
        slot: slot(number)?,
        other: is_id(other).then(|| other.to_owned())?,
        leaves,
    })
}

/// Its place, port, bus port and host name.
type Endpoint<'a> = (Option<Place>, u16, Option<u16>, Option<&'a str>);

/// `ip:port@cport,hostname`: the address is empty while a node does not know
/// its own, and newer versions add `,name=value` at the end.
fn place_of(place: &str) -> Option<Endpoint<'_>> {
    let mut parts = place.split(',');
    let endpoint = parts.next()?;
    let hostname = parts
        .next()
        .filter(|word| !word.is_empty() && !word.contains('='));
    let (endpoint, bus_port) = match endpoint.split_once('@') {
        Some((endpoint, bus_port)) => (endpoint, Some(bus_port.parse().ok()?)),
        None => (endpoint, None),
    };
    let (ip, port) = endpoint.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let ip = ip.trim_start_matches('[').trim_end_matches(']');
    let address = match ip {
        "" | "?" => None,
        ip => Some(Place {
            address: ip.parse().ok()?,
            port: Some(port),
        }),
    };
    Some((address, port, bus_port.filter(|port| *port != 0), hostname))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "a1fff70597e67ec31c8dc0695e42356b91e5719c";
    const B: &str = "1faf3d60ff2f67ffb810743480aca28c4bdd3be8";

    fn read(text: &str) -> Nodes {
        let nodes = Nodes::parse(text).unwrap();
        nodes.asked_at([10, 0, 1, 3].into(), 6379)
    }

    /// Several on one machine, and what is listed behind another port.
    #[test]
    fn ports_count_where_the_node_names_the_one_at_which_it_was_asked() {
        let table = |own: u16| {
            format!(
                "{A} 10.0.1.3:{own}@17001 myself,master - 0 0 3 connected\n\
                 {B} 10.0.1.3:7002@17002 master - 0 0 4 connected\n"
            )
        };
        let places = |own, asked: u16| {
            let nodes = Nodes::parse(&table(own)).unwrap();
            let asked = Place::new([10, 0, 1, 3], asked, 7001);
            let table = nodes.asked_at(asked, 7001).table.into_iter();
            let places = table.map(|entry| entry.address.unwrap().to_string());
            places.collect::<Vec<_>>()
        };
        assert_eq!(places(7001, 7001), ["10.0.1.3:7002", "10.0.1.3"]);
        assert_eq!(places(7003, 7003), ["10.0.1.3:7002", "10.0.1.3:7003"]);
        // Asked at the port of TLS, and told the ports without.
        assert_eq!(places(7003, 7001), ["10.0.1.3", "10.0.1.3"]);
    }

    #[test]
    fn a_recorded_table_is_read() {
        let text = format!(
            "{A} 10.0.1.3:6379@16379,cache.1 myself,master - 0 0 3 connected 0-5460 7000 [93->-{B}] [77-<-{B}]\n\
             {B} 10.0.1.4:6379@16379 slave,fail {A} 1795247899590 1795247899000 3 disconnected\n\
             f3691678efa755edc817df6e684643cc0f1b6e29 10.0.1.9:6379@16379 handshake - 0 0 0 disconnected\n"
        );
        let nodes = read(&text);
        assert_eq!(
            nodes,
            Nodes {
                table: vec![
                    Entry {
                        node: B.into(),
                        address: Some("10.0.1.4".parse().unwrap()),
                        replica: true,
                        master: Some(A.into()),
                        health: Health::Failed,
                        connected: false,
                        slots: Slots::default(),
                    },
                    Entry {
                        node: A.into(),
                        address: Some("10.0.1.3".parse().unwrap()),
                        replica: false,
                        master: None,
                        health: Health::Well,
                        connected: true,
                        slots: Slots::from_ranges([(0, 5460), (7000, 7000)]),
                    },
                ],
                myself: 1,
                hostname: Some("cache.1".into()),
                port: 6379,
                bus_port: Some(16379),
                open: vec![
                    OpenSlot {
                        slot: 93,
                        other: B.into(),
                        leaves: true
                    },
                    OpenSlot {
                        slot: 77,
                        other: B.into(),
                        leaves: false
                    },
                ],
                handshakes: vec!["10.0.1.9".parse().unwrap()],
            }
        );
    }

    #[test]
    fn a_fresh_node_does_not_know_its_address() {
        for place in [":7000@17000", ":7000@17000,", ":7000@17000,,shard-id=07c3"] {
            let text = format!("{A} {place} myself,master - 0 0 0 connected\n");
            let nodes = read(&text);
            assert_eq!((nodes.table[0].address, &nodes.hostname), (None, &None));
        }
    }

    /// A host name of 2 MB went whole into every refusal, event and line of the log.
    #[test]
    fn a_field_had_no_longest_length() {
        let long = |n: usize| "x".repeat(n);
        let place = format!("10.0.1.3:6379@16379,{},shard-id=1", long(253));
        let fine = format!("{A} {place} myself,master - 0 0 0 connected 0-5");
        assert!(Nodes::parse(&fine).is_ok());
        for (field, was, is) in [
            ("host name", long(253), long(254)),
            ("id", A.to_owned(), format!("{A}0")),
            (
                "place",
                "shard-id=1".into(),
                format!("shard-id={}", long(400)),
            ),
            (
                "flags",
                "myself,master".into(),
                format!("myself,{}", long(200)),
            ),
            ("master", " - ".into(), format!(" {} ", long(41))),
            (
                "epoch",
                " 0 connected".into(),
                format!(" {} connected", "0".repeat(21)),
            ),
            ("link", "connected".into(), long(13)),
            ("slot", "0-5".into(), "0".repeat(65)),
            ("number of slots", "0-5".into(), "1 ".repeat(32769)),
        ] {
            let text = format!("{fine}\n{}\n", fine.replacen(&was, &is, 1));
            let fault = Nodes::parse(&text).unwrap_err();
            let told = fault.to_string();
            assert!(matches!(fault, Malformed::Field { line: 2, .. }), "{told}");
            assert!(told.contains(field) && told.len() < 100, "{told}");
        }
    }

    #[test]
    fn ipv6_addresses_are_read() {
        let text = format!("{A} fd00::3:6379@16379 myself,master - 0 0 0 connected\n");
        let nodes = read(&text);
        assert_eq!(nodes.table[0].address, "fd00::3".parse().ok());
    }

    #[test]
    fn other_texts_are_named_by_their_line() {
        let line = format!("{A} :7000@17000 myself,master - 0 0 0 connected");
        assert_eq!(Nodes::parse(""), Err(Malformed::Myself(0)));
        assert_eq!(
            Nodes::parse(&format!("{line}\n{line}\n")),
            Err(Malformed::Myself(2))
        );
        for other in [
            "HTTP/1.1 200 OK",
            A,
            &format!("{line} 16384"),
            &format!("{line} [9-{B}]"),
        ] {
            assert_eq!(
                Nodes::parse(&format!("{line}\n{other}\n")),
                Err(Malformed::Line(2)),
                "{other}"
            );
        }
        let long = format!("{line}\n").repeat(MOST_LINES + 1);
        assert_eq!(Nodes::parse(&long), Err(Malformed::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,400}") {
            let _ = Nodes::parse(&text);
        }

        #[test]
        fn no_mangled_line_makes_it_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    A, B, "10.0.0.1:1@2,h.1", ":0@0", "::1:6@7", "@,", "myself,master", "slave,fail?",
                    "handshake", "-", "0", "99999999999999999999", "connected", "0-5", "5-0", "-", "[1->-", "[1->-]",
                    "\n", "16383", "[3-<-a1fff70597e67ec31c8dc0695e42356b91e5719c]",
                ]),
                0..30,
            ),
        ) {
            if let Ok(nodes) = Nodes::parse(&words.join(" ")) {
                prop_assert!(nodes.myself < nodes.table.len());
            }
        }
    }
}
