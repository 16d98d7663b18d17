//! The parsers of what nodes say, and of their configuration files, by name.

use super::conf::mistakes;
use super::info::{self, Value};
use super::lists::Lists;
use super::namespaces::{self, Contents};
use super::view::{self, QUESTIONS};
use super::{conf, peers};
use crate::Configured;
use crate::outside::{Parser, Words, parser};
use meshworker_core::Place;

/// All of them.
pub(crate) const PARSERS: &[Parser] = &[
    parser("aerospike-frame", frame),
    parser("aerospike-view", view),
    parser("aerospike-peers", listed),
    parser("aerospike-conf", configuration),
];

/// What comes in answer to two commands.
fn frame(bytes: &[u8]) -> Words {
    let values = match info::decode(bytes) {
        Ok(Some(body)) => info::values(body, &["node", "build"]),
        Ok(None) => return Words::new(),
        Err(why) => Err(why),
    };
    match values {
        Ok(values) => values.into_iter().filter_map(refusal).collect(),
        Err(why) => vec![why.to_string()],
    }
}

fn refusal(value: Value<'_>) -> Option<String> {
    match value {
        Value::Error { text, .. } => Some(info::cut(text).to_owned()),
        Value::Ok | Value::Data(_) => None,
    }
}

/// The answers that make a view, one a line, and one for each namespace.
fn view(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    // Where they are taken in, those with harmful characters are refused.
    if text.split('\n').any(|value| info::harmful(value).is_some()) {
        return Words::new();
    }
    let mut lines = text.split('\n').map(Value::read);
    let answers: Vec<Value<'_>> = lines.by_ref().take(QUESTIONS).collect();
    let asked = Place::from([10, 0, 1, 3]);
    let read = match view::read(asked, &answers, &Lists::default()) {
        Ok(read) => read,
        Err(why) => return vec![why.to_string()],
    };
    let names = read.namespaces.unwrap_or_default();
    let contents = Contents::read(names.iter().map(String::as_str).zip(lines));
    let moving = match contents {
        Ok(contents) => read.migration.working(Some(&contents)),
        Err(why) => Some(why),
    };
    let view = read.view;
    let own = [view.cluster_name, view.detail.principal, moving];
    let peers = view.peers.iter().map(|peer| peer.node.clone());
    let asked = names.iter().map(|name| namespaces::question(name));
    let edition = view.detail.edition.to_string();
    let all = peers
        .chain(asked)
        .chain([view.node, view.detail.build, edition]);
    all.chain(own.into_iter().flatten()).collect()
}

/// A list of nodes.
fn listed(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    if info::harmful(&text).is_some() {
        return Words::new();
    }
    let entries = peers::entries(&text).map(|entry| match entry {
        Ok(entry) => entry
            .addresses()
            .map(|address| address.to_string())
            .collect(),
        Err(why) => vec![why.to_string()],
    });
    entries.flatten().collect()
}

/// A configuration file.
fn configuration(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let factors = conf::Conf::read(&text).factors();
    let factors: Vec<String> = factors
        .into_iter()
        .map(|(_, factor)| factor.to_string())
        .collect();
    let configured = Configured {
        options: &Default::default(),
        files: &[text],
        cluster_name: Some("db"),
        image: None,
    };
    let mistakes = mistakes(&configured).into_iter();
    let told = mistakes.flat_map(|one| [one.what, one.instead.replace('\n', " ")]);
    told.chain(factors).collect()
}
