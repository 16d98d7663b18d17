//! Who may act, and what refusals look like.

use serde_json::json;

use super::office::{Office, Opening, TOKEN};
use super::reply::request;
use super::support::World;

/// Every act, and what it takes.
const ACTS: [(&str, &str); 8] = [
    ("POST /v1/clusters/db/hold", "{}"),
    ("POST /v1/clusters/db/resume", "{}"),
    ("POST /v1/clusters/db/forget", r#"{"member":"x"}"#),
    ("POST /v1/clusters/db/acknowledge", "{}"),
    ("POST /v1/clusters/db/size", r#"{"size":3}"#),
    ("POST /v1/clusters/db/scale", r#"{"replicas":3}"#),
    ("POST /v1/clusters/db/drain", r#"{"member":"db.1"}"#),
    ("PUT /v1/log", r#"{"level":"debug"}"#),
];

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn no_act_without_the_token() {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let _open = office.board.open(&world.cluster(&[]));
    let basic = format!("Basic {TOKEN}");
    let longer = format!("Bearer {TOKEN}x");
    for (line, body) in ACTS {
        let none = office.send(&request(line, &[JSON], body)).await;
        assert!(none.head.contains("www-authenticate: bearer"), "{none:?}");
        let error = none.refused(401);
        assert_eq!(
            error,
            "authorization: found no bearer token; allowed: Bearer with this worker's token"
        );
        for wrong in [
            "Bearer x",
            "Bearer ",
            "Bearer",
            &basic,
            &longer,
            &longer[..longer.len() - 2],
        ] {
            office
                .send(&request(line, &[JSON, ("authorization", wrong)], body))
                .await
                .refused(401);
        }
        // Who may not act learns nothing else: neither what there is, nor what is allowed.
        let elsewhere = line.replace("/db/", "/other/");
        for (line, headers, body) in [
            (&*elsewhere, &[JSON][..], body),
            (line, &[JSON][..], "nonsense"),
            (line, &[][..], body),
        ] {
            office
                .send(&request(line, headers, body))
                .await
                .refused(401);
        }
    }
    let sheet = &office.board.sheets()[0];
    assert_eq!(
        sheet.orders().orders(tokio::time::Instant::now()),
        meshworker_core::Orders::default()
    );
    assert!(office.history().await.is_empty());
    office.close().await;
}

#[tokio::test]
async fn another_token_takes_effect_at_once() {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let _open = office.board.open(&world.cluster(&[]));
    office.hold(true).await;
    std::fs::write(office.file.path(), "another-token-of-the-tests").unwrap();
    office.order("hold", &json!({})).await.refused(401);
    std::fs::write(office.file.path(), "").unwrap();
    office.order("hold", &json!({})).await.refused(503);
    std::fs::write(office.file.path(), TOKEN).unwrap();
    office.hold(false).await;
    office.close().await;
}

#[tokio::test]
async fn a_worker_without_a_token_takes_no_orders_and_is_read() {
    let world = World::new().await;
    let office = Office::without_worker(Opening {
        without_token: true,
        ..Opening::default()
    })
    .await;
    let _open = office.board.open(&world.cluster(&[]));
    for (line, body) in ACTS {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [JSON, ("authorization", &*bearer)];
        let error = office
            .send(&request(line, &headers, body))
            .await
            .refused(403);
        assert!(error.contains("takes no orders"), "{error}");
    }
    assert_eq!(office.get("/v1/clusters").await.status, 200);
    office.close().await;
}

#[tokio::test]
async fn every_refusal_has_the_same_shape() {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let _open = office.board.open(&world.cluster(&[]));
    let bearer = format!("Bearer {TOKEN}");
    let may = ("authorization", &*bearer);
    let hold = "POST /v1/clusters/db/hold";
    let large = format!("{{\"why\":\"{}\"}}", "x".repeat(20_000));
    let error = office.get("/v1/nothing%0a%1b[2J").await.refused(404);
    assert!(error.starts_with("path: found "), "{error}");
    office.get("/v1/clusters/nobody").await.refused(404);
    let odd = office.get("/v1/clusters/a%0a%1b[2Jb").await.refused(404);
    assert!(!odd.chars().any(char::is_control), "{odd:?}");
    let long = office
        .get(&format!("/v1/clusters/{}", "x".repeat(8_000)))
        .await
        .refused(404);
    assert!(long.len() <= 2_000, "{}", long.len());
    office.get("/v1/clusters/%ff").await.refused(400);
    for line in [
        "DELETE /v1/clusters",
        "POST /v1/health",
        "GET /v1/clusters/db/hold",
        "PATCH /v1/log",
    ] {
        let reply = office.send(&request(line, &[], "")).await;
        assert!(reply.head.contains("\r\nallow: "), "{reply:?}");
        let error = reply.refused(405);
        assert!(error.starts_with("method: found "), "{error}");
    }
    office
        .send(&request(hold, &[may, JSON], &large))
        .await
        .refused(413);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let error = office
            .send(&request(hold, &[may, ("content-type", kind)], "{}"))
            .await
            .refused(415);
        assert!(error.ends_with("allowed: application/json"), "{error}");
    }
    for body in [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        "{}{}",
        "\"x\"",
        "[\"a\",\"b\"]",
    ] {
        office
            .send(&request(hold, &[may, JSON], body))
            .await
            .refused(400);
    }
    let chosen = ("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(
        office
            .send(&request(hold, &[may, chosen], " {}"))
            .await
            .status,
        200
    );
    office.close().await;
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let world = World::new().await;
    let office = Office::without_worker(Opening::default()).await;
    let secret = "a-password-of-the-tests";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), secret).unwrap();
    let path = file.path().to_str().unwrap();
    let settings = [
        ("engine", "redis"),
        ("cluster-name", ""),
        ("user", "admin"),
        ("password-file", path),
    ];
    let cluster = world.cluster(&settings);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let board = std::sync::Arc::clone(&office.board);
    let work = tokio::spawn(meshworker::worker::run(cluster, board, None, stopped));
    office.when("a pass", |_| true).await;
    let document: serde_json::Value = office.read("/v1/openapi.json").await;
    let paths = document["paths"].as_object().unwrap().keys();
    for found in paths.filter(|path| !path.ends_with("/stream")) {
        // That the token is told is looked for at every request.
        let reply = office
            .get(&found.replace("{cluster}", "db").replace("{member}", "1"))
            .await;
        assert!(!reply.text.contains(secret), "{found}: {reply:?}");
    }
    let config = office.get("/v1/clusters/db/config").await;
    assert!(config.text.contains(path), "{config:?}");
    stop.send_replace(true);
    work.await.unwrap();
    office.close().await;
}
