//! How members are updated: one at a time, the old one first.

use crate::check::{Check, Outcome};
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::model::{Service, Update};

/// Both sections, by the names that they have in the file.
fn sections(member: &Service) -> [(&'static str, &Update); 2] {
    [
        ("update_config", &member.update),
        ("rollback_config", &member.rollback),
    ]
}

fn each<'a>(
    ground: &'a Ground,
    find: impl Fn(&'a Service, &'static str, &'a Update) -> Option<Finding>,
) -> Outcome {
    let mut findings = Vec::new();
    for database in ground.databases()? {
        for (name, update) in sections(database) {
            findings.extend(find(database, name, update));
        }
    }
    Ok(findings)
}

pub const ORDER: Check<Ground> = Check {
    name: "update-order",
    finds: "updates that start the new member before the old one has stopped",
    run: |ground| {
        each(ground, |member, section, update| {
            let order = update
                .order
                .as_ref()
                .filter(|order| order.value == "start-first")?;
            let volume = member
                .mounts
                .iter()
                .find(|mount| !mount.value.is_tmpfs() && !mount.value.read_only);
            let (severity, why) = match volume {
                Some(_) => (
                    Severity::Error,
                    "Two databases then use one volume at the same time: the new one finds it locked, or both write and the data is broken.",
                ),
                None if member.wanted() == Some(1) => return None,
                None => (
                    Severity::Warning,
                    "Two members then hold one slot, and for a while the cluster has one more than it is meant to have.",
                ),
            };
            Some(
                Finding::new(
                    severity,
                    member.subject(),
                    format!("The order of its {section} is start-first."),
                )
                .why(why)
                .instead(format!("{section}:\n  order: stop-first"))
                .at(order.place.as_ref()),
            )
        })
    },
};

pub const PARALLELISM: Check<Ground> = Check {
    name: "update-parallelism",
    finds: "updates that take several members at once",
    run: |ground| {
        each(ground, |member, section, update| {
            let several = member.wanted() != Some(1);
            let parallelism = update.parallelism.as_ref();
            let parallelism = parallelism.filter(|p| several && p.value != 1)?;
            let at_once = match parallelism.value {
                0 => "all members".to_owned(),
                several => format!("{several} members"),
            };
            let what = format!("Its {section} takes {at_once} at once.");
            Some(
                Finding::new(Severity::Error, member.subject(), what)
                    .why("Records whose copies all lie on members that go together are lost, and a quorum may be.")
                    .instead(format!("{section}:\n  parallelism: 1"))
                    .at(parallelism.place.as_ref()),
            )
        })
    },
};

pub const FAILURE: Check<Ground> = Check {
    name: "update-failure",
    finds: "updates that go on after a member has failed",
    run: |ground| {
        each(ground, |member, section, update| {
            let action = update
                .failure_action
                .as_ref()
                .filter(|a| a.value == "continue")?;
            let what = format!("Its {section} goes on after a failure.");
            Some(
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("A version that does not start then replaces one member after the other, until none is left.")
                    .instead(format!("{section}:\n  failure_action: pause"))
                    .at(action.place.as_ref()),
            )
        })
    },
};
