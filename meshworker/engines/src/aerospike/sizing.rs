//! What a configuration file says of the number of copies.

use crate::{Configured, Copies, EditionLimit, Sizing};

use super::Edition;
use super::conf::Conf;

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

/// The largest replication factor of all namespaces, each of which needs as
/// many members as it has copies.
fn copies(configured: &Configured<'_>) -> Option<Copies> {
    let largest = configured
        .files
        .iter()
        .filter_map(|file| Conf::read(file).factor())
        .max()?;
    Some(Copies {
        copies: largest,
        members: largest,
        because: format!("replication-factor {largest}"),
    })
}
