//! The whole program, when it has workers do something.

use std::io::{BufRead, BufReader};

use meshworker::status::MemberState;
use serde_json::json;

use crate::client::dead;
use crate::process::{beside, done, failed, out, run};
use crate::server::{Server, TOKEN};
use crate::story;

fn token(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Two workers of a group, of which the second one acts.
fn grouped() -> [Server; 2] {
    let workers = story::workers().into_iter();
    let servers: Vec<Server> = workers
        .map(|(_, status)| {
            let server = Server::of(vec![story::calm()]);
            server.world(|world| world.group = status);
            server
        })
        .collect();
    servers.try_into().ok().unwrap()
}

fn both(workers: &[Server; 2]) -> String {
    format!("{},{}", workers[0].url(), workers[1].url())
}

#[test]
fn workers_of_a_group_agree_on_an_order_that_one_is_told() {
    let workers = grouped();
    let good = token(TOKEN);
    let file = good.path().to_str().unwrap();
    let args = [
        "hold",
        "--who",
        "ana",
        "--for",
        "60",
        "--api-token-file",
        file,
    ];
    let said = done(&run(&both(&workers), &args));
    assert_eq!(said, format!("{}: so it will be\n", workers[0].url()));
    let order = json!({ "member": null, "why": null, "who": "ana", "seconds": 60 });
    let path = "/v1/clusters/cache_redis/hold".to_owned();
    workers[0].world(|world| assert_eq!(world.told, [(path, order)]));
    workers[1].world(|world| assert_eq!(world.told, []));
}

/// While nobody led, all were told at once, once, and the order failed with the first election.
#[test]
fn while_workers_agree_on_who_leads_one_of_them_is_told() {
    let workers = grouped();
    for worker in &workers {
        worker.world(|world| world.group.leader = None);
    }
    let good = token(TOKEN);
    let file = good.path().to_str().unwrap();
    done(&run(&both(&workers), &["hold", "--api-token-file", file]));
    workers[0].world(|world| assert_eq!(world.told.len(), 1));
    workers[1].world(|world| assert_eq!(world.told, []));
}

#[test]
fn what_is_ordered_of_the_group_itself_is_told_to_whoever_acts() {
    let workers = grouped();
    let good = token(TOKEN);
    let file = good.path().to_str().unwrap();
    // One that is gone hinders nobody.
    let all = format!("{},{}", dead(), both(&workers));
    let said = done(&run(
        &all,
        &["group", "hand-over", "1", "--api-token-file", file],
    ));
    assert_eq!(said, format!("{}: so it will be\n", workers[1].url()));
    done(&run(
        &all,
        &["group", "hand-over", "--api-token-file", file],
    ));
    done(&run(
        &all,
        &["group", "remove", "3", "--api-token-file", file],
    ));
    workers[0].world(|world| assert_eq!(world.told, []));
    workers[1].world(|world| {
        let expected = [
            ("hand-over", json!({ "to": "1" })),
            ("hand-over", json!({ "to": null })),
            ("remove", json!({ "worker": "3" })),
        ];
        let expected = expected.map(|(what, body)| (format!("/v1/group/{what}"), body));
        assert_eq!(world.told, expected);
    });
    let output = run(&all, &["group", "hand-over", "1"]);
    assert!(failed(&output, 2).starts_with("api-token-file: found nothing"));
    let output = run(&dead(), &["group"]);
    assert!(failed(&output, 1).starts_with("no worker answers: "));
}

#[test]
fn a_group_begins_anew_only_for_whoever_names_what_is_given_up() {
    let workers = grouped();
    let good = token(TOKEN);
    let file = good.path().to_str().unwrap();
    let restart = ["group", "restart", "--api-token-file", file];
    let output = run(&both(&workers), &restart);
    let line = failed(&output, 1);
    assert_eq!(line, "the workers have a leader: nothing is lost");

    let lost = Server::of(vec![story::calm()]);
    lost.world(|world| world.group = story::bereft().swap_remove(0).1);
    for name in [None, Some("b41d77e0c85f2a36")] {
        let args: Vec<&str> = restart.into_iter().chain(name).collect();
        let output = run(&lost.url(), &args);
        let found = name.map_or("nothing".to_owned(), |name| format!("'{name}'"));
        assert_eq!(
            failed(&output, 2),
            format!("GROUP: found {found}; allowed: d2b8f04e6a91c357, the one that is given up")
        );
        let page = out(&output);
        assert!(
            page.contains("worker 2 on node-b: does not answer: what it alone knows is lost"),
            "{page}"
        );
    }
    lost.world(|world| assert_eq!(world.told, []));
    let named: Vec<&str> = restart.into_iter().chain(["d2b8f04e6a91c357"]).collect();
    done(&run(&lost.url(), &named));
    let order = json!({ "group": "d2b8f04e6a91c357" });
    let path = "/v1/group/restart".to_owned();
    lost.world(|world| assert_eq!(world.told, [(path, order)]));
}

#[test]
fn an_order_is_told_to_every_worker() {
    let workers = [
        Server::of(vec![story::calm()]),
        Server::of(vec![story::calm()]),
    ];
    let both = format!("{},{}", workers[0].url(), workers[1].url());
    let good = token(TOKEN);
    let file = good.path().to_str().unwrap();
    let args = [
        "hold",
        "cache_redis.2",
        "--why",
        "disk",
        "--api-token-file",
        file,
    ];
    let said = done(&run(&both, &args));
    assert_eq!(said.matches(": so it will be\n").count(), 2, "{said}");
    done(&run(&both, &["resume", "--api-token-file", file]));
    done(&run(
        &both,
        &["forget", "10.0.1.9", "--api-token-file", file],
    ));
    let known = ["acknowledge", "--why", "restored", "--api-token-file", file];
    done(&run(&both, &known));
    done(&run(
        &both,
        &["size", "cache_redis", "5", "--api-token-file", file],
    ));
    done(&run(&both, &["size", "default", "--api-token-file", file]));
    let none = run(&both, &["size", "five", "--api-token-file", file]);
    let line = failed(&none, 2);
    assert_eq!(line, "SIZE: found 'five'; allowed: a number, or 'default'");
    let path = |what: &str| format!("/v1/clusters/cache_redis/{what}");
    for worker in &workers {
        worker.world(|world| {
            let expected = [
                (
                    path("hold"),
                    json!({ "member": "cache_redis.2", "why": "disk" }),
                ),
                (path("resume"), json!({ "member": null, "why": null })),
                (path("forget"), json!({ "member": "10.0.1.9" })),
                (path("acknowledge"), json!({ "why": "restored" })),
                (path("size"), json!({ "size": 5 })),
                (path("size"), json!({ "size": null })),
            ];
            assert_eq!(world.told, expected);
        });
    }

    let gone = dead();
    let output = run(&format!("{gone},{both}"), &args);
    assert_eq!(out(&output), said);
    let line = failed(&output, 1);
    assert!(
        line.starts_with(&format!("not told: {gone}: Connection refused")),
        "{line}"
    );

    let wrong = token("a-wrong-token-of-the-tests");
    let args = ["hold", "--api-token-file", wrong.path().to_str().unwrap()];
    let output = run(&workers[0].url(), &args);
    assert_eq!(
        failed(&output, 1),
        format!(
            "not told: {}: authorization: found another token",
            workers[0].url()
        )
    );
}

#[test]
fn a_service_is_scaled_by_a_worker_and_watched_until_it_is() {
    let server = Server::of(vec![story::calm()]);
    let token = token(TOKEN);
    let file = token.path().to_str().unwrap();
    let scale = |args: &[&str]| {
        run(
            &server.url(),
            &[&["scale", "--api-token-file", file], args].concat(),
        )
    };
    done(&scale(&["cache_redis=5", "--detach"]));
    server.world(|world| {
        assert_eq!(
            world.told,
            [(
                "/v1/clusters/cache_redis/scale".into(),
                json!({ "replicas": 5 })
            )]
        );
    });
    // It has three already.
    let said = done(&scale(&["cache_redis=3"]));
    assert_eq!(
        said.lines().last(),
        Some("cache_redis: one cluster of 3 members")
    );
    // It is the only cluster, and still not its service.
    for more in [
        &["sessions=3"][..],
        &["sessions=3", "--cluster", "cache_redis"],
    ] {
        let line = failed(&scale(more), 2);
        assert_eq!(
            line,
            "SERVICE: found 'sessions'; allowed: cache_redis, whose members are in cluster cache_redis"
        );
    }
    let line = failed(&scale(&["cache_redis=2", "--timeout", "1"]), 1);
    assert!(line.contains("not done in time"), "{line}");
}

#[test]
fn a_member_is_drained_by_a_worker_and_its_slots_are_counted() {
    let mut shown = story::busy();
    shown.status.as_mut().unwrap().members[1].id = "cache_redis.9".into();
    let server = Server::of(vec![shown]);
    let token = token(TOKEN);
    let args = [
        "drain",
        "cache_redis.4",
        "--api-token-file",
        token.path().to_str().unwrap(),
    ];
    let mut child = beside(&server.url(), &args);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert_eq!(line(), format!("{}: so it will be", server.url()));
    assert_eq!(
        line(),
        "0 of 1; cache_redis.4, 1365 slots left, about 12 s: gate 5 (it holds nothing"
    );
    assert_eq!(line(), "  alone) is closed: 1365 slots");
    server.world(|world| {
        let leaver = &mut world.shown[0].status.as_mut().unwrap().leavers[0];
        leaver.left = Some(0);
        leaver.released = true;
        leaver.waits_for = None;
    });
    assert_eq!(line(), "1 of 1; cache_redis.4 may stop");
    assert_eq!(line(), "cache_redis.4 holds nothing alone, and may stop");
    assert!(child.wait().unwrap().success());

    server.world(|world| {
        world.shown[0].status.as_mut().unwrap().members[3].state = MemberState::Unknown;
    });
    done(&run(&server.url(), &args));
    // By its slot's number, as everywhere.
    done(&run(&server.url(), &["drain", "4", args[2], args[3]]));
    server.world(|world| {
        let last = world.told.last().unwrap();
        assert_eq!(last.1, json!({ "member": "cache_redis.4" }));
    });
}
