//! What a request carries, checked.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use meshworker_core::is_harmful;
use serde::de::DeserializeOwned;

use super::Desk;
use crate::board::Sheet;
use crate::http::{Problem, read};

/// No reason or name is longer, in characters. Four bytes each make a kilobyte.
pub const LONGEST: usize = 253;

/// The parts of a path.
pub type Parts<T> = Result<Path<T>, PathRejection>;

/// The parts of a path.
///
/// # Errors
///
/// They are no text.
pub fn parts<T>(parts: Parts<T>) -> Result<T, Problem> {
    let Path(parts) = parts.map_err(|_| Problem::bad("path: found bytes that are no text"))?;
    Ok(parts)
}

/// An order by whoever may give one.
pub struct Wish<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<Desk> for Wish<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Desk) -> Result<Wish<T>, Problem> {
        let (head, body) = request.into_parts();
        let wish = json(&head.headers, body).await;
        desk.may_act(&head.headers)?;
        wish.map(Wish)
    }
}

/// The same, about a cluster that is looked after.
pub struct Order<T> {
    /// The cluster's.
    pub sheet: Arc<Sheet>,
    /// What is wished for.
    pub wish: T,
}

impl<T: DeserializeOwned + Send> FromRequest<Desk> for Order<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Desk) -> Result<Order<T>, Problem> {
        let (mut head, body) = request.into_parts();
        let cluster = Path::<String>::from_request_parts(&mut head, desk).await;
        let Wish(wish) = Wish::from_request(Request::from_parts(head, body), desk).await?;
        let sheet = desk.sheet(&parts(cluster)?)?;
        Ok(Order { sheet, wish })
    }
}

/// A body of JSON. Browsers send other sites' forms as anything else, so the
/// type is asked for.
///
/// # Errors
///
/// It is no JSON, or not what is asked for; too large; or breaks off.
async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    // Read before anything is refused: who is still sending may not hear why.
    let body = read(body).await?;
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content-type: found '{kind}'; allowed: application/json"),
        ));
    }
    // What is read would also be read from a list of its values.
    if body
        .trim_ascii_start()
        .first()
        .is_some_and(|byte| *byte != b'{')
    {
        return Err(Problem::bad(
            "body: found no object; allowed: an object of JSON",
        ));
    }
    serde_json::from_slice(&body).map_err(|error| Problem::bad(format!("body: {error}")))
}

/// A name or a reason, which comes to stand in the log.
///
/// # Errors
///
/// It is more than a line, or too long.
pub fn line(field: &str, text: String) -> Result<String, Problem> {
    let length = text.chars().count();
    if length > LONGEST || text.chars().any(is_harmful) {
        return Err(Problem::bad(format!(
            "{field}: found {length} characters; allowed: one line of at most {LONGEST}"
        )));
    }
    Ok(text)
}
