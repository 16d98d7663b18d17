//! What a configuration file says of the number of copies.

use crate::{Configured, Copies, EditionLimit, Sizing};

use super::Edition;

/// What is known of an Aerospike cluster's size before it runs.
pub(super) const SIZING: Sizing = Sizing {
    min_members: 1,
    limit: match Edition::Community.max_nodes() {
        Some(members) => Some(EditionLimit {
            edition: "Aerospike Community Edition",
            members,
        }),
        None => None,
    },
    copies,
};

/// The server's default of `replication-factor`.
/// Source: Aerospike's configuration reference.
const DEFAULT_FACTOR: usize = 2;

/// The largest replication factor of all namespaces, each of which needs as
/// many members as it has copies.
fn copies(configured: &Configured<'_>) -> Option<Copies> {
    let largest = configured
        .files
        .iter()
        .filter_map(|file| factor(file))
        .max()?;
    Some(Copies {
        copies: largest,
        members: largest,
        because: format!("replication-factor {largest}"),
    })
}

/// The largest replication factor in the text of an `aerospike.conf`; none
/// where it has no namespace.
fn factor(text: &str) -> Option<usize> {
    let lines = text.lines().map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>()
    });
    let mut factors: Vec<usize> = Vec::new();
    for words in lines {
        match (words.as_slice(), factors.last_mut()) {
            (["namespace", ..], _) => factors.push(DEFAULT_FACTOR),
            (["replication-factor", number, ..], Some(last)) => {
                *last = number.parse().unwrap_or(*last);
            }
            _ => {}
        }
    }
    factors.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::factor;

    #[test]
    fn the_largest_factor_of_all_namespaces_counts() {
        let text = "namespace a {\n  replication-factor 3 # three\n}\nnamespace b {\n}\n";
        assert_eq!(factor(text), Some(3));
        assert_eq!(factor("namespace a {\n}\n"), Some(2));
        assert_eq!(factor("# namespace a\nservice {\n}\n"), None);
    }
}
