//! `meshworker look`.

use clap::ArgMatches;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::Roster;
use meshworker_engines::Engine;
use serde_json::json;

use crate::words;
use crate::worker::{self, Job, Pass, Worker};

use super::{Failed, cluster_args, flag};

/// Looks once at each configured cluster and shows what was seen and what
/// would be done.
pub fn look(args: &ArgMatches) -> Result<(), Failed> {
    let clusters = cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?;
    let json = flag(args, "json");
    let runtime = super::runtime()?;
    let mut apart = Vec::new();
    for cluster in clusters {
        let name = cluster.name.clone();
        let (shown, one) = runtime.block_on(worker::visit(cluster, Look { json }));
        println!("{shown}");
        if let Some(missing) = one {
            apart.push(format!("{name}: {missing}"));
        }
    }
    if apart.is_empty() {
        return Ok(());
    }
    Err(Failed::Goal(apart.join("; ")))
}

struct Look {
    json: bool,
}

impl Job for Look {
    type Output = (String, Option<String>);

    fn work<E: Engine>(self, mut worker: Worker<E>) -> BoxFuture<'static, Self::Output> {
        async move {
            let pass = worker.look().await;
            let unity = &pass.plan.unity;
            let missing = (!unity.is_one()).then(|| unity.to_string());
            let shown = if self.json {
                as_json(&pass)
            } else {
                as_table(&pass)
            };
            (shown, missing)
        }
        .boxed()
    }
}

fn as_json<E: Engine>(pass: &Pass<E>) -> String {
    let members: Vec<_> = pass
        .roster()
        .members()
        .iter()
        .map(|member| {
            json!({
                "member": member,
                "standing": member.standing(),
                "view": pass.observed.answers.get(&member.address),
            })
        })
        .collect();
    let all = json!({
        "reports": pass.observed.reports,
        "members": members,
        "plan": pass.plan,
    });
    words::json(&all).unwrap_or_default()
}

fn as_table<E: Engine>(pass: &Pass<E>) -> String {
    let roster: Roster = pass.roster();
    let mut lines = vec![format!(
        "{:16} {:20} {:9} {:8} {:4} {}",
        "MEMBER", "ADDRESS", "STANDING", "ROLE", "SIZE", "NODE"
    )];
    for member in roster.members() {
        let answer = pass.observed.answers.get(&member.address);
        let role = answer.and_then(|answer| answer.as_ref().ok()?.role);
        let (size, node) = match answer {
            Some(Ok(view)) => (view.size.to_string(), view.node.clone()),
            Some(Err(why)) => ("-".into(), why.to_string()),
            None => ("-".into(), "not asked".into()),
        };
        lines.push(format!(
            "{:16} {:20} {:9} {:8} {:4} {}",
            member.id.to_string(),
            member.address.to_string(),
            member.standing(),
            role.map_or("-", |role| role.name),
            size,
            node
        ));
    }
    lines.push(pass.plan.unity.to_string());
    let views = pass.observed.answers.values().flatten();
    lines.extend(
        views.filter_map(|view| Some(format!("busy: {}: {}", view.node, view.working.as_ref()?))),
    );
    lines.extend(
        pass.plan
            .steps
            .iter()
            .map(|step| format!("would do: {step}")),
    );
    lines.extend(pass.plan.refusals.iter().map(ToString::to_string));
    let lines: Vec<_> = lines.iter().map(|line| words::dull(line)).collect();
    lines.join("\n")
}
