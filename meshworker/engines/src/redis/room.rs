//! What a node has in memory, how much it may have, and whether it takes writes.

use meshworker_core::{Figure, Holdings};

use super::detail::field;
use super::nodes::Entry;

/// The fields of `INFO memory` and `INFO persistence` that tell it, in the order in which
/// [`Room::parse`] takes their values.
pub const FIELDS: [&str; 5] = [
    "used_memory",
    "mem_not_counted_for_evict",
    "maxmemory",
    "maxmemory_policy",
    "aof_last_write_status",
];

/// What a node has in memory, and how much it may have. What it does not say is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// In bytes, as it counts against the most that there may be.
    used: Option<u64>,
    /// In bytes; none where nothing bounds it.
    most: Option<u64>,
    /// Whether nothing is evicted to make room.
    keeps_all: bool,
    /// Whether it failed to write its append-only file.
    unwritten: bool,
}

impl Room {
    /// From the values of [`FIELDS`].
    pub fn parse<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Room {
        let mut values = values.into_iter();
        let mut next = || values.next().flatten();
        let number = |said: Option<&str>| said?.parse::<u64>().ok();
        let (used, uncounted, most) = (number(next()), number(next()), number(next()));
        Room {
            used: used.map(|used| used.saturating_sub(uncounted.unwrap_or_default())),
            most: most.filter(|most| *most > 0),
            keeps_all: next() == Some("noeviction"),
            unwritten: next() == Some("err"),
        }
    }

    /// From the text of `INFO`.
    pub fn of(info: &str) -> Room {
        Room::parse(FIELDS.map(|name| field(info, name)))
    }

    /// What a node has, which has so much room, so many keys, and this place in the
    /// table, and whose configuration may have it take no writes.
    pub fn holdings(&self, own: &Entry, keys: u64, blocked: Option<&str>) -> Holdings {
        let slots = (!own.replica).then(|| Figure::count("slots", own.slots.count() as u64));
        let memory = self.used;
        let memory = memory.map(|used| Figure::bytes("memory", used, self.most));
        let figures = slots.into_iter().chain([Figure::count("keys", keys)]);
        Holdings {
            follows: own.master.clone(),
            figures: figures.chain(memory).collect(),
            refuses_writes: (self.refuses().or_else(|| blocked.map(str::to_owned)))
                .filter(|_| !own.replica),
            replication: None,
        }
    }

    /// Why a master refuses writes: `getMaxmemoryState` and
    /// `writeCommandsDeniedByDiskError` in Redis' `src`.
    fn refuses(&self) -> Option<String> {
        if self.unwritten {
            return Some("it cannot write its append-only file".into());
        }
        let (used, most) = (self.used?, self.most?);
        (used > most && self.keeps_all).then(|| {
            format!("its memory is full: {used} of {most} bytes, maxmemory-policy noeviction")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{Health, Slots};

    fn own(replica: bool) -> Entry {
        Entry {
            node: "a".into(),
            address: None,
            replica,
            master: replica.then(|| "b".into()),
            health: Health::Well,
            connected: true,
            slots: Slots::from_ranges((!replica).then_some((0, 9))),
        }
    }

    fn info(used: u64, policy: &str, file: &str) -> String {
        format!(
            "used_memory:{used}\r\nmem_not_counted_for_evict:100\r\nmaxmemory:1000\r\n\
             maxmemory_policy:{policy}\r\naof_last_write_status:{file}\r\n"
        )
    }

    #[test]
    fn a_master_at_its_maxmemory_was_joined_and_well() {
        let why = |text: &str, replica| {
            Room::of(text)
                .holdings(&own(replica), 7, None)
                .refuses_writes
        };
        let full = info(1101, "noeviction", "ok");
        assert_eq!(
            why(&full, false).as_deref(),
            Some("its memory is full: 1001 of 1000 bytes, maxmemory-policy noeviction")
        );
        // What its master has, a replica takes.
        assert_eq!(why(&full, true), None);
        assert_eq!(why(&info(1100, "noeviction", "ok"), false), None);
        assert_eq!(why(&info(1101, "allkeys-lru", "ok"), false), None);
        let disk = why(&info(1, "allkeys-lru", "err"), false);
        assert_eq!(
            disk.as_deref(),
            Some("it cannot write its append-only file")
        );
        assert_eq!(why("", false), None);
    }

    #[test]
    fn a_replica_says_whom_it_follows_and_has_no_slots() {
        let room = Room::of(&info(600, "noeviction", "ok"));
        let words = |replica| {
            let holdings = room.holdings(&own(replica), 7, None);
            let figures = holdings.figures.iter().map(ToString::to_string);
            (holdings.follows, figures.collect::<Vec<_>>().join(", "))
        };
        let memory = "7 keys, 500/1000B memory";
        assert_eq!(words(true), (Some("b".into()), memory.to_owned()));
        assert_eq!(words(false), (None, format!("10 slots, {memory}")));
    }
}
