//! How many requests one client may send.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{Peer, Problem};

/// So many requests a second, and as many at once: a dashboard sends a few, a
/// script that runs wild thousands.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(500).expect("not zero");

/// When so many clients are remembered, those that have been quiet are forgotten.
const CLIENTS: usize = 4_096;

type Limiter = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;

/// These routes, for so many requests a second from each client.
pub fn limited(router: Router) -> Router {
    let quota = Quota::per_second(PER_SECOND);
    let limiter: Arc<Limiter> = Arc::new(RateLimiter::hashmap(quota));
    router.layer(axum::middleware::from_fn_with_state(limiter, check))
}

async fn check(
    State(limiter): State<Arc<Limiter>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if limiter.len() > CLIENTS {
        limiter.retain_recent();
    }
    if limiter.check_key(&peer).is_err() {
        let error = format!("requests: found more than {PER_SECOND} in a second; allowed: fewer");
        let mut refused = Problem::new(StatusCode::TOO_MANY_REQUESTS, error).into_response();
        refused
            .headers_mut()
            .insert("retry-after", axum::http::HeaderValue::from_static("1"));
        return refused;
    }
    next.run(request).await
}
