//! The worker's HTTP server. Each part of it brings routes of its own; this
//! module owns what they share: connections, bodies, the token, errors.

mod body;
mod problem;
mod server;
mod token;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::get;
use serde_json::{Value, json};

use crate::announce;

pub use body::read;
pub use problem::Problem;
pub use server::{Peer, Server};
pub use token::Token;

/// Everything that this process answers.
#[derive(Debug, Clone)]
pub struct State {
    /// Whom it answers.
    pub token: std::sync::Arc<Token>,
    /// Where members announce themselves.
    pub registry: std::sync::Arc<announce::Registry>,
}

/// All routes.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .merge(announce::router(state))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

/// Whether the process lives: whoever reads this knows. Says nothing of clusters.
async fn health() -> axum::Json<Value> {
    axum::Json(json!({ "status": "ok" }))
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "path: found '{}'; allowed: /v1/announcements, /v1/health",
            uri.path()
        ),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("method: found {method}; not allowed for {}", uri.path()),
    )
}
