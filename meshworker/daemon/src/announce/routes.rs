//! What members are answered over HTTP.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Extension, Router};
use meshworker_core::is_harmful;
use tokio::time::Instant;

use super::held::HAS;
use super::{
    Announcement, Answer, Desk, NoWord, ORDERS, Order, PATH, Phase, Refused, Registry, Speaker,
    Verdict,
};
use crate::http::{Json, Lease, Peer, Problem, read};
use crate::status::Health;

/// Longer than any name or id of Swarm: its names are DNS names.
pub(super) const LONGEST_TEXT: usize = 253;

/// Everything that members are answered from.
#[derive(Debug, Clone)]
pub struct State {
    /// Where members announce themselves.
    pub registry: Arc<Registry>,
}

/// All routes for members.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .route(PATH, post(announce))
        .route(ORDERS, post(order))
        .with_state(state)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

/// Whether the process lives: whoever reads this knows. Says nothing of clusters.
async fn health() -> Json<Health> {
    Json(Health::Ok)
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "path: found '{}'; allowed: {PATH}, {ORDERS}, /v1/health",
            uri.path()
        ),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("method: found {method}; not allowed for {}", uri.path()),
    )
}

async fn announce(
    extract::State(state): extract::State<State>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(lease): Extension<Lease>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let has = headers.get(HAS).and_then(|mark| mark.to_str().ok());
    let has = has.and_then(|mark| mark.parse().ok());
    let said = understood(&read(body).await?, peer)?;
    let desk = open(&state, &said.cluster)?;
    let mut said = desk.placed(said);
    // It says nothing of the member.
    if let Some(fence) = said.fence.take() {
        desk.hear_of(fence);
    }
    let speaker = if said.address == peer {
        Speaker::Itself
    } else {
        Speaker::Other
    };
    let now = Instant::now();
    desk.hear(&said, speaker, now).map_err(refusal)?;
    has_word(&desk, said.phase)?;
    let answer = desk.answer(&said, now);
    let mark = answer.own_mark();
    if has != Some(mark) {
        return Ok(Json(marked(answer)));
    }
    let Some(place) = state.registry.held.enter(peer, said.phase) else {
        return Ok(Json(answer));
    };
    // Whoever gives way here is answered, and not cut off.
    lease.stream(Arc::default());
    tokio::select! {
        // It may have no word by now.
        answer = desk.other_answer(&said, mark) => {
            has_word(&desk, said.phase).map(|()| Json(marked(answer)))
        }
        () = async { place.gives_way().notified().await } => Ok(Json(answer)),
    }
}

/// What an operator orders, and whether that member may stop by now.
async fn order(
    extract::State(state): extract::State<State>,
    Extension(Peer(peer)): Extension<Peer>,
    body: Body,
) -> Result<Json<Option<Verdict>>, Problem> {
    let order = ordered(&read(body).await?, peer)?;
    let desk = open(&state, &order.cluster)?;
    let by_worker = state.registry.is_worker(peer).await;
    let verdict = desk.order(&order, by_worker, Instant::now());
    let verdict = verdict.map_err(refusal)?;
    has_word(&desk, Phase::Leaving)?;
    Ok(Json(verdict))
}

fn open(state: &State, cluster: &str) -> Result<Arc<Desk>, Problem> {
    state.registry.desk(cluster).ok_or_else(|| {
        let error =
            format!("cluster: found '{cluster}'; allowed: one that this worker looks after");
        Problem::new(StatusCode::NOT_FOUND, error)
    })
}

fn refusal(refused: Refused) -> Problem {
    let status = match refused {
        Refused::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refused::Elsewhere { .. } | Refused::Taken { .. } => StatusCode::FORBIDDEN,
    };
    Problem::new(status, refused.to_string())
}

/// An answer would count: whoever leaves waits for the word of all that answer.
fn has_word(desk: &Desk, phase: Phase) -> Result<(), Problem> {
    let Some(none) = desk.has_no_word_for(phase) else {
        return Ok(());
    };
    let status = match none {
        NoWord::OnlyPlans => StatusCode::SERVICE_UNAVAILABLE,
        NoWord::Yields(_) => StatusCode::MISDIRECTED_REQUEST,
    };
    Err(Problem::new(status, none.to_string()))
}

/// The same, for whoever may wait for another one.
fn marked(answer: Answer) -> Answer {
    Answer {
        mark: Some(answer.own_mark()),
        ..answer
    }
}

/// The announcement in a body, if it can be one.
pub(crate) fn understood(body: &[u8], peer: IpAddr) -> Result<Announcement, Problem> {
    let said: Announcement = serde_json::from_slice(body)
        .map_err(|error| Problem::bad(format!("body: it is no announcement: {error}")))?;
    plain([("task", &said.task), ("node", &said.node)])?;
    let address = member(&said.cluster, &said.service, said.address, peer)?;
    Ok(Announcement { address, ..said })
}

/// The order in a body, if it can be one.
pub(crate) fn ordered(body: &[u8], peer: IpAddr) -> Result<Order, Problem> {
    let order: Order = serde_json::from_slice(body)
        .map_err(|error| Problem::bad(format!("body: it is no order: {error}")))?;
    let Order {
        cluster,
        service,
        address,
        ..
    } = &order;
    let address = member(cluster, service, *address, peer)?;
    Ok(Order { address, ..order })
}

fn plain(texts: [(&str, &str); 2]) -> Result<(), Problem> {
    for (name, text) in texts {
        // They come to stand in log lines.
        if text.len() > LONGEST_TEXT || text.chars().any(is_harmful) {
            let length = text.len();
            return Err(Problem::bad(format!(
                "{name}: found {length} bytes; allowed: at most {LONGEST_TEXT}, without control characters and the like"
            )));
        }
    }
    Ok(())
}

/// Where this member is, if it can be one.
fn member(cluster: &str, service: &str, address: IpAddr, peer: IpAddr) -> Result<IpAddr, Problem> {
    plain([("cluster", cluster), ("service", service)])?;
    if service.is_empty() {
        return Err(Problem::bad("service: found ''; allowed: a name"));
    }
    let address = address.to_canonical();
    if !can_be_a_members(address, peer) {
        return Err(Problem::bad(format!(
            "address: found {address}; allowed: one at which {peer} is reached from here"
        )));
    }
    Ok(address)
}

/// Whether a member that announces itself from `peer` can be at this address.
/// An address of this machine only leads to ourselves, unless it lives here too.
fn can_be_a_members(address: IpAddr, peer: IpAddr) -> bool {
    let nowhere = match address {
        // "This network" and what is reserved (RFC 1122, 3.2.1.3; RFC 1112, 4).
        IpAddr::V4(v4) => matches!(v4.octets(), [0 | 240..=255, ..]) || v4.is_link_local(),
        // What says an IPv4 address in another way: RFC 6052, 3056, 4380, and what
        // RFC 4291 (2.5.5.1) once allowed; what is thrown away (RFC 6666); and what
        // was meant for one site (RFC 3879).
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || matches!(
                    v6.segments(),
                    [0x64, 0xff9b, ..]
                        | [0x2002, ..]
                        | [0x2001, 0, ..]
                        | [0, 0, 0, 0, 0, 0, 1..=0xffff, _]
                        | [0x100, 0, 0, 0, ..]
                        | [0xfec0..=0xfeff, ..]
                )
        }
    };
    !nowhere
        && !address.is_unspecified()
        && !address.is_multicast()
        && (!address.is_loopback() || peer.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_elsewhere_is_no_members() {
        let far: IpAddr = "10.0.1.7".parse().unwrap();
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let can = |text: &str, peer| can_be_a_members(text.parse().unwrap(), peer);
        for address in [
            "10.0.1.7",
            "10.0.1.8",
            "fd00::7",
            "2001:db8::7",
            "203.0.113.7",
        ] {
            assert!(can(address, far), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "240.0.0.1",
            "64:ff9b::a00:107",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:0:4136:e378::1",
            "::10.0.1.7",
            "100::1",
            "fec0::1",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "169.254.0.1",
            "fe80::1",
            "127.0.0.1",
            "::1",
        ] {
            assert!(!can(address, far), "{address}");
        }
        assert!(can("127.0.0.9", here));
    }
}
