//! Whether anything has changed at a node, which it says in one short answer: a digest
//! of its whole table, but for the times of its pings, and of the other words that a
//! view is made of. So nothing can change unseen, and no rule is needed for what might.
//!
//! The digest is made by a script, for which the user needs `+eval_ro` and
//! `+evalsha_ro`; without, each look asks for everything.

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
        (now.all == self.digest).then_some(view)
    }
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
