//! Whether anything has changed at a node, which it says in one short answer: a digest
//! of its whole table, but for the times of its pings, and of the other words that a
//! view is made of. So nothing can change unseen, and no rule is needed for what might.
//!
//! The digest is made by a script, for which the user needs `+eval_ro` and
//! `+evalsha_ro`; without, each look asks for everything.

use meshworker_core::View;
use redis::Pipeline;

use super::detail::Detail;
#[cfg(any(doc, test))]
use super::room::FIELDS;
use super::room::Room;

/// A digest of what [`Detail`] is made of, the number of keys, and the values of
/// [`FIELDS`]. In a line of the table the fifth and the sixth word are times.
const DIGEST: &str = "\
local nodes = string.gsub('\\n' .. redis.call('CLUSTER', 'NODES'), '(\\n%S+ %S+ %S+ %S+) %d+ %d+', '%1')
local said = {nodes}
local room = {''}
local function add(to, text, names)
  for _, name in ipairs(names) do
    to[#to + 1] = string.match(text, '\\n' .. name .. ':([^\\r\\n]*)') or '-'
  end
end
add(said, '\\n' .. redis.call('CLUSTER', 'INFO'), {'cluster_state'})
add(said, redis.call('INFO', 'server'), {'redis_version', 'valkey_version', 'run_id'})
add(said, redis.call('INFO', 'replication'),
  {'role', 'master_host', 'master_link_status', 'master_sync_in_progress', 'min_slaves_good_slaves'})
add(said, redis.call('INFO', 'persistence'), {'rdb_last_bgsave_status'})
add(room, redis.call('INFO', 'memory'),
  {'used_memory', 'mem_not_counted_for_evict', 'maxmemory', 'maxmemory_policy'})
add(room, redis.call('INFO', 'persistence'), {'aof_last_write_status'})
return redis.sha1hex(table.concat(said, '\\n')) .. ' ' .. redis.call('DBSIZE') .. table.concat(room, ' ')";

/// By this name a server knows [`DIGEST`] once it has run it: its SHA-1.
const NAME: &str = "01e622349fc8de345736583744722c83f61069ea";

/// Asks for the digest, and lets the server remember the script.
pub fn ask(commands: &mut Pipeline) {
    commands.cmd("EVAL_RO").arg(DIGEST).arg(0);
}

/// Asks for the digest in fewer words.
pub fn ask_again() -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("EVALSHA_RO").arg(NAME).arg(0);
    commands
}

/// What a node says of itself in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    all: String,
    keys: u64,
    room: Room,
}

impl Digest {
    /// From the answer; none when it is no digest.
    pub fn parse(answer: &str) -> Option<Digest> {
        let mut words = answer.split(' ');
        let (all, keys) = (words.next()?, words.next()?);
        let whole = all.len() == 40 && all.bytes().all(|b| b.is_ascii_hexdigit());
        Some(Digest {
            all: whole.then(|| all.to_owned())?,
            keys: keys.parse().ok()?,
            room: Room::parse(words.map(Some)),
        })
    }
}

/// A node's view, and the digest of what it was made of.
#[derive(Debug, Clone)]
pub struct Kept {
    view: View<Detail>,
    digest: String,
}

impl Kept {
    /// Of this view, which is not older than the digest: a change between the two shows
    /// in the next one. None while a replica has no link, whose time passes.
    pub fn of(digest: Option<Digest>, view: &View<Detail>) -> Option<Kept> {
        digest.filter(|_| view.detail.in_sync).map(|digest| Kept {
            view: view.clone(),
            digest: digest.all,
        })
    }

    /// The view, when this digest says that it still holds.
    pub fn confirmed(self, now: &Digest) -> Option<View<Detail>> {
        let mut view = self.view;
        view.detail.keys = now.keys;
        let table = &view.detail.table;
        if let Some(own) = table.iter().find(|entry| entry.node == view.node) {
            let blocked = view.detail.blocked.as_deref();
            view.holdings = now.room.holdings(own, now.keys, blocked);
        }
        (now.all == self.digest).then_some(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_tells_what_is_read_in_that_order() {
        let at = FIELDS.map(|name| DIGEST.find(&format!("'{name}'")).unwrap());
        assert!(at.is_sorted());
        let told = DIGEST.matches("add(room").count();
        assert_eq!(told, 2, "memory and persistence");
    }

    #[test]
    fn a_digest_is_forty_digits_and_a_number() {
        let digits = "0123456789abcdef0123456789abcdef01234567";
        let digest = Digest::parse(&format!("{digits} 7")).unwrap();
        assert_eq!((&*digest.all, digest.keys), (digits, 7));
        for other in [
            "",
            digits,
            "12 7",
            &format!("{digits} -1"),
            &format!("{digits}0 7"),
        ] {
            assert_eq!(Digest::parse(other), None, "{other}");
        }
    }
}
