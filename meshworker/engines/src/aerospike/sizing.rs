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

/// Each namespace needs as many members as it has copies; the one with the fewest
/// is the first to lose records.
fn copies(configured: &Configured<'_>) -> Option<Copies> {
    let files = configured.files.iter();
    let factors: Vec<_> = files.flat_map(|file| Conf::read(file).factors()).collect();
    let fewest = factors.iter().min_by_key(|(_, factor)| *factor)?;
    let most = factors.iter().max_by_key(|(_, factor)| *factor)?;
    let (name, told) = if fewest.1 < 2 { fewest } else { most };
    Some(Copies {
        copies: fewest.1,
        members: most.1,
        because: match fewest.1 == most.1 {
            true => format!("replication-factor {told}"),
            false => format!("replication-factor {told} of namespace {name}"),
        },
    })
}
