//! How good the name server's answers are.

use meshworker_core::Grade;

use crate::doctor::{Facts, Seen};
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

pub const CHECK: Check<Facts> = Check {
    name: "dns-answer",
    finds: "a name that does not resolve, and why",
    run: |facts| {
        let clusters = facts.some_clusters()?.iter();
        Ok(clusters.filter_map(find).collect())
    },
};

fn find(seen: &Seen) -> Option<Finding> {
    let (why, instead) = match &seen.dns.grade {
        Grade::Answer | Grade::Truncated => return None,
        Grade::NxDomain => (
            "There is no service of this name on a network of this container, or none of its replicas is healthy yet: Swarm's DNS lists healthy ones only.",
            "the service's name as in the stack file, and one network for both; with a strict health check, MESHWORKER_LISTEN or the Docker API",
        ),
        Grade::Empty => (
            "The name exists without an address, as while the service has no replica that runs.",
            "docker service ps SERVICE says what its replicas wait for",
        ),
        Grade::Timeout => (
            "The name server does not answer. Docker's own forwards names that it does not know, and waits for a server outside.",
            "the service's name as in the stack file; dns: of the service, if the outer servers are out of reach",
        ),
        Grade::ServFail | Grade::Refused => (
            "The name server is there and cannot, or will not, say.",
            "no MESHWORKER_NAME_SERVER, and a restart of this container: its engine may have lost the network",
        ),
        Grade::Failed(_) => (
            "Without an answer nobody can be joined by DNS.",
            "no MESHWORKER_NAME_SERVER, and a container on the service's network",
        ),
    };
    let what = format!("DNS says of {}: {}.", seen.dns_name, seen.dns.grade);
    Some(
        Finding::new(Severity::Error, format!("cluster {}", seen.name), what)
            .why(why)
            .instead(instead),
    )
}

pub const TRUNCATED: Check<Facts> = Check {
    name: "dns-truncated",
    finds: "an answer that was cut and whose rest cannot be fetched",
    run: |facts| {
        let clusters = facts.some_clusters()?.iter();
        let cut = clusters.filter(|seen| seen.dns.grade == Grade::Truncated);
        Ok(cut
            .map(|seen| {
                let listed = seen.dns.sightings.len();
                let what = format!("The answer for {} was cut after {listed} addresses, and TCP does not give the rest.", seen.dns_name);
                Finding::new(Severity::Error, format!("cluster {}", seen.name), what)
                    .why("Members beyond the cut are joined late or never, and nobody is ever forgotten, because the answer may hide anybody.")
                    .instead("let TCP port 53 through to the name server, or give the worker the Docker API")
            })
            .collect())
    },
};
