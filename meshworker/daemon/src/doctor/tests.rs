//! The whole look, against a name server and an engine that say what they are
//! told to.

use std::sync::Arc;
use std::time::Duration;

use fake_dns::{Behaviour, FakeDns};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Collector, Whom, diagnosis};
use crate::config::{Inputs, Origin};
use crate::docker::{DockerClient, Endpoint};
use crate::witness::{DnsOptions, DnsSource, DockerOptions, DockerSource, Source};
use fake_docker::FakeEngine;
use meshworker_doctor::finding::Severity;
use meshworker_doctor::report::Diagnosis;

/// Longer than any answer takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A name server, an engine, and a place.
struct World {
    dns: FakeDns,
    engine: FakeEngine,
    place: tempfile::TempDir,
}

fn task(slot: u64, desired: &str) -> Value {
    json!({
        "ID": format!("t{slot}"),
        "ServiceID": "s1",
        "Slot": slot,
        "NodeID": format!("n{slot}"),
        "Status": {"State": "running"},
        "DesiredState": desired,
        "NetworksAttachments": [{
            "Network": {"ID": "w1", "Spec": {"Name": "cache_cluster"}, "DriverState": {"Name": "overlay"}},
            "Addresses": [format!("10.0.1.{slot}/24")],
        }],
    })
}

fn node(id: &str) -> Value {
    json!({"ID": id, "Status": {"State": "ready"}, "Spec": {"Availability": "active"}})
}

/// The services of a stack in which nothing is wrong, as an engine lists them.
fn services() -> Value {
    let labels = json!({"com.docker.stack.namespace": "cache"});
    json!([
        {"ID": "s1", "Spec": {
            "Name": "cache_redis",
            "Labels": labels,
            "Mode": {"Replicated": {"Replicas": 3}},
            "EndpointSpec": {"Mode": "dnsrr"},
            "UpdateConfig": {"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"},
            "TaskTemplate": {
                "Networks": [{"Target": "w1"}],
                "Placement": {"MaxReplicas": 1},
                "ContainerSpec": {
                    "Image": "redis-member:7.4@sha256:0",
                    "Command": ["meshworker", "init", "--"],
                    "Args": ["sh", "/member.sh"],
                    "Env": ["SLOT={{.Task.Slot}}", "MESHWORKER_GRACE=600"],
                    "Mounts": [{"Type": "volume", "Source": "cache_data", "Target": "/data"}],
                    "StopGracePeriod": 600_000_000_000_u64,
                    "Healthcheck": {"Test": ["CMD", "meshworker", "health"], "StartPeriod": 3_600_000_000_000_u64},
                },
            },
        }},
        {"ID": "s2", "Spec": {
            "Name": "cache_meshworker",
            "Labels": labels,
            "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": {"Mode": "dnsrr"},
            "TaskTemplate": {
                "Networks": [{"Target": "w1"}],
                "ContainerSpec": {
                    "Image": "meshworker/meshworker:1.0",
                    "Args": ["run"],
                    "Env": [
                        "MESHWORKER_ENGINE=redis",
                        "MESHWORKER_SERVICENAME=redis",
                        "MESHWORKER_LISTEN=0.0.0.0:4747",
                        "MESHWORKER_OPTION_REPLICAS_PER_MASTER=1",
                    ],
                },
            },
        }},
        // Somebody else's, and bad: not looked at.
        {"ID": "s3", "Spec": {"Name": "other", "TaskTemplate": {"ContainerSpec": {"Image": "x:latest"}}}},
    ])
}

impl World {
    async fn new() -> World {
        let dns = FakeDns::start().await.unwrap();
        dns.set(
            "redis",
            Behaviour::answer(["10.0.1.1", "10.0.1.2", "10.0.1.3"]),
        );
        let engine = FakeEngine::start();
        engine.world.services(services());
        engine.world.tasks(json!([
            task(1, "running"),
            task(2, "running"),
            task(3, "running")
        ]));
        engine
            .world
            .nodes(json!([node("n1"), node("n2"), node("n3")]));
        engine.world.networks(json!([
            {"Id": "w1", "Name": "cache_cluster", "Driver": "overlay", "Attachable": false, "Options": {}},
            {"Id": "w0", "Name": "ingress", "Driver": "overlay", "Ingress": true, "Options": {}},
        ]));
        engine
            .world
            .info(|| json!({"SystemTime": rfc_3339(std::time::SystemTime::now())}));
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("resolv.conf"), "nameserver 127.0.0.11\n").unwrap();
        std::fs::create_dir_all(place.path().join("net/ens3/device")).unwrap();
        std::fs::write(place.path().join("net/ens3/mtu"), "1500\n").unwrap();
        World { dns, engine, place }
    }

    fn collector(&self) -> Collector {
        let mut inputs = Inputs::default();
        let server = self.dns.address().to_string();
        for (name, value) in [
            ("servicename", "redis"),
            ("engine", "redis"),
            ("name-server", &server),
            ("docker", "yes"),
            ("docker-service", "cache_redis"),
        ] {
            inputs.shared.give(name, value, Origin::Flag).unwrap();
        }
        let host = format!("unix://{}", self.engine.socket().display());
        let endpoint = Endpoint::parse(&host, false, None).unwrap();
        let docker = Arc::new(DockerClient::new(endpoint));
        let options = DnsOptions {
            name_servers: Some(vec![self.dns.address()]),
            deadline: LONG,
            ..DnsOptions::default()
        };
        let tasks = DockerOptions {
            deadline: LONG,
            ..DockerOptions::of("cache_redis")
        };
        let sources: Vec<Arc<dyn Source>> = vec![
            Arc::new(DnsSource::new("redis", options).unwrap()),
            Arc::new(DockerSource::new(Arc::clone(&docker), tasks)),
        ];
        let clusters = inputs.clusters().unwrap().into_iter();
        Collector {
            clusters: clusters.map(|cluster| (cluster, sources.clone())).collect(),
            docker: Ok(docker),
            workers: None,
            resolv_conf: self.place.path().join("resolv.conf"),
            links: self.place.path().join("net"),
            pause: Duration::from_millis(60),
            inputs,
        }
    }

    async fn diagnosis(&self) -> Diagnosis {
        diagnosis(&self.collector(), None, None, None, |_| Vec::new()).await
    }
}

/// In the form that the engine uses, whole seconds.
fn rfc_3339(time: std::time::SystemTime) -> String {
    let date = httpdate::HttpDate::from(time).to_string();
    // "Sun, 06 Nov 1994 08:49:37 GMT"
    let words: Vec<&str> = date.split(' ').collect();
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(words[2]).unwrap() / 3 + 1;
    format!("{}-{month:02}-{}T{}Z", words[3], words[1], words[4])
}

fn checks(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|found| found.check).collect()
}

#[tokio::test]
async fn a_healthy_cluster_has_only_what_is_true_of_it() {
    let world = World::new().await;
    let diagnosis = world.diagnosis().await;
    assert_eq!(checks(&diagnosis), ["copies"], "{diagnosis:#?}");
    let skipped: Vec<_> = diagnosis.skipped.iter().map(|s| s.check).collect();
    assert_eq!(skipped, ["configuration"]);
}

#[tokio::test]
async fn dns_is_compared_with_the_task_list() {
    let world = World::new().await;
    world.dns.set(
        "redis",
        Behaviour::answer(["10.0.1.1", "10.0.1.2", "10.0.1.9"]),
    );
    world.engine.world.tasks(json!([
        task(1, "running"),
        task(2, "shutdown"),
        task(3, "running")
    ]));
    let diagnosis = world.diagnosis().await;
    let expected = ["dns-stale", "dns-phantom", "dns-missing", "copies"];
    assert_eq!(checks(&diagnosis), expected, "{diagnosis:#?}");
}

#[tokio::test]
async fn what_changes_at_this_moment_is_no_mistake() {
    let world = World::new().await;
    let then = Behaviour::answer(["10.0.1.1", "10.0.1.2", "10.0.1.3"]);
    let first = Behaviour::answer(["10.0.1.1", "10.0.1.2"]);
    world.dns.set("redis", Behaviour::Script(vec![first, then]));
    assert_eq!(checks(&world.diagnosis().await), ["copies"]);
}

#[tokio::test]
async fn bad_answers_are_graded() {
    let world = World::new().await;
    world.dns.set("redis", Behaviour::NxDomain);
    assert_eq!(checks(&world.diagnosis().await), ["dns-answer", "copies"]);
    let addresses = ["10.0.1.1", "10.0.1.2", "10.0.1.3"].map(|a| a.parse().unwrap());
    world.dns.set(
        "redis",
        Behaviour::Truncated {
            addresses: addresses.to_vec(),
            shown: 2,
            tcp: fake_dns::Tcp::Closes,
        },
    );
    let diagnosis = world.diagnosis().await;
    assert_eq!(
        checks(&diagnosis),
        ["dns-truncated", "dns-missing", "copies"]
    );
}

#[tokio::test]
async fn deployed_services_are_checked_like_a_file() {
    let world = World::new().await;
    let mut services = services();
    let spec = services.pointer_mut("/0/Spec").unwrap();
    spec["EndpointSpec"] = json!({"Mode": "vip"});
    spec["UpdateConfig"]["Parallelism"] = json!(0);
    spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!([
        "SLOT={{.Task.Slot}}",
        "MESHWORKER_GRACE=600",
        "DB_PASSWORD=x"
    ]);
    world.engine.world.services(services);
    let diagnosis = world.diagnosis().await;
    let expected = [
        "endpoint-mode",
        "update-parallelism",
        "secret-in-plain",
        "copies",
    ];
    assert_eq!(checks(&diagnosis), expected, "{diagnosis:#?}");
    assert_eq!(diagnosis.findings[0].subject, "service redis");
}

#[tokio::test]
async fn an_engine_that_says_no_is_an_error_where_it_is_asked_for() {
    let world = World::new().await;
    world.engine.world.status(503);
    let diagnosis = world.diagnosis().await;
    assert_eq!(checks(&diagnosis), ["task-list"]);
    let skipped = diagnosis.skipped.iter();
    let skipped: Vec<_> = skipped.map(|skipped| skipped.check).collect();
    let expected = [
        "dns-stale",
        "dns-phantom",
        "dns-missing",
        "clock",
        "deployed",
    ];
    for check in expected {
        assert!(skipped.contains(&check), "{check} in {diagnosis:#?}");
    }
}

#[tokio::test]
async fn clocks_of_engine_and_workers_are_compared_with_this_one() {
    let world = World::new().await;
    world
        .engine
        .world
        .info(|| json!({"SystemTime": "2015-01-01T00:00:00.5Z"}));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let worker = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer =
            "HTTP/1.1 401 no\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let mut collector = world.collector();
    collector.workers = Some(Whom {
        name: "127.0.0.1".into(),
        port,
    });
    let diagnosis = diagnosis(&collector, None, None, None, |_| Vec::new()).await;
    worker.await.unwrap();
    let clocks = diagnosis
        .findings
        .iter()
        .filter(|found| found.check == "clock");
    let whose: Vec<_> = clocks.map(|found| found.subject.clone()).collect();
    let expected = [
        "the Docker engine".to_owned(),
        format!("worker 127.0.0.1:{port}"),
    ];
    assert_eq!(whose, expected);
    assert_eq!(diagnosis.count(Severity::Error), 0, "{diagnosis:#?}");
}
