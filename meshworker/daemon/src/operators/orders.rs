//! Orders that the next pass obeys: hold, resume, forget, acknowledge.

use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::StatusCode;
use meshworker_core::Loss;
use meshworker_engines::BEGIN;
use meshworker_group::Order as Given;
use tokio::time::Instant;

use super::Desk;
use super::input::{Order, line};
use crate::board::{Fact, NotGiven, Sheet};
use crate::clock;
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{Acknowledge, Done, EventKind, Forget, Hold};

/// In seconds. What is held for longer is held until it is resumed.
const A_YEAR: u64 = 31_536_000;

/// Holds a cluster or one member: nothing is done to it, and nobody is let go,
/// until it is resumed or the time is over; of one worker without a store, until it restarts.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/hold", tag = "act", request_body = Hold,
    responses(
        (status = 200, description = "It is held.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "Too many are held.", body = ProblemBody),
        (status = 503, description = "The workers do not agree on it: none leads.", body = ProblemBody),
    ))]
pub async fn hold(order: Order<Hold>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Hold {
        member,
        why,
        who,
        seconds,
    } = wish;
    let member = member.map(|m| known(&sheet, &line("member", m)?));
    let member = member.transpose()?;
    let why = why.map(|why| line("why", why)).transpose()?;
    let why = why.filter(|why| !why.trim().is_empty());
    let why = why.unwrap_or_else(|| "no reason given".into());
    let what = member.clone().unwrap_or_else(|| "the cluster".into());
    let who = who.map(|who| line("who", who)).transpose()?;
    let until = bounded(seconds)?.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
    let order = Given::Hold {
        member: member.clone(),
        why: why.clone(),
        until_ms: until.map(clock::millis),
    };
    give(&sheet, who, order).await?;
    let until = until.map(|until| format!(", until {}", humantime::format_rfc3339_seconds(until)));
    let done = format!("{what} is held{}: {why}", until.unwrap_or_default());
    Ok(tell(&sheet, member, "hold", done))
}

/// Resumes a cluster or one member.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/resume", tag = "act", request_body = Hold,
    responses((status = 200, description = "It is not held.", body = Done)))]
pub async fn resume(State(desk): State<Desk>, order: Order<Hold>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let Hold {
        member,
        why,
        who,
        seconds,
    } = wish;
    bounded(seconds)?;
    let who = who.map(|who| line("who", who)).transpose()?;
    why.map(|why| line("why", why)).transpose()?;
    // One that is gone meanwhile can be resumed by the name that was held.
    let name = |member: String| line("member", known(&sheet, &member).unwrap_or(member));
    let member = member.map(name).transpose()?;
    let what = member.clone().unwrap_or_else(|| "the cluster".into());
    let mut taken_back = false;
    if let Some(member) = &member {
        if let Some(scaling) = &desk.scaling {
            taken_back = scaling.take_back(&sheet, member).await;
        }
        // Another worker may have been told to drain it.
        let (member, wanted) = (member.clone(), false);
        taken_back |= give(&sheet, who.clone(), Given::Drain { member, wanted }).await?;
    }
    let order = Given::Resume {
        member: member.clone(),
    };
    if !give(&sheet, who, order).await? && !taken_back {
        let done = format!("{what} was not held");
        return Ok(Json(Done { done }));
    }
    Ok(tell(&sheet, member, "resume", format!("{what} is resumed")))
}

/// Has a departed member forgotten: the operator's word stands for the
/// witnesses', never for the database's.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/forget", tag = "act", request_body = Forget,
    responses(
        (status = 200, description = "The next passes do it, as far as the gates allow.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "Nobody departed has that name, or removals are off.", body = ProblemBody),
    ))]
pub async fn forget(order: Order<Forget>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    let member = line("member", wish.member)?;
    let conflict = |error: String| Problem::new(StatusCode::CONFLICT, error);
    let powers = sheet.orders().powers();
    if powers.dry_run || !powers.removals {
        let error = "member: this worker forgets nobody: removals are switched off";
        return Err(conflict(error.into()));
    }
    let departed = sheet
        .status()
        .map(|status| status.departed)
        .unwrap_or_default();
    let mut found = departed.iter();
    let found = found.find(|gone| gone.node == member || gone.address.as_ref() == Some(&member));
    let Some(gone) = found else {
        let names: Vec<&str> = departed.iter().map(|gone| gone.node.as_str()).collect();
        let allowed = if names.is_empty() {
            "nobody: no node is held to be gone".into()
        } else {
            names.join(", ")
        };
        return Err(conflict(format!(
            "member: found '{member}'; allowed: {allowed}"
        )));
    };
    let node = gone.node.clone();
    give(&sheet, None, Given::Forget { node }).await?;
    let done = format!(
        "{} is forgotten as soon as the database's gates allow",
        gone.node
    );
    Ok(tell(&sheet, Some(gone.node.clone()), "forget", done))
}

/// Ends what only an operator can: the word on data that is lost, and on members that
/// are missed and that no witness knows to be unwanted.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/acknowledge", tag = "act", request_body = Acknowledge,
    responses(
        (status = 200, description = "It is told no more.", body = Done),
        (status = 409, description = "No pass is over yet.", body = ProblemBody),
    ))]
pub async fn acknowledge(order: Order<Acknowledge>) -> Result<Json<Done>, Problem> {
    acknowledged(&order.sheet, order.wish).await
}

/// The same, for whoever asks in other words.
pub(super) async fn acknowledged(sheet: &Sheet, wish: Acknowledge) -> Result<Json<Done>, Problem> {
    let why = wish.why.map(|why| line("why", why)).transpose()?;
    let Some(look) = sheet.look() else {
        let error = "cluster: no pass is over yet; allowed: to acknowledge what was seen";
        return Err(Problem::new(StatusCode::CONFLICT, error));
    };
    // Whoever may be back any moment is not given up by a word on others.
    let (told, open): (Vec<&Loss>, Vec<&Loss>) = look.losses.iter().partition(|loss| loss.told);
    let number = told.iter().map(|loss| loss.number).max();
    let lost = lost_cluster(sheet);
    let order = Given::Acknowledge {
        losses: number.unwrap_or_default(),
        members: look.wanted,
        lost: lost.clone(),
    };
    give(sheet, None, order).await?;
    let cluster = lost.map(|cluster| format!("lost: cluster {cluster}, another one may begin"));
    let lost = told.iter().map(|loss| format!("lost: {}", loss.what));
    let open = open.iter().map(|loss| {
        let what = &loss.what;
        format!("not {what}: who had it may be back any moment, say it again when it is told")
    });
    let enough = match look.wanted {
        1 => "1 member is enough".to_owned(),
        members => format!("{members} members are enough"),
    };
    let known: Vec<String> = (cluster.into_iter())
        .chain(lost)
        .chain(open)
        .chain([enough])
        .collect();
    let why = why.filter(|why| !why.trim().is_empty());
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    let done = format!("acknowledged: {}{why}", known.join("; "));
    Ok(tell(sheet, None, "acknowledge", done))
}

/// The cluster that keeps another one from beginning, if that is what the last look found: whoever
/// acknowledges anything else has not given it up.
fn lost_cluster(sheet: &Sheet) -> Option<String> {
    let born = sheet.orders().orders(Instant::now()).born?;
    let refusals = sheet.status()?.plan.refusals;
    let mut keeps = (refusals.iter()).filter(|refusal| refusal.what == BEGIN);
    keeps
        .any(|refusal| refusal.reason.contains(&born))
        .then_some(born)
}

/// Lets the next fail-over be made, and acknowledges nothing else.
pub(super) async fn unblocked(sheet: &Sheet, wish: Acknowledge) -> Result<Json<Done>, Problem> {
    let why = wish.why.map(|why| line("why", why)).transpose()?;
    let members = sheet.status().map_or(0, |status| status.members.len());
    let wanted = sheet.look().map_or(0, |look| look.wanted);
    let order = Given::Acknowledge {
        losses: 0,
        members: wanted.max(members),
        lost: None,
    };
    give(sheet, None, order).await?;
    let why = why.filter(|why| !why.trim().is_empty());
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    let done = format!("the next fail-over waits for no earlier one{why}");
    Ok(tell(sheet, None, "acknowledge", done))
}

pub(super) fn bounded(seconds: Option<u64>) -> Result<Option<u64>, Problem> {
    match seconds {
        Some(found) if !(1..=A_YEAR).contains(&found) => Err(Problem::bad(format!(
            "seconds: found {found}; allowed: 1 to {A_YEAR}, a year"
        ))),
        seconds => Ok(seconds),
    }
}

/// Has this ordered: whether that changes anything.
pub(super) async fn give(
    sheet: &Sheet,
    who: Option<String>,
    order: Given,
) -> Result<bool, Problem> {
    let given = sheet.orders().give(who, order).await;
    given.map_err(|why| {
        let status = match why {
            NotGiven::TooMany(_) => StatusCode::CONFLICT,
            NotGiven::NotAgreed(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, format!("order: {why}"))
    })
}

/// The member's id, however it was named; a departed node's id as it is.
pub(super) fn known(sheet: &Sheet, member: &str) -> Result<String, Problem> {
    if let Some(why) = sheet.why(member)
        && let Some(found) = why.members.first()
    {
        return Ok(found.id.clone());
    }
    let departed = sheet
        .status()
        .map(|status| status.departed)
        .unwrap_or_default();
    let mut departed = departed.into_iter();
    let is = |gone: &crate::status::WhoSees| gone.node == member;
    departed.find(is).map(|gone| gone.node).ok_or_else(|| {
        let error = format!(
            "member: found '{member}'; allowed: one that /v1/clusters/{} lists",
            sheet.name()
        );
        Problem::new(StatusCode::NOT_FOUND, error)
    })
}

/// Has it in the history.
pub(super) fn tell(sheet: &Sheet, member: Option<String>, order: &str, done: String) -> Json<Done> {
    let fact = Fact::new(EventKind::Order, done.clone()).because(order);
    sheet.record(Fact { member, ..fact });
    sheet.tell_change();
    Json(Done { done })
}
