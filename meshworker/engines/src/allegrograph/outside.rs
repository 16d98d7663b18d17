//! The parsers of what comes from servers.

use meshworker_core::Place;

use super::client::Reply;
use super::look::Seen;
use super::wire;
use crate::outside::{Parser, Words, parser, parts};

/// All of them.
pub const PARSERS: &[Parser] = &[parser("allegrograph-replies", replies)];

/// Version, repositories, the number and the text of the status, as one look has them.
fn replies(bytes: &[u8]) -> Words {
    let mut replies = parts(bytes).map(String::from_utf8_lossy);
    let mut next = || replies.next().unwrap_or_default().into_owned();
    let version = next();
    let listed = wire::lists(&next(), "main");
    let status = Reply {
        status: next().trim().parse().unwrap_or(200),
        body: next(),
    };
    let mut seen = Seen::of(&version, listed, &status);
    seen.own = seen.detail.controlling().map(|one| one.name.clone());
    let view = seen.view(Place::from([10, 0, 0, 1]), 10035);
    let said = view.detail.instances.iter();
    let said = said.flat_map(|one| [one.name.clone(), one.host.clone().unwrap_or_default()]);
    let states = view.detail.instances.iter();
    let states = states.filter_map(|one| match &one.state {
        super::State::Other(word) => Some(word.clone()),
        _ => None,
    });
    let repository = match &view.detail.repository {
        super::Repository::Alone(words)
        | super::Repository::TakenOut(words)
        | super::Repository::Unsure(words) => Some(words.clone()),
        _ => None,
    };
    let told = [
        view.working,
        view.detail.version.clone(),
        view.detail.raw.clone(),
    ];
    let told = told.into_iter().flatten().chain(repository);
    said.chain(states).chain(told).chain([view.node]).collect()
}
