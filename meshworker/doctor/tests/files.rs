//! What a stack says in files beside its own: of environments, configs and secrets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use meshworker_doctor::finding::Finding;
use meshworker_doctor::stack::{Ground, diagnosis, read};

/// What is found in this stack, with these files beside it.
fn findings(stack: &str, files: &[(&str, &str)]) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files.iter().chain([&("s.yml", stack)]) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let stack = read(&[folder.path().join("s.yml")], &|_| None);
    let mut ground = Ground::of(stack.unwrap_or_else(|why| panic!("{why}")));
    ground.refuses = Some(|_| Vec::new());
    diagnosis(&ground).findings
}

/// Each finding as `severity check line`.
fn found(stack: &str, files: &[(&str, &str)]) -> Vec<String> {
    let findings = findings(stack, files).into_iter().map(|found| {
        let line = found.line.unwrap_or_default();
        format!("{} {} {line}", found.severity, found.check)
    });
    findings.collect()
}

/// Members whose worker says the rest.
fn members(image: &str, worker: &str) -> String {
    format!(
        r#"version: "3.8"
services:
  db:
    image: {image}
    entrypoint: [meshworker, init, --]
    command: [sh, /start.sh]
    environment: {{SLOT: "{{{{.Task.Slot}}}}", MESHWORKER_GRACE: "600", MESHWORKER_WORKERS: boss}}
    configs: [conf]
    healthcheck: {{test: [CMD, meshworker, health], start_period: 1h}}
    stop_grace_period: 10m
    deploy: {{endpoint_mode: dnsrr, replicas: 6}}
  boss:
    image: meshworker/meshworker:1.0
{worker}configs: {{conf: {{file: db.conf}}}}
"#
    )
}

#[test]
fn a_workers_settings_may_stand_in_a_file_of_its_environment() {
    let worker = "    command: [run]\n    env_file: worker.env\n";
    let stack = members("acme/redis:7.4", worker);
    let settings = "# of the worker\nMESHWORKER_ENGINE=redis\nMESHWORKER_SERVICENAME=db\nMESHWORKER_LISTEN=0.0.0.0:4747\n";
    let conf = ("db.conf", "cluster-enabled yes\n");
    assert_eq!(found(&stack, &[conf, ("worker.env", settings)]), [""; 0]);
    let absent = "error refused 15".to_owned();
    assert!(found(&stack, &[conf]).contains(&absent));
}

#[test]
fn a_workers_clusters_may_stand_in_its_configuration_file() {
    let worker = "    command: [run, --config, /w.toml]\n    environment: {MESHWORKER_LISTEN: \"0.0.0.0:4747\"}\n    configs: [{source: w, target: /w.toml}]\n";
    let stack = members("acme/base:7.4", worker).replace("replicas: 6", "replicas: 9");
    let stack = stack.replace("configs: {conf: ", "configs: {w: {file: w.toml}, conf: ");
    let file = |engine: &str| {
        format!("[[cluster]]\nname = \"db\"\nengine = \"{engine}\"\nservicename = \"db\"\n")
    };
    let conf = ("db.conf", "cluster-enabled yes\n");
    assert_eq!(found(&stack, &[conf, ("w.toml", &file("redis"))]), [""; 0]);
    // Only Aerospike has a limit.
    let aerospike = found(&stack, &[conf, ("w.toml", &file("aerospike"))]);
    assert!(
        aerospike.contains(&"warning edition-limit 11".to_owned()),
        "{aerospike:?}"
    );
}

#[test]
fn a_namespace_that_is_kept_once_is_told_beside_one_that_is_kept_twice() {
    let worker = "    command: [run]\n    environment: {MESHWORKER_SERVICENAME: db, MESHWORKER_LISTEN: \"0.0.0.0:4747\"}\n";
    let stack = members("aerospike/aerospike-server:8.0", worker);
    let conf = |second: u8| {
        format!(
            "network {{\n fabric {{\n  address eth0\n }}\n}}\nnamespace t {{\n replication-factor 2\n}}\nnamespace u {{\n replication-factor {second}\n}}\n"
        )
    };
    assert_eq!(found(&stack, &[("db.conf", &conf(2))]), [""; 0]);
    assert_eq!(
        found(&stack, &[("db.conf", &conf(1))]),
        ["warning copies 11"]
    );
}

#[test]
fn files_that_are_not_there_are_errors() {
    let stack = "services:\n  a:\n    image: acme/a:1\n    env_file: [one.env, two.env]\n";
    assert_eq!(found(stack, &[("two.env", "A=b\n")]), ["error refused 4"]);
    let files = [("one.env", ""), ("two.env", "A=b\n")];
    assert_eq!(found(stack, &files), [""; 0]);
    let stack = "services: {a: {image: \"acme/a:1\", configs: [c], secrets: [s]}}\nconfigs:\n  c: {file: c.conf}\nsecrets:\n  s: {file: s.txt}\n";
    let both = ["error file-absent 3", "error file-absent 5"];
    assert_eq!(found(stack, &[]), both);
    assert_eq!(found(stack, &[("c.conf", ""), ("s.txt", "")]), [""; 0]);
}
