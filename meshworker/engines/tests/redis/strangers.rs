//! Whoever is none of ours, and what it gets to see.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_core::{Place, Step, Unanswered};
use meshworker_engines::redis::{Act, RedisRequest};
use meshworker_engines::{Engine, SecretFile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::servers::{PORT, Servers};

const PASSWORD: &str = "open-sesame";
const REST: Duration = Duration::from_millis(20);

/// Takes connections, keeps what it hears, and gives the same answer to all.
async fn listener(at: Place, answer: &'static str) -> Arc<Mutex<Vec<u8>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind(at.socket(PORT)).await.unwrap();
    let all = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let mut some = [0; 4096];
                while let Ok(count) = stream.read(&mut some).await {
                    if count == 0 || stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                    all.lock().unwrap().extend_from_slice(&some[..count]);
                }
            });
        }
    });
    heard
}

fn text(heard: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&heard.lock().unwrap()).into_owned()
}

/// A server of somebody else said CLUSTER MEET to a member, and got the password.
#[tokio::test]
async fn whoever_met_a_member_over_the_bus_got_the_password() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_password(PASSWORD);
    let nodes = servers.start(3).await;
    let mut driver = Driver::new(servers.engine());
    driver.until_one(&nodes, servers.patience()).await;

    // Its database is at another port than it says; the usual one is where it listens.
    let says = format!("cluster-announce-port {PORT}");
    let config = std::mem::replace(&mut servers.config, vec!["port 7001".into(), says]);
    let stranger = servers.spare_address();
    let heard = listener(stranger, "+OK\r\n").await;
    let dir = servers.file("stranger.conf", "").with_file_name("stranger");
    servers.start_at(stranger, dir).await;
    let begin = Instant::now();
    while TcpStream::connect(stranger.socket(7001)).await.is_err() {
        assert!(
            begin.elapsed() < servers.patience(),
            "{}",
            servers.log(stranger)
        );
        sleep(REST).await;
    }
    let mut client = servers.client_at(stranger, 7001);
    let met = ["CLUSTER", "MEET", &nodes[0].to_string(), &PORT.to_string()];
    client.tell(stranger, &met).await;
    servers.config = config;

    let engine = servers.engine();
    loop {
        let view = engine.observe(nodes[1]).await.unwrap();
        if view.alive().any(|peer| peer.address == Some(stranger)) {
            break;
        }
        assert!(begin.elapsed() < servers.patience(), "{view:?}");
        sleep(REST).await;
    }
    let answer = engine.observe_unlisted(stranger).await;
    assert!(matches!(answer, Err(Unanswered::Denied(_))), "{answer:?}");
    let view = engine.observe(nodes[0]).await.unwrap();
    let table = view.detail.table.iter();
    let theirs = table.clone().find(|entry| entry.address == Some(stranger));
    let forget = Step::new(
        stranger,
        RedisRequest {
            node: theirs.unwrap().node.clone(),
            act: Act::Forget {
                node: view.node.clone(),
            },
            parting: false,
        },
        Vec::new(),
    );
    assert!(engine.perform(&forget).await.is_err());
    assert_eq!(text(&heard), "");

    // A member that no witness names for a while is asked over the connection
    // that there is, and is not shown the password again.
    let known = engine.observe_unlisted(nodes[0]).await;
    assert!(known.is_ok(), "{known:?}");
    let anew = servers.engine();
    let answer = anew.observe_unlisted(nodes[0]).await;
    assert!(matches!(answer, Err(Unanswered::Denied(_))), "{answer:?}");
    assert!(anew.observe(nodes[0]).await.is_ok());
}

/// Whoever said +OK to every password was taken for a member.
#[tokio::test]
async fn whoever_takes_any_password_was_one_of_us() {
    let Some(mut servers) = Servers::plain() else {
        return;
    };
    servers.set_password(PASSWORD);
    let at = servers.spare_address();
    let heard = listener(at, "+OK\r\n").await;
    let answer = servers.engine().observe(at).await;
    let Err(Unanswered::Garbage(why)) = answer else {
        panic!("{answer:?}");
    };
    assert!(why.contains("takes any password"), "{why}");
    let heard = text(&heard);
    assert!(
        heard.contains("AUTH") && !heard.contains(PASSWORD),
        "{heard}"
    );

    // A real server whose user needs no password.
    servers.config = vec!["user worker on nopass ~* &* +@all".into()];
    servers.access.user = Some("worker".into());
    let open = servers.start(1).await;
    let answer = servers.engine().observe(open[0]).await;
    assert!(matches!(answer, Err(Unanswered::Garbage(_))), "{answer:?}");
    servers.access.user = None;
    let answer = servers.engine().observe(open[0]).await;
    assert!(matches!(answer, Err(Unanswered::Denied(_))), "{answer:?}");
    // Without a password of ours nothing is to be proved.
    servers.access.password = None::<SecretFile>;
    assert!(servers.engine().observe(open[0]).await.is_ok());
}
