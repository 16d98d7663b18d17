//! Who may read, where reading needs a token as well.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Problem, Tokens};

/// The tokens of those who may read: readers' own, and the operators'.
#[derive(Debug)]
pub struct Readers {
    /// Those of the file for readers.
    pub own: Tokens,
    /// Those of the file for operators, if there is one.
    pub operators: Option<Tokens>,
}

/// That a request carries no token although reading needs one here: it is told
/// nothing of clusters.
#[derive(Debug, Clone, Copy)]
pub struct Unknown;

impl Readers {
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let operators = self.operators.as_ref();
        if operators.is_some_and(|tokens| tokens.check(headers).is_ok()) {
            return Ok(());
        }
        self.own.check(headers).map_err(|problem| {
            if problem.status() != StatusCode::UNAUTHORIZED {
                return problem;
            }
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "authorization: found no token that may read here; allowed: Bearer with a token \
                 of this worker's api-read-token-file or api-token-file (commands: \
                 --api-read-token-file)",
            )
        })
    }
}

/// These routes, for whoever has a token; for everybody without `readers`.
pub fn restricted(readers: Option<Readers>, router: Router) -> Router {
    match readers {
        None => router,
        Some(readers) => router.layer(axum::middleware::from_fn_with_state(
            Arc::new(readers),
            check,
        )),
    }
}

async fn check(State(readers): State<Arc<Readers>>, mut request: Request, next: Next) -> Response {
    if let Err(problem) = readers.check(request.headers()) {
        if !is_open(request.uri().path()) {
            return problem.into_response();
        }
        request.extensions_mut().insert(Unknown);
    }
    next.run(request).await
}

/// Whether this says nothing of any cluster: whether the process lives and is ready,
/// for probes, which have no token; the page's code, which asks for one; and the
/// document of the API, which is the same everywhere.
fn is_open(path: &str) -> bool {
    matches!(
        path,
        "/" | "/dashboard.css" | "/v1/health" | "/v1/ready" | "/v1/openapi.json"
    ) || path.starts_with("/dashboard/")
}
