//! What has happened.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Desk;
use crate::http::{Problem, ProblemBody};
use crate::status::{Event, Events};

/// So many events are told when nobody says how many.
const TOLD: usize = 100;

/// So many events are told at most.
const MOST: usize = 1_000;

/// No event has a greater number: programs in many languages know none.
const LAST: u64 = i64::MAX as u64;

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Of this cluster alone.
    #[serde(default)]
    cluster: Option<String>,
    /// About this member alone.
    #[serde(default)]
    member: Option<String>,
    /// Those after this one.
    #[serde(default)]
    after: Option<u64>,
    /// So many at most, the newest.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl Which {
    /// What a query asks for.
    ///
    /// # Errors
    ///
    /// A field is unknown, or its value not allowed.
    pub fn read(query: Result<Query<Which>, QueryRejection>) -> Result<Which, Problem> {
        let Query(which) = query.map_err(|why| {
            // The first line says which field.
            let why = why.body_text();
            Problem::bad(format!("query: {}", why.lines().next().unwrap_or_default()))
        })?;
        if let Some(limit) = which.limit.filter(|limit| !(1..=MOST).contains(limit)) {
            let error = format!("limit: found '{limit}'; allowed: 1 to {MOST}");
            return Err(Problem::bad(error));
        }
        if let Some(after) = which.after.filter(|after| *after > LAST) {
            let error = format!("after: found '{after}'; allowed: 0 to {LAST}");
            return Err(Problem::bad(error));
        }
        Ok(which)
    }

    /// Whether an event is asked for.
    pub fn wants(&self, event: &Event) -> bool {
        let cluster = self.cluster.as_ref().is_none_or(|c| *c == event.cluster);
        let member = self.member.as_ref();
        cluster && member.is_none_or(|member| event.member.as_ref() == Some(member))
    }

    /// Whether anything of this cluster is asked for.
    pub fn wants_cluster(&self, cluster: &str) -> bool {
        self.cluster.as_ref().is_none_or(|wanted| wanted == cluster)
    }

    /// The event after which it begins; none for now.
    pub fn after(&self) -> Option<u64> {
        self.after
    }
}

/// What has happened, as far as this worker remembers.
#[utoipa::path(get, path = "/v1/events", tag = "read", params(Which),
    responses(
        (status = 200, description = "Oldest first.", body = Events),
        (status = 400, description = "A field is not allowed.", body = ProblemBody),
    ))]
pub async fn events(
    State(desk): State<Desk>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let which = Which::read(query)?;
    let limit = which.limit.unwrap_or(TOLD);
    let after = which.after.unwrap_or(0);
    let chronicle = desk.board.chronicle();
    let page = chronicle.events(after, limit, |e| which.wants(e));
    // All of the history is megabytes: not written anew for each that asks.
    Ok(([(header::CONTENT_TYPE, "application/json")], page.json()))
}
