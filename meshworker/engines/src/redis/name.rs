//! Who a node says it is, by the host name that it announces.
//!
//! Redis has no name for a cluster. It lets each node announce a host name
//! (`cluster-announce-hostname`, letters, digits, `-` and `.` only, since
//! Redis 7.0), so the name of the cluster, the replica's slot and the swarm
//! node travel in there: `cache.3` or `cache.3.x1n5pvkgpbe8g4ya9m2jz6kq0`.

use serde::Serialize;

/// What a node's announced host name tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// The cluster that the node was configured for.
    pub cluster: String,
    /// The replica's number in its service, counted from 1.
    pub slot: u64,
    /// The id of the swarm node that it runs on.
    pub swarm_node: Option<String>,
}

impl Name {
    /// Reads `cluster.slot` or `cluster.slot.node`; none for a host name of
    /// any other form, which then says nothing about the cluster.
    pub fn parse(hostname: &str) -> Option<Name> {
        let (front, last) = hostname.rsplit_once('.')?;
        let (cluster, slot, swarm_node) = match number(last) {
            Some(slot) => (front, slot, None),
            None => {
                let (cluster, slot) = front.rsplit_once('.')?;
                (cluster, number(slot)?, Some(last.to_owned()))
            }
        };
        // Without a letter it is an IP address, or nothing that anybody chose.
        let named = cluster.contains(|c: char| c.is_ascii_alphabetic());
        (named && swarm_node.as_deref() != Some("")).then(|| Name {
            cluster: cluster.to_owned(),
            slot,
            swarm_node,
        })
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(hostname: &str) -> Option<(String, u64, Option<String>)> {
        Name::parse(hostname).map(|name| (name.cluster, name.slot, name.swarm_node))
    }

    #[test]
    fn only_names_of_the_agreed_form_say_something() {
        assert_eq!(parsed("cache.3"), Some(("cache".into(), 3, None)));
        assert_eq!(
            parsed("my.cache.12.x1n5pvkgpbe8g4ya9m2jz6kq0"),
            Some((
                "my.cache".into(),
                12,
                Some("x1n5pvkgpbe8g4ya9m2jz6kq0".into())
            ))
        );
        for other in [
            "",
            "cache",
            "redis.example.com",
            "10.0.0.7",
            ".1",
            "a.b",
            "cache.1.",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }
}
