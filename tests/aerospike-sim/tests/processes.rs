//! The binary: real processes that form a cluster, stop on SIGTERM and refuse bad configurations.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not their helpers"
)]

mod common;

use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use aerospike_sim::info;
use aerospike_sim::testing::wait_for;
use common::{Field, PATIENCE, item};

const BINARY: &str = env!("CARGO_BIN_EXE_aerospike-sim");

const CONF: &str = "
service {
    cluster-name from-the-file
}
network {
    service {
        address any
        port 3000
    }
    heartbeat {
        mode mesh
        port 3012
        interval 150
        timeout 10
    }
}
namespace test {
    replication-factor 2
}
namespace cache {
    replication-factor 1
}
";

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Running {
    Running(
        Command::new(BINARY)
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    )
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

async fn answers(address: SocketAddr, command: &str, expected: impl Fn(&str) -> bool) -> String {
    let look = async || {
        info(address, command)
            .await
            .map_err(|error| error.to_string())
    };
    let so = |seen: &Result<String, String>| seen.as_ref().is_ok_and(|value| expected(value));
    wait_for(command, PATIENCE, look, so)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn processes_form_a_cluster_and_one_leaves_on_sigterm() {
    let field = Field::new();
    let directory = tempfile::tempdir().unwrap();
    let conf = directory.path().join("aerospike.conf");
    std::fs::write(&conf, CONF).unwrap();
    let conf = conf.to_str().unwrap();
    let addresses = [0, 1].map(|number| field.loopback.address(number).to_string());
    let mut processes = addresses.iter().map(|address| {
        start(&[
            "--config-file",
            conf,
            "--address",
            address,
            "--port-delay-ms",
            "0",
        ])
    });
    let (one, mut other) = (processes.next().unwrap(), processes.next().unwrap());
    let services = addresses
        .clone()
        .map(|address| SocketAddr::new(address.parse().unwrap(), 3000));

    answers(services[1], "status", |value| value == "ok").await;
    assert_eq!(
        answers(services[0], "cluster-name", |_| true).await,
        "from-the-file"
    );
    assert_eq!(
        answers(services[0], "namespaces", |_| true).await,
        "cache;test"
    );
    assert_eq!(
        answers(services[0], "mesh", |_| true).await,
        format!("{}:3012", addresses[0])
    );
    let tip = format!("tip:host={};port=3012", addresses[1]);
    let asked = run(&["info", "-h", &addresses[0], &tip, "build"]);
    assert_eq!(String::from_utf8(asked.stdout).unwrap(), "ok\n8.0.0.15\n");
    for service in services {
        answers(service, "statistics", |value| {
            item(value, "cluster_size") == "2"
        })
        .await;
    }
    let terminated = Command::new("kill")
        .arg(other.0.id().to_string())
        .status()
        .unwrap();
    assert!(terminated.success());
    assert_eq!(other.0.wait().unwrap().code(), Some(0));
    answers(services[0], "statistics", |value| {
        item(value, "cluster_size") == "1"
    })
    .await;
    drop(one);
}

#[test]
fn a_bad_configuration_is_one_line_and_exit_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let conf = directory.path().join("aerospike.conf");
    std::fs::write(&conf, "service {\n    cluster-name\n}\n").unwrap();
    let conf = conf.to_str().unwrap();
    for (arguments, message) in [
        (
            ["--config-file", conf],
            "line 2: 'cluster-name' needs one value",
        ),
        (
            ["--config-file", "/nowhere/aerospike.conf"],
            "cannot read /nowhere/aerospike.conf",
        ),
        (
            ["--subnet", "203.0.113.0/24"],
            "no address in 203.0.113.0/24 among",
        ),
    ] {
        let output = run(&arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(message) && told.lines().count() == 1,
            "{told}"
        );
    }
}

#[test]
fn a_question_nobody_answers_fails() {
    let field = Field::new();
    let output = run(&[
        "info",
        "-h",
        &format!("{}:3000", field.loopback.address(0)),
        "build",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot connect")
    );
}
