//! Who is registered with this process's gossip router.

use axum::extract::State;

use super::Desk;
use crate::http::Json;
use crate::status::GossipStatus;

/// The members of JGroups that are registered with this gossip router, or with another one
/// that shares with it. A process that is none knows of nobody.
#[utoipa::path(get, path = "/v1/gossip", tag = "read",
    responses((status = 200, description = "As this router knows them.", body = GossipStatus)))]
pub async fn gossip(State(desk): State<Desk>) -> Json<GossipStatus> {
    let hub = desk.board.gossip();
    Json(hub.map(|hub| hub.status()).unwrap_or_default())
}
