//! The worker's HTTP servers: one for members, who announce themselves, and one
//! for operators ([`v1`]). This module owns what they share: connections,
//! bodies, tokens, limits, errors.

mod body;
pub mod certificate;
mod guard;
mod json;
mod lease;
mod places;
mod problem;
mod rate;
mod readers;
mod server;
mod token;
pub mod v1;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::get;

use crate::announce;
use crate::status::Health;

pub use body::read;
pub use guard::{Names, NoName, guarded};
pub use json::Json;
pub use lease::Lease;
pub use problem::{Problem, ProblemBody};
pub use rate::{limited, limited_to, limited_with};
pub use readers::{Readers, Unknown, restricted};
pub(crate) use server::{A_STREAM, ANSWERS, CONNECTIONS};
pub use server::{Peer, Server};
pub use token::Tokens;

/// Everything that members are answered from.
#[derive(Debug, Clone)]
pub struct State {
    /// Where members announce themselves.
    pub registry: std::sync::Arc<announce::Registry>,
}

/// All routes for members.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .merge(announce::router(state))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

/// Whether the process lives: whoever reads this knows. Says nothing of clusters.
async fn health() -> Json<Health> {
    Json(Health::Ok)
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
