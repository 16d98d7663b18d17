//! Where reading needs a token as well.

use meshworker::status::Readiness;
use serde_json::json;

use super::office::{Office, Opening, TOKEN};
use super::reply::request;
use super::support::World;

const READ: &str = "a-token-that-may-read";

/// Everything that tells of a cluster.
const TELLING: [&str; 11] = [
    "/v1/clusters",
    "/v1/clusters/db",
    "/v1/clusters/db/members",
    "/v1/clusters/db/members/1",
    "/v1/clusters/db/plan",
    "/v1/clusters/db/leavers",
    "/v1/clusters/db/config",
    "/v1/events",
    "/v1/events/stream",
    "/metrics",
    "/v1/nowhere",
];

#[tokio::test]
async fn who_has_no_token_is_told_nothing_of_any_cluster() {
    let office = Office::without_worker(Opening {
        read_token: Some(READ),
        ..Opening::default()
    })
    .await;
    let world = World::new().await;
    let _open = office.board.open(&world.cluster(&[("name", "db")]));
    let ask = async |line: &str, token: Option<&str>, body: &str| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let asked = request(line, &headers, body);
        let stream = office.connect().await;
        super::reply::exchange(stream, &asked).await.unwrap()
    };
    for path in TELLING {
        for method in ["GET", "HEAD"] {
            for token in [None, Some("another-token-123"), Some("")] {
                let reply = ask(&format!("{method} {path}"), token, "").await;
                assert_eq!(reply.status, 401, "{method} {path}: {reply:?}");
                assert!(!reply.text.contains("db"), "{reply:?}");
                assert_eq!(reply.header("www-authenticate"), Some("bearer"));
            }
        }
        for token in [READ, TOKEN] {
            let status = ask(&format!("GET {path}"), Some(token), "").await.status;
            assert_ne!(status, 401, "{path}");
        }
    }
    // By other spellings of the same paths neither.
    for path in [
        "//v1/clusters",
        "/v1/clusters/",
        "/dashboard/../v1/clusters",
        "/V1/CLUSTERS",
        "/v1%2fclusters",
        "http://x/v1/clusters",
    ] {
        let reply = ask(&format!("GET {path}"), None, "").await;
        assert!(!reply.text.contains("\"db\""), "{path}: {reply:?}");
        assert_ne!(reply.status, 200, "{path}");
    }
    // Probes have no token, and the page asks for it.
    for path in ["/v1/health", "/", "/dashboard/main.js", "/v1/openapi.json"] {
        assert_eq!(
            ask(&format!("GET {path}"), None, "").await.status,
            200,
            "{path}"
        );
    }
    let ready = ask("GET /v1/ready", None, "").await;
    assert_eq!(ready.status, 503, "no pass is over yet");
    let ready: Readiness = serde_json::from_value(ready.json()).unwrap();
    assert_eq!(ready.missing, ["whoever has a token is told what"]);
    let ready = ask("GET /v1/ready", Some(READ), "").await.json();
    assert_eq!(ready["missing"], json!(["db: no pass is over yet"]));
    // To read is not to act.
    let order = ask("POST /v1/clusters/db/hold", Some(READ), "{}").await;
    assert_eq!(order.status, 401);
    assert_eq!(
        ask("POST /v1/clusters/db/hold", None, "{}").await.status,
        401
    );
    assert_eq!(
        ask("POST /v1/clusters/db/hold", Some(TOKEN), "{}")
            .await
            .status,
        200
    );
    office.close().await;
}
