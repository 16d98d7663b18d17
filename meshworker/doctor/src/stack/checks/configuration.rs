//! Mistakes in the members' configuration files that show before they run.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "configuration",
    finds: "a configuration with which the members never become a cluster, or clients find no member: another cluster's name, an address missing, a line that the server does not know",
    run: |ground| {
        let mut findings = Vec::new();
        let (mut asked, mut read) = (0, 0);
        for cluster in ground.some_clusters()? {
            let Some((mistakes, files)) = ground.mistakes(&cluster) else {
                continue;
            };
            asked += 1;
            read += files;
            findings.extend(mistakes.into_iter().map(|mistake| {
                Finding::new(Severity::Error, cluster.member.subject(), mistake.what)
                    .why(mistake.why)
                    .instead(mistake.instead)
                    .at(cluster.member.place.as_ref())
            }));
        }
        if findings.is_empty() && asked > 0 && read == 0 {
            return Err("no configuration file of the members could be read; make it a config of the stack with file:".into());
        }
        Ok(findings)
    },
};
