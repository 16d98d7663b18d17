//! The API under a certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use meshworker::http::certificate::Certificate;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::office::{Office, Opening};
use super::reply::{Reply, exchange, request};

/// A certificate for `worker.test`, which signs itself, made by openssl.
fn make(dir: &Path) {
    make_for(dir, 2);
}

fn make_for(dir: &Path, days: u32) {
    let made = std::process::Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(' '))
        .args(["-days", &days.to_string()])
        .args("-subj /CN=worker.test -addext subjectAltName=DNS:worker.test".split(' '))
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args("-keyout key.pem -out cert.pem".split(' '))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

pub fn connector(dir: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// What answers with a certificate that is made in this folder.
pub fn made(dir: &Path) -> Arc<Certificate> {
    make(dir);
    let made = Certificate::read("api-cert-file", &dir.join("cert.pem"), &dir.join("key.pem"));
    Arc::new(made.unwrap())
}

#[tokio::test]
async fn with_a_certificate_only_who_speaks_tls_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Some(made(dir.path()));
    let office = Office::without_worker(Opening {
        tls,
        ..Opening::default()
    })
    .await;
    let ask = request("GET /v1/health", &[], "");

    let name = ServerName::try_from("worker.test").unwrap();
    let connector = connector(dir.path());
    let mut stream = connector
        .connect(name, office.connect().await)
        .await
        .unwrap();
    stream.write_all(&ask).await.unwrap();
    let reply = Reply::read(stream).await;
    assert_eq!((reply.status, &*reply.text), (200, r#"{"status":"ok"}"#));

    // In the clear, under another name, and by halves nobody is answered.
    assert!(exchange(office.connect().await, &ask).await.is_none());
    let other = ServerName::try_from("other.test").unwrap();
    assert!(
        connector
            .connect(other, office.connect().await)
            .await
            .is_err()
    );
    assert!(
        exchange(office.connect().await, b"\x16\x03\x01")
            .await
            .is_none()
    );
    office.close().await;
}

#[test]
fn what_cannot_be_used_is_named_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let file = |name: &str| dir.path().join(name);
    std::fs::write(file("empty"), "").unwrap();
    std::fs::write(file("junk"), "-----BEGIN PRIVATE KEY-----\nsecretsecret\n").unwrap();
    let other = tempfile::tempdir().unwrap();
    make(other.path());
    let chain = [other.path().join("cert.pem"), file("cert.pem")];
    let chain = chain.map(|file| std::fs::read_to_string(file).unwrap());
    std::fs::write(file("turned"), chain.concat()).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, file("pipe"), kind, mode, 0).unwrap();
    let cases = [
        (file("none"), file("key.pem"), "none"),
        (file("empty"), file("key.pem"), "empty"),
        (file("cert.pem"), file("none"), "none"),
        (file("cert.pem"), file("junk"), "junk"),
        (file("cert.pem"), file("empty"), "empty"),
        (file("cert.pem"), other.path().join("key.pem"), "key.pem"),
        // The own certificate is not the first.
        (file("turned"), file("key.pem"), "key.pem"),
        (file("pipe"), file("key.pem"), "pipe"),
    ];
    for (cert, key, named) in cases {
        let error = Certificate::read("api-cert-file", &cert, &key)
            .err()
            .unwrap();
        let says = format!("/{named}: ");
        assert!(
            error.contains(&says) && !error.contains("secret"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// The certificate of the port was expired: no word at the start, in `ready`, or as a
/// number.
#[tokio::test]
async fn a_certificate_ended_without_a_word_and_a_new_one_needed_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (first, name) = (
        made(dir.path()),
        ServerName::try_from("worker.test").unwrap(),
    );
    let office = Office::without_worker(Opening {
        tls: Some(Arc::clone(&first)),
        ..Opening::default()
    })
    .await;
    let ask = |path: &'static str, connector: TlsConnector| {
        let (connect, name) = (office.connect(), name.clone());
        async move {
            let mut stream = connector.connect(name, connect.await).await.ok()?;
            let asked = request(&format!("GET {path}"), &[], "");
            stream.write_all(&asked).await.unwrap();
            Some(Reply::read(stream).await)
        }
    };
    let old = connector(dir.path());
    // Two days are left.
    let ready = ask("/v1/ready", old.clone()).await.unwrap();
    assert_eq!(ready.status, 200);
    let warning = ready.json()["warnings"][0].as_str().unwrap().to_owned();
    assert!(warning.contains("expires in 1 days"), "{warning}");
    let metrics = ask("/metrics", old.clone()).await.unwrap().text;
    let ends = metrics.lines().find_map(|line| {
        let value = line.strip_prefix("meshworker_api_certificate_expiry_timestamp_seconds ")?;
        value.parse::<f64>().ok()
    });
    let now = SystemTime::now();
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let left = ends.unwrap() - seconds;
    assert!((86_400.0..=172_800.0).contains(&left), "{left}");
    let later = first.warning(now + std::time::Duration::from_secs(3 * 86_400));
    assert!(later.unwrap().contains("has expired"));

    // A new one is shown at once; one that cannot be used changes nothing.
    make_for(dir.path(), 90);
    assert!(
        ask("/v1/ready", old).await.is_none(),
        "the old one is shown"
    );
    let new = connector(dir.path());
    let ready = ask("/v1/ready", new.clone()).await.unwrap();
    assert_eq!(ready.json()["warnings"], serde_json::json!([]));
    std::fs::write(dir.path().join("cert.pem"), "nonsense").unwrap();
    assert!(ask("/v1/ready", new).await.is_some());
    office.close().await;
}
