//! The stacks of this repository, and what is found in them once somebody changes them.

use std::path::Path;

use super::{Error, Warning, diagnosed, ground};
use crate::stack::{Ground, read};

/// The stack files of this repository, as they are deployed.
#[test]
fn the_stacks_of_this_repository_have_no_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack");
    for (files, warnings) in [
        (
            &["redis.yml"][..],
            &["image", "copies", "example-secret"][..],
        ),
        (&["aerospike.yml"], &["image", "example-secret"]),
        (
            &["redis.yml", "docker-api.yml"],
            &["image", "copies", "example-secret"],
        ),
        (
            &["aerospike.yml", "docker-api.yml"],
            &["image", "example-secret"],
        ),
        (
            &["aerospike.yml", "aerospike-files.yml"],
            &["image", "example-secret"],
        ),
    ] {
        let files: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
        let mut ground = Ground::of(read(&files, &|_| None).unwrap());
        ground.nodes = Some(3);
        ground.refuses = Some(|_| Vec::new());
        let diagnosis = diagnosed(&ground);
        assert_eq!(diagnosis.skipped, vec![]);
        for found in diagnosis.findings {
            assert_eq!(found.severity, Warning, "{found:#?}");
            assert!(warnings.contains(&found.check), "{found:#?}");
        }
    }
}

/// What the stack says of MariaDB itself: what loses writes, and what is no MariaDB.
#[test]
fn settings_and_images_of_mariadb_that_lose_writes_are_found_in_its_stack() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack/mariadb.yml");
    let stack = std::fs::read_to_string(path).unwrap();
    for found in diagnosed(&ground(&stack)).findings {
        let expected = ["image", "example-secret"].contains(&found.check);
        assert!(found.severity == Warning && expected, "{found:?}");
    }
    let found = |from: &str, to: &str| {
        let findings = diagnosed(&ground(&stack.replacen(from, to, 1))).findings;
        let found = findings.into_iter();
        let found = found.filter(|found| found.severity == Error);
        found.map(|found| found.what).collect::<Vec<_>>()
    };
    let argument = "\"--datadir=./mysql\"";
    let recovers = format!("{argument}, \"--relay-log-recovery\"");
    assert_eq!(found(argument, argument), [""; 0]);
    assert_eq!(found(argument, &recovers).len(), 1);
    let password = "MARIADB_ROOT_PASSWORD_FILE:";
    let database = format!("MARIADB_DATABASE: shop\n      {password}");
    assert_eq!(found(password, &database).len(), 1);
    let image = "${MARIADB_IMAGE:-mariadb:10.11}";
    let said = "Its image is mysql:8.4, which is MySQL.";
    assert_eq!(found(image, "mysql:8.4"), [said]);
}

/// What the stack says of etcd itself, and what its worker would say instead.
#[test]
fn settings_of_etcd_that_cost_its_quorum_are_found_in_its_stack() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack/etcd.yml");
    let stack = std::fs::read_to_string(path).unwrap();
    for found in diagnosed(&ground(&stack)).findings {
        let expected = ["image", "example-secret"].contains(&found.check);
        assert!(found.severity == Warning && expected, "{found:?}");
    }
    let found = |from: &str, to: &str| {
        assert_eq!(stack.matches(from).count(), 1, "{from}");
        let findings = diagnosed(&ground(&stack.replace(from, to))).findings;
        let found = findings.into_iter();
        let found = found.filter(|found| found.check == "database-setting");
        found.map(|found| found.what).collect::<Vec<_>>()
    };
    let command = "command: [\"etcd\"]";
    assert_eq!(found(command, command), [""; 0]);
    let forced = "command: [\"etcd\", \"--force-new-cluster\"]";
    let said = "It forces a new cluster at each start: force-new-cluster is ''.";
    assert_eq!(found(command, forced), [said]);
    let directory = "ETCD_DATA_DIR: etcd";
    let checked = format!("{directory}\n      ETCD_STRICT_RECONFIG_CHECK: \"false\"");
    assert_eq!(found(directory, &checked).len(), 1);
}
