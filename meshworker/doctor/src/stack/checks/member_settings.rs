//! What the database itself is started with.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, parts};

pub const CHECK: Check<Ground> = Check {
    name: "database-setting",
    finds: "settings of etcd or MariaDB with which it loses data or its quorum, or does something else than its worker says",
    run: |ground| {
        let mut findings = Vec::new();
        for cluster in ground.some_clusters()? {
            // What the worker says counts where it starts the members.
            let find = cluster.engine().and_then(|engine| engine.settings);
            let Some(find) = find.filter(|_| cluster.is_supervised()) else {
                continue;
            };
            let member = cluster.member;
            let words: Vec<String> = (parts::tokens(member).into_iter())
                .map(str::to_owned)
                .collect();
            let variables = member.environment.iter();
            let variables: Vec<(String, String)> = variables
                .map(|(name, said)| (name.clone(), said.value.value.clone()))
                .collect();
            let health = member.health.as_ref();
            let health = health.map_or(&[][..], |health| &health.value.test);
            let mistakes = find(&words, &variables, health);
            findings.extend(mistakes.into_iter().map(|mistake| {
                Finding::new(Severity::Error, member.subject(), mistake.what)
                    .why(mistake.why)
                    .instead(mistake.instead)
                    .at(member.place.as_ref())
            }));
        }
        Ok(findings)
    },
};
