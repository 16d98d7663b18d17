//! What only a Redis node's view has, and how it follows from the replies.
use std::sync::Arc;

use meshworker_core::{Peer, Place, Role, Unanswered, View, counted};
use serde::Serialize;

use super::heavy::Heavy;
use super::name::Name;
use super::nodes::{Entry, Nodes, OpenSlot};
use super::release::Release;
use super::room::Room;
use crate::budget::LISTS;
use crate::intern::Interner;

/// The longest word that is read of `INFO` and `CLUSTER INFO`: ids have 40 bytes.
const LONGEST_WORD: usize = 64;

/// The longest host name, as in DNS.
const LONGEST_NAME: usize = 253;

/// As `CLUSTER NODES` and `INFO` call them. Writes go to all masters, each its slots'.
pub const MASTER: Role = Role::of("master");
const REPLICA: Role = Role::of("replica");

/// What only a Redis node's view has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// All nodes that it knows, itself included, sorted by id. Its own address
    /// is the one it was asked at. Members of one settled cluster share one copy.
    pub table: Arc<[Entry]>,
    /// What its announced host name tells.
    pub name: Option<Name>,
    /// The port of its cluster bus.
    pub bus_port: Option<u16>,
    /// The slots on the move at it.
    pub open: Arc<[OpenSlot]>,
    /// The addresses that it is shaking hands with.
    pub handshakes: Arc<[Place]>,
    /// How many keys it holds.
    pub keys: u64,
    /// Whether it holds the cluster to be in working order.
    pub state_ok: bool,
    /// Whether it follows its master closely; always so for a master.
    pub in_sync: bool,
    /// Where a replica asks for its master's data, an address or a host name; none
    /// for a master.
    pub dials: Option<String>,
    /// For how many seconds a replica has had no link to its master; none while it has
    /// one, or copies over it.
    pub cut_off: Option<u64>,
    /// Which server it is, and of which version; none where it does not tell.
    pub release: Option<Release>,
    /// What cannot be moved from it, as far as this worker has tried.
    pub heavy: Vec<Heavy>,
    /// The id of its process, new with every start.
    pub run_id: String,
    /// Why it takes no writes by what its configuration asks for; none where it takes
    /// them, or does not tell.
    pub blocked: Option<String>,
    /// Whether nothing but its memory has what it was told last.
    pub in_memory: bool,
    /// Whether the time of keys had run out that it would have loaded at its start.
    pub outlived: bool,
}

/// The replies to one observation.
#[derive(Debug, Clone, Copy)]
pub struct Replies<'a> {
    /// `CLUSTER NODES`.
    pub nodes: &'a str,
    /// `CLUSTER INFO`.
    pub cluster: &'a str,
    /// `INFO server memory persistence replication`.
    pub info: &'a str,
    /// `DBSIZE`.
    pub keys: u64,
}

/// The lists that equal members share.
#[derive(Debug)]
pub struct Shared {
    /// The cluster's own port.
    port: u16,
    tables: Interner<Entry>,
    peers: Interner<Peer>,
    open: Interner<OpenSlot>,
    handshakes: Interner<Place>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared::of(6379)
    }
}

impl Shared {
    /// No lists yet, of a cluster that has this port.
    pub fn of(port: u16) -> Shared {
        Shared {
            port,
            tables: Interner::new(LISTS / 3),
            peers: Interner::new(LISTS / 8),
            // After a crash a node marks every slot of which it has keys: a list may take
            // a quarter of this, and that is room for all there are.
            open: Interner::new(LISTS * 5 / 12),
            handshakes: Interner::new(LISTS / 8),
        }
    }

    /// The view that follows from what the node at `asked` replied.
    ///
    /// # Errors
    ///
    /// [`Unanswered::Garbage`] when a reply is not what Redis writes, or there is no room
    /// for what it lists.
    pub fn view(&self, asked: Place, replies: Replies<'_>) -> Result<View<Detail>, Unanswered> {
        let garbage = |what: String| Unanswered::Garbage(what);
        let nodes = Nodes::parse(replies.nodes).map_err(|e| garbage(e.to_string()))?;
        let mut nodes = nodes.asked_at(asked, self.port);
        let state = field(replies.cluster, "cluster_state")
            .ok_or_else(|| garbage("CLUSTER INFO without cluster_state".into()))?;
        let run_id = field(replies.info, "run_id").unwrap_or_default();
        let dials = field(replies.info, "master_host");
        for (name, value, most) in [
            ("cluster_state", state, LONGEST_WORD),
            ("run_id", run_id, LONGEST_WORD),
            ("master_host", dials.unwrap_or_default(), LONGEST_NAME),
        ] {
            let found = value.len();
            if found > most {
                return Err(garbage(format!("{name}: {found} bytes; allowed: {most}")));
            }
        }
        // A fresh node does not know its address, and one that has moved knows
        // its old one; what counts is where it can be reached.
        let myself = nodes
            .table
            .get_mut(nodes.myself)
            .ok_or_else(|| garbage("CLUSTER NODES without myself".into()))?;
        myself.address = Some(asked);
        let myself = myself.clone();

        let syncing = field(replies.info, "master_sync_in_progress") == Some("1");
        let linked = field(replies.info, "master_link_status") == Some("up");
        let in_sync = !myself.replica || (linked && !syncing);
        let peers: Vec<Peer> = nodes
            .table
            .iter()
            .map(|entry| Peer {
                node: entry.node.clone(),
                address: entry.address,
                alive: entry.is_alive(),
            })
            .collect();
        let name = nodes.hostname.as_deref().and_then(Name::parse);
        let lag = match (in_sync, syncing) {
            (true, _) => None,
            (false, true) => Some("copying its master's data"),
            (false, false) => Some("no link to its master yet"),
        };
        let working = working(&nodes, &myself, state, lag);
        let holdings = Room::of(replies.info).holdings(&myself, replies.keys, None);
        Ok(View {
            node: myself.node,
            cluster_name: name.as_ref().map(|name| name.cluster.clone()),
            role: Some(if myself.replica { REPLICA } else { MASTER }),
            size: peers.iter().filter(|peer| peer.alive).count(),
            peers: self.peers.share(peers)?,
            working,
            holdings,
            detail: Detail {
                table: self.tables.share(nodes.table)?,
                name,
                bus_port: nodes.bus_port,
                open: self.open.share(nodes.open)?,
                handshakes: self.handshakes.share(nodes.handshakes)?,
                keys: replies.keys,
                state_ok: state == "ok",
                in_sync,
                dials: dials.map(str::to_owned),
                cut_off: (!linked && !syncing)
                    .then(|| cut_off(replies.info))
                    .flatten(),
                release: Release::parse(replies.info),
                heavy: Vec::new(),
                blocked: None,
                run_id: run_id.to_owned(),
                in_memory: field(replies.info, "aof_enabled") == Some("0"),
                outlived: outlived(replies.info),
            },
        })
    }
}

/// From `INFO persistence`. A server that loads a file leaves out the keys whose time
/// has run out meanwhile, and says how many (since 7.0).
fn outlived(info: &str) -> bool {
    let expired = field(info, "rdb_last_load_keys_expired");
    expired.is_some_and(|count| count != "0")
}

/// For how long a replica has had no link; since its start, where it never had one.
fn cut_off(info: &str) -> Option<u64> {
    let seconds = field(info, "master_link_down_since_seconds")?;
    let never = || field(info, "uptime_in_seconds").and_then(|since| since.parse().ok());
    seconds.parse().ok().or_else(never)
}

/// What keeps this node busy. A handshake is not work: one with a departed
/// node, started by somebody's gossip, would keep that node from being
/// forgotten. Nor is a replica that waits for a failed master.
fn working(nodes: &Nodes, myself: &Entry, state: &str, lag: Option<&str>) -> Option<String> {
    if let Some(open) = nodes.open.first() {
        let count = counted(nodes.open.len(), "slots");
        return Some(format!("{count} on the move, {} first", open.slot));
    }
    let master_gone = || {
        let master = myself.master.as_deref()?;
        nodes.table.iter().find(|entry| entry.node == master)
    };
    if let Some(lag) = lag
        && !master_gone().is_some_and(Entry::is_gone)
    {
        return Some(lag.into());
    }
    (state != "ok").then(|| format!("the cluster's state is '{state}'"))
}

/// The value of `name:value` in a reply of lines.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a1fff70597e67ec31c8dc0695e42356b91e5719c";
    const B: &str = "1faf3d60ff2f67ffb810743480aca28c4bdd3be8";

    fn view(nodes: &str, state: &str, info: &str) -> View<Detail> {
        let replies = Replies {
            nodes,
            cluster: &format!("cluster_state:{state}\r\ncluster_size:1\r\n"),
            info,
            keys: 0,
        };
        let asked = "10.0.1.3".parse().unwrap();
        Shared::of(6379).view(asked, replies).unwrap()
    }

    #[test]
    fn the_node_is_where_it_was_asked() {
        let text = format!("{A} 10.0.9.9:6379@16379,db.1 myself,master - 0 0 0 connected\n");
        let view = view(&text, "ok", "role:master\r\n");
        assert_eq!(view.peers[0].address, "10.0.1.3".parse().ok());
        assert_eq!(view.cluster_name.as_deref(), Some("db"));
        assert_eq!(view.working, None);
    }

    #[test]
    fn a_node_that_marks_every_slot_after_a_crash_had_no_view() {
        let marks: String = (0..16384).map(|slot| format!(" [{slot}-<-{B}]")).collect();
        let nodes = format!("{A} :6379@16379 myself,master - 0 0 0 connected{marks}\n");
        let view = view(&nodes, "ok", "role:master\r\n");
        assert_eq!(view.detail.open.len(), 16384);
    }

    #[test]
    fn words_have_a_longest_length() {
        let nodes = format!("{A} :6379@16379 myself,master - 0 0 0 connected\n");
        let long = "x".repeat(65);
        for (state, run_id) in [("ok", &*long), (&*long, "1")] {
            let replies = Replies {
                nodes: &nodes,
                cluster: &format!("cluster_state:{state}\r\n"),
                info: &format!("run_id:{run_id}\r\n"),
                keys: 0,
            };
            let asked = "10.0.1.3".parse().unwrap();
            let view = Shared::of(6379).view(asked, replies);
            let Err(Unanswered::Garbage(why)) = view else {
                panic!("{view:?}");
            };
            assert!(why.contains("65 bytes; allowed: 64"), "{why}");
        }
    }

    #[test]
    fn equal_tables_are_one_whoever_is_asked() {
        let shared = Shared::of(6379);
        let view = |mine: &str, theirs: &str, asked: &str| {
            let text = format!(
                "{A} 10.0.1.3:6379@16379 {mine} - 0 17 1 connected\n\
                 {B} 10.0.1.4:6379@16379 {theirs} - 0 18 2 connected\n"
            );
            let replies = Replies {
                nodes: &text,
                cluster: "cluster_state:ok\r\n",
                info: "",
                keys: 0,
            };
            shared.view(asked.parse().unwrap(), replies).unwrap()
        };
        let a = view("myself,master", "master", "10.0.1.3");
        let b = view("master", "myself,master", "10.0.1.4");
        assert!(Arc::ptr_eq(&a.peers, &b.peers));
        assert!(Arc::ptr_eq(&a.detail.table, &b.detail.table));
    }

    #[test]
    fn a_replica_of_a_failed_master_is_not_at_work() {
        for (health, working) in [
            ("master", Some("no link to its master yet")),
            ("master,fail", None),
        ] {
            let text = format!(
                "{A} 10.0.1.3:6379@16379 myself,slave {B} 0 17 1 connected\n\
                 {B} 10.0.1.4:6379@16379 {health} - 0 18 2 connected\n"
            );
            let down = "role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:0\r\n";
            assert_eq!(view(&text, "ok", down).working.as_deref(), working);
        }
    }

    #[test]
    fn open_slots_and_a_failed_state_are_work() {
        let open =
            format!("{A} 10.0.1.3:6379@16379 myself,master - 0 0 0 connected 0-9 [3->-{B}]\n");
        assert!(view(&open, "ok", "").working.is_some());
        let closed = format!("{A} 10.0.1.3:6379@16379 myself,master - 0 0 0 connected 0-9\n");
        assert!(view(&closed, "fail", "").working.is_some());
    }
}
