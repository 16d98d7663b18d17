//! The stack with the database's image as it is, and what can be wrong in it.

use super::CHECK;
use crate::finding::Severity::{self, Error, Warning};
use crate::stack::{Ground, parse};

const GOOD: &str = r#"
services:
  redis:
    image: redis:7.4
    entrypoint:
      - sh
      - -c
      - |-
        until [ -x /opt/meshworker/meshworker ]; do sleep 1; done
        exec /opt/meshworker/meshworker init -- "$$@"
      - meshworker
    command: [docker-entrypoint.sh, redis-server]
    volumes: ["data:/data", "program:/opt/meshworker:ro"]
    deploy:
      endpoint_mode: dnsrr
      replicas: 3
  install:
    image: meshworker/meshworker:0.1.0
    command: ["install", "--stay", "--expect", "0.1.0", "/volume"]
    volumes: ["program:/volume"]
    deploy:
      mode: global
  worker:
    image: meshworker/meshworker:0.1.0
    command: ["run", "--servicename", "redis"]
volumes:
  data: {}
  program:
    name: meshworker-0.1.0
"#;

/// What the check says of the good stack with some of its text replaced.
fn changed(changes: &[(&str, &str)]) -> Vec<(String, Severity, Option<usize>)> {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    let files = [("s.yml".to_owned(), text)];
    let stack = parse(&files, &|_| None).unwrap();
    let found = (CHECK.run)(&Ground::of(stack)).unwrap();
    let found = found.into_iter();
    found
        .map(|one| (one.subject, one.severity, one.line))
        .collect()
}

#[test]
fn with_the_vendors_image_as_it_is_nothing_is_wrong() {
    assert_eq!(changed(&[]), []);
    // Made by another stack.
    let elsewhere = [
        (
            "    name: meshworker-0.1.0",
            "    external: true\n    name: meshworker-0.1.0",
        ),
        ("[\"install\",", "[\"version\","),
    ];
    assert_eq!(changed(&elsewhere), []);
    // From the node's own disk.
    let host = [(
        "program:/opt/meshworker:ro",
        "/usr/local/bin:/opt/meshworker:ro",
    )];
    assert_eq!(changed(&host), []);
    // In an image of one's own, wherever.
    let own = [
        (
            "      - sh\n      - -c\n",
            "      - /usr/local/bin/meshworker\n      - init\n      - --\n",
        ),
        (", \"program:/opt/meshworker:ro\"", ""),
    ];
    assert_eq!(changed(&own), []);
}

#[test]
fn a_program_that_nobody_brings_is_found() {
    let redis = "service redis".to_owned();
    let unmounted = [(", \"program:/opt/meshworker:ro\"", "")];
    assert_eq!(changed(&unmounted), [(redis.clone(), Error, Some(12))]);
    let elsewhere = [("program:/opt/meshworker:ro", "program:/opt/other:ro")];
    assert_eq!(changed(&elsewhere), [(redis.clone(), Error, Some(12))]);
    for other in [
        "[\"run\",",
        "[\"install\", \"/elsewhere\",",
        "[\"version\",",
    ] {
        let unfilled = [
            ("[\"install\",", other),
            ("\"0.1.0\", \"/volume\"]", "\"0.1.0\"]"),
        ];
        assert_eq!(
            changed(&unfilled),
            [(redis.clone(), Error, Some(13))],
            "{other}"
        );
    }
    let other_volume = [("program:/volume", "data:/volume")];
    assert_eq!(changed(&other_volume), [(redis, Error, Some(13))]);
}

#[test]
fn a_program_that_is_not_on_every_node_is_found() {
    let install = "service install".to_owned();
    for (mode, line) in [("replicated", 22), ("replicated-job", 22)] {
        let somewhere = [("mode: global", format!("mode: {mode}"))];
        let somewhere = somewhere.each_ref().map(|(from, to)| (*from, to.as_str()));
        assert_eq!(changed(&somewhere), [(install.clone(), Error, Some(line))]);
    }
    let managers = "mode: global\n      placement: {constraints: [node.role == manager]}";
    let constrained = [("mode: global", managers)];
    assert_eq!(changed(&constrained), [(install, Error, Some(17))]);
    // Where the members are.
    let both = "replicas: 3\n      placement: {constraints: [node.role == manager]}";
    assert_eq!(changed(&[constrained[0], ("replicas: 3", both)]), []);
}

#[test]
fn a_program_that_members_may_change_is_found() {
    let writable = [("program:/opt/meshworker:ro", "program:/opt/meshworker")];
    assert_eq!(
        changed(&writable),
        [("service redis".to_owned(), Warning, Some(13))]
    );
}

#[test]
fn versions_that_differ_are_found() {
    let install = "service install".to_owned();
    let worker = [(
        "meshworker/meshworker:0.1.0\n    command: [\"run\"",
        "meshworker/meshworker:0.2.0\n    command: [\"run\"",
    )];
    assert_eq!(changed(&worker), [(install.clone(), Warning, Some(18))]);
    for change in [
        ("name: meshworker-0.1.0", "name: meshworker-0.2.0"),
        ("    name: meshworker-0.1.0", "    driver: local"),
    ] {
        assert_eq!(changed(&[change]), [(install.clone(), Warning, Some(19))]);
    }
}
