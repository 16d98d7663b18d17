//! Every parser of bytes from outside that is not reached otherwise, by name; the
//! engines' are in [`meshworker_engines::outside`].

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use meshworker_engines::outside::{Parser, Words, parser};

use crate::announce::client::first_line;
use crate::announce::{Answer, ordered, understood};
use crate::config::{Cluster, Surroundings, parse_file};
use crate::docker::Endpoint;
use crate::group::frame;
use crate::init::{number_in, user_in};
use crate::kubernetes;
use crate::token_file::tokens_in;
use crate::witness::{dns, docker};

/// The daemon's own.
pub const PARSERS: &[Parser] = &[
    parser("announcement", announcement),
    parser("announcement-answer", answer),
    parser("order", order),
    parser("workers-frame", frame::said),
    parser("gossip-requests", |bytes| {
        meshworker_gossip::outside::requests(bytes, usize::MAX)
    }),
    parser("gossip-pieces", |bytes| {
        meshworker_gossip::outside::requests(bytes, 5)
    }),
    parser("gossip-routers", meshworker_gossip::outside::word),
    parser("dns-answer", dns::outside::answer),
    parser("docker-host", docker_host),
    parser("docker-lists", docker::outside::lists),
    parser("docker-service", docker::outside::service),
    parser("docker-refusal", docker::outside::refusal),
    parser("kubernetes-lists", kubernetes::outside::lists),
    parser("kubernetes-watch", kubernetes::outside::watch),
    parser("kubernetes-refusal", kubernetes::outside::refusal),
    parser("config-file", config_file),
    parser("token-file", token_file),
    parser("fence", |bytes| {
        number_in(&String::from_utf8_lossy(bytes));
        Words::new()
    }),
    parser("directory-lock", |bytes| {
        user_in(bytes).into_iter().collect()
    }),
];

/// What a supervisor posts.
fn announcement(bytes: &[u8]) -> Words {
    let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 3));
    match understood(bytes, peer) {
        Ok(said) => {
            let disk = said.disk.map(|disk| format!("{disk:?}"));
            let names = [said.cluster, said.service, said.task, said.node];
            let names = names.into_iter().chain(said.node_name.map(String::from));
            names.chain(disk).collect()
        }
        Err(problem) => vec![problem.words()],
    }
}

/// What a worker passes on.
fn order(bytes: &[u8]) -> Words {
    match ordered(bytes, IpAddr::V4(Ipv4Addr::new(10, 0, 1, 3))) {
        Ok(order) => vec![order.cluster, order.service],
        Err(problem) => vec![problem.words()],
    }
}

/// What a worker answers to it.
fn answer(bytes: &[u8]) -> Words {
    let answer = serde_json::from_slice::<Answer>(bytes);
    match answer {
        Ok(answer) => {
            let verdict = answer.verdict.into_iter();
            let said = verdict.flat_map(|one| [Some(one.why), Some(one.going), one.progress]);
            said.flatten().chain([answer.cluster]).collect()
        }
        // What is no answer is a refusal.
        Err(_) => vec![first_line(bytes)],
    }
}

fn config_file(bytes: &[u8]) -> Words {
    let text = String::from_utf8_lossy(bytes);
    let clusters = match parse_file(Path::new("meshworker.toml"), &text) {
        Ok(clusters) => clusters,
        Err(why) => return vec![why.to_string()],
    };
    let around = Surroundings::of_docker(true);
    let valid = clusters
        .iter()
        .map(|raw| Cluster::validate(raw, around.clone()));
    let said = valid.map(|valid| valid.map_or_else(|why| why.to_string(), |one| one.name));
    said.collect()
}

fn token_file(bytes: &[u8]) -> Words {
    let tokens = tokens_in(&String::from_utf8_lossy(bytes), "token");
    tokens.map_or_else(|why| vec![why.to_string()], |_| Words::new())
}

/// Where the engine is, as `DOCKER_HOST` says it.
fn docker_host(bytes: &[u8]) -> Words {
    let host = String::from_utf8_lossy(bytes);
    let certificates = Some(Path::new("/certificates"));
    let read = [false, true].map(|tls| Endpoint::parse(&host, tls, certificates));
    let refused = read.into_iter().filter_map(Result::err);
    refused.map(|why| why.to_string()).collect()
}
