//! Requests, as the gateway takes them.

use meshworker_core::{Place, Told};
use serde_json::{Value, json};

use super::client::{Client, FAILED_PRECONDITION, NOT_FOUND, Silence};
use super::request::{Act, EtcdRequest};
use super::wire::{Refused, Status};
use crate::Failure;

/// Makes one request to the member at `to`, if it is the one that is meant.
///
/// # Errors
///
/// It refused, another one lives there now, or no answer came in time.
pub async fn perform(client: &Client, to: Place, request: &EtcdRequest) -> Result<String, Failure> {
    let unanswered = |why: meshworker_core::Unanswered| Failure::Unanswered(why.to_string());
    let mut talk = client.talk(to).await.map_err(unanswered)?;
    let status: Result<Status, _> = talk.ask("/v3/maintenance/status", &json!({})).await;
    let found = status.map_err(failure)?.header.member_id;
    if found != request.node {
        let (asked, found) = (&request.node, Told::<64>::from(found));
        return Err(Failure::Refused(format!(
            "at {to} lives {found} now, not {asked}"
        )));
    }
    let (path, body) = sent(&request.act)
        .ok_or_else(|| Failure::Refused(format!("no id of a member: {request}")))?;
    match talk.ask::<Value>(path, &body).await {
        Ok(_) => Ok("done".into()),
        Err(Silence::Refused(refused)) if is_so_already(&request.act, &refused) => {
            Ok("it is so already".into())
        }
        Err(why) => Err(failure(why)),
    }
}

/// Where it goes, and what; none where an id is none.
fn sent(act: &Act) -> Option<(&'static str, Value)> {
    // Decimal there, and a string: no JSON number holds all of them.
    let id = |hex: &String| Some(u64::from_str_radix(hex, 16).ok()?.to_string());
    Some(match act {
        Act::AddLearner { peer_url } => (
            "/v3/cluster/member/add",
            json!({"peerURLs": [peer_url], "isLearner": true}),
        ),
        Act::Promote(member) => ("/v3/cluster/member/promote", json!({"ID": id(member)?})),
        Act::Remove(member) => ("/v3/cluster/member/remove", json!({"ID": id(member)?})),
        Act::MoveLeader(member) => (
            "/v3/maintenance/transfer-leadership",
            json!({"targetID": id(member)?}),
        ),
    })
}

/// Whether what was wished for is so, by what was refused.
fn is_so_already(act: &Act, refused: &Refused) -> bool {
    match act {
        Act::AddLearner { .. } => {
            refused.code == FAILED_PRECONDITION && refused.message.contains("already exist")
        }
        Act::Promote(_) => refused
            .message
            .ends_with("can only promote a learner member"),
        Act::Remove(_) => refused.code == NOT_FOUND,
        Act::MoveLeader(_) => false,
    }
}

fn failure(why: Silence) -> Failure {
    match why {
        Silence::Refused(refused) => {
            Failure::Refused(Told::<200>::from(refused.message).to_string())
        }
        Silence::Unanswered(why) => Failure::Unanswered(why.to_string()),
    }
}
