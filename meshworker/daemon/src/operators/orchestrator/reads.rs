//! Orchestrator's questions.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

use super::instance::{Instance, replicas as below};
use super::{Answer, Cluster, Desk, analysis, fine, refused, wrapped};
use crate::group::Group;
use crate::http::Json;
use crate::status::{MemberStatus, Topology};
use crate::words;

fn instances<'a>(
    cluster: &'a Cluster,
    members: impl IntoIterator<Item = &'a MemberStatus>,
) -> Vec<Instance> {
    let members = members.into_iter();
    members
        .map(|member| Instance::of(cluster, member))
        .collect()
}

/// The clusters' names.
pub async fn clusters(State(desk): State<Desk>) -> Answer {
    let all = Cluster::all(&desk).into_iter();
    Ok(Json(all.map(|one| one.status.name).collect::<Vec<String>>()).into_response())
}

/// The same, with some words of each.
pub async fn clusters_info(State(desk): State<Desk>) -> Answer {
    let all = Cluster::all(&desk);
    Ok(Json(all.iter().map(analysis::info).collect::<Vec<_>>()).into_response())
}

/// One of them.
pub async fn cluster_info(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    Ok(Json(analysis::info(&cluster)).into_response())
}

/// All instances of a cluster.
pub async fn cluster(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    Ok(Json(instances(&cluster, &cluster.status.members)).into_response())
}

/// The same, of an instance's cluster.
pub async fn cluster_of(
    State(desk): State<Desk>,
    Path((host, port)): Path<(String, String)>,
) -> Answer {
    let (cluster, _) = Cluster::of(&desk, &host, &port)?;
    Ok(Json(instances(&cluster, &cluster.status.members)).into_response())
}

/// All instances of all clusters.
pub async fn all_instances(State(desk): State<Desk>) -> Answer {
    let all = Cluster::all(&desk);
    let all = all
        .iter()
        .flat_map(|one| instances(one, &one.status.members));
    Ok(Json(all.collect::<Vec<_>>()).into_response())
}

/// One instance.
pub async fn instance(
    State(desk): State<Desk>,
    Path((host, port)): Path<(String, String)>,
) -> Answer {
    let (cluster, member) = Cluster::of(&desk, &host, &port)?;
    Ok(Json(Instance::of(&cluster, &member)).into_response())
}

/// Those that copy from an instance.
pub async fn replicas(
    State(desk): State<Desk>,
    Path((host, port)): Path<(String, String)>,
) -> Answer {
    let (cluster, member) = Cluster::of(&desk, &host, &port)?;
    Ok(Json(instances(&cluster, below(&cluster, &member))).into_response())
}

/// A cluster's primary.
pub async fn master(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    let Ok(primary) = cluster.status.primary() else {
        let error = format!("master: nobody takes writes in {}", cluster.status.name);
        return Err(refused(StatusCode::NOT_FOUND, error));
    };
    Ok(Json(Instance::of(&cluster, primary)).into_response())
}

/// The primaries of all clusters that have one.
pub async fn masters(State(desk): State<Desk>) -> Answer {
    let all = Cluster::all(&desk);
    let all = all.iter();
    let primaries = all.filter_map(|one| Some(Instance::of(one, one.status.primary().ok()?)));
    Ok(Json(primaries.collect::<Vec<_>>()).into_response())
}

/// Who copies from whom, drawn.
pub async fn topology(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    drawn(&Cluster::hinted(&desk, &hint)?)
}

/// The same, of an instance's cluster.
pub async fn topology_of(
    State(desk): State<Desk>,
    Path((host, port)): Path<(String, String)>,
) -> Answer {
    let (cluster, _) = Cluster::of(&desk, &host, &port)?;
    drawn(&cluster)
}

fn drawn(cluster: &Cluster) -> Answer {
    let members = Topology::of(&cluster.status).members;
    let lines = members.iter().map(|placed| {
        let member = &placed.member;
        let view = member.view.as_ref();
        let source = view.and_then(|view| view.replication.as_ref()?.source.as_ref());
        let behind = source.and_then(|source| source.behind_seconds);
        let lag = match (source, behind) {
            (None, _) => "0s".to_owned(),
            (Some(_), Some(behind)) => format!("{behind}s"),
            (Some(_), None) => "unknown".into(),
        };
        let state = match view.map(|view| view.working.is_none()) {
            Some(true) => "ok",
            Some(false) => "nonreplicating",
            None => "invalid",
        };
        let writes = view.is_some_and(|view| view.primary);
        let mode = if writes { "rw" } else { "ro" };
        let branch = match placed.depth {
            0 => String::new(),
            depth => format!("{}+ ", "  ".repeat(depth - 1)),
        };
        format!(
            "{branch}{} [{lag},{state},{mode},GTID]",
            cluster.key(member)
        )
    });
    // Its lines are the one text here that has several, so that each is made harmless itself.
    let lines = lines.map(|line| words::dull(&line).into_owned());
    let drawn = lines.collect::<Vec<_>>().join("\n");
    let name = words::dull(&cluster.status.name);
    let wrapped = wrapped(format!("Topology for cluster {name}"), drawn);
    let text = serde_json::to_string(&wrapped);
    let text = text.map_err(|why| refused(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The instances with which anything is wrong.
pub async fn all_problems(State(desk): State<Desk>) -> Answer {
    Ok(Json(
        Cluster::all(&desk)
            .iter()
            .flat_map(wrong)
            .collect::<Vec<_>>(),
    )
    .into_response())
}

/// The same, of one cluster.
pub async fn problems(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    Ok(Json(wrong(&cluster)).into_response())
}

fn wrong(cluster: &Cluster) -> Vec<Instance> {
    let mut all = instances(cluster, &cluster.status.members);
    all.retain(Instance::has_problems);
    all
}

/// What is wrong, by orchestrator's codes.
pub async fn analyses(State(desk): State<Desk>) -> Answer {
    let found: Vec<_> = Cluster::all(&desk)
        .iter()
        .filter_map(analysis::of)
        .collect();
    Ok(fine("Analysis", found))
}

/// The same, of one cluster.
pub async fn analysis(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    Ok(fine("Analysis", Vec::from_iter(analysis::of(&cluster))))
}

/// A fail-over that is not made, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Blocked {
    cluster_name: String,
    analysis: &'static str,
    reason: String,
}

/// The fail-overs that are not made.
pub async fn all_blocked(State(desk): State<Desk>) -> Answer {
    Ok(Json(
        Cluster::all(&desk)
            .iter()
            .flat_map(held_up)
            .collect::<Vec<_>>(),
    )
    .into_response())
}

/// The same, of one cluster.
pub async fn blocked(State(desk): State<Desk>, Path(hint): Path<String>) -> Answer {
    let cluster = Cluster::hinted(&desk, &hint)?;
    Ok(Json(held_up(&cluster)).into_response())
}

fn held_up(cluster: &Cluster) -> Vec<Blocked> {
    let refusals = cluster.status.plan.refusals.iter();
    let closed = refusals.filter(|refusal| refusal.kind.starts_with("succession_gate"));
    let blocked = closed.map(|refusal| Blocked {
        cluster_name: cluster.status.name.clone(),
        analysis: "DeadMaster",
        reason: format!("{}: {}", refusal.what, refusal.reason),
    });
    blocked.collect()
}

/// Whether this worker is the one that acts.
fn acts(desk: &Desk) -> bool {
    let status = desk.board.group_status();
    desk.board.group().map_or(status.acts, Group::acts)
}

/// 200 at the worker that acts alone.
pub async fn leader_check(State(desk): State<Desk>) -> Answer {
    match acts(&desk) {
        true => Ok(Json("OK").into_response()),
        false => Ok((StatusCode::NOT_FOUND, Json("Not leader")).into_response()),
    }
}

/// That the process answers.
pub async fn lb_check() -> Answer {
    Ok(Json("OK").into_response())
}

/// Which worker acts.
pub async fn raft_leader(State(desk): State<Desk>) -> Answer {
    let status = desk.board.group_status();
    let mut members = status.members.iter();
    let leader = members.find(|one| Some(&one.store) == status.leader.as_ref());
    let address = leader.and_then(|leader| leader.address.clone());
    Ok(Json(address.or(status.leader.clone()).unwrap_or_default()).into_response())
}

/// What this worker is among the others.
pub async fn raft_state(State(desk): State<Desk>) -> Answer {
    let state = if acts(&desk) { "Leader" } else { "Follower" };
    Ok(Json(state).into_response())
}

/// Whether the workers have one that acts.
pub async fn raft_health(State(desk): State<Desk>) -> Answer {
    let status = desk.board.group_status();
    if acts(&desk) || status.leader.is_some() {
        return Ok(Json("healthy").into_response());
    }
    let why = status.why.clone().unwrap_or_else(|| "nobody acts".into());
    Err(refused(StatusCode::SERVICE_UNAVAILABLE, why))
}

/// How a worker is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    healthy: bool,
    is_active_node: bool,
    clusters: usize,
}

/// That it answers, and whether it acts.
pub async fn health(State(desk): State<Desk>) -> Answer {
    let health = Health {
        healthy: true,
        is_active_node: acts(&desk),
        clusters: Cluster::all(&desk).len(),
    };
    Ok(fine("Application node is healthy", health))
}
