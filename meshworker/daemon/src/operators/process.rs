//! About the process: health, readiness, what is logged, the document.

use std::sync::LazyLock;
use std::time::SystemTime;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::Desk;
use super::input::Wish;
use crate::http::{Json, Problem, ProblemBody, Unknown};
use crate::status::{Done, Health, Log, Readiness};

/// Whether the process lives: whoever reads this knows. Says nothing of clusters.
#[utoipa::path(get, path = "/v1/health", tag = "read",
    responses((status = 200, description = "It lives.", body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health::Ok)
}

/// Whether this worker has looked at all its clusters a short while ago. Where reading
/// needs a token, whoever has none is told this, and no more.
#[utoipa::path(get, path = "/v1/ready", tag = "read",
    responses(
        (status = 200, description = "It has.", body = Readiness),
        (status = 503, description = "It has not.", body = Readiness),
    ))]
pub async fn ready(
    State(desk): State<Desk>,
    unknown: Option<Extension<Unknown>>,
) -> (StatusCode, Json<Readiness>) {
    let sheets = desk.board.sheets();
    let missing: Vec<String> = sheets.iter().filter_map(|sheet| sheet.missing()).collect();
    let ready = missing.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let certificate = desk.board.certificate();
    let warning = certificate.and_then(|shown| shown.warning(SystemTime::now()));
    let mut readiness = Readiness {
        ready,
        missing,
        warnings: warning.into_iter().collect(),
    };
    if unknown.is_some() {
        // Probes have no token, and need no names.
        let told = "whoever has a token is told what";
        for lines in [&mut readiness.missing, &mut readiness.warnings] {
            lines.iter_mut().for_each(|line| told.clone_into(line));
        }
    }
    (status, Json(readiness))
}

/// Changes what is logged, until the worker restarts.
#[utoipa::path(put, path = "/v1/log", tag = "act", request_body = Log,
    responses(
        (status = 200, description = "It is logged from now on.", body = Done),
        (status = 400, description = "No such filter.", body = ProblemBody),
    ))]
pub async fn log_level(
    State(desk): State<Desk>,
    Wish(Log { level }): Wish<Log>,
) -> Result<Json<Done>, Problem> {
    let handle = desk.log_level.as_ref();
    let handle = handle.ok_or_else(|| Problem::bad("level: this process has no log to change"))?;
    handle
        .set(level)
        .map_err(|why| Problem::bad(format!("level: {why}")))?;
    let done = format!("the log has what is at least {} from now on", level.name());
    Ok(Json(Done { done }))
}

/// The OpenAPI document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "read",
    responses((status = 200, description = "This document.", body = Object)))]
pub async fn openapi() -> impl IntoResponse {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| super::document().to_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], &**TEXT)
}
