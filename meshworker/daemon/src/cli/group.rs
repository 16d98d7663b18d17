//! `meshworker group`: who acts, and what operators order of the workers themselves.

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::api_args::{self, Api, given};
use super::screen::Screen;
use super::show::{self, clean};
use super::status::json;
use super::{Failed, flag, runtime};
use crate::client::{Client, nobody};
use crate::status::{GroupStatus, HandOver, RemoveWorker, RestartGroup};

/// `meshworker group`, and what stands below it.
pub fn command() -> Command {
    let order = |name: &'static str, about: &'static str, what: Arg| {
        Command::new(name)
            .about(about)
            .args(api_args::asking())
            .arg(api_args::token())
            .arg(what)
            .after_help(api_args::EXIT_CODES)
    };
    let worker = |help: &'static str| Arg::new("worker").value_name("WORKER").help(help);
    Command::new("group")
        .about("Show the workers: who acts, who votes, who does not answer, and why")
        .args(api_args::asking())
        .arg(json())
        .after_help(api_args::EXIT_CODES)
        .args_conflicts_with_subcommands(true)
        .subcommand(order(
            "hand-over",
            "Have another worker act",
            worker("Which: its slot's number, its node, or its store [default: any that could]"),
        ))
        .subcommand(order(
            "remove",
            "Take a worker that is gone for good out of the group",
            worker("Which: its slot's number, its node, or its store").required(true),
        ))
        .subcommand(order(
            "restart",
            "Begin the group anew after most of its workers are lost; without GROUP: show what \
             would be lost",
            Arg::new("group")
                .value_name("GROUP")
                .help("The id of the group that is given up, as it is shown"),
        ))
}

/// Runs `meshworker group`, or what stands below it.
pub fn group(args: &ArgMatches) -> Result<(), Failed> {
    match args.subcommand() {
        Some(("hand-over", args)) => {
            let to = given(args, "worker");
            tell_leader(args, "hand-over", &HandOver { to })
        }
        Some(("remove", args)) => {
            let worker = given(args, "worker").unwrap_or_default();
            tell_leader(args, "remove", &RemoveWorker { worker })
        }
        Some(("restart", args)) => restart(args),
        _ => shown(args),
    }
}

fn shown(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    runtime()?.block_on(async {
        let (heard, unheard) = ask(&api.client().await?).await?;
        if flag(args, "json") {
            return screen.json(&heard, false);
        }
        screen.print(&show::group(&heard, &unheard, &screen.style))
    })
}

fn tell_leader(args: &ArgMatches, what: &str, order: &impl Serialize) -> Result<(), Failed> {
    let (api, screen) = (Api::read_for_act(args)?, Screen::new());
    runtime()?.block_on(async {
        let client = api.client().await?;
        let (worker, done) = client.tell_leader(&["v1", "group", what], order).await?;
        screen.print(&format!("{worker}: {}", clean(&done.done)))
    })
}

fn restart(args: &ArgMatches) -> Result<(), Failed> {
    let (api, screen) = (Api::read(args)?, Screen::new());
    runtime()?.block_on(async {
        let client = api.client().await?;
        let (heard, unheard) = ask(&client).await?;
        let Some((worker, status, group)) = fullest(&heard) else {
            return Err(Failed::Goal("no worker that answers is in a group".into()));
        };
        if heard.iter().any(|(_, status)| status.leader.is_some()) {
            let page = show::group(&heard, &unheard, &screen.style);
            screen.print(&page)?;
            return Err(Failed::Goal(
                "the workers have a leader: nothing is lost".into(),
            ));
        }
        let found = given(args, "group");
        if found.as_deref() != Some(group) {
            let page = show::restart(&heard, &unheard, (worker, status), &screen.style);
            screen.print(&page)?;
            let found = found.map_or_else(|| "nothing".into(), |found| format!("'{found}'"));
            return Err(Failed::Input(format!(
                "GROUP: found {found}; allowed: {group}, the one that is given up"
            )));
        }
        let order = RestartGroup {
            group: group.clone(),
        };
        let path = ["v1", "group", "restart"];
        let (worker, done) = client.tell_this_one(worker, &path, &order).await?;
        screen.print(&format!("{worker}: {}", clean(&done.done)))
    })
}

/// Who answered, in their words, and what became of all others.
type Heard = (Vec<(String, GroupStatus)>, Vec<String>);

async fn ask(client: &Client) -> Result<Heard, Failed> {
    let answers = client.groups().await?;
    if answers.iter().all(|(_, answer)| answer.is_err()) {
        return Err(nobody(answers).into());
    }
    let (mut heard, mut unheard) = (Vec::new(), Vec::new());
    for (worker, answer) in answers {
        match answer {
            Ok(status) => heard.push((worker, status)),
            Err(why) => unheard.push(why.to_string()),
        }
    }
    Ok((heard, unheard))
}

/// Whoever knows the most of what its group agreed on, and after that has heard the most.
fn fullest(heard: &[(String, GroupStatus)]) -> Option<(&String, &GroupStatus, &String)> {
    let all = heard.iter();
    let all = all.filter_map(|(worker, status)| Some((worker, status, status.group.as_ref()?)));
    all.max_by_key(|(_, status, _)| (status.committed, status.own().and_then(|own| own.last)))
}
