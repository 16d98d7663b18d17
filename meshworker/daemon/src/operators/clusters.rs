//! What the clusters are.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::{StatusCode, request};

use super::Desk;
use super::input::{Parts, parts};
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{
    ClusterStatus, Config, LeaverStatus, MemberStatus, PlanStatus, Summary, Topology, Why,
};

/// The cluster that is asked about, as the last pass found it.
pub struct Seen(ClusterStatus);

impl FromRequestParts<Desk> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut request::Parts, desk: &Desk) -> Result<Seen, Problem> {
        let cluster = Path::<String>::from_request_parts(head, desk).await;
        let sheet = desk.sheet(&parts(cluster)?)?;
        let status = sheet.status().map(Seen);
        status.ok_or_else(|| not_yet(sheet.name()))
    }
}

fn not_yet(cluster: &str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("cluster: no pass over '{cluster}' has ended yet; ask again in a moment"),
    )
}

/// All clusters, each in a line.
#[utoipa::path(get, path = "/v1/clusters", tag = "read",
    responses((status = 200, description = "Sorted by name.", body = Vec<Summary>)))]
pub async fn all(State(desk): State<Desk>) -> Json<Vec<Summary>> {
    Json(desk.board.sheets().iter().map(|s| s.summary()).collect())
}

/// Everything about one cluster, as the last pass found it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}", tag = "read",
    responses(
        (status = 200, description = "As the last pass found it.", body = ClusterStatus),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn one(Seen(status): Seen) -> Json<ClusterStatus> {
    Json(status)
}

/// A cluster's members.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/members", tag = "read",
    responses(
        (status = 200, description = "Sorted by id.", body = Vec<MemberStatus>),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn members(Seen(status): Seen) -> Json<Vec<MemberStatus>> {
    Json(status.members)
}

/// The one member to which everything is written, as the last pass found it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/primary", tag = "read",
    responses(
        (status = 200, description = "It, by its own word.", body = MemberStatus),
        (status = 404, description = "No such cluster, or not one member of it is its primary.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn primary(Seen(status): Seen) -> Result<Json<MemberStatus>, Problem> {
    let error = match status.primary() {
        Ok(primary) => return Ok(Json(primary.clone())),
        Err(0) => "primary: no member says that everything is written to it",
        Err(_) => "primary: several members say that everything is written to them",
    };
    Err(Problem::new(StatusCode::NOT_FOUND, error))
}

/// Who copies from whom, how far each is, and what is wrong with it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/topology", tag = "read",
    responses(
        (status = 200, description = "The primary first, and each member before those that copy from it.", body = Topology),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn topology(Seen(status): Seen) -> Json<Topology> {
    Json(Topology::of(&status))
}

/// All evidence for one member.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/members/{member}", tag = "read",
    params(("member" = String, Path, description = "Its id, its slot's number, its address, or its node's id.")),
    responses(
        (status = 200, description = "What is known, planned, refused and remembered.", body = Why),
        (status = 404, description = "No such cluster or member.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn why(
    State(desk): State<Desk>,
    path: Parts<(String, String)>,
) -> Result<Json<Why>, Problem> {
    let (cluster, member) = parts(path)?;
    let sheet = desk.sheet(&cluster)?;
    if sheet.look().is_none() {
        return Err(not_yet(&cluster));
    }
    let why = sheet.why(&member).ok_or_else(|| {
        let error = format!(
            "member: found '{member}'; allowed: an id, a slot's number, an address or a node's id \
             that /v1/clusters/{cluster}/members lists"
        );
        Problem::new(StatusCode::NOT_FOUND, error)
    })?;
    Ok(Json(why))
}

/// What was planned in the last pass, done, and not done.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/plan", tag = "read",
    responses(
        (status = 200, description = "In a dry run, what would have been done.", body = PlanStatus),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn plan(Seen(status): Seen) -> Json<PlanStatus> {
    Json(status.plan)
}

/// Who is on its way out.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/leavers", tag = "read",
    responses(
        (status = 200, description = "In the order of their turns.", body = Vec<LeaverStatus>),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn leavers(Seen(status): Seen) -> Json<Vec<LeaverStatus>> {
    Json(status.leavers)
}

/// A cluster's effective configuration. Files that hold secrets are named.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/config", tag = "read",
    responses((status = 200, description = "Every setting, and where it is from.", body = Config)))]
pub async fn config(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<Config>, Problem> {
    Ok(Json(desk.sheet(&parts(cluster)?)?.config().clone()))
}
