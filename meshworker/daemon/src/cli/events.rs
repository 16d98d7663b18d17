//! `meshworker events`.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::api_args::{self, Api, given};
use super::screen::Screen;
use super::show::EventLines;
use super::status::json;
use super::{Failed, flag, runtime};
use crate::client::{Client, Follow, News};
use crate::status::{Event, Events, Why};

/// `meshworker events`.
pub fn command() -> Command {
    api_args::command("events", "Show what happened, oldest first (UTC)")
        .arg(
            Arg::new("follow")
                .long("follow")
                .short('f')
                .action(ArgAction::SetTrue)
                .help("Go on with what happens, until interrupted"),
        )
        .arg(Arg::new("member").long("member").value_name("MEMBER").help(
            "Only what is about this member: SERVICE.SLOT, its slot's number, or its address",
        ))
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("COUNT")
                .default_value("50")
                .help("At most so many of the newest, 1 to 1000"),
        )
        .arg(json().help("Print JSON, one event a line"))
}

/// Runs `meshworker events`.
pub fn events(args: &ArgMatches) -> Result<(), Failed> {
    let api = Api::read(args)?;
    let limit = given(args, "limit").unwrap_or_default();
    let fits = limit
        .parse()
        .is_ok_and(|limit: u16| (1..=1000).contains(&limit));
    if !fits {
        return Err(Failed::Input(format!(
            "limit: found '{limit}'; allowed: 1 to 1000"
        )));
    }
    let member = given(args, "member");
    runtime()?.block_on(async {
        let client = api.client().await?;
        let clusters = api.clusters(&client).await?;
        let mut query = vec![("limit", limit)];
        query.extend(api.cluster.iter().map(|name| ("cluster", name.clone())));
        query.extend(member.iter().map(|member| ("member", member.clone())));
        let history: Events = client.get(&["v1", "events"], &query).await?;

        let screen = Screen::new();
        let mut out = Out {
            lines: EventLines::new(screen.style).naming_clusters(clusters.len() > 1),
            json: flag(args, "json"),
            screen,
        };
        for event in &history.events {
            out.event(event)?;
        }
        if !flag(args, "follow") {
            return Ok(());
        }
        let about = match &member {
            Some(member) => {
                let clusters = clusters.iter().map(|cluster| cluster.name.as_str());
                Some(ids(&client, clusters, member).await)
            }
            None => None,
        };
        let mut follow = Follow::after(api.access.clone(), client, api.cluster.clone(), &history);
        loop {
            match follow.next().await? {
                News::Fact(event) => {
                    let wanted = |ids: &Vec<String>| {
                        event.member.as_ref().is_some_and(|id| ids.contains(id))
                    };
                    if about.as_ref().is_none_or(wanted) {
                        out.event(&event)?;
                    }
                }
                News::Changed => {}
                News::Missed(missed) => super::complain(&format!("{missed} events were missed")),
                News::Broken(why) => super::complain(&format!("{why}; trying again")),
                News::Again(worker) => super::complain(&format!("going on with {worker}")),
            }
        }
    })
}

/// The ids that are meant: events carry ids only.
async fn ids<'a>(
    client: &Client,
    clusters: impl Iterator<Item = &'a str>,
    member: &str,
) -> Vec<String> {
    let mut ids = vec![member.to_owned()];
    for cluster in clusters {
        let path = ["v1", "clusters", cluster, "members", member];
        // One that is gone by now may come back, and is known by its id.
        if let Ok(why) = client.get::<Why>(&path, &[]).await {
            ids.extend(why.members.into_iter().map(|member| member.id));
        }
    }
    ids
}

struct Out {
    lines: EventLines,
    json: bool,
    screen: Screen,
}

impl Out {
    fn event(&mut self, event: &Event) -> Result<(), Failed> {
        if self.json {
            return self.screen.json(event, true);
        }
        self.screen.print(&self.lines.lines(event).join("\n"))
    }
}
