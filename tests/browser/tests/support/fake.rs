//! The fake API: the routes that the page reads, with the real types.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use meshworker::status::{
    ClusterStatus, Config, ConfigValue, Event, Events, GroupStatus, RefusalStatus, StepStatus,
    Summary, Why,
};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::scene;

/// How much of the worker can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    All,
    /// Questions are answered, and the stream is not.
    NoStream,
    /// Nobody listens.
    Nothing,
}

/// What the API says.
#[derive(Debug, Default)]
struct World {
    clusters: BTreeMap<String, ClusterStatus>,
    /// The same as JSON, made once: a large one takes its time.
    answers: BTreeMap<String, String>,
    events: Vec<Event>,
    group: GroupStatus,
}

#[derive(Debug, Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    told: broadcast::Sender<String>,
    reach: watch::Receiver<Reach>,
}

/// The server, on a free port of loopback, for as long as this lives.
pub struct Fake {
    shared: Shared,
    reach: Option<watch::Sender<Reach>>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub fn start() -> Fake {
        let (reach, watched) = watch::channel(Reach::All);
        // It works alone.
        let alone = GroupStatus {
            acts: true,
            ..GroupStatus::default()
        };
        let world = World {
            group: alone,
            ..World::default()
        };
        let shared = Shared {
            world: Arc::new(Mutex::new(world)),
            told: broadcast::channel(4096).0,
            reach: watched,
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(serve(listener, theirs));
        });
        Fake {
            shared,
            reach: Some(reach),
            address,
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The cluster is like this from now on.
    pub fn set(&self, status: ClusterStatus) {
        let data = serde_json::json!({ "cluster": status.name });
        let answer = serde_json::to_string(&status).unwrap();
        let mut world = self.world();
        world.answers.insert(status.name.clone(), answer);
        world.clusters.insert(status.name.clone(), status);
        drop(world);
        self.tell(format!("event: cluster\ndata: {data}\n\n"));
    }

    /// This happened.
    pub fn happen(&self, event: Event) {
        let data = serde_json::to_string(&event).unwrap();
        let id = event.id;
        self.world().events.push(event);
        self.tell(format!("event: fact\nid: {id}\ndata: {data}\n\n"));
    }

    /// The workers stand like this from now on.
    pub fn group(&self, status: GroupStatus) {
        self.world().group = status;
    }

    /// Another worker takes its place, which does not know the newest event yet.
    pub fn fall_behind(&self) {
        self.world().events.pop();
    }

    /// Another worker takes its place, which remembers nothing.
    pub fn forget_events(&self) {
        self.world().events.clear();
    }

    pub fn reach(&self, reach: Reach) {
        self.reach.as_ref().unwrap().send_replace(reach);
    }

    fn tell(&self, text: String) {
        // Nobody listens before a page is open.
        let _ = self.shared.told.send(text);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.reach.take();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Accepts until the fake is dropped; while nothing can be reached, there is no
/// listener, and no connection.
async fn serve(listener: std::net::TcpListener, shared: Shared) {
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut listener = Some(TcpListener::from_std(listener).unwrap());
    let mut reach = shared.reach.clone();
    let mut connections = JoinSet::new();
    let router = router(shared);
    loop {
        let now = *reach.borrow_and_update();
        if now == Reach::Nothing {
            listener = None;
            connections.shutdown().await;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.unwrap());
        }
        tokio::select! {
            changed = reach.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Some(_) = connections.join_next() => {}
            stream = accept(listener.as_ref()) => {
                let service = TowerToHyperService::new(router.clone());
                let connection = http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move { drop(connection.await) });
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> tokio::net::TcpStream {
    match listener {
        Some(listener) => listener.accept().await.unwrap().0,
        None => std::future::pending().await,
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/v1/clusters", get(clusters))
        .route("/v1/clusters/{cluster}", get(cluster))
        .route("/v1/clusters/{cluster}/config", get(config))
        .route("/v1/clusters/{cluster}/members/{member}", get(why))
        .route("/v1/group", get(group))
        .route("/v1/events", get(events))
        .route("/v1/events/stream", get(stream))
        .with_state(shared)
        .merge(meshworker::dashboard::router())
}

async fn clusters(State(shared): State<Shared>) -> Json<Vec<Summary>> {
    let world = shared.world.lock().unwrap();
    let summaries = world.clusters.values().map(|status| Summary {
        name: status.name.clone(),
        engine: status.engine.clone(),
        one: status.one,
        unity: status.unity.clone(),
        joined: status.joined(),
        members: status.members.len(),
        refusals: status.plan.refusals.len(),
        mode: status.mode.clone(),
        age_seconds: (status.pass.time == scene::NOW).then_some(0.0),
    });
    Json(summaries.collect())
}

async fn group(State(shared): State<Shared>) -> Json<GroupStatus> {
    Json(shared.world.lock().unwrap().group.clone())
}

async fn cluster(State(shared): State<Shared>, Path(cluster): Path<String>) -> Response {
    match shared.world.lock().unwrap().answers.get(&cluster) {
        Some(answer) => {
            let now = format!("\"time\":\"{}\"", scene::time(0));
            let answer = answer.replacen(&format!("\"time\":\"{}\"", scene::NOW), &now, 1);
            ([("content-type", "application/json")], answer).into_response()
        }
        None => not_found("cluster"),
    }
}

async fn config(Path(cluster): Path<String>) -> Json<Config> {
    let interval = ConfigValue {
        name: "interval".into(),
        value: "5".into(),
        origin: "default".into(),
    };
    Json(Config {
        cluster,
        settings: vec![interval],
    })
}

async fn why(
    State(shared): State<Shared>,
    Path((cluster, id)): Path<(String, String)>,
) -> Response {
    let world = shared.world.lock().unwrap();
    let Some(status) = world.clusters.get(&cluster) else {
        return not_found("cluster");
    };
    let members: Vec<_> = status
        .members
        .iter()
        .filter(|one| one.id == id)
        .cloned()
        .collect();
    let Some(first) = members.first() else {
        return not_found("member");
    };
    let seen_by = status.members.iter().filter_map(|other| {
        let view = other.view.as_ref()?;
        let peer = view
            .peers
            .iter()
            .find(|peer| peer.address.as_ref() == Some(&first.address))?;
        let word = if peer.alive { "alive" } else { "gone" };
        Some(format!("{} ({}): {word}", other.address, other.id))
    });
    let steps: Vec<StepStatus> = status.plan.steps.clone();
    let refusals: Vec<RefusalStatus> = status.plan.refusals.clone();
    let why = Why {
        turned_away: Vec::new(),
        seen_by: seen_by.collect(),
        steps: steps
            .into_iter()
            .filter(|step| step.introduces.as_ref() == Some(&first.address))
            .collect(),
        refusals: refusals
            .into_iter()
            .filter(|refusal| refusal.members.contains(&id))
            .collect(),
        leaver: status
            .leavers
            .iter()
            .find(|leaver| leaver.member == id)
            .cloned(),
        events: world
            .events
            .iter()
            .filter(|event| event.member.as_ref() == Some(&id))
            .cloned()
            .collect(),
        members,
    };
    Json(why).into_response()
}

/// A number in the query.
fn number(query: Option<&str>, name: &str) -> Option<u64> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name);
    values.next()?.1.parse().ok()
}

async fn events(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Json<Events> {
    let world = shared.world.lock().unwrap();
    let after = number(query.as_deref(), "after").unwrap_or(0);
    let limit = number(query.as_deref(), "limit").unwrap_or(100);
    let newer = world.events.iter().filter(|event| event.id > after);
    let newer: Vec<Event> = newer.cloned().collect();
    let skip = newer.len().saturating_sub(limit as usize);
    Json(Events {
        events: newer.into_iter().skip(skip).collect(),
        oldest: world.events.first().map_or(0, |event| event.id),
        newest: world.events.last().map_or(0, |event| event.id),
    })
}

async fn stream(State(shared): State<Shared>) -> Response {
    let mut reach = shared.reach.clone();
    if *reach.borrow() != Reach::All {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let told = futures_util::stream::unfold(shared.told.subscribe(), |mut told| async {
        match told.recv().await {
            Ok(text) => Some((text, told)),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                let text = format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n");
                Some((text, told))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    });
    let cut = async move {
        // The end of the fake ends its streams too.
        let _ = reach.wait_for(|reach| *reach != Reach::All).await;
    };
    let texts = futures_util::stream::iter([": hello\n\n".to_owned()])
        .chain(told)
        .take_until(Box::pin(cut))
        .map(Ok::<_, std::convert::Infallible>);
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
    ];
    (headers, Body::from_stream(texts)).into_response()
}

fn not_found(what: &str) -> Response {
    let problem = serde_json::json!({ "error": format!("{what}: unknown here") });
    (StatusCode::NOT_FOUND, Json(problem)).into_response()
}
