//! An answer of a name server, as bytes.

use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::Name;
use meshworker_engines::outside::Words;

use super::question::follow;

/// What an answer to the question about `db` says.
pub(crate) fn answer(bytes: &[u8]) -> Words {
    let asked = Name::from_ascii("db.").unwrap_or_default();
    match Message::from_vec(bytes) {
        Ok(message) => {
            let (owner, addresses) = follow(&message, &asked);
            let addresses = addresses.into_iter().map(|address| address.to_string());
            addresses.chain([owner.to_string()]).collect()
        }
        Err(why) => vec![why.to_string()],
    }
}
