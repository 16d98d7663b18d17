//! Orders that change the service: scale, drain.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::Desk;
use super::input::{Order, line};
use super::orders::known;
use crate::board::Sheet;
use crate::http::{Json, Problem, ProblemBody};
use crate::scale::{Goal, member_in_slot};
use crate::status::{Done, Drain, Scale};

/// No service of a swarm has more replicas.
const MOST: u64 = 10_000;

/// Makes the service so many replicas: members leave one by one, each when it
/// may. Events tell how it goes.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/scale", tag = "act", request_body = Scale,
    responses(
        (status = 202, description = "It has begun.", body = Done),
        (status = 409, description = "This worker cannot, or something like it is under way.", body = ProblemBody),
    ))]
pub async fn scale(
    State(desk): State<Desk>,
    order: Order<Scale>,
) -> Result<(StatusCode, Json<Done>), Problem> {
    let Scale { replicas } = order.wish;
    if replicas > MOST {
        let error = format!("replicas: found {replicas}; allowed: 0 to {MOST}");
        return Err(Problem::bad(error));
    }
    begin(&desk, &order.sheet, Goal::Replicas(replicas), None).await
}

/// Frees one member of its data, and shrinks the service by it where Swarm
/// would take it; after those that were ordered before. Events tell how it goes.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/drain", tag = "act", request_body = Drain,
    responses(
        (status = 202, description = "It has begun.", body = Done),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 409, description = "This worker cannot, or something like it is under way.", body = ProblemBody),
    ))]
pub async fn drain(
    State(desk): State<Desk>,
    order: Order<Drain>,
) -> Result<(StatusCode, Json<Done>), Problem> {
    let Drain { member, who, why } = order.wish;
    let member = line("member", member)?;
    let who = who.map(|who| line("who", who)).transpose()?;
    let why = why.map(|why| line("why", why)).transpose()?;
    let Some(member) = member_in_slot(&member) else {
        let error =
            format!("member: found '{member}'; allowed: SERVICE.SLOT, such as cache_redis.3");
        return Err(Problem::bad(error));
    };
    let words = [who, why].into_iter().flatten();
    let words: Vec<String> = words.filter(|word| !word.trim().is_empty()).collect();
    let by = (!words.is_empty()).then(|| words.join(": "));
    begin(&desk, &order.sheet, Goal::Without(member), by).await
}

async fn begin(
    desk: &Desk,
    sheet: &Arc<Sheet>,
    goal: Goal,
    by: Option<String>,
) -> Result<(StatusCode, Json<Done>), Problem> {
    let conflict = |error: String| Problem::new(StatusCode::CONFLICT, error);
    let scaling = desk.scaling.as_ref().ok_or_else(|| {
        conflict(
            "cluster: this worker cannot change the service: it has no API of Docker or \
             Kubernetes, or listens for no announcements; allowed: `docker service scale` or \
             `kubectl scale`, which members under the supervisor make safe"
                .into(),
        )
    })?;
    // Nothing begins for a member that nobody knows: a slip of the pen must not read
    // as data that is safe.
    if let Goal::Without(member) = &goal {
        known(sheet, &member.to_string())?;
    }
    let done = scaling.begin(sheet, goal, by).await.map_err(conflict)?;
    Ok((StatusCode::ACCEPTED, Json(Done { done })))
}
