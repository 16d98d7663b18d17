//! The operators' API. Reads are open to whoever reaches the address; acts need
//! the operators' token. No answer holds a secret.
//!
//! The OpenAPI document is made from these handlers and their types.

mod clusters;
mod document;
mod events;
mod gossip;
mod group;
mod input;
mod metrics;
mod orchestrator;
mod orders;
mod process;
mod scaling;
mod size;
mod stream;
mod succession;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::board::{Board, Sheet};
use crate::http::{Problem, Streams, Tokens};
use crate::log_level::LogLevel;
use crate::scale::Scaling;

/// So many streams of events at a time.
pub(crate) const STREAMS: usize = 256;

/// So many of one client: the dashboards of a team behind one gateway.
const STREAMS_OF_ONE: usize = 32;

/// Everything that operators are answered from.
#[derive(Clone)]
pub struct Desk {
    board: Arc<Board>,
    token: Option<Tokens>,
    scaling: Option<Arc<Scaling>>,
    log_level: Option<LogLevel>,
    streams: Arc<Streams>,
}

impl Desk {
    /// A desk that answers from this board, and takes no orders.
    pub fn new(board: Arc<Board>) -> Desk {
        Desk {
            board,
            token: None,
            scaling: None,
            log_level: None,
            streams: Streams::of(STREAMS, STREAMS_OF_ONE),
        }
    }

    /// The same, which takes orders from whoever has one of these tokens.
    pub fn with_token(self, token: Option<Tokens>) -> Desk {
        Desk { token, ..self }
    }

    /// The same, which can change services through the Docker API.
    pub fn with_scaling(self, scaling: Option<Arc<Scaling>>) -> Desk {
        Desk { scaling, ..self }
    }

    /// The same, which can change what is logged.
    pub fn with_log_level(self, log_level: Option<LogLevel>) -> Desk {
        Desk { log_level, ..self }
    }

    /// Checks that a request may act.
    fn may_act(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = self.token.as_ref().ok_or_else(|| {
            let error = "authorization: this worker takes no orders; allowed: reading, or start \
                         it with api-token-file";
            Problem::new(StatusCode::FORBIDDEN, error)
        })?;
        token.check(headers)
    }

    fn sheet(&self, cluster: &str) -> Result<Arc<Sheet>, Problem> {
        self.board.sheet(cluster).ok_or_else(|| {
            let sheets = self.board.sheets();
            let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name()).collect();
            let allowed = if names.is_empty() {
                "nothing: no cluster is looked after".into()
            } else {
                names.join(", ")
            };
            let error = format!("cluster: found '{cluster}'; allowed: {allowed}");
            Problem::new(StatusCode::NOT_FOUND, error)
        })
    }
}

/// All routes for operators.
pub fn router(desk: Desk) -> Router {
    documented()
        .0
        .merge(orchestrator::router())
        .with_state(desk)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

/// The OpenAPI document of all routes.
pub fn document() -> utoipa::openapi::OpenApi {
    documented().1
}

fn documented() -> (Router<Desk>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(document::head())
        .routes(routes!(process::health))
        .routes(routes!(process::ready))
        .routes(routes!(process::log_level))
        .routes(routes!(metrics::metrics))
        .routes(routes!(clusters::all))
        .routes(routes!(clusters::one))
        .routes(routes!(clusters::members))
        .routes(routes!(clusters::primary))
        .routes(routes!(clusters::topology))
        .routes(routes!(clusters::why))
        .routes(routes!(clusters::plan))
        .routes(routes!(clusters::leavers))
        .routes(routes!(clusters::config))
        .routes(routes!(events::events))
        .routes(routes!(stream::stream))
        .routes(routes!(orders::hold))
        .routes(routes!(orders::resume))
        .routes(routes!(orders::forget))
        .routes(routes!(orders::acknowledge))
        .routes(routes!(size::size))
        .routes(routes!(succession::switchover))
        .routes(routes!(succession::failover))
        .routes(routes!(succession::downtime))
        .routes(routes!(succession::uptime))
        .routes(routes!(scaling::scale))
        .routes(routes!(scaling::drain))
        .routes(routes!(gossip::gossip))
        .routes(routes!(group::group))
        .routes(routes!(group::leader))
        .routes(routes!(group::hand_over))
        .routes(routes!(group::remove))
        .routes(routes!(group::restart))
        .routes(routes!(process::openapi))
        .split_for_parts();
    document::complete(&mut document);
    (routes, document)
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "path: found '{}'; allowed: those of /v1/openapi.json",
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
