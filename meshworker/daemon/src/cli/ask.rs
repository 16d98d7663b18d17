//! `meshworker members`, `plan` and `why`.

use clap::{Arg, ArgMatches, Command};

use super::api_args::{self, Api, given};
use super::screen::Screen;
use super::show::{self, Now};
use super::status::{json, latest};
use super::{Failed, flag, runtime};
use crate::client::Client;
use crate::status::{ClusterStatus, Summary, Topology, Why};

/// `meshworker members`.
pub fn members_command() -> Command {
    api_args::command("members", "Show a cluster's members, one row each").arg(json())
}

/// `meshworker topology`.
pub fn topology_command() -> Command {
    api_args::command("topology", "Show who copies from whom, as a tree").arg(json())
}

/// `meshworker plan`.
pub fn plan_command() -> Command {
    api_args::command(
        "plan",
        "Show the last pass's requests and refusals, and what each rests on",
    )
    .arg(json())
}

/// `meshworker why MEMBER`.
pub fn why_command() -> Command {
    api_args::command("why", "Show all evidence for one member")
        .arg(
            Arg::new("member")
                .value_name("MEMBER")
                .required(true)
                .help("The member: SERVICE.SLOT, its slot's number, or its address"),
        )
        .arg(json())
}

/// Runs `meshworker members`.
pub fn members(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    runtime()?.block_on(async {
        let (_, _, status) = find(&api).await?;
        if flag(args, "json") {
            return screen.json(&status.members, false);
        }
        screen.print(&show::members(&status.members, &screen.style))
    })
}

/// Runs `meshworker topology`.
pub fn topology(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    runtime()?.block_on(async {
        let (_, _, status) = find(&api).await?;
        let topology = Topology::of(&status);
        if flag(args, "json") {
            return screen.json(&topology, false);
        }
        screen.print(&show::topology(&topology, &screen.style))
    })
}

/// Runs `meshworker plan`.
pub fn plan(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    runtime()?.block_on(async {
        let (_, summary, status) = find(&api).await?;
        if flag(args, "json") {
            return screen.json(&status.plan, false);
        }
        screen.print(&show::plan(&summary.name, &status.plan, &screen.style))
    })
}

/// Runs `meshworker why MEMBER`.
pub fn why(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    let member = given(args, "member").unwrap_or_default();
    runtime()?.block_on(async {
        let (client, summary, status) = find(&api).await?;
        let path = ["v1", "clusters", &summary.name, "members", &member];
        let why: Why = client.get(&path, &[]).await?;
        if flag(args, "json") {
            return screen.json(&why, false);
        }
        screen.print(&show::why(&why, now(&summary, &status), &screen.style))
    })
}

/// The cluster that is meant, as the last pass found it.
pub(super) async fn find(api: &Api) -> Result<(Client, Summary, ClusterStatus), Failed> {
    let client = api.client().await?;
    let summary = api.one_cluster(&client).await?;
    let status = latest(&client, &summary).await?;
    let status = status.ok_or_else(|| Failed::Goal(format!("{}: no pass yet", summary.name)))?;
    Ok((client, summary, status))
}

/// The worker's time.
fn now(summary: &Summary, status: &ClusterStatus) -> Now {
    Now::after(&status.pass.time, summary.age_seconds.unwrap_or_default())
}
