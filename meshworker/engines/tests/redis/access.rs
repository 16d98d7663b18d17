//! Credentials, encryption, and servers that cannot be used.

use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::Unanswered;
use meshworker_engines::{Engine, SecretFile, Tls};
use tokio::time::{Instant, sleep};

use crate::servers::Servers;

#[tokio::test]
async fn a_password_opens_and_a_wrong_one_is_denied() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_password("open-sesame");
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;

    let mut wrong = servers.access.clone();
    wrong.password = Some(SecretFile::new(servers.file("wrong", "open-barley")));
    let mut missing = servers.access.clone();
    missing.password = Some(SecretFile::new("/nowhere/password"));
    let mut none = servers.access.clone();
    none.password = None;
    for access in [wrong, missing, none] {
        let engine = meshworker_engines::redis::Redis::new(access);
        let answer = engine.observe(nodes[0]).await;
        let Err(Unanswered::Denied(why)) = answer else {
            panic!("{answer:?}");
        };
        assert!(!why.contains("open-"), "{why}");
    }
}

#[tokio::test]
async fn a_password_that_is_rotated_takes_effect() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_password("first");
    let nodes = servers.start(1).await;
    let engine = servers.engine();
    assert!(engine.observe(nodes[0]).await.is_ok());
    let mut client = servers.client(nodes[0]);
    for rotate in [
        &["CONFIG", "SET", "requirepass", "second"][..],
        &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    ] {
        client.tell(nodes[0], rotate).await;
    }
    let answer = engine.observe(nodes[0]).await;
    assert!(matches!(answer, Err(Unanswered::Denied(_))), "{answer:?}");
    servers.file("password", "second");
    assert!(engine.observe(nodes[0]).await.is_ok());
}

#[tokio::test]
async fn an_acl_user_needs_few_rights() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.config = vec![
        "user worker on >pass ~* &* -@all +cluster +info +dbsize +migrate +restore +restore-asking"
            .into(),
        "user stranger on >pass ~* -@all +get".into(),
    ];
    let password = servers.file("password", "pass");
    servers.access.password = Some(SecretFile::new(password));
    servers.access.user = Some("worker".into());
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    servers.access.user = Some("stranger".into());
    let answer = servers.engine().observe(nodes[0]).await;
    assert!(matches!(answer, Err(Unanswered::Denied(_))), "{answer:?}");
}

#[tokio::test]
async fn an_encrypted_cluster_forms_and_certificates_are_checked() {
    let Some(mut servers) = Servers::with_replicas(0) else {
        return;
    };
    servers.set_tls();
    let mut nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;
    // Slots move over encrypted connections, too: some are enough.
    nodes.extend(servers.start(1).await);
    let begin = Instant::now();
    let moves = |reply: &String| reply.starts_with("moved") && !reply.starts_with("moved 0");
    while !driver
        .done
        .iter()
        .any(|(_, done)| done.reply.as_ref().is_ok_and(moves))
    {
        let patience = servers.patience();
        assert!(begin.elapsed() < patience, "{}", driver.story());
        driver.pass(&nodes).await;
        sleep(Duration::from_millis(50)).await;
    }

    let good = servers.access.tls.clone().unwrap();
    for (what, tls) in [
        (
            "another name",
            Tls {
                server_name: Some("other.test".into()),
                ..good.clone()
            },
        ),
        (
            "the address, which is not in the certificate",
            Tls {
                server_name: None,
                ..good.clone()
            },
        ),
        (
            "an untrusted CA",
            Tls {
                ca_file: None,
                ..good.clone()
            },
        ),
        (
            "no client certificate",
            Tls {
                client: None,
                ..good.clone()
            },
        ),
    ] {
        let mut access = servers.access.clone();
        access.tls = Some(tls);
        let answer = meshworker_engines::redis::Redis::new(access)
            .observe(nodes[0])
            .await;
        assert!(answer.is_err(), "{what}");
    }
    let mut plain = servers.access.clone();
    plain.tls = None;
    let answer = meshworker_engines::redis::Redis::new(plain)
        .observe(nodes[0])
        .await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_is_no_cluster_node_gets_advice() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.config = vec!["cluster-enabled no".into()];
    let nodes = servers.start(1).await;
    let answer = servers.engine().observe(nodes[0]).await;
    let Err(Unanswered::Garbage(advice)) = answer else {
        panic!("{answer:?}");
    };
    assert!(advice.contains("cluster-enabled yes"), "{advice}");
}

#[tokio::test]
async fn nobody_listens_is_unreachable() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    let nowhere = servers.spare_address();
    let answer = servers.engine().observe(nowhere).await;
    assert!(
        matches!(answer, Err(Unanswered::Unreachable(_))),
        "{answer:?}"
    );
}
