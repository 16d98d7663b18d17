//! The whole program, when it has workers change who is the primary.

use std::io::{BufRead, BufReader, Read};

use serde_json::json;

use crate::process::{beside, done, failed, run};
use crate::server::{Server, TOKEN};
use crate::story;

fn token() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKEN).unwrap();
    file
}

/// A worker that looks after replicas, of which the second one is the primary.
fn replicas() -> Server {
    let mut shown = story::calm();
    shown.status = Some(story::replicas());
    Server::of(vec![shown])
}

#[test]
fn a_switchover_is_waited_for_and_says_who_is_primary_then() {
    let (server, token) = (replicas(), token());
    let file = token.path().to_str().unwrap();
    let args = [
        "switchover",
        "cache_redis",
        "--who",
        "ana",
        "--api-token-file",
        file,
    ];
    let mut program = beside(&server.url(), &args);
    let mut lines = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{}: so it will be\n", server.url()));
    server.world(|world| {
        let path = "/v1/clusters/cache_redis/switchover".to_owned();
        assert_eq!(world.told, [(path, json!({"member": null, "who": "ana"}))]);
        let status = world.shown[0].status.as_mut().unwrap();
        for (slot, member) in (1..).zip(&mut status.members) {
            if let Some(view) = &mut member.view {
                view.primary = slot == 3;
                view.term = Some(6);
            }
        }
    });
    line.clear();
    lines.read_to_string(&mut line).unwrap();
    assert!(
        line.starts_with("db_mariadb.3 is the primary in term 6, "),
        "{line}"
    );
    assert!(program.wait().unwrap().success());
}

#[test]
fn what_is_not_done_in_time_says_why() {
    let (server, token) = (replicas(), token());
    let file = token.path().to_str().unwrap();
    let order = |more: &[&str]| {
        let args = [more, &["--timeout", "0.1", "--api-token-file", file]].concat();
        run(&server.url(), &args)
    };
    let late = failed(&order(&["failover", "--force"]), 1);
    let why = "have db_mariadb.4 follow: it has transaction 0-4-18, which the primary has not";
    assert_eq!(late, format!("not done in time: {why}"));
    let done = done(&order(&["switchover", "--detach"]));
    assert_eq!(done, format!("{}: so it will be\n", server.url()));
}

#[test]
fn a_downtime_is_told_with_its_length() {
    let (server, token) = (replicas(), token());
    let file = token.path().to_str().unwrap();
    let order = |more: &[&str]| run(&server.url(), &[more, &["--api-token-file", file]].concat());
    done(&order(&[
        "downtime",
        "db_mariadb.3",
        "30m",
        "--why",
        "a new disk",
    ]));
    done(&order(&["downtime", "cache_redis", "3", "over"]));
    done(&order(&["ack", "cache_redis"]));
    server.world(|world| {
        let path = |what: &str| format!("/v1/clusters/cache_redis/{what}");
        let downtime = json!({
            "member": "db_mariadb.3", "why": "a new disk", "who": null, "seconds": 1800,
        });
        let over = json!({"member": "3", "who": null});
        let expected = [
            (path("downtime"), downtime),
            (path("uptime"), over),
            (path("acknowledge"), json!({"why": null})),
        ];
        assert_eq!(world.told, expected);
    });
    let bad = failed(&order(&["downtime", "3", "soon"]), 2);
    assert_eq!(
        bad,
        "DURATION: found 'soon'; allowed: 30m, 2h, a number of seconds, or 'over'"
    );
    failed(&order(&["downtime", "3"]), 2);
    failed(&order(&["failover"]), 2);
    let other = failed(&order(&["switchover", "nobody"]), 2);
    assert_eq!(other, "cluster: found 'nobody'; allowed: cache_redis");
    let nobody = failed(&order(&["switchover", "--to", "7"]), 2);
    assert!(nobody.contains("member: found '7'"), "{nobody}");
}

/// Nothing comes of it that anybody could wait for.
#[test]
fn a_fail_over_is_taken_back() {
    let (server, token) = (replicas(), token());
    let file = token.path().to_str().unwrap();
    let order = |more: &[&str]| run(&server.url(), &[more, &["--api-token-file", file]].concat());
    done(&order(&[
        "failover",
        "cache_redis",
        "--cancel",
        "--who",
        "ana",
    ]));
    server.world(|world| {
        let path = "/v1/clusters/cache_redis/failover".to_owned();
        let body = json!({"lost": [], "cancel": true, "who": "ana"});
        assert_eq!(world.told, [(path, body)]);
    });
    failed(&order(&["failover", "--cancel", "--force"]), 2);
}
