//! Orders about who is the primary, in our words and in orchestrator's.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meshworker::board::Registration;
use meshworker_core::{Orders, Reason, Refusal, Replication, Role, Source, Witness};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::looks::{self, at};
use crate::office::{Office, Opening, TOKEN};
use crate::reply::{Reply, request};

/// A cluster of three: the first is the primary, unless another one is.
struct Replicas {
    office: Office,
    open: Registration,
}

impl Replicas {
    async fn open() -> Replicas {
        Replicas::of("mariadb").await
    }

    async fn of(engine: &str) -> Replicas {
        let office = Office::without_worker(Opening::default()).await;
        let open = office.board.open(&looks::cluster("db", engine));
        let replicas = Replicas { office, open };
        replicas.look(1, Some(1), &[]);
        replicas
    }

    /// A look in which this slot is the primary, and those hear nobody.
    fn look(&self, number: u64, primary: Option<u8>, deaf: &[u8]) {
        let slots = [1, 2, 3];
        let reports = [Witness::Dns, Witness::Docker];
        let reports = reports.map(|witness| looks::present(witness, &slots));
        let mut look = looks::look(number, reports.to_vec(), &slots, &[]);
        for slot in slots {
            if primary.is_none() && slot == 1 {
                look.answers.insert(at(1), Err("connection refused".into()));
            }
            let Some(Ok(head)) = look.answers.get_mut(&at(slot)) else {
                continue;
            };
            let is_primary = primary == Some(slot);
            let role = if is_primary {
                Role::primary("primary")
            } else {
                Role::of("replica")
            };
            head.role = Some(role.in_term(number));
            let connected = !deaf.contains(&slot);
            head.working = (!is_primary && !connected).then(|| "it is not connected".into());
            head.holdings.follows = (!is_primary).then(|| format!("n{}", primary.unwrap_or(1)));
            head.holdings.replication = Some(Replication {
                position: "0-1-7".into(),
                acknowledges: "acknowledges what it receives".into(),
                source: (!is_primary).then(|| Source {
                    connected,
                    applies: true,
                    received: "0-1-7".into(),
                    behind_seconds: connected.then_some(0),
                    error: None,
                }),
            });
        }
        self.open.sheet().publish(look);
    }

    fn orders(&self) -> Orders {
        self.open.sheet().orders().orders(Instant::now())
    }

    fn wished(&self) -> Option<usize> {
        self.orders().wishes.number("primary")
    }

    /// What orchestrator's clients ask, without any token.
    async fn ask(&self, path: &str) -> Value {
        let reply = self.office.get(&format!("/api/{path}")).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// What they order, with the token as a password.
    async fn order(&self, path: &str, more: &[(&str, &str)]) -> Reply {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("ana:{TOKEN}")));
        let mut headers = vec![("authorization", &*basic)];
        headers.extend(more);
        let line = format!("GET /api/{path}");
        self.office.send(&request(&line, &headers, "")).await
    }
}

/// Members of several services have the same numbers: a number is nobody's name there.
#[tokio::test]
async fn whom_a_database_knows_by_name_was_ordered_by_number() {
    let replicas = Replicas::of("allegrograph").await;
    let office = &replicas.office;
    let order = json!({"member": "cache_redis.3"});
    office.ordered("switchover", order).await;
    let orders = replicas.orders();
    assert_eq!(orders.wishes.get("primary"), Some("cache_redis.3"));
    let status = office
        .when("it is told", |status| !status.mode.succession.is_empty())
        .await;
    assert!(status.mode.succession[0].starts_with("cache_redis.3 is to be the primary"));
    office.ordered("switchover", json!({"member": "any"})).await;
    assert_eq!(replicas.orders().wishes.get("primary"), None);
}

#[tokio::test]
async fn who_is_to_be_primary_is_ordered_by_slot() {
    let replicas = Replicas::open().await;
    let office = &replicas.office;
    let done = office.ordered("switchover", json!({})).await;
    let said = "cache_redis.2 is to be primary, once it is in step, and preferred from then on";
    assert_eq!(done, said);
    assert_eq!(replicas.wished(), Some(2));
    let done = office
        .ordered("switchover", json!({"member": "3", "who": "ana"}))
        .await;
    assert!(done.starts_with("cache_redis.3 is to be primary"), "{done}");
    assert_eq!(replicas.wished(), Some(3));
    let status = office
        .when("it is told", |status| !status.mode.succession.is_empty())
        .await;
    assert!(status.mode.succession[0].starts_with("slot 3 is to be the primary"));
    let done = office.ordered("switchover", json!({"member": "any"})).await;
    assert_eq!(done, "whoever is primary may stay it");
    assert_eq!(replicas.wished(), None);

    let gone = office
        .order("switchover", &json!({"member": "9"}))
        .await
        .refused(404);
    assert!(gone.starts_with("member: found '9'"), "{gone}");
    // Those that are not in step do not come by themselves, only by their names.
    replicas.look(2, Some(1), &[2]);
    office.ordered("switchover", json!({})).await;
    assert_eq!(replicas.wished(), Some(3));
    // Nor do those that never become it, by anybody's name.
    replicas.look(3, Some(1), &[]);
    office.ordered("downtime", json!({"member": "2"})).await;
    let forbid = meshworker_group::Order::Wish {
        name: "forbidden".into(),
        value: Some("3".into()),
    };
    replicas
        .open
        .sheet()
        .orders()
        .give(None, forbid)
        .await
        .unwrap();
    for (member, why) in [("2", "is on downtime"), ("3", "is forbidden")] {
        let error = office
            .order("switchover", &json!({"member": member}))
            .await
            .refused(409);
        assert!(error.contains(why), "{error}");
    }
    office.order("switchover", &json!({})).await.refused(409);
    office.ordered("uptime", json!({"member": "2"})).await;
    replicas.look(4, Some(1), &[2, 3]);
    let nobody = office.order("switchover", &json!({})).await.refused(409);
    assert!(
        nobody.starts_with("member: nobody else is in step"),
        "{nobody}"
    );
}

#[tokio::test]
async fn a_fail_over_is_ordered_from_whoever_is_primary_now() {
    let replicas = Replicas::open().await;
    let office = &replicas.office;
    let done = office.ordered("failover", json!({})).await;
    assert_eq!(done, "another one than cache_redis.1 is to be primary now");
    let forced = replicas.orders().forced.unwrap();
    assert_eq!(forced.from.as_deref(), Some("cache_redis.1"));
    assert_eq!(forced.term, Some(1));
    // One that lives would go on acknowledging.
    let lives = office
        .order("failover", &json!({"lost": ["3"]}))
        .await
        .refused(409);
    assert!(
        lives.starts_with("lost: found 'cache_redis.3', which answers"),
        "{lives}"
    );
    replicas.look(2, None, &[2, 3]);
    office.ordered("failover", json!({"lost": ["1"]})).await;
    let forced = replicas.orders().forced.unwrap();
    assert_eq!((forced.from, forced.term), (None, Some(2)));
    assert_eq!(forced.lost, ["cache_redis.1".to_owned()].into());
}

/// It stood for ten minutes, whatever came of it.
#[tokio::test]
async fn a_fail_over_that_was_ordered_could_not_be_taken_back() {
    let replicas = Replicas::open().await;
    let office = &replicas.office;
    let cancel = json!({"cancel": true});
    let done = office.ordered("failover", cancel.clone()).await;
    assert_eq!(done, "no fail-over was ordered");
    office.ordered("failover", json!({})).await;
    assert!(replicas.orders().forced.is_some());
    let done = office.ordered("failover", cancel).await;
    let said = "the fail-over is ordered no more: whoever is primary keeps its place";
    assert_eq!(done, said);
    assert_eq!(replicas.orders().forced, None);
}

/// Nobody was primary for a while, and an operator let the next fail-over be: the cluster's
/// birth was forgotten, and empty disks began another one beside its data.
#[tokio::test]
async fn whoever_acknowledged_a_fail_over_gave_the_cluster_up() {
    let replicas = Replicas::open().await;
    let orders = replicas.open.sheet().orders();
    let cluster = "1-t4-1".to_owned();
    let born = meshworker_group::Order::Born { cluster };
    orders.give(None, born).await.unwrap();
    replicas.office.ordered("acknowledge", json!({})).await;
    replicas.order("ack-all-recoveries", &[]).await;
    assert_eq!(replicas.orders().born.as_deref(), Some("1-t4-1"));
    // It is what keeps another one from beginning: then that is what is acknowledged.
    let mut look = looks::look(9, vec![looks::present(Witness::Docker, &[1])], &[1], &[]);
    let why = "cluster 1-t4-1 was here, and nobody who has its data is";
    let kept = Refusal::new("begin a cluster", Reason::Misconfigured(why.into()));
    look.refusals.push(kept);
    replicas.open.sheet().publish(look);
    let done = replicas.office.ordered("acknowledge", json!({})).await;
    assert!(done.contains("lost: cluster 1-t4-1"), "{done}");
    assert_eq!(replicas.orders().born, None);
}

#[tokio::test]
async fn a_member_is_on_downtime_until_it_is_not() {
    let replicas = Replicas::open().await;
    let office = &replicas.office;
    let order = json!({"member": "2", "why": "a new disk", "who": "ana", "seconds": 60});
    let done = office.ordered("downtime", order).await;
    assert!(
        done.starts_with("cache_redis.2 is on downtime, until 20"),
        "{done}"
    );
    let told = &replicas.orders().downtime["cache_redis.2"];
    assert!(told.starts_with("a new disk (by ana, until 20"), "{told}");
    let done = office.ordered("uptime", json!({"member": "2"})).await;
    assert_eq!(done, "cache_redis.2 is on downtime no more");
    assert!(replicas.orders().downtime.is_empty());
    let done = office.ordered("uptime", json!({"member": "2"})).await;
    assert_eq!(done, "cache_redis.2 was not on downtime");
    let long = office
        .order("downtime", &json!({"member": "2", "seconds": 0}))
        .await;
    assert!(long.refused(400).starts_with("seconds: found 0"));
}

#[tokio::test]
async fn whose_database_chooses_by_itself_takes_no_such_order() {
    let office = Office::without_worker(Opening::default()).await;
    let open = office.board.open(&looks::cluster("db", "etcd"));
    for (order, body) in [
        ("switchover", json!({})),
        ("failover", json!({})),
        ("downtime", json!({"member": "1"})),
    ] {
        let error = office.order(order, &body).await.refused(409);
        assert!(
            error.starts_with("cluster: nobody but its members chooses"),
            "{error}"
        );
    }
    drop(open);
}

#[tokio::test]
async fn topology_is_told_as_data() {
    let replicas = Replicas::open().await;
    replicas.look(2, Some(2), &[3]);
    let told: Value = replicas.office.read("/v1/clusters/db/topology").await;
    assert_eq!(told["primary"], "cache_redis.2");
    let members = told["members"].as_array().unwrap();
    let placed: Vec<_> = members
        .iter()
        .map(|one| (&one["depth"], &one["member"]["id"]))
        .collect();
    assert_eq!(placed[0], (&json!(0), &json!("cache_redis.2")));
    assert_eq!(placed[1], (&json!(1), &json!("cache_redis.1")));
    let view = &members[2]["member"]["view"];
    assert_eq!(view["replication"]["source"]["connected"], false);
    assert_eq!(view["replication"]["position"], "0-1-7");
    // Both have their roles since that look: the second one's is another one then.
    assert_eq!(
        view["role_since"],
        members[0]["member"]["view"]["role_since"]
    );
}

#[tokio::test]
async fn orchestrators_questions_are_answered_alike() {
    let replicas = Replicas::open().await;
    assert_eq!(replicas.ask("clusters").await, json!(["db"]));
    assert_eq!(replicas.ask("clusters-info").await[0]["ClusterAlias"], "db");
    let master = replicas.ask("master/db").await;
    assert_eq!(master["Key"], json!({"Hostname": "10.0.1.1", "Port": 3306}));
    assert_eq!(master["ReadOnly"], false);
    assert_eq!(master["SlaveHosts"].as_array().unwrap().len(), 2);
    // An instance stands for its cluster, as there.
    assert_eq!(replicas.ask("master/10.0.1.3:3306").await, master);
    let replica = replicas.ask("instance/10.0.1.3/3306").await;
    assert_eq!(replica["MasterKey"], master["Key"]);
    assert_eq!(
        replica["SecondsBehindMaster"],
        json!({"Int64": 0, "Valid": true})
    );
    let drawn = replicas.ask("topology/db").await;
    assert_eq!(drawn["Code"], "OK");
    assert_eq!(
        drawn["Details"],
        "10.0.1.1:3306 [0s,ok,rw,GTID]\n+ 10.0.1.2:3306 [0s,ok,ro,GTID]\n+ 10.0.1.3:3306 [0s,ok,ro,GTID]"
    );
    assert_eq!(
        replicas.ask("replication-analysis").await["Details"],
        json!([])
    );
    assert_eq!(replicas.ask("problems").await, json!([]));
    assert_eq!(replicas.ask("leader-check").await, "OK");
    assert_eq!(replicas.ask("raft-health").await, "healthy");
    assert_eq!(replicas.ask("health").await["Details"]["Healthy"], true);
    let nobody = replicas.office.get("/api/master/nobody").await;
    assert_eq!(
        (nobody.status, &nobody.json()["Code"]),
        (404, &json!("ERROR"))
    );
}

#[tokio::test]
async fn what_is_wrong_has_orchestrators_codes() {
    let replicas = Replicas::open().await;
    let codes = [
        (Some(1), &[][..], None),
        (Some(1), &[2, 3], Some("AllMasterReplicasNotReplicating")),
        (None, &[2, 3], Some("DeadMaster")),
        (None, &[2], Some("UnreachableMaster")),
    ];
    for (number, (primary, deaf, code)) in (2..).zip(codes) {
        replicas.look(number, primary, deaf);
        let told = replicas.ask("replication-analysis/db").await;
        let found = told["Details"]
            .as_array()
            .unwrap()
            .first()
            .map(|one| &one["Analysis"]);
        assert_eq!(found, code.map(|code| json!(code)).as_ref(), "{told}");
    }
    let mut look = looks::look(9, vec![looks::present(Witness::Docker, &[1])], &[1], &[]);
    let gate =
        meshworker_core::Change::Succeed.closed(meshworker_core::Gate::Again, "2 fail-overs");
    look.refusals.push(Refusal::new(
        "promote cache_redis.2 in term 9",
        Reason::Closed(gate),
    ));
    replicas.open.sheet().publish(look);
    let blocked = replicas.ask("blocked-recoveries").await;
    assert_eq!(blocked[0]["ClusterName"], "db", "{blocked}");
}

#[tokio::test]
async fn orchestrators_orders_take_the_token_and_tell_what_came_of_it() {
    let replicas = Replicas::open().await;
    let take_over = "graceful-master-takeover/db/10.0.1.3/3306";
    let nobody = replicas.office.get(&format!("/api/{take_over}")).await;
    assert_eq!(
        (nobody.status, &nobody.json()["Code"]),
        (401, &json!("ERROR"))
    );
    // A browser may be made to ask by any page, with what it knows.
    for mark in ["sec-fetch-site", "referer", "origin"] {
        let page = replicas.order(take_over, &[(mark, "cross-site")]).await;
        assert_eq!(page.status, 403, "{mark}");
    }
    let image = replicas
        .order(take_over, &[("accept", "image/avif,*/*")])
        .await;
    assert_eq!(image.status, 403);
    assert_eq!(replicas.wished(), None);

    let order = replicas.order(take_over, &[]);
    let done = async {
        while replicas.wished() != Some(3) {
            tokio::task::yield_now().await;
        }
        replicas.look(2, Some(3), &[]);
    };
    let (reply, ()) = tokio::join!(order, done);
    let told = reply.json();
    assert_eq!(
        told["Message"], "graceful-master-takeover: successor promoted",
        "{told}"
    );
    assert_eq!(told["Details"]["SuccessorKey"]["Hostname"], "10.0.1.3");

    let begun = replicas
        .order("begin-downtime/10.0.1.2/3306/ana/disk/2h", &[])
        .await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let told = &replicas.orders().downtime["cache_redis.2"];
    assert!(told.starts_with("disk (by ana, until"), "{told}");
    replicas.order("end-downtime/10.0.1.2/3306", &[]).await;
    assert!(replicas.orders().downtime.is_empty());
    let known = replicas
        .order("ack-recovery/cluster/db?comment=seen", &[])
        .await;
    assert_eq!(known.status, 200, "{known:?}");
    let known = replicas.orders().acknowledged.unwrap();
    assert_eq!(
        (known.losses, known.members),
        (0, 3),
        "no word on what is lost"
    );
    replicas
        .order("begin-downtime/10.0.1.2/3306/ana/disk", &[])
        .await;
    let told = &replicas.orders().downtime["cache_redis.2"];
    assert!(told.contains("until"), "it ends: {told}");
}
