//! What the clusters are.

use axum::extract::State;
use axum::http::StatusCode;

use super::Desk;
use super::input::{Parts, parts};
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{
    ClusterStatus, Config, LeaverStatus, MemberStatus, PlanStatus, Summary, Topology, Why,
};

impl Desk {
    fn status(&self, cluster: Parts<String>) -> Result<ClusterStatus, Problem> {
        let sheet = self.sheet(&parts(cluster)?)?;
        sheet.status().ok_or_else(|| not_yet(sheet.name()))
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
pub async fn one(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<ClusterStatus>, Problem> {
    desk.status(cluster).map(Json)
}

/// A cluster's members.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/members", tag = "read",
    responses(
        (status = 200, description = "Sorted by id.", body = Vec<MemberStatus>),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn members(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<Vec<MemberStatus>>, Problem> {
    Ok(Json(desk.status(cluster)?.members))
}

/// The one member to which everything is written, as the last pass found it.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/primary", tag = "read",
    responses(
        (status = 200, description = "It, by its own word.", body = MemberStatus),
        (status = 404, description = "No such cluster, or not one member of it is its primary.", body = ProblemBody),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn primary(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<MemberStatus>, Problem> {
    let status = desk.status(cluster)?;
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
pub async fn topology(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<Topology>, Problem> {
    Ok(Json(Topology::of(&desk.status(cluster)?)))
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
pub async fn plan(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<PlanStatus>, Problem> {
    Ok(Json(desk.status(cluster)?.plan))
}

/// Who is on its way out.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/leavers", tag = "read",
    responses(
        (status = 200, description = "In the order of their turns.", body = Vec<LeaverStatus>),
        (status = 503, description = "No pass has ended yet.", body = ProblemBody),
    ))]
pub async fn leavers(
    State(desk): State<Desk>,
    cluster: Parts<String>,
) -> Result<Json<Vec<LeaverStatus>>, Problem> {
    Ok(Json(desk.status(cluster)?.leavers))
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
