//! `meshworker switchover`, `failover` and `downtime`: who is to be the primary. The first two
//! wait for what comes of it.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::api_args::{self, Api, given};
use super::screen::Screen;
use super::show::clean;
use super::{Failed, flag, order, runtime, seconds};
use crate::client::Client;
use crate::status::{
    ClusterStatus, Downtime, Events, Failover, HOOK_REFUSED, MemberStatus, Switchover, Uptime, Why,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// What stands for the end of a downtime.
const OVER: &str = "over";

/// What stands for no member in particular.
const ANY: &str = "any";

/// What takes a fail-over back.
const CANCEL: &str = "cancel";

const EXIT_CODES: &str = "Exit codes:\n  \
    0  it is so\n  \
    1  it was refused, or is not so in time: one line says why\n  \
    2  input that cannot be used";

/// `meshworker switchover [NAME] [--to MEMBER]`.
pub fn switchover_command() -> Command {
    let to = Arg::new("to").long("to").value_name("MEMBER").help(
        "Which: SERVICE.SLOT, its slot's number, or its address; 'any' takes an order back that \
         is not carried out yet [default: another one that is in step]",
    );
    waiting(
        "switchover",
        "Have another member take the primary's place, in good order",
    )
    .arg(to)
}

/// `meshworker failover [NAME] --force`.
pub fn failover_command() -> Command {
    let force = Arg::new("force")
        .long("force")
        .action(ArgAction::SetTrue)
        .required_unless_present(CANCEL)
        .help("Say that you mean it: the primary's place is taken although it may be well");
    let lost = Arg::new("lost")
        .long("lost")
        .value_name("MEMBER")
        .action(ArgAction::Append)
        .help(
            "A member that does not run and never comes back, with all that it has: nobody waits for \
             its word, and what only it has acknowledged is LOST; may be repeated",
        );
    let cancel = Arg::new(CANCEL)
        .long(CANCEL)
        .action(ArgAction::SetTrue)
        .conflicts_with_all(["force", "lost"])
        .help("Take such an order back that is not carried out yet: the primary keeps its place");
    waiting(
        "failover",
        "Have another member take the primary's place now, whatever is seen of it",
    )
    .arg(force)
    .arg(lost)
    .arg(cancel)
}

/// `meshworker downtime [NAME] MEMBER DURATION`.
pub fn downtime_command() -> Command {
    api_args::order(
        "downtime",
        "Say that a member is worked on: it does not become primary, and no other takes its place",
    )
    .arg(
        Arg::new("words")
            .value_names(["NAME", "MEMBER", "DURATION"])
            .num_args(2..=3)
            .required(true)
            .help(
                "The cluster, needed where the worker looks after several; the member: \
                 SERVICE.SLOT, its slot's number, or its address; how long: 30m, 2h, seconds, \
                 or 'over'",
            ),
    )
    .arg(order::why())
    .arg(order::who())
    .after_help(order::EXIT_CODES)
}

fn waiting(name: &'static str, about: &'static str) -> Command {
    api_args::order(name, about)
        .arg(order::cluster())
        .arg(order::who())
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .default_value("60")
                .help("How long it may take"),
        )
        .arg(
            Arg::new("detach")
                .long("detach")
                .action(ArgAction::SetTrue)
                .help("Give the order, and wait for nothing"),
        )
        .after_help(EXIT_CODES)
}

/// Runs `meshworker switchover`.
pub fn switchover(args: &ArgMatches) -> Result<(), Failed> {
    let (member, who) = (given(args, "to"), given(args, "who"));
    let ordered = Ordered::read(args, "switchover", member.clone())?;
    ordered.give(&Switchover { member, who })
}

/// Runs `meshworker failover`.
pub fn failover(args: &ArgMatches) -> Result<(), Failed> {
    let lost = args.get_many::<String>("lost").into_iter().flatten();
    let order = Failover {
        lost: lost.cloned().collect(),
        cancel: flag(args, CANCEL),
        who: given(args, "who"),
    };
    let mut ordered = Ordered::read(args, "failover", None)?;
    ordered.waits &= !order.cancel;
    ordered.give(&order)
}

/// Runs `meshworker downtime`.
pub fn downtime(args: &ArgMatches) -> Result<(), Failed> {
    let words = args.get_many::<String>("words").into_iter().flatten();
    let words: Vec<&str> = words.map(|word| word.trim()).collect();
    let (name, member, duration) = match words[..] {
        [name, member, duration] => (Some(name.to_owned()), member, duration),
        [member, duration] => (None, member, duration),
        _ => (None, "", ""),
    };
    let api = order::with_cluster(Api::read_for_act(args)?, name)?;
    let (member, who) = (member.to_owned(), given(args, "who"));
    if duration == OVER {
        return order::tell(&api, "uptime", &Uptime { member, who });
    }
    let why = given(args, "why");
    let seconds = Some(lasting(duration)?);
    let order = Downtime {
        member,
        why,
        who,
        seconds,
    };
    order::tell(&api, "downtime", &order)
}

/// A length of time: `30m`, `2h`, or seconds.
fn lasting(text: &str) -> Result<u64, Failed> {
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => humantime::parse_duration(text)
            .ok()
            .map(|time| time.as_secs()),
    };
    seconds.filter(|seconds| *seconds > 0).ok_or_else(|| {
        Failed::Input(format!(
            "DURATION: found '{text}'; allowed: 30m, 2h, a number of seconds, or '{OVER}'"
        ))
    })
}

/// An order of which something comes.
struct Ordered {
    api: Api,
    what: &'static str,
    to: Option<String>,
    timeout: Duration,
    waits: bool,
}

impl Ordered {
    fn read(args: &ArgMatches, what: &'static str, to: Option<String>) -> Result<Ordered, Failed> {
        let comes = to.as_deref() != Some(ANY);
        let api = order::with_cluster(Api::read_for_act(args)?, given(args, "name"))?;
        Ok(Ordered {
            api,
            what,
            to,
            timeout: seconds(args, "timeout")?,
            waits: comes && !flag(args, "detach"),
        })
    }

    fn give(self, order: &impl Serialize) -> Result<(), Failed> {
        let screen = Screen::new();
        runtime()?.block_on(async {
            let client = self.api.client().await?;
            let cluster = self.api.one_cluster(&client).await?.name;
            let before: Events = client
                .get(&["v1", "events"], &[("limit", "1".to_owned())])
                .await?;
            let goal = goal(&client, &cluster, self.to.as_deref()).await?;
            let begun = Instant::now();
            let path = ["v1", "clusters", &cluster, self.what];
            let (worker, done) = client.tell_leader(&path, order).await?;
            screen.print(&format!("{worker}: {}", clean(&done.done)))?;
            if !self.waits {
                return Ok(());
            }
            let watch = Watch {
                client,
                cluster,
                after: before.newest,
                goal,
            };
            let end = watch.until(begun + self.timeout).await?;
            let took = begun.elapsed().as_secs_f64();
            screen.print(&format!("{end}, {took:.1} s after the order"))
        })
    }
}

/// Who is to be the primary.
enum Goal {
    /// This member.
    Is(String),
    /// Another one than this, which became it in this term.
    IsNot(Option<(String, Option<u64>)>),
}

impl Goal {
    fn is_reached(&self, primary: &str) -> bool {
        match self {
            Goal::Is(member) => primary == member,
            Goal::IsNot(before) => before.as_ref().is_none_or(|(member, _)| member != primary),
        }
    }

    /// Whether this one, which is not to be the primary, has become it anew meanwhile.
    fn is_missed(&self, primary: &MemberStatus) -> bool {
        match self {
            Goal::IsNot(Some((member, before))) => *member == primary.id && term(primary) > *before,
            _ => false,
        }
    }
}

/// In which term this one became what it is.
fn term(member: &MemberStatus) -> Option<u64> {
    member.view.as_ref()?.term
}

/// Who is to be the primary: the member of this name, or another one than now.
async fn goal(client: &Client, cluster: &str, to: Option<&str>) -> Result<Goal, Failed> {
    if let Some(to) = to.filter(|to| *to != ANY) {
        let why: Why = client
            .get(&["v1", "clusters", cluster, "members", to], &[])
            .await?;
        if let Some(member) = why.members.into_iter().next() {
            return Ok(Goal::Is(member.id));
        }
    }
    let status: ClusterStatus = client.get(&["v1", "clusters", cluster], &[]).await?;
    let primary = status.primary().ok();
    let before = primary.map(|primary| (primary.id.clone(), term(primary)));
    Ok(Goal::IsNot(before))
}

/// Follows an order until it is carried out.
struct Watch {
    client: Client,
    cluster: String,
    /// The last event that was seen.
    after: u64,
    goal: Goal,
}

impl Watch {
    async fn until(mut self, deadline: Instant) -> Result<String, Failed> {
        loop {
            let seen = match self.look().await {
                Ok(Ok(end)) => return Ok(end),
                Ok(Err(not_yet)) => not_yet,
                Err(Seen::Over(failed)) => return Err(failed),
                Err(Seen::Silent(why)) => why,
            };
            if Instant::now() >= deadline {
                return Err(Failed::Goal(format!("not done in time: {seen}")));
            }
            sleep(PAUSE).await;
        }
    }

    /// How it ended, or why it has not yet.
    async fn look(&mut self) -> Result<Result<String, String>, Seen> {
        let query = [
            ("cluster", self.cluster.clone()),
            ("after", self.after.to_string()),
            ("limit", "1000".to_owned()),
        ];
        let silent = |why: crate::client::Unanswered| Seen::Silent(why.to_string());
        let events: Events = self
            .client
            .get(&["v1", "events"], &query)
            .await
            .map_err(silent)?;
        self.after = events.newest.max(self.after);
        let path = ["v1", "clusters", &self.cluster];
        let status: ClusterStatus = self.client.get(&path, &[]).await.map_err(silent)?;
        if let Ok(primary) = status.primary() {
            let id = &primary.id;
            let term = term(primary).map(|term| format!(" in term {term}"));
            let term = term.unwrap_or_default();
            if self.goal.is_reached(id) {
                return Ok(Ok(format!("{id} is the primary{term}")));
            }
            if self.goal.is_missed(primary) {
                let kept = format!("{id} keeps its place{term}: nobody else could take it");
                return Err(Seen::Over(Failed::Goal(kept)));
            }
        }
        // Whatever else is told, that one ends it.
        let mut events = events.events.iter();
        let refused = events.find(|event| event.reason.as_deref() == Some(HOOK_REFUSED));
        if let Some(event) = refused {
            return Err(Seen::Over(Failed::Goal(clean(&event.text))));
        }
        let refusals = status.plan.refusals.iter();
        let mut closed = refusals.filter(|refusal| refusal.kind.starts_with("succe"));
        let why = closed.next().or(status.plan.refusals.first());
        let why = why.map(|refusal| format!("{}: {}", refusal.what, refusal.reason));
        Ok(Err(why.unwrap_or(status.unity)))
    }
}

/// Why a look told nothing.
enum Seen {
    /// A worker may answer the next time.
    Silent(String),
    /// There is no next time.
    Over(Failed),
}
