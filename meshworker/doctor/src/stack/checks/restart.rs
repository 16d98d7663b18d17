//! Whether members that end are started again.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;

pub const CHECK: Check<Ground> = Check {
    name: "restart",
    finds: "members that are not started again, at all or after some times",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let member = cluster.member;
            let condition = member.restart.as_ref();
            let limited = condition.filter(|at| !matches!(at.value.as_str(), "" | "any"));
            let most = member.restarts.as_ref().filter(|most| most.value > 0);
            let what = match (limited.map(|at| at.value.as_str()), most) {
                (Some("none"), _) => "It is never started again.".to_owned(),
                (Some(_), None) => "It is started again only after a failure.".to_owned(),
                (Some(_), Some(most)) => format!(
                    "It is started again only after a failure, and {} times at the most.",
                    most.value
                ),
                (None, Some(most)) => {
                    format!("It is started again {} times at the most.", most.value)
                }
                (None, None) => return None,
            };
            let place = limited.map(|at| &at.place).or(most.map(|most| &most.place));
            Some(
                Finding::new(Severity::Warning, member.subject(), what)
                    .why("A member that ends otherwise, or once too often, never comes back: the cluster has one less, and its copies are not made again.")
                    .instead("restart_policy:\n  condition: any\n  # and no max_attempts")
                    .at(place.and_then(Option::as_ref)),
            )
        })
    },
};
