//! The questions and orders of orchestrator that scripts use, under its URLs and in its words,
//! so that whoever moves over need not change them at once. Everything is answered from what
//! the API itself tells, and ordered as the API orders it.
//!
//! Orchestrator's orders are GET requests. Here they need the operators' token, as a bearer
//! token or as the password of any user, and never come from a browser.

mod acts;
mod analysis;
mod instance;
mod reads;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use meshworker_engines::PRIMARY;
use meshworker_engines::registry::Kind;
use serde::Serialize;

use super::Desk;
use crate::board::Sheet;
use crate::http::{Json, Problem};
use crate::status::{ClusterStatus, MemberStatus};
use instance::Key;

/// All routes.
pub fn router() -> Router<Desk> {
    let reads = [
        ("/api/clusters", get(reads::clusters)),
        ("/api/clusters-info", get(reads::clusters_info)),
        ("/api/cluster/{hint}", get(reads::cluster)),
        ("/api/cluster/alias/{hint}", get(reads::cluster)),
        (
            "/api/cluster/instance/{host}/{port}",
            get(reads::cluster_of),
        ),
        ("/api/cluster-info/{hint}", get(reads::cluster_info)),
        ("/api/all-instances", get(reads::all_instances)),
        ("/api/instance/{host}/{port}", get(reads::instance)),
        ("/api/instance-replicas/{host}/{port}", get(reads::replicas)),
        ("/api/master/{hint}", get(reads::master)),
        ("/api/masters", get(reads::masters)),
        ("/api/topology/{hint}", get(reads::topology)),
        ("/api/topology/{host}/{port}", get(reads::topology_of)),
        ("/api/problems", get(reads::all_problems)),
        ("/api/problems/{hint}", get(reads::problems)),
        ("/api/replication-analysis", get(reads::analyses)),
        ("/api/replication-analysis/{hint}", get(reads::analysis)),
        ("/api/blocked-recoveries", get(reads::all_blocked)),
        (
            "/api/blocked-recoveries/cluster/{hint}",
            get(reads::blocked),
        ),
        ("/api/leader-check", get(reads::leader_check)),
        ("/api/lb-check", get(reads::lb_check)),
        ("/api/raft-leader", get(reads::raft_leader)),
        ("/api/raft-state", get(reads::raft_state)),
        ("/api/raft-health", get(reads::raft_health)),
        ("/api/health", get(reads::health)),
    ];
    let acts = [
        ("/api/graceful-master-takeover/{hint}", get(acts::take_over)),
        (
            "/api/graceful-master-takeover-auto/{hint}",
            get(acts::take_over),
        ),
        (
            "/api/graceful-master-takeover/{hint}/{host}/{port}",
            get(acts::take_over_by),
        ),
        (
            "/api/graceful-master-takeover-auto/{hint}/{host}/{port}",
            get(acts::take_over_by),
        ),
        ("/api/force-master-failover/{hint}", get(acts::fail_over)),
        (
            "/api/force-master-failover/{host}/{port}",
            get(acts::fail_over_of),
        ),
        ("/api/ack-recovery/cluster/{hint}", get(acts::acknowledge)),
        (
            "/api/ack-recovery/cluster/alias/{hint}",
            get(acts::acknowledge),
        ),
        (
            "/api/ack-recovery/instance/{host}/{port}",
            get(acts::acknowledge_of),
        ),
        ("/api/ack-all-recoveries", get(acts::acknowledge_all)),
        (
            "/api/begin-downtime/{host}/{port}/{owner}/{reason}",
            get(acts::downtime),
        ),
        (
            "/api/begin-downtime/{host}/{port}/{owner}/{reason}/{duration}",
            get(acts::downtime_for),
        ),
        ("/api/end-downtime/{host}/{port}", get(acts::uptime)),
    ];
    let of = |all: Router<Desk>, (path, route): (&str, _)| all.route(path, route);
    let acts = acts.into_iter().fold(Router::new(), of);
    let acts = acts.layer(axum::middleware::from_fn(acts::scripts_only));
    reads.into_iter().fold(Router::new(), of).merge(acts)
}

/// What most of orchestrator's answers are wrapped in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped<T> {
    code: &'static str,
    message: String,
    details: T,
}

/// This is so.
fn fine<T: Serialize>(message: impl Into<String>, details: T) -> Response {
    Json(wrapped(message, details)).into_response()
}

fn wrapped<T>(message: impl Into<String>, details: T) -> Wrapped<T> {
    Wrapped {
        code: "OK",
        message: message.into(),
        details,
    }
}

/// Why a question or an order has no other answer.
#[derive(Debug)]
pub struct Refused(Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let wrapped = Wrapped {
            code: "ERROR",
            message: self.0.words(),
            details: (),
        };
        (status, Json(wrapped)).into_response()
    }
}

type Answer = Result<Response, Refused>;

fn refused(status: StatusCode, error: impl Into<String>) -> Refused {
    Refused(Problem::new(status, error))
}

/// A cluster, as the last pass found it.
struct Cluster {
    sheet: Arc<Sheet>,
    status: ClusterStatus,
    /// The port of members that have no other one.
    port: u16,
}

impl Cluster {
    /// Those that have been looked at and have a primary that is chosen.
    fn all(desk: &Desk) -> Vec<Cluster> {
        let sheets = desk.board.sheets().into_iter();
        let clusters = sheets.filter_map(|sheet| {
            let engine = Kind::find(sheet.engine())?.descriptor();
            let chosen = engine.options.iter().any(|option| option.name == PRIMARY);
            let settings = sheet.config().settings.iter();
            let mut settings = settings.filter(|setting| setting.name == "service-port");
            let said = settings.find_map(|setting| setting.value.parse().ok());
            let status = sheet.status().filter(|_| chosen)?;
            Some(Cluster {
                status,
                port: said.unwrap_or(engine.port),
                sheet,
            })
        });
        clusters.collect()
    }

    /// The one that is meant: by its name, or by a member's.
    fn hinted(desk: &Desk, hint: &str) -> Result<Cluster, Refused> {
        let all = Cluster::all(desk);
        let names: Vec<String> = all.iter().map(|one| one.status.name.clone()).collect();
        let mut found = all.into_iter();
        let found = found.find(|one| one.status.name == hint || one.member(hint).is_some());
        found.ok_or_else(|| {
            let error = format!("cluster: found '{hint}'; allowed: {}", names.join(", "));
            refused(StatusCode::NOT_FOUND, error)
        })
    }

    /// The one that has this member, and the member.
    fn of(desk: &Desk, host: &str, port: &str) -> Result<(Cluster, MemberStatus), Refused> {
        let place = format!("{host}:{port}");
        let cluster = Cluster::hinted(desk, &place)?;
        let member = cluster.member(&place).cloned();
        let member = member.ok_or_else(|| {
            let error = format!("instance: found '{place}'; allowed: a member's address and port");
            refused(StatusCode::NOT_FOUND, error)
        })?;
        Ok((cluster, member))
    }

    /// The member that is called so: by its id, its address, or its address and port.
    fn member(&self, name: &str) -> Option<&MemberStatus> {
        let mut members = self.status.members.iter();
        members.find(|one| {
            let by_id = name.strip_suffix(&format!(":{}", self.port)) == Some(&*one.id);
            by_id || one.id == name || one.address == name || self.key(one).to_string() == name
        })
    }

    /// Where a member is.
    fn key(&self, member: &MemberStatus) -> Key {
        Key::of(&member.address, self.port)
    }
}
