//! The workers of one service: who acts, and what operators order of them.

use axum::extract::State;
use axum::http::StatusCode;
use meshworker_group::StoreId;

use super::Desk;
use super::input::{Wish, line};
use crate::group::Group;
use crate::http::{Json, Problem, ProblemBody};
use crate::status::{Done, GroupMember, GroupStatus, HandOver, RemoveWorker, RestartGroup};

/// How the workers stand, as this one sees it. One that works alone is in no group, and acts.
#[utoipa::path(get, path = "/v1/group", tag = "read",
    responses((status = 200, description = "As this worker sees it.", body = GroupStatus)))]
pub async fn group(State(desk): State<Desk>) -> Json<GroupStatus> {
    Json(GroupStatus::clone(&desk.board.group_status()))
}

/// Whether this worker is the one that acts: 200 at that one alone, for load balancers.
#[utoipa::path(get, path = "/v1/leader", tag = "read",
    responses(
        (status = 200, description = "It acts.", body = GroupStatus),
        (status = 503, description = "Another one does, or nobody.", body = ProblemBody),
    ))]
pub async fn leader(State(desk): State<Desk>) -> Result<Json<GroupStatus>, Problem> {
    let status = desk.board.group_status();
    // At this very moment: what is shown may be a little older.
    if desk.board.group().map_or(status.acts, Group::acts) {
        return Ok(Json(GroupStatus::clone(&status)));
    }
    let why = status.why.as_deref().unwrap_or("it has just begun");
    Err(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("leader: this worker does not act: {why}"),
    ))
}

/// Has another worker act. Only the one that acts can hand that over.
#[utoipa::path(post, path = "/v1/group/hand-over", tag = "act", request_body = HandOver,
    responses(
        (status = 200, description = "It is handed over.", body = Done),
        (status = 404, description = "No such worker.", body = ProblemBody),
        (status = 409, description = "This worker does not act, or nobody else could.", body = ProblemBody),
    ))]
pub async fn hand_over(
    State(desk): State<Desk>,
    Wish(wish): Wish<HandOver>,
) -> Result<Json<Done>, Problem> {
    let to = wish.to.map(|to| line("to", to)).transpose()?;
    let group = in_group(&desk)?;
    let to = to.map(|to| named(group, "to", &to)).transpose()?;
    let to = group.hand_over(to).await.map_err(conflict)?;
    let done = format!("{} is to act from now on", who(group, to));
    Ok(Json(Done { done }))
}

/// Takes a worker's store out of the group: one that is gone for good. Only the worker that
/// acts can do so; that a majority of those that stay is there is seen to all the same.
#[utoipa::path(post, path = "/v1/group/remove", tag = "act", request_body = RemoveWorker,
    responses(
        (status = 200, description = "It is removed.", body = Done),
        (status = 404, description = "No such worker.", body = ProblemBody),
        (status = 409, description = "This worker does not act, or that one does, or it answers, or its removal is not safe yet.", body = ProblemBody),
    ))]
pub async fn remove(
    State(desk): State<Desk>,
    Wish(wish): Wish<RemoveWorker>,
) -> Result<Json<Done>, Problem> {
    let worker = line("worker", wish.worker)?;
    let group = in_group(&desk)?;
    let store = named(group, "worker", &worker)?;
    let worker = who(group, store);
    group.remove(store).await.map_err(conflict)?;
    let done = format!("{worker} is in the group no more");
    Ok(Json(Done { done }))
}

/// Makes what this worker has kept the beginning of a new group, after a majority of the old
/// one is lost. What only those who are lost knew is lost with them.
#[utoipa::path(post, path = "/v1/group/restart", tag = "act", request_body = RestartGroup,
    responses(
        (status = 200, description = "This worker is a group of its own.", body = Done),
        (status = 409, description = "Another group is meant, or nothing is lost.", body = ProblemBody),
    ))]
pub async fn restart(
    State(desk): State<Desk>,
    Wish(wish): Wish<RestartGroup>,
) -> Result<Json<Done>, Problem> {
    let name = line("group", wish.group)?;
    let group = in_group(&desk)?;
    let known = group.status().group.clone().unwrap_or_default();
    if name != known {
        return Err(conflict(format!(
            "group: found '{name}'; allowed: '{known}', the one that is given up"
        )));
    }
    group.restart().await.map_err(conflict)?;
    let done = "this worker is a group of its own from now on; others join it".to_owned();
    Ok(Json(Done { done }))
}

fn in_group(desk: &Desk) -> Result<&Group, Problem> {
    desk.board.group().ok_or_else(|| {
        conflict(
            "group: this worker works alone; allowed: workers that know their slot, their name \
             and a token: docs/workers.md"
                .into(),
        )
    })
}

fn conflict(why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, why)
}

/// The store that is meant: by its id, its slot, or its node.
fn named(group: &Group, field: &str, name: &str) -> Result<StoreId, Problem> {
    let status = group.status();
    let is = |one: &&GroupMember| {
        one.store == name
            || one.slot.is_some_and(|slot| slot.to_string() == name)
            || one.node.as_deref() == Some(name)
    };
    let found: Vec<_> = status.members.iter().filter(is).collect();
    let from: Vec<_> = match found.as_slice() {
        [one] if let Ok(store) = one.store.parse() => return Ok(store),
        [] => status.members.iter().collect(),
        _ => found,
    };
    let allowed = from
        .iter()
        .map(|one| format!("{} ({})", one.store, one.name()));
    let allowed: Vec<String> = allowed.collect();
    let allowed = allowed.join(", ");
    let error = format!("{field}: found '{name}'; allowed: one of {allowed}");
    Err(Problem::new(StatusCode::NOT_FOUND, error))
}

fn who(group: &Group, store: StoreId) -> String {
    let status = group.status();
    let store = store.to_string();
    let found = status.members.iter().find(|one| one.store == store);
    found.map_or_else(|| format!("store {store}"), GroupMember::name)
}
