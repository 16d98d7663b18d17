use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::Tls;
use meshworker_core::Place;

const HOME: Place = Place::at(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));

/// A server of one kind of replies, and the requests that it has received, one
/// item for each round trip.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(reply: fn(&str) -> &'static str) -> Server {
        Server::listen(reply, None).await
    }

    async fn listen(reply: fn(&str) -> &'static str, tls: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind(HOME.socket(0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let received = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &tls {
                    None => serve(stream, reply, &received).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => serve(stream, reply, &received).await,
                        Err(_) => continue,
                    },
                }
            }
        });
        Server {
            port,
            requests,
            task,
        }
    }

    fn access(&self) -> Access {
        Access {
            port: 3002,
            service_port: self.port,
            cluster_name: None,
            user: None,
            password: None,
            tls: None,
            deadline: Duration::from_secs(20),
            options: Aerospike::DESCRIPTOR.complete(&Default::default()).unwrap(),
        }
    }

    fn engine(&self) -> Aerospike {
        Aerospike::new(self.access())
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    reply: fn(&str) -> &'static str,
    received: &Mutex<Vec<String>>,
) {
    let mut header = [0; info::HEADER];
    while stream.read_exact(&mut header).await.is_ok() {
        let mut body = vec![0; usize::from(header[7])];
        stream.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        let lines = body
            .lines()
            .map(|line| format!("{line}\t{}\n", reply(line)));
        let lines: String = lines.collect();
        let mut answer = vec![2, 1];
        answer.extend_from_slice(&(lines.len() as u64).to_be_bytes()[2..]);
        answer.extend_from_slice(lines.as_bytes());
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
        received.lock().unwrap().push(body);
    }
}

fn older(command: &str) -> &'static str {
    match command {
        "node" => "BB90501000A4202",
        "build" => "8.0.0.15",
        "edition" => "Aerospike Community Edition",
        "cluster-name" => "null",
        "statistics" => "cluster_size=1;cluster_key=9C63D2394FBF",
        "service-clear-std" => "127.0.0.1:3000",
        "peers-clear-std" => "0,3000,[]",
        "services-alumni" => "",
        "namespaces" => "test;bar",
        "namespace/test" => "migrate_tx_partitions_remaining=7;migrate_rx_partitions_remaining=0",
        "namespace/bar" => "migrate_tx_partitions_remaining=1;migrate_rx_partitions_remaining=2",
        _ => "ERROR:4:unrecognized command",
    }
}

#[tokio::test]
async fn a_server_without_the_sum_is_asked_for_each_namespace() {
    let server = Server::start(older).await;
    let view = server.engine().observe(HOME).await.unwrap();
    let working = view.working.as_deref();
    assert_eq!(working, Some("8 partitions to send, 2 to receive"));
    let requests = server.requests();
    let second = "edition\nservices-alumni\nnamespace/bar\nnamespace/test\n";
    assert_eq!(requests[1..], [second]);
}

/// Once the namespaces are known, they are asked about in the same round trip.
#[tokio::test]
async fn a_view_takes_one_round_trip() {
    let server = Server::start(older).await;
    let engine = server.engine();
    let first = engine.observe(HOME).await.unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(engine.observe(HOME).await.unwrap(), first);
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(requests[2].ends_with("namespace/bar\nnamespace/test\n"));
    let namespaces = first.detail.namespaces.unwrap();
    let names: Vec<_> = namespaces.iter().map(|space| &space.name).collect();
    assert_eq!(names, ["bar", "test"]);
    assert_eq!(first.detail.to_send, Some(8));
}

#[tokio::test]
async fn a_server_that_wants_a_login_says_so() {
    let server = Server::start(|_| "ERROR:80:not authenticated").await;
    let view = server.engine().observe(HOME).await;
    assert_eq!(view, Err(Unanswered::Denied("not authenticated".into())));
}

/// A certificate for `node.test`, and who signed it, made by openssl.
fn certificate(dir: &std::path::Path) {
    let made = std::process::Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
        )
        .args("-subj /CN=node.test -addext subjectAltName=DNS:node.test".split(' '))
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args("-keyout key.pem -out cert.pem".split(' '))
        .current_dir(dir)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
}

fn acceptor(dir: &std::path::Path) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn over_tls_the_tls_addresses_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let reply = |command: &str| match command {
        "service-tls-std" => "127.0.0.1:4333",
        "peers-tls-std" | "alumni-tls-std" => "1,3000,[[A,node.test,[127.0.0.2:4333]]]",
        other => older(other),
    };
    let server = Server::listen(reply, Some(acceptor(dir.path()))).await;
    let observe = async |server_name: &str| {
        let mut access = server.access();
        access.tls = Some(Tls {
            ca_file: Some(dir.path().join("cert.pem")),
            client: None,
            server_name: Some(server_name.into()),
        });
        Aerospike::new(access).observe(HOME).await
    };
    let view = observe("node.test").await.unwrap();
    assert_eq!(view.alive().count(), 2);
    let denied = observe("other.test").await;
    assert!(
        matches!(&denied, Err(Unanswered::Garbage(why)) if why.contains("certificate")),
        "{denied:?}"
    );
}

async fn perform(server: &Server, request: Request) -> Result<String, Failure> {
    let step = Step::new(HOME, request, vec![]);
    server.engine().perform(&step).await
}

fn reset() -> Request {
    Request::AlumniReset {
        departed: vec!["10.0.1.8:3002".parse().unwrap()],
    }
}

#[tokio::test]
async fn the_evidence_is_kept_until_the_seeds_are_gone() {
    let server = Server::start(|command| match command {
        "services-alumni-reset" => "ok",
        _ => "ERROR::0 cleared, 0 not found",
    })
    .await;
    let refused = perform(&server, reset()).await;
    assert_eq!(
        refused,
        Err(Failure::Refused("0 cleared, 0 not found".into()))
    );
    assert_eq!(
        server.requests(),
        ["tip-clear:host-port-list=10.0.1.8:3002\n"]
    );

    let server = Server::start(|command| remembers(command, "10.0.1.8:3000")).await;
    let done = perform(&server, reset()).await;
    assert_eq!(done, Ok("0 cleared, 1 not found, then ok".into()));
    let requests = server.requests();
    assert_eq!(requests.last().unwrap(), "services-alumni-reset\n");
}

/// A server that remembers these former peers.
fn remembers(command: &str, gone: &'static str) -> &'static str {
    match command {
        "services-alumni" => gone,
        "services-alumni-reset" => "ok",
        clear if clear.starts_with("tip-clear") => "ERROR::0 cleared, 1 not found",
        other => older(other),
    }
}

/// It left after the look on which the reset rests: the only trace of the seed that leads
/// to it was dropped as well.
#[tokio::test]
async fn a_peer_that_left_meanwhile_was_forgotten_with_the_others() {
    let server = Server::start(|command| remembers(command, "10.0.1.8:3000;10.0.1.9:3000")).await;
    let refused = perform(&server, reset()).await;
    let why = "it remembers 10.0.1.9 as well by now";
    assert_eq!(refused, Err(Failure::Refused(why.into())));
    let requests = server.requests();
    assert!(
        !requests.iter().any(|asked| asked.contains("reset")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn what_is_neither_ok_nor_an_error_proves_nothing() {
    let server = Server::start(|_| "perhaps").await;
    let reply = perform(&server, Request::Quiesce).await;
    assert_eq!(
        reply,
        Err(Failure::Unanswered("unknown reply 'perhaps'".into()))
    );
}

/// What the node at this address is asked, and what becomes of a tip to it about
/// itself, when it was expected to be this one.
async fn tip_about(
    guest: &str,
    cluster_name: Option<&str>,
) -> (Vec<String>, Result<String, Failure>) {
    let server = Server::start(|command| match command {
        "node" => "BB90501000A4202",
        "cluster-name" => "mesh",
        _ => "ok",
    })
    .await;
    let who = |node: &str, name: Option<&str>| Identity {
        node: node.into(),
        cluster_name: name.map(str::to_owned),
    };
    let tip = Request::Tip {
        seed: HOME.socket(3002),
        guest: who(guest, cluster_name),
        host: who("BB90501000A4202", Some("mesh")),
    };
    let reply = perform(&server, tip).await;
    (server.requests(), reply)
}

#[tokio::test]
async fn an_address_that_changed_hands_after_the_look_was_tipped() {
    let who = "node\ncluster-name\nget-config:context=network\n";
    let (requests, reply) = tip_about("BB90501000A4202", Some("mesh")).await;
    assert_eq!(reply, Ok("ok".into()));
    assert_eq!(requests, [who, who, "tip:host=127.0.0.1;port=3002\n"]);
    // The id is that of the address, whoever has it.
    for (id, name, expected) in [
        (
            "BB90501000A4202",
            None,
            "BB90501000A4202 of no named cluster",
        ),
        ("A1", Some("mesh"), "A1 of cluster 'mesh'"),
    ] {
        let (requests, reply) = tip_about(id, name).await;
        let found = "at 127.0.0.1 lives BB90501000A4202 of cluster 'mesh' now";
        let refused = Failure::Refused(format!("{found}, not {expected}"));
        assert_eq!((requests, reply), (vec![who.to_owned()], Err(refused)));
    }
}

/// Only the principal forms the cluster anew: from others it is no success.
#[tokio::test]
async fn a_node_that_may_not_recluster_refuses() {
    let server = Server::start(|command| match command {
        "recluster:" => "ignored-by-non-principal",
        _ => "ok",
    })
    .await;
    let purpose = meshworker_core::StepKind::Leave;
    let refused = perform(&server, Request::Recluster { purpose }).await;
    let why = "ignored-by-non-principal";
    assert_eq!(refused, Err(Failure::Refused(why.into())));
    let done = perform(&server, Request::Quiesce).await;
    assert_eq!(done, Ok("ok".into()));
    assert_eq!(server.requests(), ["recluster:\n", "quiesce:\n"]);
}

#[test]
fn a_seed_that_is_not_found_is_cleared() {
    let error = |text| Value::Error { code: None, text };
    assert!(taken(Value::Ok, Some(1)).is_ok());
    assert!(taken(error("0 cleared, 1 not found"), Some(1)).is_ok());
    assert!(taken(error("2 cleared, 1 not found"), Some(3)).is_ok());
    for text in [
        "0 cleared, 0 not found",
        "1 cleared, 0 not found",
        "unrecognized command",
    ] {
        let refused = taken(error(text), Some(2));
        assert_eq!(refused, Err(Failure::Refused(text.into())));
    }
    let refused = taken(error("0 cleared, 1 not found"), None);
    assert!(matches!(refused, Err(Failure::Refused(_))));
}
