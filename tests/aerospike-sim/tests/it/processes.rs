//! The binary: real processes that form a cluster, stop on SIGTERM and refuse bad configurations.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use aerospike_sim::info;
use aerospike_sim::testing::{Process, wait_for};

use crate::common::{Field, PATIENCE, item};

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

fn start(arguments: &[&str]) -> Process {
    let process = Process::start(BINARY, |command| {
        command.args(arguments).stderr(Stdio::null());
    });
    process.unwrap()
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
    other.terminate().unwrap();
    assert_eq!(other.ended().unwrap().code(), Some(0));
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

/// Whether this process is there, and not only waits to be buried.
fn runs(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Whoever stops a run of tests kills them, and their servers would go on.
#[tokio::test]
async fn a_test_that_is_killed_takes_its_processes_with_it() {
    const VICTIM: &str = "AEROSPIKE_SIM_VICTIM";
    if let Some(file) = std::env::var_os(VICTIM) {
        let held = Process::start("sleep", |sleep| {
            sleep.arg("600");
        });
        std::fs::write(file, held.as_ref().unwrap().id().to_string()).unwrap();
        return std::future::pending().await;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id");
    let this = "processes::a_test_that_is_killed_takes_its_processes_with_it";
    let victim = Process::start(std::env::current_exe().unwrap(), |test| {
        test.args(["--exact", this]).env(VICTIM, &file);
        test.stdout(Stdio::null()).stderr(Stdio::null());
    });
    let held = async || {
        let id = std::fs::read_to_string(&file).unwrap_or_default();
        (runs(&id), id)
    };
    let (_, id) = wait_for("a process", PATIENCE, held, |(runs, _)| *runs)
        .await
        .unwrap();
    // Dropped, it is killed, and can do nothing about it.
    drop(victim.unwrap());
    wait_for("its end", PATIENCE, async || runs(&id), |runs| !runs)
        .await
        .unwrap();
}
