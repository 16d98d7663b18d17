//! A server in a state, put there by hand: nothing here waits for a cluster to form.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use meshworker::board::Registration;
use meshworker::config::{Inputs, Origin, Raw};
use meshworker::docker::{DockerClient, Endpoint};
use meshworker::scale::Scaling;
use meshworker::token_file::TokenFile;
use meshworker_core::{Change, Gate, Reason, Refusal, Role};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Call;
use crate::looks;
use crate::office::{Office, Opening, TOKEN};
use crate::reply::{Reply, connect_from, request};
use crate::support::PATIENCE;
use crate::workers::Workers;

/// What the cluster is called.
pub const CLUSTER: &str = "db";

/// One of its members.
pub const MEMBER: &str = "cache_redis.1";

/// A node that it remembers and that is gone.
pub const GONE: &str = "n7";

/// What its workers' group is called in a request, until it is sent: the real name is drawn.
pub const GROUP: &str = "the group";

/// As many members can be held as the book of orders has places for.
const HELD: usize = 1_000;

/// As many streams can be read by one client.
const STREAMS: usize = 32;

/// Who reads all of them.
const READER: [u8; 4] = [127, 3, 0, 1];

/// What a server is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its cluster is known, and no pass has ended.
    Unseen,
    /// Passes have ended: members, leavers, steps and refusals can be told, and orders taken.
    Seen,
    /// The same, of a database whose primary is chosen.
    Chosen,
    /// The same, and nothing more can be held or begun.
    Busy,
    /// The same, and nothing more can be streamed by this client.
    Crowded,
    /// It has no token, and takes no orders.
    Orderless,
    /// Its token's file is empty.
    TokenLost,
    /// It has had enough of this client.
    Tired,
    /// Three workers agree on one that acts, and this is the one.
    Grouped,
    /// The same, and another one is gone.
    Lessened,
    /// It was, and the others are gone.
    Bereft,
}

/// A server in a state.
pub struct Scene {
    pub office: Office,
    pub sheet: Registration,
    state: State,
    workers: Option<Workers>,
    _streams: Vec<TcpStream>,
    asked: Cell<u32>,
}

impl Scene {
    /// Puts a server into this state.
    pub async fn open(state: State) -> Scene {
        let mut workers = None;
        if matches!(state, State::Grouped | State::Lessened | State::Bereft) {
            workers = Some(Workers::three().await);
        }
        let opening = Opening {
            board: workers.as_ref().map(|three| Arc::clone(three.board())),
            without_token: state == State::Orderless,
            scaling: Some(scaling()),
            quota: (state == State::Tired).then(once),
            ..Opening::default()
        };
        let office = Office::without_worker(opening).await;
        let engine = if state == State::Chosen {
            "mariadb"
        } else {
            "redis"
        };
        let sheet = office.board.open(&cluster(engine));
        if state != State::Unseen {
            publish(&sheet);
        }
        if state == State::TokenLost {
            std::fs::write(office.file.path(), "").unwrap();
        }
        if state == State::Busy {
            keep_busy(&office, &sheet).await;
        }
        if state == State::Tired {
            assert_eq!(office.get("/v1/health").await.status, 200);
        }
        if let (State::Lessened, Some(workers)) = (state, &mut workers) {
            workers.lose_one().await;
        }
        if let (State::Bereft, Some(workers)) = (state, &mut workers) {
            workers.bereave().await;
        }
        let mut streams = Vec::new();
        while state == State::Crowded && streams.len() < STREAMS {
            streams.push(stream(&office, READER.into()).await);
        }
        Scene {
            office,
            sheet,
            state,
            workers,
            _streams: streams,
            asked: Cell::new(0),
        }
    }

    /// Passes go on to end: of what was seen long ago nobody is ready.
    pub fn look_again(&self) {
        if self.state == State::Seen {
            publish(&self.sheet);
        }
    }

    /// Sends a request, and looks at the answer: none may hold the token.
    pub async fn send(&self, call: &Call<'_>) -> Reply {
        let bytes = self.named(call).bytes();
        let answered = async {
            let mut stream = connect_from(self.client(), self.office.address)
                .await
                .unwrap();
            // Whoever is refused early may not be listened to until the end.
            let _ = stream.write_all(&bytes).await;
            Reply::try_read(stream).await
        };
        let reply = timeout(PATIENCE, answered).await;
        let reply = reply
            .ok()
            .flatten()
            .unwrap_or_else(|| panic!("no answer to {call}"));
        assert!(
            !format!("{reply:?}").contains(TOKEN),
            "the token is told: {reply:?}"
        );
        reply
    }

    /// The same call, with the real name of the group.
    fn named<'a>(&self, call: &Call<'a>) -> Call<'a> {
        let group = self.workers.as_ref().and_then(Workers::group);
        match (group, std::str::from_utf8(&call.body)) {
            (Some(group), Ok(body)) => call.with_body(body.replace(GROUP, &group)),
            _ => call.clone(),
        }
    }

    /// Each request is another client's, so that none runs into its limit; unless it is to.
    fn client(&self) -> IpAddr {
        match self.state {
            State::Tired => return [127, 0, 0, 1].into(),
            State::Crowded => return READER.into(),
            _ => {}
        }
        let asked = self.asked.replace(self.asked.get() + 1);
        let [_, _, high, low] = (asked % 60_000).to_be_bytes();
        [127, 2, high, low.max(1)].into()
    }
}

/// What can change a service: orders are taken, and wait for a Docker engine that is nowhere.
fn scaling() -> Arc<Scaling> {
    let nowhere = Endpoint::parse("tcp://127.0.0.1:1", false, None).unwrap();
    let client = Arc::new(DockerClient::new(nowhere));
    Scaling::new(client, "127.0.0.1", 1, TokenFile::new("/nowhere/token")).unwrap()
}

/// One request, and no other in the time that a test takes.
fn once() -> Quota {
    let day = Duration::from_secs(24 * 3600);
    Quota::with_period(day).unwrap()
}

fn cluster(engine: &str) -> meshworker::config::Cluster {
    let mut raw = Raw::default();
    for (setting, value) in [
        ("servicename", CLUSTER),
        ("engine", engine),
        ("docker", "yes"),
    ] {
        raw.give(setting, value, Origin::Flag).unwrap();
    }
    Inputs::default().cluster(&raw).unwrap()
}

/// Two passes, over members in every state, which left nothing empty that can be told.
fn publish(sheet: &Registration) {
    for mut look in looks::story() {
        let held = Reason::Closed(Change::Forget.closed(Gate::DataSafe, "a test"));
        look.refusals
            .push(Refusal::new(format!("forget {GONE}"), held));
        // Of all heads only one is the primary's.
        if let Some(head) = look.answers.values_mut().flatten().next() {
            head.role = Some(Role::primary("primary"));
        }
        sheet.sheet().publish(look);
    }
}

async fn keep_busy(office: &Office, sheet: &Registration) {
    for number in 0..HELD {
        let order = meshworker_group::Order::Hold {
            member: Some(format!("m{number}")),
            why: "a test".into(),
            until_ms: None,
        };
        sheet.sheet().orders().give(None, order).await.unwrap();
    }
    let begun = office
        .order("scale", &serde_json::json!({"replicas": 3}))
        .await;
    assert_eq!(begun.status, 202, "{begun:?}");
}

/// A stream whose reader stays.
async fn stream(office: &Office, client: IpAddr) -> TcpStream {
    let stream = connect_from(client, office.address).await;
    let mut stream = stream.unwrap();
    stream
        .write_all(&request("GET /v1/events/stream", &[], ""))
        .await
        .unwrap();
    let greeting = timeout(PATIENCE, Reply::try_read(&mut stream))
        .await
        .unwrap();
    assert_eq!(greeting.unwrap().status, 200);
    stream
}
