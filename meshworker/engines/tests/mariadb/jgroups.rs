//! Tables in which members of JGroups find their coordinator, in a real server.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use meshworker_core::{Place, Step};
use meshworker_engines::jgroups::{Jgroups, JgroupsRequest, Row};
use meshworker_engines::{Access, Engine, SecretFile};
use mysql_async::prelude::Queryable;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::program::{PASSWORD, Program};
use crate::server::{PORT, Server, connect, slot_of, tell};

const AT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 78, 1, 1));
const MEMBER: [u8; 4] = [127, 78, 1, 2];

/// As `JDBC_PING2` and `JDBC_PING` make them.
const TABLES: [&str; 3] = [
    "CREATE DATABASE app",
    "CREATE TABLE app.jgroups (address varchar(200) NOT NULL, name varchar(200), \
     cluster varchar(200) NOT NULL, ip varchar(200) NOT NULL, coord boolean, PRIMARY KEY (address))",
    "CREATE TABLE app.JGROUPSPING (own_addr varchar(200) NOT NULL, cluster_name varchar(200) NOT NULL, \
     ping_data varbinary(5000) DEFAULT NULL, PRIMARY KEY (own_addr, cluster_name))",
];

const A: &str = "7e7d6719-68c3-4125-9437-2af1c84a76ca";
const B: &str = "9f399f65-14a6-8245-9fa6-737f22e8a2df";

/// Answers probes as a member that is alone, for ever.
async fn member() {
    let listener = TcpListener::bind(SocketAddr::from((MEMBER, 7500)))
        .await
        .unwrap();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 256];
        let _ = stream.read(&mut asked).await;
        let said = "B [ip=127.78.1.2:7800, 1 mbr(s), cluster=chat, version=5.5.7.Final]\n\
                    GMS={coord=true, view=[B|4] (1) [B]}\n";
        let _ = stream.write_all(said.as_bytes()).await;
    }
}

fn engine(table: &str, password: &std::path::Path) -> Jgroups {
    let table = format!("mariadb://{AT}/app/{table}");
    let given = BTreeMap::from([("table".to_owned(), table)]);
    Jgroups::new(Access {
        port: 7800,
        service_port: 7500,
        cluster_name: None,
        user: Some("root".into()),
        password: Some(SecretFile::new(password)),
        tls: None,
        deadline: Duration::from_secs(10),
        options: Jgroups::DESCRIPTOR.complete(&given).unwrap(),
    })
}

/// All rows, once a member was asked, and what comes of removing the first one.
async fn removed(engine: &Jgroups, between: &str) -> (Vec<Row>, String) {
    let view = engine.observe(Place::from(MEMBER)).await.unwrap();
    assert_eq!(view.detail.unread, Vec::<String>::new());
    let rows = view.detail.rows.unwrap().to_vec();
    if !between.is_empty() {
        tell(SocketAddr::new(AT, PORT), between).await;
    }
    let request = JgroupsRequest {
        row: rows[0].clone(),
    };
    let step = Step::new(Place::from(MEMBER), request, Vec::new());
    let done = engine.perform(&step).await.unwrap();
    (rows, done)
}

async fn count(table: &str) -> u64 {
    let mut conn = connect(SocketAddr::new(AT, PORT), "root").await.unwrap();
    let count = format!("SELECT COUNT(*) FROM app.{table}");
    conn.query_first(count).await.unwrap().unwrap()
}

#[tokio::test]
async fn rows_of_coordinators_go_only_as_they_were_read() {
    let Some(program) = Program::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let slot = slot_of(folder.path(), 1);
    std::fs::create_dir(&slot).unwrap();
    program.install(&slot.join("mysql"));
    let _server = Server::start(&program, &slot, AT, &[]);
    let at = SocketAddr::new(AT, PORT);
    let began = tokio::time::Instant::now();
    while connect(at, "root").await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "no server");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    tokio::spawn(member());

    // No table yet is no row.
    let newer = engine("jgroups", &password);
    for command in TABLES {
        tell(at, command).await;
    }
    let row = |uuid: &str, name: &str, cluster: &str, coord: bool| {
        format!(
            "INSERT INTO app.jgroups VALUES ('uuid://{uuid}', '{name}', '{cluster}', '127.78.1.9:7800', {coord})"
        )
    };
    tell(at, &row(A, "A", "chat", true)).await;
    tell(at, &row(B, "B", "chat", false)).await;
    tell(
        at,
        &row("1f399f65-14a6-8245-9fa6-737f22e8a2df", "C", "other", true),
    )
    .await;
    let (rows, done) = removed(
        &newer,
        "UPDATE app.jgroups SET ip = '127.78.1.8:7800' WHERE name = 'A'",
    )
    .await;
    assert_eq!((rows.len(), rows[0].coordinator.node.as_str()), (1, A));
    assert_eq!(
        rows[0].coordinator.place,
        Some(Place::from([127, 78, 1, 9]))
    );
    assert_eq!(done, "it is gone, or another one by now");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(removed(&newer, "").await.1, "removed");
    assert_eq!(count("jgroups").await, 2);

    let older = engine("JGROUPSPING", &password);
    let data = "0000000102 94372af1c84a76ca7e7d671968c34125 03 010001 41 10047f4e01091e78 ffff"
        .replace(' ', "");
    tell(
        at,
        &format!(
            "INSERT INTO app.JGROUPSPING VALUES ('{A}', 'chat', X'{data}'), ('{B}', 'chat', X'00')"
        ),
    )
    .await;
    let (rows, done) = removed(&older, "").await;
    assert_eq!((rows.len(), rows[0].coordinator.name.as_str()), (1, "A"));
    assert_eq!(
        rows[0].coordinator.place,
        Some(Place::from([127, 78, 1, 9]))
    );
    assert_eq!((done.as_str(), count("JGROUPSPING").await), ("removed", 1));
}
