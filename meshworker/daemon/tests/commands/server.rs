//! A small worker that answers what it is told to, over HTTP or TLS.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use meshworker::cli::show::Shown;
use meshworker::status::{Done, Event, Events, GroupStatus};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::story;

/// The token that acts must carry.
pub const TOKEN: &str = "the-token-of-the-test";

/// What the worker knows, and what it was asked.
pub struct World {
    /// Its clusters.
    pub shown: Vec<Shown>,
    /// Its events.
    pub history: Vec<Event>,
    /// How it stands among the workers.
    pub group: GroupStatus,
    /// Answers that it gives instead of its own, by path.
    pub instead: BTreeMap<String, (u16, String)>,
    /// The orders that it was given: path and body.
    pub told: Vec<(String, Value)>,
    /// What each stream was to begin behind.
    pub resumed: Vec<Option<String>>,
    /// Streams that began before this number of theirs are cut.
    pub cut: usize,
}

/// A worker on this machine.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    world: Arc<Mutex<World>>,
    changed: watch::Sender<()>,
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    /// A worker with these clusters.
    pub fn of(shown: Vec<Shown>) -> Server {
        Server::start(shown, None)
    }

    /// The same, with the certificate in this folder.
    pub fn encrypted(shown: Vec<Shown>, dir: &Path) -> Server {
        let certificate = CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Server::start(shown, Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn start(shown: Vec<Shown>, tls: Option<TlsAcceptor>) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (changed, watched) = watch::channel(());
        let world = Arc::new(Mutex::new(World {
            shown,
            history: story::history(),
            group: GroupStatus {
                acts: true,
                ..GroupStatus::default()
            },
            instead: BTreeMap::new(),
            told: Vec::new(),
            resumed: Vec::new(),
            cut: 0,
        }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::clone(&world);
        let router = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
                answer(&state, &watched, &method, &uri, &headers, &body)
            },
        );
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (router, tls) = (router.clone(), tls.clone());
                tokio::spawn(async move {
                    let service = TowerToHyperService::new(router);
                    let mut http = http1::Builder::new();
                    http.keep_alive(false);
                    match tls {
                        None => {
                            let _ = http.serve_connection(TokioIo::new(stream), service).await;
                        }
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let _ = http.serve_connection(TokioIo::new(stream), service).await;
                            }
                        }
                    }
                });
            }
        });
        Server {
            address,
            world,
            changed,
            runtime: Some(runtime),
        }
    }

    /// Where it is, for `--api`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the worker, or changes it; streams notice.
    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world.lock().unwrap());
        self.changed.send_replace(());
        result
    }
}

fn json_of(value: &impl Serialize) -> Response {
    axum::Json(json!(value)).into_response()
}

fn problem(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(json!({ "error": error }))).into_response()
}

fn answer(
    world: &Arc<Mutex<World>>,
    changed: &watch::Receiver<()>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let shared = Arc::clone(world);
    let mut world = world.lock().unwrap();
    if let Some((status, text)) = world.instead.get(uri.path()) {
        return (StatusCode::from_u16(*status).unwrap(), text.clone()).into_response();
    }
    let parts: Vec<&str> = uri.path().split('/').skip(1).collect();
    if method == Method::POST {
        let authorization = headers.get("authorization");
        if authorization.is_none_or(|given| given != &format!("Bearer {TOKEN}")) {
            return problem(
                StatusCode::UNAUTHORIZED,
                "authorization: found another token",
            );
        }
        let order = serde_json::from_slice(body).unwrap();
        world.told.push((uri.path().to_owned(), order));
        return json_of(&Done {
            done: "so it will be".into(),
        });
    }
    let find = |name: &str| world.shown.iter().find(|shown| shown.summary.name == name);
    match parts[..] {
        ["v1", "clusters"] => {
            let all: Vec<_> = world.shown.iter().map(|shown| &shown.summary).collect();
            json_of(&all)
        }
        ["v1", "clusters", name] => match find(name).map(|shown| &shown.status) {
            Some(Some(status)) => json_of(status),
            Some(None) => problem(StatusCode::SERVICE_UNAVAILABLE, "no pass yet"),
            None => problem(StatusCode::NOT_FOUND, "cluster: found another"),
        },
        ["v1", "clusters", _, "members", "4" | "cache_redis.4"] => json_of(&story::why()),
        ["v1", "clusters", _, "members", other] => problem(
            StatusCode::NOT_FOUND,
            &format!("member: found '{other}'; allowed: others"),
        ),
        ["v1", "group"] => json_of(&world.group),
        ["v1", "events"] => {
            let query = uri.query().unwrap_or_default();
            let value = |name: &str| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
            };
            let after: u64 = value("after").map_or(0, |after| after.parse().unwrap());
            let limit: usize = value("limit").map_or(100, |limit| limit.parse().unwrap());
            let wanted = |event: &&Event| {
                let member = value("member").map(|member| format!(".{member}"));
                event.id > after
                    && member
                        .is_none_or(|m| event.member.as_ref().is_some_and(|id| id.ends_with(&m)))
            };
            let events: Vec<Event> = world.history.iter().filter(wanted).cloned().collect();
            json_of(&Events {
                oldest: world.history.first().map_or(0, |event| event.id),
                newest: world.history.last().map_or(0, |event| event.id),
                events: events[events.len().saturating_sub(limit)..].to_vec(),
            })
        }
        ["v1", "events", "stream"] => {
            let last = headers
                .get("last-event-id")
                .map(|id| id.to_str().unwrap().to_owned());
            let after = last.as_ref().map_or(u64::MAX, |id| id.parse().unwrap());
            world.resumed.push(last);
            let number = world.resumed.len();
            let kind = [("content-type", "text/event-stream")];
            (kind, facts(shared, changed.clone(), after, number)).into_response()
        }
        _ => problem(StatusCode::NOT_FOUND, "path: found another"),
    }
}

/// The events behind `after`, one after another, until this stream is cut.
fn facts(
    world: Arc<Mutex<World>>,
    changed: watch::Receiver<()>,
    after: u64,
    number: usize,
) -> Body {
    let start = (world, changed, after);
    Body::from_stream(stream::unfold(
        start,
        move |(world, mut changed, after)| async move {
            loop {
                let next = {
                    let world = world.lock().unwrap();
                    if world.cut >= number {
                        return None;
                    }
                    world.history.iter().find(|event| event.id > after).cloned()
                };
                if let Some(event) = next {
                    let data = serde_json::to_string(&event).unwrap();
                    let text = format!(
                        ": a comment\n\nevent: fact\nid: {}\ndata: {data}\n\n",
                        event.id
                    );
                    return Some((Ok::<_, Infallible>(text), (world, changed, event.id)));
                }
                if changed.changed().await.is_err() {
                    return None;
                }
            }
        },
    ))
}
