//! The parsers of what comes from members and from their disks.

use serde::de::DeserializeOwned;

use super::lasting::Lasted;
use super::links::Linked;
use super::look::Seen;
use super::wire::{self, Members, Range, Status};
use super::{disk, versions};
use crate::outside::{Parser, Words, parser, parts};

/// All of them.
pub const PARSERS: &[Parser] = &[
    parser("etcd-replies", replies),
    parser("etcd-log", |bytes| {
        let ids = disk::metadata(bytes);
        ids.map(|ids| format!("{ids:?}")).into_iter().collect()
    }),
];

/// Status, list, key and metrics, as one look has them.
fn replies(bytes: &[u8]) -> Words {
    let mut replies = parts(bytes);
    let mut next = || replies.next().unwrap_or_default();
    fn read<T: DeserializeOwned + Default>(bytes: &[u8]) -> T {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
    let status: Status = read(next());
    let Some(members) = read::<Members>(next()).listed() else {
        return Vec::new();
    };
    let wish = read::<Range>(next()).text();
    let metrics = String::from_utf8_lossy(next()).into_owned();
    let connected = wire::connected(&metrics);
    let seen = Seen {
        linked: Linked {
            connected: connected.into_iter().map(|peer| (peer, true)).collect(),
            ..Linked::default()
        },
        lasted: Lasted::default(),
        missed: None,
        usual: 2379,
        members,
        wish,
    };
    let view = seen.view(status);
    let fault = versions::fault(&view.detail.version).map(str::to_owned);
    let named = view.detail.members.iter();
    let named = named.flat_map(|one| {
        let urls = one.peer_urls.iter().chain(&one.client_urls);
        urls.chain([&one.name, &one.id]).cloned()
    });
    let told = [view.detail.wish, view.working, fault, view.detail.leader];
    let words = named.chain(told.into_iter().flatten());
    words
        .chain([view.node, view.detail.cluster, view.detail.version.clone()])
        .collect()
}
