//! The parsers of what nodes say, by name.

use std::io::Cursor;

use futures_util::FutureExt;
use redis::Value;

use super::conf;
use super::detail::{Replies, Shared};
use super::rest::Digest;
use super::wire::{Expect, Wire, refusal, text};
use crate::Configured;
use crate::outside::{Parser, Words, parser, parts};
use meshworker_core::Place;

/// All of them.
pub(crate) const PARSERS: &[Parser] = &[
    parser("redis-replies", replies),
    parser("redis-view", view),
    parser("redis-digest", digest),
    parser("redis-conf", configuration),
];

/// The replies to four commands; the first byte says which are expected.
fn replies(bytes: &[u8]) -> Words {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let expect = match first % 3 {
        0 => Expect::Words,
        1 => Expect::View,
        _ => Expect::Lists,
    };
    let mut commands = redis::pipe();
    for _ in 0..4 {
        commands.cmd("PING");
    }
    let stream = tokio::io::join(Cursor::new(rest.to_vec()), tokio::io::sink());
    let mut wire = Wire::new(Box::new(stream));
    match wire.exchange(&commands, expect).now_or_never() {
        Some(Ok(values)) => values.iter().filter_map(refusal).collect(),
        Some(Err(why)) => vec![why.to_string()],
        None => vec!["\n waits for more than there is".into()],
    }
}

/// `CLUSTER NODES`, `CLUSTER INFO` and `INFO`.
fn view(bytes: &[u8]) -> Words {
    let mut texts = parts(bytes).map(|text| Value::BulkString(text.to_vec()));
    let mut text = || {
        texts
            .next()
            .and_then(|said| text(&said))
            .unwrap_or_default()
    };
    let (nodes, cluster, info) = (text(), text(), text());
    let replies = Replies {
        nodes: &nodes,
        cluster: &cluster,
        info: &info,
        keys: 0,
    };
    let asked = Place::from([10, 0, 1, 3]);
    match Shared::of(6379).view(asked, replies) {
        Ok(view) => {
            let name = view.detail.name.and_then(|name| name.swarm_node);
            let entries = view.detail.table.iter();
            let entries = entries.flat_map(|entry| [entry.node.clone(), entry.said()]);
            let open = view.detail.open.iter().map(|open| open.other.clone());
            let own = [
                view.cluster_name,
                view.working,
                name,
                Some(view.detail.run_id),
            ];
            entries
                .chain(open)
                .chain(own.into_iter().flatten())
                .collect()
        }
        Err(why) => vec![why.to_string()],
    }
}

/// One line in place of all that.
fn digest(bytes: &[u8]) -> Words {
    let said = text(&Value::BulkString(bytes.to_vec())).unwrap_or_default();
    let digest = Digest::parse(&said);
    digest
        .map(|digest| format!("{digest:?}"))
        .into_iter()
        .collect()
}

/// A `redis.conf`.
fn configuration(bytes: &[u8]) -> Words {
    let configured = Configured {
        options: &Default::default(),
        files: &[String::from_utf8_lossy(bytes).into_owned()],
        cluster_name: Some("db"),
        image: Some("redis:7"),
    };
    let mistakes = conf::mistakes(&configured).into_iter();
    mistakes
        .flat_map(|one| [one.what, one.instead.replace('\n', " ")])
        .collect()
}
