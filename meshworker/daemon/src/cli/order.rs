//! `meshworker hold`, `resume`, `forget` and `acknowledge`: told to every worker.

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::api_args::{self, Api, given};
use super::screen::Screen;
use super::{Failed, runtime};
use crate::client::Unanswered;
use crate::status::{Acknowledge, Forget, Hold};

/// What the pages of help of these commands end with.
pub const EXIT_CODES: &str = "Exit codes:\n  \
    0  the workers were told\n  \
    1  one of them was not, or they do not agree: it is named\n  \
    2  input that cannot be used";

/// `meshworker hold [MEMBER]`.
pub fn hold_command() -> Command {
    hold_or_resume(
        "hold",
        "Have all workers do nothing to a cluster or a member",
    )
    .arg(
        Arg::new("for")
            .long("for")
            .value_name("SECONDS")
            .help("How long, in seconds [default: until it is resumed]"),
    )
}

/// `meshworker resume [MEMBER]`.
pub fn resume_command() -> Command {
    hold_or_resume(
        "resume",
        "Have all workers look after a cluster or a member again",
    )
}

fn hold_or_resume(name: &'static str, about: &'static str) -> Command {
    api_args::order(name, about)
        .arg(
            Arg::new("member")
                .value_name("MEMBER")
                .help("The member: SERVICE.SLOT, its slot's number, or its address [default: the whole cluster]"),
        )
        .arg(why())
        .arg(who())
        .after_help(EXIT_CODES)
}

/// Who orders it.
pub fn who() -> Arg {
    Arg::new("who")
        .long("who")
        .value_name("NAME")
        .env("MESHWORKER_WHO")
        .help("Who you are, for whoever looks later")
}

/// The cluster, by its name alone.
pub fn cluster() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .help("The cluster; needed where the worker looks after several")
}

/// The same, about this cluster, where one is named.
///
/// # Errors
///
/// Another one is named as well.
pub fn with_cluster(api: Api, named: Option<String>) -> Result<Api, Failed> {
    if let Some(cluster) = &named
        && api.cluster.as_ref().is_some_and(|other| other != cluster)
    {
        let error =
            format!("cluster: found '{cluster}' beside another --cluster; allowed: one of them");
        return Err(Failed::Input(error));
    }
    let cluster = named.or(api.cluster);
    Ok(Api { cluster, ..api })
}

/// Why it is ordered.
pub fn why() -> Arg {
    Arg::new("why")
        .long("why")
        .value_name("TEXT")
        .help("Why, for whoever looks later")
}

/// `meshworker forget MEMBER`.
pub fn forget_command() -> Command {
    api_args::order(
        "forget",
        "Have a cluster forget a member that is gone; the gates of removals still hold",
    )
    .arg(
        Arg::new("member")
            .value_name("MEMBER")
            .required(true)
            .help("The member: its address, or its node's id in the database"),
    )
    .after_help(EXIT_CODES)
}

/// `meshworker acknowledge`.
pub fn acknowledge_command() -> Command {
    api_args::order(
        "acknowledge",
        "Say that you know of what is missing: data that is lost, members that do not come back",
    )
    .visible_alias("ack")
    .arg(cluster())
    .arg(why())
    .after_help(EXIT_CODES)
}

/// Runs `meshworker acknowledge`.
pub fn acknowledge(args: &ArgMatches) -> Result<(), Failed> {
    let why = given(args, "why");
    let order = Acknowledge { why };
    let api = with_cluster(Api::read_for_act(args)?, given(args, "name"))?;
    tell(&api, "acknowledge", &order)
}

/// Runs `meshworker hold` or `meshworker resume`: the path's last part.
pub fn hold_or_resume_it(args: &ArgMatches, what: &str) -> Result<(), Failed> {
    let longest = args.try_get_one::<String>("for").ok().flatten();
    let seconds = longest.map(|_| super::seconds(args, "for")).transpose()?;
    let order = Hold {
        member: given(args, "member"),
        why: given(args, "why"),
        who: given(args, "who"),
        seconds: seconds.map(|time| time.as_secs().max(1)),
    };
    tell(&Api::read_for_act(args)?, what, &order)
}

/// Runs `meshworker forget`.
pub fn forget(args: &ArgMatches) -> Result<(), Failed> {
    let member = given(args, "member").unwrap_or_default();
    tell(&Api::read_for_act(args)?, "forget", &Forget { member })
}

/// Tells every worker this order.
///
/// # Errors
///
/// One of them was not told, or they do not agree.
pub fn tell(api: &Api, what: &str, order: &impl Serialize) -> Result<(), Failed> {
    let screen = Screen::new();
    runtime()?.block_on(async {
        let client = api.client().await?;
        let cluster = api.one_cluster(&client).await?.name;
        let told = client
            .tell(&["v1", "clusters", &cluster, what], order)
            .await?;
        let mut failed = Vec::new();
        for (worker, answer) in told {
            match answer {
                Ok(done) => {
                    screen.print(&format!("{worker}: {}", super::show::clean(&done.done)))?
                }
                Err(error @ Unanswered::Refused { .. }) => {
                    failed.push((error.is_input(), format!("{worker}: {error}")));
                }
                Err(error) => failed.push((error.is_input(), error.to_string())),
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let input = failed.iter().all(|(input, _)| *input);
        let lines: Vec<_> = failed.into_iter().map(|(_, line)| line).collect();
        let line = format!("not told: {}", lines.join("; "));
        Err(if input {
            Failed::Input(line)
        } else {
            Failed::Goal(line)
        })
    })
}
