//! Against a real Redis Cluster: slots move, a master dies, and what is deleted
//! or changed is seen.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aerospike_sim::testing::{Loopback, Process, called, installed, wait_for};
use meshworker_load::{DatabaseKind, fill, verify};
use tokio::time::sleep;

use crate::common::{PATIENCE, RECORDS, Running, options};

const PORT: u16 = 7000;
const PASSWORD: &str = "sesame";

struct Server {
    address: IpAddr,
    _process: Process,
}

/// The real server. Debian's redis-tools has it too, under the name of another
/// tool: one program that looks at the name it is called by.
fn program(folder: &Path) -> Option<PathBuf> {
    installed("redis-server").or_else(|| {
        let tool = installed("redis-check-rdb")?;
        Some(called("redis-server", &tool, folder).unwrap())
    })
}

fn start(program: &Path, address: IpAddr, folder: &Path) -> Server {
    let folder = folder.join(address.to_string());
    std::fs::create_dir(&folder).unwrap();
    let config = format!(
        "port {PORT}\nbind {address}\nbind-source-addr {address}\nprotected-mode no\n\
         cluster-enabled yes\ncluster-node-timeout 5000\nsave \"\"\nappendonly no\n\
         repl-diskless-sync-delay 0\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
    );
    std::fs::write(folder.join("redis.conf"), config).unwrap();
    let process = Process::start(program, |server| {
        server.arg("redis.conf").current_dir(&folder);
        server.stdout(Stdio::null()).stderr(Stdio::null());
    });
    Server {
        address,
        _process: process.unwrap(),
    }
}

fn cli(arguments: &str) -> String {
    let output = Command::new("redis-cli")
        .args(arguments.split(' '))
        .env("REDISCLI_AUTH", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ask(member: IpAddr, command: &str) -> String {
    cli(&format!("-c -h {member} -p {PORT} {command}"))
}

/// Waits until each of these says that all is well.
async fn well(servers: &[Server]) {
    let look = async || -> Vec<String> {
        let said = servers.iter().map(|server| {
            let info =
                ask(server.address, "cluster info") + &ask(server.address, "info replication");
            let state = [
                "cluster_state:ok",
                "master_link_status:down",
                "cluster_known_nodes:6",
            ];
            let seen = state.map(|word| info.contains(word).to_string());
            seen.join(" ")
        });
        let said = said.collect();
        // Each look is twelve processes.
        sleep(Duration::from_millis(300)).await;
        said
    };
    let is_well = |all: &Vec<String>| all.iter().all(|said| said == "true false true");
    wait_for("a cluster that is well", PATIENCE, look, is_well)
        .await
        .unwrap();
}

/// Waits until the replica of this master, which takes no writes any more, has
/// all that the master has.
async fn all_is_copied(master: IpAddr) {
    let paused = ask(master, "client pause 600000 write");
    assert_eq!(paused.trim(), "OK");
    let info = async || ask(master, "info replication");
    let same = |info: &String| {
        let offset = |name: &str| {
            let from = info.split_once(name)?.1;
            from.split([',', '\r']).next()
        };
        offset("master_repl_offset:").is_some_and(|own| offset(",offset=") == Some(own))
    };
    wait_for("a replica that has it all", PATIENCE, info, same)
        .await
        .unwrap();
}

/// The id of a member.
fn id(member: IpAddr) -> String {
    ask(member, "cluster myid").trim().to_owned()
}

#[tokio::test]
async fn slots_move_and_a_master_dies_and_nothing_is_lost_but_what_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else {
        meshworker_needs::missing("redis-server", "on Debian: apt-get install redis-tools");
        return;
    };
    let loopback = Loopback::claim().unwrap();
    let addresses: Vec<IpAddr> = (0..6).map(|number| loopback.address(number)).collect();
    let mut servers: Vec<Server> = addresses
        .iter()
        .map(|address| start(&program, *address, folder.path()))
        .collect();
    let pings = async || {
        addresses
            .iter()
            .filter(|a| ask(**a, "ping").contains("PONG"))
            .count()
    };
    wait_for("six servers", PATIENCE, pings, |count| *count == 6)
        .await
        .unwrap();
    let all = addresses.iter().map(|address| format!("{address}:{PORT}"));
    let all = all.collect::<Vec<_>>().join(" ");
    let made = cli(&format!(
        "--cluster create {all} --cluster-replicas 1 --cluster-yes"
    ));
    assert!(made.contains("All 16384 slots covered"), "{made}");
    well(&servers).await;

    let mut options = options(DatabaseKind::Redis, &addresses, PORT, folder.path());
    options.password = Some(PASSWORD.into());
    assert_eq!(fill(&options).await.unwrap(), RECORDS);
    let mut running = Running::start(&options).await;
    running.goes_on(50).await;
    running.mark("move").await;
    let (from, to) = (id(addresses[0]), id(addresses[1]));
    let arguments = format!(
        "--cluster reshard {}:{PORT} --cluster-from {from} --cluster-to {to} --cluster-slots 300 --cluster-yes",
        addresses[0]
    );
    let moved = tokio::task::spawn_blocking(move || cli(&arguments))
        .await
        .unwrap();
    assert!(moved.contains("Moving slot"), "{moved}");
    let planned = running.mark("moved").await;
    assert_eq!(
        (planned.read_mismatches, &planned.first_mismatch),
        (0, &None)
    );
    well(&servers).await;
    let whole = running.goes_on(50).await;
    assert_eq!(whole.read_mismatches, 0);

    // Its replica takes over after five seconds. What was still on its way to
    // it would be gone: replication is asynchronous.
    let dead = servers.remove(0);
    all_is_copied(dead.address).await;
    drop(dead);
    running.goes_on(200).await;
    let end = running.finish().await;
    assert!(end.write_stall_overall_ms >= 500, "{end:?}");
    let verified = verify(&options).await.unwrap();
    assert!(verified.is_whole(), "{verified:?}");

    let member = addresses[1];
    ask(member, "del w:5");
    ask(member, "set w:6 nonsense");
    ask(member, "del key:7");
    let less = verify(&options).await.unwrap();
    assert_eq!(less.found, RECORDS - 1);
    assert_eq!(less.acknowledged_lost, 2);
    assert_eq!(less.acknowledged_lost_ranges, [(5, 6)]);
    let named = ["key:7 is missing", "w:5 is missing", "w:6 is nonsense"];
    assert_eq!(less.lost, named);
}
