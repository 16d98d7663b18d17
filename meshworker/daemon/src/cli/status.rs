//! `meshworker status`.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use tokio::time::sleep;

use super::api_args::{self, Api};
use super::screen::Screen;
use super::show::{self, Ink, Shown};
use super::{Failed, flag, runtime};
use crate::client::{Client, Unanswered};
use crate::status::{ClusterStatus, Events, Summary};

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_secs(1);

/// So many of the last events are shown.
const LATELY: usize = 5;

/// `meshworker status`.
pub fn command() -> Command {
    api_args::command(
        "status",
        "Show each cluster: what it is, what is seen, done, refused, and why",
    )
    .arg(
        Arg::new("watch")
            .long("watch")
            .short('w')
            .action(ArgAction::SetTrue)
            .help("Show it again whenever it changes, until interrupted"),
    )
    .arg(json())
    .after_help(
        "Exit codes:\n  \
         0  each cluster is one\n  \
         1  one of them is not, or has lost data; nobody has looked at it lately, or no worker answers\n  \
         2  input that cannot be used",
    )
}

/// `--json`.
pub fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON")
}

/// Runs `meshworker status`.
pub fn status(args: &ArgMatches) -> Result<(), Failed> {
    let api = Api::read(args)?;
    let json = flag(args, "json");
    let mut screen = Screen::new();
    runtime()?.block_on(async {
        if flag(args, "watch") {
            return watch(&api, json, &mut screen).await;
        }
        let shown = gather(&api, &api.client().await?).await?;
        if json {
            screen.json(&statuses(&shown), false)?;
        } else {
            screen.print(&page(&shown, &screen))?;
        }
        let trouble: Vec<String> = shown.iter().filter_map(Shown::trouble).collect();
        if trouble.is_empty() {
            return Ok(());
        }
        Err(Failed::Goal(trouble.join("; ")))
    })
}

/// Shows changes until interrupted; a worker that goes away may come back.
async fn watch(api: &Api, json: bool, screen: &mut Screen) -> Result<(), Failed> {
    let mut client = api.client().await?;
    let mut before = None;
    loop {
        let looked = gather(api, &client).await;
        let now = match &looked {
            Ok(shown) => Ok(shown.iter().map(lasting).collect::<Vec<_>>()),
            Err(Failed::Input(why)) => return Err(Failed::Input(why.clone())),
            Err(Failed::Goal(why)) => Err(why.clone()),
        };
        let changed = before.as_ref() != Some(&now);
        match &looked {
            Ok(shown) if json && changed => screen.json(&statuses(shown), true)?,
            // Ages change all the time: worth a look, and not a line in a file.
            Ok(shown) if !json && (changed || screen.terminal) => {
                screen.draw(&page(shown, screen))?
            }
            Err(failed) if changed && json => super::complain(&failed.to_string()),
            Err(failed) if changed => {
                let lines = show::wrap(&failed.to_string(), screen.style.width, "", "  ");
                let page = screen.style.paint(Ink::Bad, &lines.join("\n"));
                screen.draw(&page)?;
            }
            _ => {}
        }
        if looked.is_err() {
            // The workers may be elsewhere by now.
            client = api.client().await?;
        }
        before = Some(now);
        sleep(PAUSE).await;
    }
}

/// Everything that is shown, from the first worker that answers.
async fn gather(api: &Api, client: &Client) -> Result<Vec<Shown>, Failed> {
    let mut all = Vec::new();
    for summary in api.clusters(client).await? {
        let name = summary.name.clone();
        let lately = [("cluster", name.clone()), ("limit", LATELY.to_string())];
        let lately: Events = client.get(&["v1", "events"], &lately).await?;
        all.push(Shown {
            status: latest(client, &summary).await?,
            summary,
            lately: lately.events,
        });
    }
    Ok(all)
}

/// The last pass over a cluster; none before the first one.
pub async fn latest(client: &Client, summary: &Summary) -> Result<Option<ClusterStatus>, Failed> {
    if summary.age_seconds.is_none() {
        return Ok(None);
    }
    match client.get(&["v1", "clusters", &summary.name], &[]).await {
        Ok(status) => Ok(Some(status)),
        Err(Unanswered::Refused { status: 503, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn page(shown: &[Shown], screen: &Screen) -> String {
    let pages = shown.iter().map(|shown| show::status(shown, &screen.style));
    pages.collect::<Vec<_>>().join("\n\n")
}

fn statuses(shown: &[Shown]) -> Vec<&ClusterStatus> {
    shown
        .iter()
        .filter_map(|shown| shown.status.as_ref())
        .collect()
}

/// The same without what changes from pass to pass anyway.
fn lasting(shown: &Shown) -> Shown {
    let mut shown = shown.clone();
    let old = shown.age() > show::OLD;
    shown.summary.age_seconds = old.then_some(0.0);
    if let Some(status) = &mut shown.status {
        status.pass.number = 0;
        status.pass.time.clear();
        status.pass.took_seconds = 0.0;
        let sightings = status
            .members
            .iter_mut()
            .flat_map(|member| &mut member.sightings);
        sightings.for_each(|said| said.age_seconds = 0.0);
        // Reasons may count seconds down.
        status
            .plan
            .refusals
            .iter_mut()
            .for_each(|refusal| refusal.reason.clear());
        status.leavers.iter_mut().for_each(|leaver| {
            leaver.estimate_seconds = None;
            leaver.waits_for = leaver.waits_for.as_ref().map(|_| String::new());
        });
    }
    shown
}
