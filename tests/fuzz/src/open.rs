//! The parsers that anybody can call, by name.

use meshworker::cli::show;
use meshworker::cli::show::{EventLines, Now, Shown, Style};
use meshworker::client::{Endpoint, Parser as Messages};
use meshworker::config::{Cluster, Given, Origin, Raw, Surroundings, labels};
use meshworker::http::Names;
use meshworker::init::Settings;
use meshworker::status::{ClusterStatus, Event, MemberStatus, Summary, Why};
use meshworker_core::plain_json;
use meshworker_doctor::report::Diagnosis;
use meshworker_doctor::stack::{Ground, checks, duration, parse};
use meshworker_engines::outside::{Parser, Words, parser, parts};

use serde::de::DeserializeOwned;

use crate::office;

/// All of them.
pub const PARSERS: &[Parser] = &[
    parser("http-request", office::answered),
    parser("settings", settings),
    parser("member-settings", member_settings),
    parser("labels", of_labels),
    parser("stack-file", stack_file),
    parser("stack-duration", stack_duration),
    parser("worker-pages", worker_pages),
    parser("worker-events", worker_events),
    parser("addresses", addresses),
];

/// Lines of `NAME=VALUE`.
fn given(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('\n').filter_map(|line| line.split_once('='))
}

fn validated(raw: &Raw) -> Words {
    match Cluster::validate(raw, Surroundings::of_docker(true)) {
        Ok(cluster) => {
            let given = cluster.effective.into_iter();
            given.map(|(_, given)| given.value).collect()
        }
        Err(why) => vec![why.to_string()],
    }
}

/// Settings of a cluster.
fn settings(bytes: &[u8]) -> Words {
    let mut raw = Raw::default();
    for (name, value) in given(&String::from_utf8_lossy(bytes)) {
        if let Err(why) = raw.give(name, value, Origin::Flag) {
            return vec![why.to_string()];
        }
    }
    validated(&raw)
}

/// Settings of a cluster, as labels of a service.
fn of_labels(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    let labels = given(&text).map(|(name, value)| (name.to_owned(), value.to_owned()));
    match labels::read("cache_redis", &labels.collect()) {
        Ok(raw) => raw.map_or_else(Words::new, |raw| validated(&raw)),
        Err(why) => vec![why.to_string()],
    }
}

/// Settings of a supervisor; its token is given.
fn member_settings(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    let token = office::TOKEN.path().display().to_string();
    let all = given(&text).filter(|(_, value)| !value.trim().is_empty());
    let all = all.chain([("token-file", token.as_str())]);
    let all = all.map(|(name, value)| {
        let (value, origin) = (value.to_owned(), Origin::Flag);
        (name.to_owned(), Given { value, origin })
    });
    let settings = Settings::validate(None, &all.collect());
    match settings {
        Ok(settings) => settings.workers,
        Err(why) => vec![why.to_string()],
    }
}

/// Stack files, one after another, and every check of them.
fn stack_file(bytes: &[u8]) -> Words {
    let files = parts(bytes).map(|text| {
        let text = String::from_utf8_lossy(text).into_owned();
        ("stack.yml".to_owned(), text)
    });
    let files: Vec<_> = files.take(3).collect();
    match parse(&files, &|name| (name == "SET").then(|| "set".to_owned())) {
        Ok(stack) => {
            let found = Diagnosis::of(checks::CHECKS, &Ground::of(stack));
            let told = show::diagnosis(&found);
            // Colours are ours.
            told.lines()
                .map(|line| line.replace('\u{1b}', ""))
                .collect()
        }
        // As the command shows it.
        Err(why) => vec![show::clean(&why.to_string())],
    }
}

fn stack_duration(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    duration::parse(&text)
        .map(duration::words)
        .into_iter()
        .collect()
}

/// What a worker says, read as the client reads it.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_str(&plain_json(&String::from_utf8_lossy(bytes))).ok()
}

/// What a worker answers, and the pages that people see of it.
fn worker_pages(bytes: &[u8]) -> Words {
    let style = &Style::PLAIN;
    let now = Now::after("2026-01-01T00:00:00Z", 1.0);
    let mut answers = parts(bytes);
    let mut next = || answers.next().unwrap_or_default();
    let mut pages = Vec::new();
    if let Some(summary) = read::<Summary>(next()) {
        let status: Option<ClusterStatus> = read(next());
        if let Some(status) = &status {
            pages.push(show::plan(&status.name, &status.plan, style));
        }
        let shown = Shown {
            summary,
            status,
            lately: Vec::new(),
        };
        pages.extend(shown.trouble());
        pages.push(show::status(&shown, style));
    }
    if let Some(members) = read::<Vec<MemberStatus>>(next()) {
        pages.push(show::members(&members, style));
    }
    if let Some(why) = read::<Why>(next()) {
        pages.push(show::why(&why, now, style));
    }
    let lines = pages.iter().flat_map(|page| page.lines());
    lines.map(str::to_owned).collect()
}

/// A worker's stream of events.
fn worker_events(bytes: &[u8]) -> Words {
    let mut messages = Messages::default();
    let mut lines = EventLines::new(Style::PLAIN);
    let mut told = Words::new();
    for piece in bytes.chunks(61) {
        match messages.feed(piece) {
            Ok(messages) => {
                let events = messages.iter();
                let events = events.filter_map(|one| read::<Event>(one.data.as_bytes()));
                told.extend(events.flat_map(|event| lines.lines(&event)));
            }
            Err(why) => return vec![why.to_string()],
        }
    }
    told
}

/// Where workers are, and under which names they are asked.
fn addresses(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    let endpoints = Endpoint::list(&text);
    let mut told = match endpoints {
        Ok(endpoints) => endpoints.iter().map(ToString::to_string).collect(),
        Err(why) => vec![why.to_string()],
    };
    if let Err(why) = Names::list(&text) {
        told.push(why.to_string());
    }
    told
}
