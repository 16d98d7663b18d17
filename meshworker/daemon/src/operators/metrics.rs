//! What the worker can be measured by.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Desk;
use crate::metrics::{CONTENT_TYPE, scrape};

/// What the worker can be measured by, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "read",
    responses((status = 200, description = "As docs/metrics.md lists it.", content_type = "text/plain", body = String)))]
pub async fn metrics(State(desk): State<Desk>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], scrape(&desk.board))
}
