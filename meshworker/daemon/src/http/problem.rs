//! A request that was not answered as wished, as JSON.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use meshworker_core::Told;
use utoipa::ToSchema;
use utoipa::openapi::{Content, Ref, ResponseBuilder};

use super::Json;

/// In bytes: what a client sent may be repeated in its answer, not at any length.
/// What we say ourselves is shorter.
const LONGEST: usize = 2_000;

/// Why a request was not answered as wished: `{"error": "..."}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    error: Told<LONGEST>,
}

impl Problem {
    /// A problem: its field, what was found, what is allowed.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Problem {
        Problem {
            status,
            error: error.into().into(),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// In words.
    pub(crate) fn words(self) -> String {
        self.error.into_string()
    }

    /// The request cannot be understood.
    pub fn bad(error: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, error)
    }
}

/// A problem's body.
#[derive(Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// The field, what was found, what is allowed; one line.
    pub error: String,
}

impl ProblemBody {
    /// Such an answer, in the document of routes.
    pub(crate) fn answer(description: &str) -> utoipa::openapi::Response {
        let body = Content::new(Some(Ref::from_schema_name(ProblemBody::name())));
        let answer = ResponseBuilder::new().description(description);
        answer.content("application/json", body).build()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(ProblemBody {
            error: self.error.into_string(),
        });
        let mut response = (self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
