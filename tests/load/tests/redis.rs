//! Against a real Redis Cluster: slots move, a master dies, and what is deleted
//! or changed is seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::IpAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aerospike_sim::testing::{Loopback, wait_for};
use common::{PATIENCE, RECORDS, Running, options};
use meshworker_load::{DatabaseKind, fill, verify};

const PORT: u16 = 7000;
const PASSWORD: &str = "sesame";

/// A server that does not outlive its test.
struct Server {
    address: IpAddr,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The real server. Debian's redis-tools has it too, under the name of another
/// tool: one program that looks at the name it is called by.
fn program() -> Option<Command> {
    let answers = |mut command: Command| command.arg("--version").output().is_ok();
    if answers(Command::new("redis-server")) {
        return Some(Command::new("redis-server"));
    }
    answers(Command::new("redis-check-rdb")).then(|| {
        let mut command = Command::new("redis-check-rdb");
        command.arg0("redis-server");
        command
    })
}

fn start(address: IpAddr, folder: &Path) -> Server {
    let folder = folder.join(address.to_string());
    std::fs::create_dir(&folder).unwrap();
    let config = format!(
        "port {PORT}\nbind {address}\nbind-source-addr {address}\nprotected-mode no\n\
         cluster-enabled yes\ncluster-node-timeout 2000\nsave \"\"\nappendonly no\n\
         repl-diskless-sync-delay 0\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
    );
    std::fs::write(folder.join("redis.conf"), config).unwrap();
    let process = program()
        .unwrap()
        .arg("redis.conf")
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server { address, process }
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
        said.collect()
    };
    let is_well = |all: &Vec<String>| all.iter().all(|said| said == "true false true");
    wait_for("a cluster that is well", PATIENCE, look, is_well)
        .await
        .unwrap();
}

/// The id of a member.
fn id(member: IpAddr) -> String {
    ask(member, "cluster myid").trim().to_owned()
}

#[tokio::test]
async fn slots_move_and_a_master_dies_and_nothing_is_lost_but_what_is_deleted() {
    if program().is_none() {
        eprintln!("SKIPPED: redis-server is not installed (Debian: apt install redis-tools)");
        return;
    }
    let loopback = Loopback::claim().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let addresses: Vec<IpAddr> = (0..6).map(|number| loopback.address(number)).collect();
    let mut servers: Vec<Server> = addresses
        .iter()
        .map(|address| start(*address, folder.path()))
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
        "--cluster reshard {}:{PORT} --cluster-from {from} --cluster-to {to} --cluster-slots 1000 --cluster-yes",
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

    // Its replica takes over after two seconds.
    let dead = servers.remove(0);
    let others = dead.address;
    drop(dead);
    running.goes_on(200).await;
    let end = running.finish().await;
    assert!(end.write_stall_overall_ms >= 500, "{end:?}");
    let verified = verify(&options).await.unwrap();
    assert_eq!(verified.found, RECORDS, "{verified:?} without {others}");
    // Replication is asynchronous: what was on its way when it died may be gone.
    assert!(verified.acknowledged_lost <= 2, "{verified:?}");

    let member = addresses[1];
    ask(member, "del w:5");
    ask(member, "set w:6 nonsense");
    ask(member, "del key:7");
    let less = verify(&options).await.unwrap();
    assert_eq!(less.found, RECORDS - 1);
    assert_eq!(less.acknowledged_lost, verified.acknowledged_lost + 2);
    assert_eq!(less.acknowledged_lost_ranges.first(), Some(&(5, 6)));
    let named = ["key:7 is missing", "w:5 is missing", "w:6 is nonsense"];
    assert_eq!(less.lost[..3], named);
}
