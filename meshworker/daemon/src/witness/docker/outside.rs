//! The engine's answers, as bytes.

use meshworker_engines::outside::{Words, parts};
use serde::de::DeserializeOwned;

use super::listed::Listed;
use super::model::MOST;
use super::sightings::{Listing, report};
use crate::config::labels;

/// What the answers to the questions for services, tasks and nodes say of `db`.
pub(crate) fn lists(bytes: &[u8]) -> Words {
    let mut answers = parts(bytes);
    match listing(&mut answers) {
        Ok(listing) => told(&listing),
        Err(why) => vec![why.to_string()],
    }
}

fn listing<'a>(answers: &mut impl Iterator<Item = &'a [u8]>) -> serde_json::Result<Listing> {
    Ok(Listing {
        services: list(answers)?,
        tasks: list(answers)?,
        nodes: list(answers)?,
    })
}

fn list<'a, T: DeserializeOwned>(
    answers: &mut impl Iterator<Item = &'a [u8]>,
) -> serde_json::Result<Vec<T>> {
    let answer = answers.next().unwrap_or(b"[]");
    let Listed(entries) = serde_json::from_slice::<Listed<T, MOST>>(answer)?;
    Ok(entries)
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
        words.extend(sighting.node.into_iter().chain(sighting.task));
    }
    words
}
