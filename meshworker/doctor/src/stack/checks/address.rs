//! How names lead to replicas: the endpoint mode, and name servers.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

/// The name server that Docker gives every container on a network of its own.
pub const EMBEDDED: &str = "127.0.0.11";

pub const CHECK: Check<Ground> = Check {
    name: "endpoint-mode",
    finds: "members behind one virtual address",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let members = clusters.iter().map(|cluster| cluster.member);
        let bad = members.filter(|member| !member.is_dnsrr());
        Ok(bad
            .map(|member| {
                let mode = member.endpoint_mode.as_ref();
                let what = match mode {
                    Some(mode) => format!("Its endpoint mode is {}.", mode.value),
                    None => "It has no endpoint mode, which means vip.".to_owned(),
                };
                let place = mode.map_or(&member.place, |mode| &mode.place);
                Finding::new(Severity::Error, member.subject(), what)
                    .why("The name then leads to one virtual address for all replicas: members cannot be told apart, and each joins itself.")
                    .instead("deploy:\n  endpoint_mode: dnsrr\n# where it runs already: remove the service and deploy it again, or its old\n# address stays in DNS; the volumes stay")
                    .at(place.as_ref())
            })
            .collect())
    },
};

pub const DNS: Check<Ground> = Check {
    name: "custom-dns",
    finds: "a worker that asks another name server than Docker's",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let asked = cluster.setting("name-server")?;
            if asked
                .value
                .split(',')
                .any(|server| server.trim().starts_with(EMBEDDED))
            {
                return None;
            }
            let subject = cluster.worker.unwrap_or(cluster.member).subject();
            let what = format!("It asks the name server {}.", asked.value);
            Some(
                Finding::new(Severity::Warning, subject, what)
                    .why("Only Docker's own name server in each container knows the names of services.")
                    .instead(format!("no MESHWORKER_NAME_SERVER, or {EMBEDDED}"))
                    .at(asked.place.as_ref()),
            )
        })
    },
};
