//! Orders about who is the primary: switchover, fail-over, downtime.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use meshworker_engines::registry::Kind;
use meshworker_engines::{FORBIDDEN, OptionSpec, PRIMARY};
use meshworker_group::Order as Given;
use tokio::time::Instant;

use super::input::{Order, line};
use super::orders::{bounded, give, known, tell};
use crate::board::Sheet;
use crate::clock;
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{
    ClusterStatus, Done, Downtime, Failover, MemberState, MemberStatus, Switchover, Uptime,
};

/// Stands for no member in particular.
const ANY: &str = "any";

/// A fail-over that could not be made by then is not meant any more.
const MEANT_FOR: Duration = Duration::from_secs(600);

/// Has another member take the primary's place, in good order, once it is in step; it is
/// preferred from then on. `any` prefers nobody any more.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/switchover", tag = "act", request_body = Switchover,
    responses(
        (status = 200, description = "The next passes do it, as far as the gates allow.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "Such a database has no primary that is chosen, or the member cannot become it.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet, or the workers do not agree on it: none leads.", body = ProblemBody),
    ))]
pub async fn switchover(order: Order<Switchover>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Switchover { member, who } = wish;
    let member = member.map(|member| line("member", member)).transpose()?;
    let who = who.map(|who| line("who", who)).transpose()?;
    let (_, done) = switch_over(&sheet, member.as_deref(), who).await?;
    Ok(done)
}

/// The same, for whoever asks in other words.
pub(super) async fn switch_over(
    sheet: &Sheet,
    member: Option<&str>,
    who: Option<String>,
) -> Result<(Option<String>, Json<Done>), Problem> {
    let status = chosen(sheet)?;
    let to = match member {
        Some(ANY) => None,
        Some(member) => Some(named(sheet, &status, member)?),
        None => Some(another(sheet, &status)?),
    };
    let value = to.map(|to| written(sheet, to)).transpose()?;
    let name = PRIMARY.to_owned();
    give(sheet, who, Given::Wish { name, value }).await?;
    let to = to.map(|to| to.id.clone());
    let done = match &to {
        Some(member) => {
            format!("{member} is to be primary, once it is in step, and preferred from then on")
        }
        None => "whoever is primary may stay it".to_owned(),
    };
    Ok((to.clone(), tell(sheet, to, "switchover", done)))
}

/// Takes an order to have this member as primary back, if it still stands.
pub(super) async fn take_back(sheet: &Sheet, to: &str) -> Result<(), Problem> {
    let orders = sheet.orders().orders(Instant::now());
    let ordered = orders.wishes.get(PRIMARY);
    if ordered.is_some_and(|whom| whom == to || to.ends_with(&format!(".{whom}"))) {
        let (name, value) = (PRIMARY.to_owned(), None);
        give(sheet, None, Given::Wish { name, value }).await?;
    }
    Ok(())
}

/// Has another member take the primary's place now, whatever is seen of it: the operator's
/// word stands for what is seen, never for the seal.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/failover", tag = "act", request_body = Failover,
    responses(
        (status = 200, description = "The next passes do it, as far as the other gates allow.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "Such a database has no primary that is chosen, or too many are lost.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet, or the workers do not agree on it: none leads.", body = ProblemBody),
    ))]
pub async fn failover(order: Order<Failover>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Failover { lost, cancel, who } = wish;
    let who = who.map(|who| line("who", who)).transpose()?;
    let lost = lost.into_iter().map(|member| line("lost", member));
    let lost: Vec<String> = lost.collect::<Result<_, _>>()?;
    match cancel {
        true => cancelled(&sheet, who).await,
        false => fail_over(&sheet, lost, who).await,
    }
}

/// No forced fail-over is ordered any more.
async fn cancelled(sheet: &Sheet, who: Option<String>) -> Result<Json<Done>, Problem> {
    chosen(sheet)?;
    if !give(sheet, who, Given::FailedOver).await? {
        let done = "no fail-over was ordered".to_owned();
        return Ok(Json(Done { done }));
    }
    let done = "the fail-over is ordered no more: whoever is primary keeps its place".to_owned();
    Ok(tell(sheet, None, "failover", done))
}

/// The same, for whoever asks in other words.
pub(super) async fn fail_over(
    sheet: &Sheet,
    lost: Vec<String>,
    who: Option<String>,
) -> Result<Json<Done>, Problem> {
    let status = chosen(sheet)?;
    let primary = status.primary().ok();
    let from = primary.map(|primary| primary.id.clone());
    let term_of = |one: &MemberStatus| one.view.as_ref()?.term;
    let last = || status.members.iter().filter_map(term_of).max();
    let term = primary.map_or_else(last, term_of);
    let lost = lost.iter().map(|member| known(sheet, member));
    let lost: BTreeSet<String> = lost.collect::<Result<_, _>>()?;
    let mut members = status.members.iter();
    let lives = |one: &&MemberStatus| one.view.is_some() && lost.contains(&one.id);
    if let Some(found) = members.find(lives) {
        // What it has would be left behind, and it would go on acknowledging.
        let error = format!(
            "lost: found '{}', which answers; allowed: members that do not run and never come back",
            found.id
        );
        return Err(Problem::new(StatusCode::CONFLICT, error));
    }
    let order = Given::Failover {
        from: from.clone(),
        term,
        lost,
        until_ms: clock::millis(SystemTime::now() + MEANT_FOR),
    };
    give(sheet, who, order).await?;
    let done = match &from {
        Some(from) => format!("another one than {from} is to be primary now"),
        None => "somebody is to be primary now".to_owned(),
    };
    Ok(tell(sheet, from, "failover", done))
}

/// Says that a member is worked on: it is looked after as ever, and does not become primary; and
/// no fail-over takes the place of one that is.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/downtime", tag = "act", request_body = Downtime,
    responses(
        (status = 200, description = "So it is, until the time is over.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "Such a database has no primary that is chosen, or too many are on downtime.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet, or the workers do not agree on it: none leads.", body = ProblemBody),
    ))]
pub async fn downtime(order: Order<Downtime>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Downtime {
        member,
        why,
        who,
        seconds,
    } = wish;
    let member = line("member", member)?;
    let why = why.map(|why| line("why", why)).transpose()?;
    let who = who.map(|who| line("who", who)).transpose()?;
    let seconds = bounded(seconds)?;
    on_downtime(&sheet, &member, why, who, seconds).await
}

/// The same, for whoever asks in other words.
pub(super) async fn on_downtime(
    sheet: &Sheet,
    member: &str,
    why: Option<String>,
    who: Option<String>,
    seconds: Option<u64>,
) -> Result<Json<Done>, Problem> {
    chosen(sheet)?;
    let member = known(sheet, member)?;
    let why = why.filter(|why| !why.trim().is_empty());
    let why = why.unwrap_or_else(|| "no reason given".into());
    let until = seconds.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
    let order = Given::Downtime {
        member: member.clone(),
        why: why.clone(),
        until_ms: until.map(clock::millis),
    };
    give(sheet, who, order).await?;
    let until = until.map(|until| format!(", until {}", humantime::format_rfc3339_seconds(until)));
    let done = format!(
        "{member} is on downtime{}: {why}",
        until.unwrap_or_default()
    );
    Ok(tell(sheet, Some(member), "downtime", done))
}

/// Ends a member's downtime.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/uptime", tag = "act", request_body = Uptime,
    responses(
        (status = 200, description = "It is on downtime no more.", body = Done),
    ))]
pub async fn uptime(order: Order<Uptime>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Uptime { member, who } = wish;
    let member = line("member", member)?;
    let who = who.map(|who| line("who", who)).transpose()?;
    off_downtime(&sheet, &member, who).await
}

/// The same, for whoever asks in other words.
pub(super) async fn off_downtime(
    sheet: &Sheet,
    member: &str,
    who: Option<String>,
) -> Result<Json<Done>, Problem> {
    // One that is gone meanwhile is named as it was then.
    let member = known(sheet, member).unwrap_or_else(|_| member.to_owned());
    let order = Given::Uptime {
        member: member.clone(),
    };
    if !give(sheet, who, order).await? {
        let done = format!("{member} was not on downtime");
        return Ok(Json(Done { done }));
    }
    let done = format!("{member} is on downtime no more");
    Ok(tell(sheet, Some(member), "uptime", done))
}

/// The last look at a cluster, if its database has a primary that is chosen.
fn chosen(sheet: &Sheet) -> Result<ClusterStatus, Problem> {
    if option(sheet).is_none() {
        let engine = Kind::find(sheet.engine()).map(Kind::descriptor);
        let title = engine.map_or(sheet.engine(), |engine| engine.title);
        let error = format!(
            "cluster: nobody but its members chooses who leads a cluster of {title}; allowed: \
             clusters whose database has a primary that is chosen"
        );
        return Err(Problem::new(StatusCode::CONFLICT, error));
    }
    sheet.status().ok_or_else(|| {
        let error = "cluster: no pass over it has ended yet; ask again in a moment";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
    })
}

/// The option that says who is to be the primary, where such a database has one that is chosen.
fn option(sheet: &Sheet) -> Option<&'static OptionSpec> {
    let engine = Kind::find(sheet.engine())?.descriptor();
    engine.options.iter().find(|option| option.name == PRIMARY)
}

/// A member as that option has it: by its name, or where planners know numbers alone, by that
/// of its slot.
fn written(sheet: &Sheet, member: &MemberStatus) -> Result<String, Problem> {
    match option(sheet).is_some_and(|option| (option.accepts)(&member.id)) {
        true => Ok(member.id.clone()),
        false => slot_of(member).map(|slot| slot.to_string()),
    }
}

/// The member of this name.
fn named<'a>(
    sheet: &Sheet,
    status: &'a ClusterStatus,
    member: &str,
) -> Result<&'a MemberStatus, Problem> {
    let id = known(sheet, member)?;
    let mut members = status.members.iter();
    let found = members.find(|one| one.id == id);
    let found = found.ok_or_else(|| {
        let error = format!("member: found '{id}', which is gone; allowed: one that is there");
        Problem::new(StatusCode::CONFLICT, error)
    })?;
    match unfit(sheet, status, found) {
        None => Ok(found),
        Some(why) => {
            let error = format!("member: found '{id}', which {why}; allowed: another one");
            Err(Problem::new(StatusCode::CONFLICT, error))
        }
    }
}

/// Why this one does not become the primary, whatever is ordered.
fn unfit(sheet: &Sheet, status: &ClusterStatus, member: &MemberStatus) -> Option<&'static str> {
    let orders = sheet.orders().orders(Instant::now());
    let on_downtime = [&member.id, &member.address].map(|name| orders.downtime.contains_key(name));
    if on_downtime.contains(&true) {
        return Some("is on downtime");
    }
    let settings = sheet.config().settings.iter();
    let mut settings = settings.filter(|setting| setting.name == format!("option.{FORBIDDEN}"));
    let usual = settings.next().map(|setting| setting.value.as_str());
    let forbidden = orders.wishes.get(FORBIDDEN).or(usual).unwrap_or_default();
    let slot = slot_of(member).map(|slot| slot.to_string()).ok();
    let names = [
        slot.as_deref(),
        member.node_name.as_deref(),
        member.node.as_deref(),
    ];
    let is_named = |word: &str| names.contains(&Some(word.trim()));
    if forbidden.split(',').any(is_named) {
        return Some("is forbidden");
    }
    let mistrusted = format!("trust {} with writes", member.id);
    let mut refusals = status.plan.refusals.iter();
    let is_mistrusted = refusals.any(|refusal| refusal.what == mistrusted);
    is_mistrusted.then_some("has settings with which it loses writes")
}

/// Another one than the primary, which is in step.
fn another<'a>(sheet: &Sheet, status: &'a ClusterStatus) -> Result<&'a MemberStatus, Problem> {
    let mut members = status.members.iter();
    let is_fit = |member: &&MemberStatus| {
        let view = member.view.as_ref();
        let fit = view.is_some_and(|view| !view.primary && view.working.is_none());
        let fit = fit && member.state == MemberState::Joined && member.held.is_none();
        fit && unfit(sheet, status, member).is_none()
    };
    members.find(is_fit).ok_or_else(|| {
        let error = "member: nobody else is in step; allowed: later, or a member by its name";
        Problem::new(StatusCode::CONFLICT, error)
    })
}

/// The number of its slot.
fn slot_of(member: &MemberStatus) -> Result<u64, Problem> {
    let slot = member
        .id
        .rsplit_once('.')
        .and_then(|(_, slot)| slot.parse().ok());
    let is_address = member.id == member.address;
    slot.filter(|_| !is_address).ok_or_else(|| {
        let error = format!(
            "member: found '{}', whose slot nobody knows; allowed: one whose slot is known",
            member.id
        );
        Problem::new(StatusCode::CONFLICT, error)
    })
}
