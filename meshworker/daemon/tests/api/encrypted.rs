//! The API under a certificate.

use std::path::Path;
use std::sync::Arc;

use meshworker::api::certificate;
use tokio::io::AsyncWriteExt;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::office::{Office, Opening};
use super::reply::{Reply, exchange, request};

/// A certificate for `worker.test`, which signs itself, made by openssl.
fn make(dir: &Path) {
    let made = std::process::Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
        )
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
pub fn made(dir: &Path) -> TlsAcceptor {
    make(dir);
    certificate::read(&dir.join("cert.pem"), &dir.join("key.pem")).unwrap()
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
    let cases = [
        (file("none"), file("key.pem"), "none"),
        (file("empty"), file("key.pem"), "empty"),
        (file("cert.pem"), file("none"), "none"),
        (file("cert.pem"), file("junk"), "junk"),
        (file("cert.pem"), file("empty"), "empty"),
        (file("cert.pem"), other.path().join("key.pem"), "key.pem"),
    ];
    for (cert, key, named) in cases {
        let error = certificate::read(&cert, &key).err().unwrap();
        let says = format!("/{named}: ");
        assert!(
            error.contains(&says) && !error.contains("secret"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
