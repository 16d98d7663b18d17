//! The ways out: all that shows what others said.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use meshworker::board::Requests;
use meshworker::board::{Board, Fact, Head, Look, Powers, Registration};
use meshworker::config::{Cluster, Given, Origin, Raw, Surroundings};
use meshworker::http::Server;
use meshworker::operators;
use meshworker::status::{EventKind, StepStatus};
use meshworker_core::{
    Evidence, Gate, Going, Grade, Leaver, MemberId, Pace, Peer, Place, Presence, Reason, Refusal,
    Release, Report, Roster, Sighting, Unity, Witness,
};
use meshworker_doctor::finding::{Finding, Severity};
use meshworker_doctor::report::{Diagnosis, Skipped};
use meshworker_group::Order;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Shown;
use crate::web::{escaped, exchange, get};

const HERE: Place = Place::at(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));

/// A cluster of this name, looked after by nobody.
pub fn cluster(board: &Arc<Board>, name: &str) -> Registration {
    let mut raw = Raw::default();
    for (setting, value) in [("servicename", "db"), ("engine", "redis"), ("docker", "no")] {
        raw.give(setting, value, Origin::Flag).unwrap();
    }
    let mut cluster = Cluster::validate(&raw, Surroundings::of_docker(false)).unwrap();
    cluster.name = name.to_owned();
    cluster.effective.push((
        name.to_owned(),
        Given {
            value: name.to_owned(),
            origin: Origin::File(name.to_owned()),
        },
    ));
    board.open(&cluster)
}

/// A look in which everything that can be called so is called so.
fn look(word: &str) -> Look {
    let word = || word.to_owned();
    let member = MemberId::Slot {
        service: word(),
        slot: 1,
    };
    let sighting = Sighting {
        member: Some(member.clone()),
        node: Some(word()),
        task: Some(word()),
        presence: Presence::Leaving,
        ..Sighting::at(HERE)
    };
    let reports = vec![
        Report {
            sightings: vec![sighting],
            ..Report::addresses(Witness::Announce, [HERE])
        },
        Report::unknown(Witness::Dns, Grade::Failed(word())),
    ];
    let peers: Arc<[Peer]> = Arc::new([
        Peer {
            node: word(),
            address: Some(HERE),
            alive: true,
        },
        Peer {
            node: format!("gone {}", word()),
            address: None,
            alive: false,
        },
    ]);
    let head = Head {
        node: word(),
        cluster_name: Some(word()),
        role: None,
        size: 1,
        peers,
        working: Some(word()),
        holdings: Default::default(),
        detail: (),
    };
    let silent = [10, 0, 0, 2].into();
    let refusal = Refusal {
        what: word(),
        reason: Reason::WrongCluster {
            expected: word(),
            found: word(),
        },
        evidence: vec![Evidence::view(word(), word())],
    };
    Look {
        number: 1,
        at: Instant::now(),
        time: SystemTime::now(),
        took: Duration::from_millis(3),
        requests: Requests::default(),
        roster: Roster::merge(&reports, &[HERE, silent].into()),
        reports,
        answers: BTreeMap::from([(HERE, Ok(head)), (silent, Err(word()))]),
        steps: vec![StepStatus {
            kind: word(),
            to: word(),
            request: word(),
            introduces: Some(word()),
            evidence: vec![word()],
            ok: Some(false),
            reply: Some(word()),
        }],
        refusals: vec![refusal],
        leavers: vec![Leaver {
            member,
            address: HERE,
            node: word(),
            going: Going::ForGood,
            place: 1,
            progress: None,
            estimate: None,
            patient: true,
            release: Release::Held {
                gate: Gate::DataSafe,
                seen: word(),
            },
        }],
        outsiders: BTreeSet::new(),
        wanted: 1,
        losses: Vec::new(),
        unity: Unity::apart(word()),
        settled: false,
        pace: Pace::Quick,
    }
}

/// A board on which everything is called so.
fn board(word: &str) -> (Arc<Board>, Registration) {
    let board = Board::new(Powers::default());
    let open = cluster(&board, word);
    let sheet = open.sheet();
    for member in [None, Some(word.to_owned())] {
        let order = Order::Hold {
            member,
            why: word.into(),
            until_ms: None,
        };
        let given = sheet.orders().give(Some(word.into()), order).now_or_never();
        given.unwrap().unwrap();
    }
    sheet.record(Fact {
        member: Some(word.to_owned()),
        reason: Some(word.to_owned()),
        evidence: vec![word.to_owned(); 2],
        ..Fact::new(EventKind::Order, word).warning()
    });
    sheet.publish(look(word));
    (board, open)
}

/// The routes, by what stands for them.
fn routes(cluster: &str) -> Vec<String> {
    let of = |rest: &str| format!("/v1/clusters/{cluster}{rest}");
    let mut routes: Vec<String> = [
        "",
        "/members",
        "/members/1",
        "/members/10.0.0.1",
        "/plan",
        "/leavers",
        "/config",
    ]
    .map(of)
    .into();
    routes.extend(["/v1/clusters", "/v1/events", "/v1/ready", "/v1/health"].map(str::to_owned));
    routes
}

async fn served<T>(board: Arc<Board>, talk: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let router = operators::router(operators::Desk::new(board));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), router, "tests")
        .await
        .unwrap();
    let address = server.address();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(server.run(stopped));
    let said = talk(address).await;
    stop.send_replace(true);
    running.await.unwrap();
    said
}

/// Everything that shows something, of a worker for which everything is called so.
pub async fn all(nasty: &str) -> Vec<Shown> {
    let (board, _open) = board(nasty);
    let mut shown = served(board, async |address| {
        let mut shown = Vec::new();
        for route in routes(&escaped(nasty)) {
            shown.push(Shown::json("the API", get(address, &route).await));
        }
        shown.push(Shown::lines("metrics", get(address, "/metrics").await));
        let stream = b"GET /v1/events/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n";
        let stream = exchange(address, stream, Some("\"kind\":\"order\"")).await;
        for data in stream
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
        {
            shown.push(Shown::json("the stream", data));
        }
        shown.push(Shown::lines("the stream", stream));
        shown
    })
    .await;
    shown.extend(diagnosed(nasty));
    shown
}

fn diagnosed(nasty: &str) -> Vec<Shown> {
    let finding = Finding {
        file: Some(nasty.into()),
        line: Some(1),
        ..Finding::new(Severity::Error, nasty, nasty)
            .why(nasty)
            .instead(nasty)
    };
    let diagnosis = Diagnosis {
        findings: vec![finding],
        skipped: vec![Skipped {
            check: "one",
            why: nasty.to_owned(),
        }],
        inapplicable: vec![Skipped {
            check: "two",
            why: nasty.to_owned(),
        }],
        checked: 1,
    };
    let text = meshworker::cli::show::diagnosis(&diagnosis);
    // Colours are taken out where there is no terminal.
    let text = anstream::adapter::strip_str(&text).to_string();
    // Lines to write instead are lines, each behind the same indent.
    vec![Shown::lines("doctor", text)]
}

/// What a worker answers to each route, with a plain word.
pub async fn honest_pages() -> BTreeMap<String, Value> {
    let (board, _open) = board("db");
    served(board, async |address| {
        let mut pages = BTreeMap::new();
        for route in routes("db") {
            let text = get(address, &route).await;
            pages.insert(route, serde_json::from_str(&text).unwrap());
        }
        pages
    })
    .await
}

/// Fields that have a few words of their own.
const FIXED: [&str; 6] = ["state", "severity", "kind", "time", "since", "address"];

fn spoilt(value: &mut Value, nasty: &str) {
    match value {
        Value::String(text) => text.push_str(nasty),
        Value::Array(list) => list.iter_mut().for_each(|value| spoilt(value, nasty)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(key, _)| !FIXED.contains(&key.as_str()))
            .for_each(|(_, value)| spoilt(value, nasty)),
        _ => {}
    }
}

/// A worker that answers the same to everybody, with this at the end of each text.
pub fn repeat_with(mut pages: BTreeMap<String, Value>, nasty: &str) -> SocketAddr {
    pages.values_mut().for_each(|page| spoilt(page, nasty));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or_default();
            let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let rest = path.strip_prefix("/v1/clusters/").map(|rest| {
                let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
                let slash = if rest.is_empty() { "" } else { "/" };
                format!("/v1/clusters/db{slash}{rest}")
            });
            let page = pages.get(rest.as_deref().unwrap_or(path));
            let body = page.unwrap_or(&json!({})).to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}
