//! The engine's answers, as bytes.

use meshworker_engines::outside::{Words, parts};
use serde::de::DeserializeOwned;

use super::sightings::report;
use crate::config::labels;
use crate::docker::{Budget, DockerError, KEPT, Listing, Weighs, wanted_in};

/// What the answers to the questions for services, tasks and nodes say of `db`.
pub(crate) fn lists(bytes: &[u8]) -> Words {
    let mut answers = parts(bytes);
    match listing(&mut answers) {
        Ok(listing) => told(&listing),
        Err(why) => vec![why.to_string()],
    }
}

/// How many replicas the service `db` in this list is meant to have.
pub(crate) fn service(bytes: &[u8]) -> Words {
    match wanted_in(bytes, "db") {
        Ok(Some(found)) => vec![found.replicas.to_string()],
        Ok(None) => Words::new(),
        Err(why) => vec![why.to_string()],
    }
}

/// What an engine that says no is told of.
pub(crate) fn refusal(bytes: &[u8]) -> Words {
    vec![DockerError::refused(500, bytes).words()]
}

fn listing<'a>(answers: &mut impl Iterator<Item = &'a [u8]>) -> serde_json::Result<Listing> {
    let mut kept = Budget::of(KEPT);
    Ok(Listing {
        services: list(answers, &mut kept)?,
        tasks: list(answers, &mut kept)?,
        nodes: list(answers, &mut kept)?,
    })
}

fn list<'a, T: DeserializeOwned + Weighs>(
    answers: &mut impl Iterator<Item = &'a [u8]>,
    kept: &mut Budget,
) -> serde_json::Result<Vec<T>> {
    kept.read(answers.next().unwrap_or(b"[]"), Some)
}

fn told(listing: &Listing) -> Words {
    let mut words = Words::new();
    for service in &listing.services {
        if let Err(why) = labels::read(&service.spec.name, &service.spec.labels) {
            words.push(why.to_string());
        }
    }
    let report = report(listing, "db", None);
    words.push(report.grade.to_string());
    for sighting in report.sightings {
        words.extend(sighting.member.map(|member| member.to_string()));
        words.extend(
            sighting
                .node
                .into_iter()
                .chain(sighting.node_name.map(String::from))
                .chain(sighting.task),
        );
    }
    words
}
