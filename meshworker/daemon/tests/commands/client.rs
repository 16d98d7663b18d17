//! The client against a small worker.

use meshworker::client::{Access, Client, Endpoint, Unanswered};
use meshworker::status::{Hold, Summary};
use meshworker::token_file::TokenFile;

use crate::server::{Server, TOKEN};
use crate::story;

/// Where nobody listens, nor ever will: the port is taken until the test ends.
pub fn dead() -> String {
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = taken.local_addr().unwrap();
    std::mem::forget(taken);
    format!("http://{address}")
}

pub fn access(list: &str) -> Access {
    Access {
        endpoints: Endpoint::list(list).unwrap(),
        ..Access::default()
    }
}

async fn clusters(access: &Access) -> Result<Vec<Summary>, Unanswered> {
    let client = Client::find(access).await.unwrap();
    client.get(&["v1", "clusters"], &[]).await
}

#[tokio::test]
async fn the_first_that_answers_is_asked() {
    let server = Server::of(vec![story::calm()]);
    let list = format!("{},{}", dead(), server.url());
    let found = clusters(&access(&list)).await.unwrap();
    assert_eq!(found, [story::calm().summary]);
}

#[tokio::test]
async fn what_speaks_no_worker_s_language_is_passed_over() {
    for (status, text) in [
        (200, "<html>"),
        (200, "{}"),
        (502, "Bad Gateway"),
        (302, ""),
    ] {
        let proxy = Server::of(Vec::new());
        proxy.world(|world| {
            world
                .instead
                .insert("/v1/clusters".into(), (status, text.into()))
        });
        let server = Server::of(vec![story::calm()]);
        let both = format!("{},{}", proxy.url(), server.url());
        assert_eq!(
            clusters(&access(&both)).await.unwrap().len(),
            1,
            "{status} {text}"
        );
        let error = clusters(&access(&proxy.url()))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("no worker answers: {}: ", proxy.url())),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }
}

#[tokio::test]
async fn a_worker_that_has_not_looked_yet_leaves_the_word_to_the_next() {
    let fresh = Server::of(Vec::new());
    let error = r#"{"error":"no pass yet"}"#;
    fresh.world(|world| {
        world
            .instead
            .insert("/v1/clusters".into(), (503, error.into()))
    });
    let server = Server::of(vec![story::calm()]);
    let both = format!("{},{}", fresh.url(), server.url());
    assert_eq!(clusters(&access(&both)).await.unwrap().len(), 1);
    let refused = clusters(&access(&fresh.url())).await.unwrap_err();
    assert!(
        matches!(refused, Unanswered::Refused { status: 503, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_name_stands_for_its_addresses_and_this_machine_is_one() {
    let server = Server::of(vec![story::calm()]);
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), format!("{TOKEN}\n")).unwrap();
    let access = Access {
        token: Some(TokenFile::new(token.path())),
        ..access(&format!("localhost:{}", server.address.port()))
    };
    let client = Client::find(&access).await.unwrap();
    let hold = Hold {
        member: None,
        why: None,
        who: None,
        seconds: None,
    };
    let told = client
        .tell_all(&["v1", "clusters", "a b/c", "hold"], &hold)
        .await
        .unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1.as_ref().unwrap().done, "so it will be");
    server.world(|world| assert_eq!(world.told[0].0, "/v1/clusters/a%20b%2Fc/hold"));

    // Read at each use.
    std::fs::write(token.path(), "another-token-of-the-tests").unwrap();
    let told = client
        .tell_all(&["v1", "clusters", "a", "hold"], &hold)
        .await
        .unwrap();
    assert!(matches!(
        told[0].1,
        Err(Unanswered::Refused { status: 401, .. })
    ));
    std::fs::write(token.path(), "a\nb").unwrap();
    let error = client
        .tell_all(&["v1"], &hold)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line 1: found 1 bytes; allowed: 16 to 1024"),
        "{error}"
    );
}

/// A certificate for this machine, and who signed it, made by openssl.
fn certificate() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("openssl")
        .current_dir(dir.path())
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
        )
        .args("-subj /CN=here -addext subjectAltName=IP:127.0.0.1,DNS:localhost".split(' '))
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args("-keyout key.pem -out cert.pem".split(' '))
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    dir
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_will_do() {
    let dir = certificate();
    let server = Server::encrypted(vec![story::calm()], dir.path());
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}", server.address.port());
        let trusting = Access {
            ca_file: Some(dir.path().join("cert.pem")),
            ..access(&url)
        };
        assert_eq!(clusters(&trusting).await.unwrap().len(), 1, "{host}");
        let others = certificate();
        let trusting = Access {
            ca_file: Some(others.path().join("cert.pem")),
            ..access(&url)
        };
        let error = clusters(&trusting).await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
    let broken = Access {
        ca_file: Some("/nowhere".into()),
        ..access("https://127.0.0.1:1")
    };
    let error = Client::find(&broken).await.unwrap_err();
    assert!(error.starts_with("api-ca-file: /nowhere: "), "{error}");
}
