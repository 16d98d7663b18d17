//! Orchestrator's orders: GET requests of whoever has the operators' token.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::{HeaderValue, Method, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::instance::{Instance, Key};
use super::{Answer, Cluster, Desk, Refused, fine, refused};
use crate::board::Sheet;
use crate::http::Json;
use crate::operators::input::line;
use crate::operators::{orders, succession};
use crate::status::{Acknowledge, Done};

/// Orchestrator answers once it is done; whoever asks does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a member is worked on, where nothing is said.
const DOWNTIME: &str = "600";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// What may stand behind the question mark.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    comment: Option<String>,
}

/// Refuses whatever a browser sends: any page can have it ask, with what it knows. Whoever asks
/// for the head of an answer orders nothing.
pub async fn scripts_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let marks = ["sec-fetch-site", "origin", "referer"];
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let shows =
        accepts.is_some_and(|kinds| kinds.contains("text/html") || kinds.contains("image/"));
    if shows
        || marks.iter().any(|mark| headers.contains_key(*mark))
        || request.method() != Method::GET
    {
        let error = "method: found an order from a browser; allowed: GET by scripts and clients";
        return refused(StatusCode::FORBIDDEN, error).into_response();
    }
    next.run(request).await
}

/// Whoever asks may order anything.
pub struct May(Desk);

impl FromRequestParts<Desk> for May {
    type Rejection = Refused;

    async fn from_request_parts(head: &mut request::Parts, desk: &Desk) -> Result<May, Refused> {
        let headers = &mut head.headers;
        if let Some(password) = headers.get(header::AUTHORIZATION).and_then(password) {
            headers.insert(header::AUTHORIZATION, password);
        }
        desk.may_act(headers)?;
        Ok(May(desk.clone()))
    }
}

/// The password that orchestrator's client gives, as a bearer token.
fn password(value: &HeaderValue) -> Option<HeaderValue> {
    let basic = value.to_str().ok()?;
    let (scheme, code) = basic.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(code.trim()).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    let mut token = HeaderValue::from_str(&format!("Bearer {password}")).ok()?;
    token.set_sensitive(true);
    Some(token)
}

/// What came of a change of the primary.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Recovery {
    cluster_name: String,
    successor_key: Key,
    successor_alias: String,
    is_successful: bool,
}

/// Another member takes the primary's place, in good order.
pub async fn take_over(May(desk): May, Path(hint): Path<String>) -> Answer {
    taken_over(&desk, &hint, None).await
}

/// This member does.
pub async fn take_over_by(
    May(desk): May,
    Path((hint, host, port)): Path<(String, String, String)>,
) -> Answer {
    let (_, member) = Cluster::of(&desk, &host, &port)?;
    taken_over(&desk, &hint, Some(&member.id)).await
}

/// Waits until this one is the primary; what is not so in time is not ordered any more, as there.
async fn taken_over(desk: &Desk, hint: &str, by: Option<&str>) -> Answer {
    let cluster = Cluster::hinted(desk, hint)?;
    let (to, _) = succession::switch_over(&cluster.sheet, by, None).await?;
    let to = to.unwrap_or_default();
    let came = came(desk, hint, "graceful-master-takeover", |now| now == to).await;
    if came.is_err() {
        succession::take_back(&cluster.sheet, &to).await?;
    }
    came
}

/// Another member takes the primary's place now.
pub async fn fail_over(May(desk): May, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    let before = primary(&cluster);
    succession::fail_over(&cluster.sheet, Vec::new(), None).await?;
    let done = |now: &str| Some(now) != before.as_deref();
    came(&desk, &hint, "force-master-failover", done).await
}

/// The same, of an instance's cluster.
pub async fn fail_over_of(may: May, Path((host, port)): Path<(String, String)>) -> Answer {
    fail_over(may, Path(format!("{host}:{port}"))).await
}

fn primary(cluster: &Cluster) -> Option<String> {
    let primary = cluster.status.primary().ok()?;
    Some(primary.id.clone())
}

/// Waits until the primary is one of those that are meant.
async fn came(desk: &Desk, hint: &str, order: &str, is_meant: impl Fn(&str) -> bool) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let cluster = Cluster::hinted(desk, hint)?;
        if let Ok(primary) = cluster.status.primary()
            && is_meant(&primary.id)
        {
            let recovery = Recovery {
                cluster_name: cluster.status.name.clone(),
                successor_key: cluster.key(primary),
                successor_alias: primary.id.clone(),
                is_successful: true,
            };
            return Ok(fine(format!("{order}: successor promoted"), recovery));
        }
        if Instant::now() >= deadline {
            let refusals = cluster.status.plan.refusals.iter();
            let why = refusals
                .map(|one| format!("{}: {}", one.what, one.reason))
                .next();
            let why = why.unwrap_or(cluster.status.unity);
            let error = format!("{order}: ordered, and not done in time: {why}");
            return Err(refused(StatusCode::GATEWAY_TIMEOUT, error));
        }
        sleep(PAUSE).await;
    }
}

/// An operator knows of what happened: the next fail-over may be.
pub async fn acknowledge(
    May(desk): May,
    Path(hint): Path<String>,
    Query(said): Query<Said>,
) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    let Json(Done { done }) = knows(&cluster.sheet, said).await?;
    Ok(fine(done, cluster.status.name))
}

/// The same, of an instance's cluster.
pub async fn acknowledge_of(
    may: May,
    Path((host, port)): Path<(String, String)>,
    said: Query<Said>,
) -> Answer {
    acknowledge(may, Path(format!("{host}:{port}")), said).await
}

/// The same, of all clusters.
pub async fn acknowledge_all(May(desk): May, Query(said): Query<Said>) -> Answer {
    let all = Cluster::all(&desk);
    for cluster in &all {
        let comment = said.comment.clone();
        knows(&cluster.sheet, Said { comment }).await?;
    }
    Ok(fine("Acknowledged", all.len()))
}

async fn knows(sheet: &Sheet, said: Said) -> Result<Json<Done>, Refused> {
    let wish = Acknowledge { why: said.comment };
    Ok(orders::unblocked(sheet, wish).await?)
}

/// A member is worked on.
pub async fn downtime(
    may: May,
    Path((host, port, owner, reason)): Path<(String, String, String, String)>,
) -> Answer {
    let path = (host, port, owner, reason, DOWNTIME.to_owned());
    downtime_for(may, Path(path)).await
}

/// The same, for so long.
pub async fn downtime_for(
    May(desk): May,
    Path((host, port, owner, reason, duration)): Path<(String, String, String, String, String)>,
) -> Answer {
    let (cluster, member) = Cluster::of(&desk, &host, &port)?;
    let seconds = match (&*duration, duration.parse::<u64>()) {
        (_, Ok(seconds)) => Some(seconds),
        (text, Err(_)) => {
            let error = format!("duration: found '{text}'; allowed: 30m, 2h, or seconds");
            let time = humantime::parse_duration(text);
            let time = time.map_err(|_| refused(StatusCode::BAD_REQUEST, error))?;
            Some(time.as_secs())
        }
    };
    let seconds = orders::bounded(seconds)?;
    let why = Some(line("reason", reason)?);
    let who = Some(line("owner", owner)?);
    let sheet = &cluster.sheet;
    let Json(Done { done }) = succession::on_downtime(sheet, &member.id, why, who, seconds).await?;
    Ok(fine(done, cluster.key(&member)))
}

/// That is over.
pub async fn uptime(May(desk): May, Path((host, port)): Path<(String, String)>) -> Answer {
    let (cluster, member) = Cluster::of(&desk, &host, &port)?;
    let Json(Done { done }) = succession::off_downtime(&cluster.sheet, &member.id, None).await?;
    Ok(fine(done, Instance::of(&cluster, &member)))
}
