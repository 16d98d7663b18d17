//! The ways in: whoever may say something, and where it is shown then.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fake_dns::{Behaviour, FakeDns};
use fake_docker::FakeEngine;
use meshworker::announce::{self, Answer, Registry, State};
use meshworker::board::{Board, Powers};
use meshworker::config::{Inputs, Raw, labels};
use meshworker::docker::{DockerClient, Endpoint};
use meshworker::http::{self, Server, Tokens};
use meshworker::operators;
use meshworker::token_file::TokenFile;
use meshworker::witness::{DockerOptions, DockerSource, Source};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::node::{healthy, info, node, redis_named};
use crate::web::{escaped, exchange};
use crate::{Shown, ways_out};

type WayIn = fn(&str) -> Vec<Shown>;

/// Each with whether it begins processes.
pub const ALL: [(&str, bool, WayIn); 12] = [
    ("a Redis node's errors", true, redis_errors),
    ("a Redis node's names", true, redis_names),
    ("an Aerospike node's names", true, aerospike_names),
    ("an Aerospike node's errors", true, aerospike_errors),
    ("a name server's aliases", true, aliases),
    ("a Docker engine's names", false, docker),
    ("labels", false, of_labels),
    ("an announcement", false, announcement),
    ("a worker's answer to a member", false, answer),
    ("requests of operators", false, requests),
    ("a worker's answers to commands", true, commands),
    ("files", true, files),
];

const TOKEN: &str = "a-token-of-the-tests";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// What the program prints, on both ways.
fn program(way: &'static str, args: &[&str]) -> Vec<Shown> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshworker"));
    let output = command.args(args).env_clear().output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let out = match args.contains(&"--json") && !out.is_empty() {
        true => Shown::json(way, out),
        false => Shown::lines(way, out),
    };
    vec![out, Shown::lines(way, err)]
}

/// A look at the one node at this place.
fn look(engine: &str, node: SocketAddr) -> Vec<Shown> {
    let runtime = runtime();
    let server = runtime.block_on(FakeDns::start()).unwrap();
    server.set("db", Behaviour::answer(["127.0.0.1"]));
    let (port, servers) = (node.port().to_string(), server.address().to_string());
    let args = [
        "look",
        "--engine",
        engine,
        "--servicename",
        "db",
        "--name-server",
        &servers,
        "--docker",
        "no",
        "--service-port",
        &port,
        "--port",
        &port,
    ];
    let json = [&args[..], &["--json"]].concat();
    let mut shown = program("look", &args);
    shown.extend(program("look --json", &json));
    assert!(shown[0].text.contains("127.0.0.1"), "{}", shown[0].text);
    shown
}

fn redis_errors(nasty: &str) -> Vec<Shown> {
    let answer = format!("-ERR {nasty}\r\n").repeat(4);
    look("redis", node(move |_| answer.clone().into_bytes()))
}

fn redis_names(nasty: &str) -> Vec<Shown> {
    let answer = redis_named(&format!("x{nasty}.1"));
    look("redis", node(move |_| answer.clone().into_bytes()))
}

fn aerospike_names(nasty: &str) -> Vec<Shown> {
    let nasty = nasty.to_owned();
    look(
        "aerospike",
        node(move |asked| info(asked, |command| healthy(command, &nasty))),
    )
}

fn aerospike_errors(nasty: &str) -> Vec<Shown> {
    let nasty = format!("ERROR:4:{nasty}");
    look(
        "aerospike",
        node(move |asked| info(asked, |_| nasty.clone())),
    )
}

fn aliases(nasty: &str) -> Vec<Shown> {
    let runtime = runtime();
    let server = runtime.block_on(FakeDns::start()).unwrap();
    // What can be no name cannot be sent, and the name server's own test says so.
    let alias = nasty.replace(|c: char| !c.is_ascii() || c.is_control(), "\\010");
    server.set("db", Behaviour::Alias(format!("{alias}.elsewhere.")));
    let servers = server.address().to_string();
    let args = [
        "look",
        "--engine",
        "redis",
        "--servicename",
        "db",
        "--name-server",
        &servers,
        "--docker",
        "no",
    ];
    let json = [&args[..], &["--json"]].concat();
    let mut shown = program("look", &args);
    shown.extend(program("look --json", &json));
    shown
}

fn docker(nasty: &str) -> Vec<Shown> {
    let report = async |services: Value, task: Value, status: u16| {
        let engine = FakeEngine::start();
        engine.world.services(services);
        engine.world.tasks(json!([task]));
        engine.world.status(status);
        let host = format!("unix://{}", engine.socket().display());
        let client = DockerClient::new(Endpoint::parse(&host, false, None).unwrap());
        let source = DockerSource::new(Arc::new(client), DockerOptions::of("db"));
        Shown::json(
            "docker",
            serde_json::to_string(&source.report().await).unwrap(),
        )
    };
    let service = |name: &str, id: &str| json!([{"ID": id, "Spec": {"Name": name, "Mode": {"Replicated": {"Replicas": 1}}}}]);
    let task = |field: &str, value: &str| {
        let mut task = json!({
            "ID": "t1", "ServiceID": "s1", "Slot": 1, "NodeID": "n1",
            "Status": {"State": "running"}, "DesiredState": "running",
            "NetworksAttachments": [{
                "Network": {"ID": "w", "Spec": {"Name": "net"}, "DriverState": {"Name": "overlay"}},
                "Addresses": ["10.0.1.1/24"],
            }],
        });
        *task.pointer_mut(field).unwrap() = json!(value);
        task
    };
    runtime().block_on(async {
        let mut shown = vec![
            report(service("db", nasty), task("/ID", "t1"), 200).await,
            report(service(nasty, "s1"), task("/ID", "t1"), 200).await,
        ];
        for field in [
            "/ID",
            "/ServiceID",
            "/NodeID",
            "/Status/State",
            "/DesiredState",
            "/NetworksAttachments/0/Network/ID",
            "/NetworksAttachments/0/Network/Spec/Name",
            "/NetworksAttachments/0/Network/DriverState/Name",
            "/NetworksAttachments/0/Addresses/0",
            "/Slot",
        ] {
            shown.push(report(service("db", "s1"), task(field, nasty), 200).await);
        }
        shown
    })
}

fn of_labels(nasty: &str) -> Vec<Shown> {
    let inputs = Inputs::default();
    let told = |label: &str, value: &str| {
        let labels = [
            ("meshworker.enable", "true"),
            ("meshworker.engine", "redis"),
            (label, value),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let raw = match labels::read("db", &labels.into()) {
            Ok(raw) => raw.unwrap_or_else(Raw::default),
            Err(why) => return why.to_string(),
        };
        match inputs.cluster(&raw) {
            Ok(cluster) => cluster.name,
            Err(why) => why.to_string(),
        }
    };
    let shown = [
        "name",
        "engine",
        "servicename",
        "interval",
        "network",
        "user",
        "option.x",
        "x",
    ]
    .map(|name| told(&format!("meshworker.{name}"), nasty));
    let own = told(&format!("meshworker.{nasty}"), "x");
    shown
        .into_iter()
        .chain([own])
        .map(|text| Shown::lines("labels", text))
        .collect()
}

async fn serving<T>(router: axum::Router, talk: impl AsyncFnOnce(SocketAddr) -> T) -> T {
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

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn announcement(nasty: &str) -> Vec<Shown> {
    let good = json!({
        "cluster": "db", "service": "db", "slot": 1, "task": "t", "node": "n",
        "address": "127.0.0.1", "phase": "present", "generation": 1,
    });
    runtime().block_on(async {
        let registry = Registry::new();
        let open = registry.open("db");
        let router = announce::router(State { registry });
        let mut shown = serving(router, async |address| {
            let mut shown = Vec::new();
            for field in [
                "cluster", "service", "task", "node", "address", "phase", "slot",
            ] {
                let mut said = good.clone();
                said[field] = json!(nasty);
                let asked = request("POST /v1/announcements", "", &said.to_string());
                shown.push(Shown::json(
                    "announcement",
                    exchange(address, &asked, None).await,
                ));
            }
            let asked = request(&format!("GET /{}", escaped(nasty)), "", "");
            shown.push(Shown::json(
                "announcement",
                exchange(address, &asked, None).await,
            ));
            shown
        })
        .await;
        let (report, _) = open.desk().report(tokio::time::Instant::now());
        shown.push(Shown::json(
            "announcement",
            serde_json::to_string(&report).unwrap(),
        ));
        let refused = open.desk().refused_news().join(" ");
        shown.push(Shown::lines("announcement", refused));
        shown
    })
}

fn answer(nasty: &str) -> Vec<Shown> {
    let answer = json!({
        "generation": 1, "in_place": false, "cluster": nasty,
        "verdict": {"granted": true, "why": nasty, "going": nasty, "place": 1, "progress": nasty},
    });
    let heard: Answer = serde_json::from_value(answer).unwrap();
    vec![Shown::json(
        "answer",
        serde_json::to_string(&heard).unwrap(),
    )]
}

fn requests(nasty: &str) -> Vec<Shown> {
    runtime().block_on(async {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TOKEN).unwrap();
        let tokens = Tokens::in_file(TokenFile::new(file.path())).unwrap();
        let board = Board::new(Powers::default());
        let _open = ways_out::cluster(&board, "db");
        let desk = operators::Desk::new(Arc::clone(&board)).with_token(Some(tokens));
        let router = http::guarded(http::Names::default(), operators::router(desk));
        serving(router, async |address| {
            let mut shown = Vec::new();
            let word = escaped(nasty);
            let token =
                format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
            let raw = nasty.replace(['\r', '\n', '\0'], "?");
            let mut asked = Vec::new();
            for path in [
                "",
                "v1/",
                "v1/clusters/",
                "v1/clusters/db/members/",
                "v1/clusters/db/",
            ] {
                asked.push(request(&format!("GET /{path}{word}"), "", ""));
                asked.push(request(&format!("POST /{path}{word}/hold"), &token, "{}"));
            }
            for query in ["", "cluster=", "member=", "limit=", "after="] {
                asked.push(request(&format!("GET /v1/events?{query}{word}"), "", ""));
            }
            for header in [
                "host",
                "authorization",
                "sec-fetch-site",
                "last-event-id",
                "origin",
            ] {
                asked.push(request(
                    "GET /v1/clusters",
                    &format!("{header}: {raw}\r\n"),
                    "",
                ));
                asked.push(request(
                    "POST /v1/clusters/db/hold",
                    &format!("{header}: {raw}\r\n"),
                    "{}",
                ));
            }
            let kind = format!("authorization: Bearer {TOKEN}\r\ncontent-type: {raw}\r\n");
            asked.push(request("POST /v1/clusters/db/hold", &kind, "{}"));
            for (act, field) in [
                ("clusters/db/hold", "why"),
                ("clusters/db/hold", "member"),
                ("clusters/db/resume", "member"),
                ("clusters/db/forget", "member"),
                ("clusters/db/drain", "member"),
                ("clusters/db/scale", "replicas"),
                ("clusters/db/hold", nasty),
            ] {
                let body = json!({ field: nasty }).to_string();
                asked.push(request(&format!("POST /v1/{act}"), &token, &body));
            }
            let level = json!({ "level": nasty }).to_string();
            asked.push(request("PUT /v1/log", &token, &level));
            for asked in asked {
                let told = exchange(address, &asked, None).await;
                // What cannot be HTTP at all is answered by nothing but a status.
                if !told.is_empty() {
                    shown.push(Shown::json("requests", told));
                }
            }
            assert!(shown.len() > 20, "{}", shown.len());
            let remembered = exchange(address, &request("GET /v1/events", "", ""), None).await;
            shown.push(Shown::json("requests", remembered));
            shown
        })
        .await
    })
}

fn commands(nasty: &str) -> Vec<Shown> {
    let runtime = runtime();
    let pages = runtime.block_on(ways_out::honest_pages());
    let address = ways_out::repeat_with(pages, nasty);
    let api = address.to_string();
    let mut shown = Vec::new();
    for args in [
        &["status"][..],
        &["members"],
        &["plan"],
        &["events"],
        &["why", "1"],
    ] {
        let args = [args, &["--api", &api]].concat();
        let told = program("commands", &args);
        let told_word = told[0].text.contains('\u{fffd}') || told[0].text.contains("10.0.0.1");
        assert!(told_word, "{args:?}: {}{}", told[0].text, told[1].text);
        shown.extend(told);
        shown.extend(program(
            "commands --json",
            &[&args[..], &["--json"]].concat(),
        ));
    }
    shown
}

fn files(nasty: &str) -> Vec<Shown> {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let word = serde_json::to_string(nasty).unwrap();
    let stack = written(
        "stack.yml",
        format!(
            "services:\n  {word}:\n    image: {word}\n    command: [meshworker, init, --, {word}]\n    environment:\n      \
         {word}: {word}\n      MESHWORKER_CLUSTER: {word}\n    volumes: [{word}]\n    networks: [{word}]\n    secrets: [{word}]\n    \
         deploy:\n      endpoint_mode: {word}\n      placement: {{constraints: [{word}]}}\n"
        ),
    );
    let broken = written("broken.yml", format!("services:\n  {word}: [{word}"));
    let value = nasty.escape_unicode().to_string().replace("\\u{", "\\U");
    let value: String = value
        .split("\\U")
        .skip(1)
        .map(|code| format!("\\U{:0>8}", code.trim_end_matches('}')))
        .collect();
    let mut shown = Vec::new();
    for stack in [&stack, &broken] {
        shown.extend(program("doctor", &["doctor", "--stack", stack]));
        shown.extend(program(
            "doctor --json",
            &["doctor", "--stack", stack, "--json"],
        ));
    }
    for (name, line) in [
        (
            "value",
            format!("servicename = \"db\"\nengine = \"redis\"\nname = \"{value}\""),
        ),
        (
            "user",
            format!("servicename = \"db\"\nengine = \"redis\"\nuser = \"{value}\""),
        ),
        (
            "key",
            format!("servicename = \"db\"\nengine = \"redis\"\n\"{value}\" = 1"),
        ),
        ("raw", format!("servicename = {nasty}")),
    ] {
        let config = written(name, format!("[[cluster]]\n{line}\n"));
        shown.extend(program(
            "config check",
            &["config", "check", "--config", &config],
        ));
    }
    // A file may be called so as well, unless the name has a zero byte.
    if !nasty.contains('\0') {
        let path = dir.path().join(nasty).display().to_string();
        assert!(!Path::new(&path).exists());
        shown.extend(program(
            "config check",
            &["config", "check", "--config", &path],
        ));
        shown.extend(program("doctor", &["doctor", "--stack", &path]));
        std::fs::copy(&stack, &path).unwrap();
        shown.extend(program("doctor", &["doctor", "--stack", &path]));
        shown.extend(program(
            "doctor --json",
            &["doctor", "--stack", &path, "--json"],
        ));
    }
    shown
}
