//! An order that changes how many members a cluster chooses, while it runs.

use axum::http::StatusCode;
use meshworker_engines::IDEAL_SIZE;
use meshworker_engines::registry::Kind;
use meshworker_group::Order as Given;

use super::input::Order;
use super::orders::{give, tell};
use crate::board::Sheet;
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{Done, Size};

/// Changes how many of its members a cluster chooses, one after another; the others are
/// spares. The service stays as it is.
#[utoipa::path(post, path = "/v1/clusters/{cluster}/size", tag = "act", request_body = Size,
    responses(
        (status = 200, description = "The next passes go there, one member after another.", body = Done),
        (status = 400, description = "No cluster of this database has that size, and why.", body = ProblemBody),
        (status = 409, description = "All members of such a database are chosen.", body = ProblemBody),
        (status = 503, description = "The workers do not agree on it: none leads.", body = ProblemBody),
    ))]
pub async fn size(order: Order<Size>) -> Result<Json<Done>, Problem> {
    let Order { sheet, wish } = order;
    if let Some(size) = wish.size {
        check(&sheet, size)?;
    }
    let value = wish.size.map(|size| size.to_string());
    let name = IDEAL_SIZE.to_owned();
    give(&sheet, None, Given::Wish { name, value }).await?;
    let done = match wish.size {
        None => "the ideal size is what the configuration says".to_owned(),
        Some(size) => {
            let there = sheet.status().map_or(0, |status| status.members.len());
            let fewer = u64::try_from(there).is_ok_and(|there| there < size);
            let more = fewer.then(|| {
                format!("; {there} members are there, so scale the service up for the others")
            });
            format!("the ideal size is {size}{}", more.unwrap_or_default())
        }
    };
    Ok(tell(&sheet, None, "size", done))
}

/// Whether a cluster of this database can be of this size.
fn check(sheet: &Sheet, size: u64) -> Result<(), Problem> {
    if size == 0 {
        let error = "size: found 0, which is the end of a cluster; allowed: 1 and more, or the \
                     removal of its stack";
        return Err(Problem::bad(error));
    }
    let engine = Kind::find(sheet.engine()).map(Kind::descriptor);
    let mut options = engine.iter().flat_map(|engine| engine.options);
    let Some(option) = options.find(|option| option.name == IDEAL_SIZE) else {
        let title = engine.map_or(sheet.engine(), |engine| engine.title);
        let error = format!(
            "size: {title} chooses nobody, all replicas are its members; allowed: `docker \
             service scale`"
        );
        return Err(Problem::new(StatusCode::CONFLICT, error));
    };
    if (option.accepts)(&size.to_string()) {
        return Ok(());
    }
    let even = size.is_multiple_of(2).then(|| {
        let odd = size.saturating_sub(1);
        format!(", which outlives the loss of as many as {odd} does")
    });
    let (even, allowed) = (even.unwrap_or_default(), option.allowed);
    Err(Problem::bad(format!(
        "size: found {size}{even}; allowed: {allowed}"
    )))
}
