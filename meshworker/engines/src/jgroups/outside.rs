//! The parsers of what members, routers, files and tables say.

use std::time::Duration;

use meshworker_core::Place;
use meshworker_gossip::{Name, Ping};

use super::look::{Around, view};
use super::rows::{self, Row};
use super::{PORT, probe};
use crate::outside::{Parser, Words, parser};

/// All of them.
pub const PARSERS: &[Parser] = &[
    parser("jgroups-probe", probed),
    parser("jgroups-file", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        rows::file("chat", "file.list", &text)
            .map(words)
            .unwrap_or_default()
    }),
    parser("jgroups-pings", |bytes| {
        let kept = Ping::kept(bytes).unwrap_or_default();
        let told = Ping::answered(bytes).ok().flatten().unwrap_or_default();
        let all = kept.into_iter().chain(told);
        all.flat_map(|ping| {
            let at = ping.at.map(|at| at.to_string());
            let named = ping.name.as_ref().map(Name::to_string);
            [Some(ping.address.to_string()), at, named]
        })
        .flatten()
        .collect()
    }),
    parser("jgroups-table", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let columns: Vec<&str> = text.split('\0').collect();
        let [address, name, ip] = columns[..] else {
            return Vec::new();
        };
        rows::row("chat", address, Some(name), ip, true)
            .map(words)
            .unwrap_or_default()
    }),
];

fn words(row: Row) -> Words {
    vec![row.key, row.coordinator.node, row.coordinator.name]
}

fn probed(bytes: &[u8]) -> Words {
    let Some(said) = probe::parse(&String::from_utf8_lossy(bytes)) else {
        return Vec::new();
    };
    let at = Place::from([10, 0, 0, 1]);
    let view = view(said, at, Around::default(), Duration::ZERO, PORT);
    let peers = view.peers.iter().map(|peer| peer.node.clone());
    let told = [view.detail.name, view.detail.version];
    let id = view.detail.view.map(|view| view.to_string());
    peers
        .chain(view.detail.members)
        .chain(told)
        .chain(view.cluster_name)
        .chain(id)
        .collect()
}
