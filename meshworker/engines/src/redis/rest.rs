//! What is kept of a node, so that it need not tell everything each time.
//!
//! A thousand members that each list a thousand nodes cost a million lines a look,
//! though nothing has changed. Whether something has, a node says in one short
//! answer: a digest of its whole table, but for the times of its pings, and of the
//! other words that a view is made of. So nothing can change unseen, and no rule is
//! needed for what might. Every [`EACH`]th look asks for everything all the same,
//! each node at another time.
//!
//! The digest is made by a script, for which the user needs `+eval_ro` and
//! `+evalsha_ro`; without, each look asks for everything.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use meshworker_core::View;
use redis::Pipeline;

use super::detail::Detail;

/// A digest of what [`Detail`] is made of, and the number of keys. In a line of the
/// table the fifth and the sixth word are times.
const DIGEST: &str = "\
local nodes = string.gsub('\\n' .. redis.call('CLUSTER', 'NODES'), '(\\n%S+ %S+ %S+ %S+) %d+ %d+', '%1')
local said = {nodes}
local function add(text, names)
  for _, name in ipairs(names) do
    said[#said + 1] = string.match(text, '\\n' .. name .. ':([^\\r\\n]*)') or ''
  end
end
add('\\n' .. redis.call('CLUSTER', 'INFO'), {'cluster_state'})
add(redis.call('INFO', 'server'), {'redis_version', 'valkey_version', 'run_id'})
add(redis.call('INFO', 'replication'),
  {'role', 'master_host', 'master_link_status', 'master_sync_in_progress'})
return redis.sha1hex(table.concat(said, '\\n')) .. ' ' .. redis.call('DBSIZE')";

/// By this name a server knows [`DIGEST`] once it has run it: its SHA-1.
const NAME: &str = "0003afc10eb3bf899101f72407df31b6c51399c9";

/// Every so many looks everything is asked: once a minute or so at rest, and
/// every few seconds while somebody leaves.
const EACH: u32 = 16;

/// The most nodes of which something is kept: far more than a cluster has.
const MOST: usize = 4096;

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
}

impl Digest {
    /// From the answer; none when it is no digest.
    pub fn parse(answer: &str) -> Option<Digest> {
        let (all, keys) = answer.split_once(' ')?;
        let whole = all.len() == 40 && all.bytes().all(|b| b.is_ascii_hexdigit());
        Some(Digest {
            all: whole.then(|| all.to_owned())?,
            keys: keys.parse().ok()?,
        })
    }
}

/// A node's view, and the digest of what it was made of.
#[derive(Debug, Clone)]
pub struct Kept {
    view: View<Detail>,
    digest: String,
    looks: u32,
}

impl Kept {
    /// The view, when this digest says that it still holds.
    pub fn confirmed(self, now: &Digest) -> Option<View<Detail>> {
        let mut view = self.view;
        view.detail.keys = now.keys;
        (now.all == self.digest).then_some(view)
    }
}

/// What is kept of all nodes.
#[derive(Debug, Default)]
pub struct Rest {
    nodes: Mutex<HashMap<IpAddr, Kept>>,
}

impl Rest {
    /// What is kept of this node; none when it is to be asked for everything.
    pub fn kept(&self, node: IpAddr) -> Option<Kept> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = nodes.get_mut(&node)?;
        kept.looks = kept.looks.wrapping_add(1);
        (!kept.looks.is_multiple_of(EACH)).then(|| kept.clone())
    }

    /// Whatever is kept of this node holds no longer, or may not.
    pub fn forget(&self, node: IpAddr) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.remove(&node);
    }

    /// Keeps this view, which is not older than the digest: a change between the two
    /// shows in the next one. Not while a replica has no link, whose time passes.
    pub fn keep(&self, node: IpAddr, digest: Option<Digest>, view: &View<Detail>) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(digest) = digest.filter(|_| view.detail.in_sync) else {
            nodes.remove(&node);
            return;
        };
        // Not all nodes are due for a long look in the same pass.
        let known = nodes.get(&node);
        let looks = known.map_or_else(|| offset(node), |kept| kept.looks);
        if nodes.len() >= MOST {
            nodes.clear();
        }
        let kept = Kept {
            view: view.clone(),
            digest: digest.all,
            looks,
        };
        nodes.insert(node, kept);
    }
}

fn offset(node: IpAddr) -> u32 {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    (hasher.finish() % u64::from(EACH)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

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
