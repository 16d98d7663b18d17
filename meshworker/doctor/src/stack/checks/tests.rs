//! Each check with a stack that is good and stacks that are not.

mod published;

use crate::finding::{Finding, Severity};
use crate::report::Diagnosis;
use crate::stack::{Ground, diagnosis, parse};

use Severity::{Error, Hint, Warning};

/// Nothing is wrong with it.
const GOOD: &str = r#"
services:
  redis:
    image: registry:5000/redis-member:7.4
    entrypoint: ["meshworker", "init", "--"]
    command: ["sh", "/member.sh"]
    networks: [cluster]
    environment:
      SLOT: "{{.Task.Slot}}"
      REDIS_PASSWORD_FILE: /run/secrets/redis-password
      MESHWORKER_SLOT: "{{.Task.Slot}}"
      MESHWORKER_WORKERS: tasks.worker
      MESHWORKER_TOKEN_FILE: /run/secrets/token
      MESHWORKER_GRACE: "600"
    volumes: ["data:/data"]
    configs: [conf]
    secrets: [redis-password, token]
    healthcheck:
      test: ["CMD", "meshworker", "health"]
      interval: 2s
      retries: 5
      start_period: 1h
    stop_grace_period: 10m
    deploy:
      endpoint_mode: dnsrr
      replicas: 6
      update_config:
        parallelism: 1
        order: stop-first
        failure_action: pause
  worker:
    image: meshworker/meshworker:1.0
    command: ["run"]
    secrets: [token]
    networks: [cluster]
    environment:
      MESHWORKER_ENGINE: redis
      MESHWORKER_SERVICENAME: redis
      MESHWORKER_LISTEN: 0.0.0.0:4747
      MESHWORKER_TOKEN_FILE: /run/secrets/token
      MESHWORKER_OPTION_REPLICAS_PER_MASTER: "1"
networks:
  cluster:
    driver: overlay
    driver_opts:
      com.docker.network.driver.mtu: "1400"
    ipam:
      config: [{subnet: 10.20.0.0/24}]
volumes:
  data: {}
configs:
  conf: {file: redis.conf}
secrets:
  redis-password: {file: redis-password}
  token: {file: token}
"#;

fn ground(text: &str) -> Ground {
    let files = [("s.yml".to_owned(), text.to_owned())];
    let stack = parse(&files, &|_| None).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let mut ground = Ground::of(stack);
    ground.nodes = Some(6);
    ground.refuses = Some(|_| Vec::new());
    ground
}

fn diagnosed(ground: &Ground) -> Diagnosis {
    diagnosis(ground)
}

/// What is found in the good stack with some of its text replaced.
fn changed(changes: &[(&str, &str)]) -> Vec<Finding> {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    diagnosed(&ground(&text)).findings
}

fn named(findings: &[Finding]) -> Vec<(&str, Severity)> {
    let found = findings.iter();
    found.map(|found| (found.check, found.severity)).collect()
}

#[test]
fn a_good_stack_has_nothing_and_every_check_was_made() {
    let mut ground = ground(GOOD);
    let text = "namespace x {\n}\n".to_owned();
    ground.stack.configs.get_mut("conf").unwrap().text = Some(text);
    let diagnosis = diagnosed(&ground);
    assert_eq!(diagnosis.findings, vec![]);
    assert_eq!(diagnosis.skipped, vec![]);
    assert_eq!(diagnosis.checked, super::CHECKS.len());
}

#[test]
fn each_mistake_is_found_by_its_check_and_by_no_other() {
    const UPDATE: &str = "      update_config:\n";
    const HEALTH: &str = "    healthcheck:\n      test: [\"CMD\", \"meshworker\", \"health\"]\n      interval: 2s\n      retries: 5\n      start_period: 1h\n";
    const DRIVER: &str = "    driver: overlay\n";
    let cases: &[(&str, Severity, &str, &str)] = &[
        (
            "workers-name",
            Error,
            "      MESHWORKER_WORKERS: tasks.worker\n",
            "",
        ),
        (
            "worker",
            Warning,
            "MESHWORKER_SERVICENAME: redis",
            "MESHWORKER_SERVICENAME: other",
        ),
        (
            "endpoint-mode",
            Error,
            "endpoint_mode: dnsrr",
            "endpoint_mode: vip",
        ),
        ("endpoint-mode", Error, "      endpoint_mode: dnsrr\n", ""),
        (
            "network",
            Error,
            "    secrets: [token]\n    networks: [cluster]",
            "    secrets: [token]\n    networks: [default]",
        ),
        ("network", Error, DRIVER, "    driver: bridge\n"),
        (
            "ignored",
            Hint,
            "    command: [\"sh\", \"/member.sh\"]\n",
            "    command: [\"sh\", \"/member.sh\"]\n    network_mode: host\n",
        ),
        (
            "network-choice",
            Warning,
            "\nnetworks:\n",
            "\nnetworks:\n  b: {}\n",
        ),
        (
            "attachable",
            Warning,
            DRIVER,
            "    driver: overlay\n    attachable: true\n",
        ),
        ("subnet", Warning, "10.20.0.0/24", "10.20.0.0/28"),
        ("overlay-mtu", Warning, "\"1400\"", "\"9000\""),
        (
            "custom-dns",
            Warning,
            "MESHWORKER_LISTEN: 0.0.0.0:4747",
            "MESHWORKER_LISTEN: 0.0.0.0:4747\n      MESHWORKER_NAME_SERVER: 1.1.1.1",
        ),
        (
            "ports",
            Error,
            "    configs: [conf]\n",
            "    configs: [conf]\n    ports: [\"6379:6379\"]\n",
        ),
        ("health-check", Warning, HEALTH, ""),
        (
            "health-check",
            Warning,
            HEALTH,
            "    healthcheck: {disable: true}\n",
        ),
        (
            "health-hides",
            Error,
            "      MESHWORKER_LISTEN: 0.0.0.0:4747\n",
            "",
        ),
        ("health-start", Error, "      start_period: 1h\n", ""),
        (
            "health-start",
            Warning,
            "start_period: 1h",
            "start_period: 20s",
        ),
        (
            "update-order",
            Error,
            "order: stop-first",
            "order: start-first",
        ),
        (
            "update-parallelism",
            Error,
            "parallelism: 1",
            "parallelism: 0",
        ),
        (
            "update-parallelism",
            Error,
            UPDATE,
            "      rollback_config: {parallelism: 2}\n      update_config:\n",
        ),
        (
            "update-failure",
            Warning,
            "failure_action: pause",
            "failure_action: continue",
        ),
        (
            "grace-told",
            Error,
            "MESHWORKER_GRACE: \"600\"",
            "MESHWORKER_GRACE: \"900\"",
        ),
        (
            "grace-told",
            Warning,
            "      MESHWORKER_GRACE: \"600\"\n",
            "",
        ),
        (
            "stop-signal",
            Error,
            "    stop_grace_period: 10m\n",
            "    stop_grace_period: 10m\n    stop_signal: SIGUSR1\n",
        ),
        (
            "replicas",
            Warning,
            "      replicas: 6\n",
            "      mode: global\n",
        ),
        ("copies", Warning, "replicas: 6", "replicas: 5"),
        (
            "copies",
            Warning,
            "REPLICAS_PER_MASTER: \"1\"",
            "REPLICAS_PER_MASTER: \"0\"",
        ),
        ("nodes", Warning, "replicas: 6", "replicas: 7"),
        ("nodes", Warning, "replicas: 6", "replicas: 12"),
        ("volume", Hint, "      SLOT: \"{{.Task.Slot}}\"\n", ""),
        ("image", Warning, "redis-member:7.4", "redis-member:latest"),
        ("image", Warning, "redis-member:7.4", "redis-member"),
        (
            "secret-in-plain",
            Error,
            "REDIS_PASSWORD_FILE: /run/secrets/redis-password",
            "REDIS_PASSWORD: hunter2",
        ),
        (
            "secret-in-plain",
            Error,
            "[\"sh\", \"/member.sh\"]",
            "[\"sh\", \"/member.sh\", \"--auth-token=hunter2\"]",
        ),
        (
            "example-secret",
            Warning,
            "{file: redis-password}",
            "{file: redis-password.example}",
        ),
        (
            "docker-api",
            Error,
            "MESHWORKER_LISTEN: 0.0.0.0:4747",
            "MESHWORKER_LISTEN: 0.0.0.0:4747\n      MESHWORKER_DOCKER: \"yes\"",
        ),
        (
            "docker-api",
            Error,
            "    command: [\"run\"]\n",
            "    command: [\"run\"]\n    volumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]\n",
        ),
    ];
    for (check, severity, from, to) in cases {
        let mut change = vec![(*from, *to)];
        if *check == "network-choice" {
            change.push((
                "[\"sh\", \"/member.sh\"]\n    networks: [cluster]",
                "[\"sh\", \"/member.sh\"]\n    networks: [cluster, b]",
            ));
        }
        let findings = changed(&change);
        assert_eq!(
            named(&findings),
            [(*check, *severity)],
            "{from} => {to}: {findings:#?}"
        );
        let found = &findings[0];
        assert!(found.line.is_some(), "{found:?}");
        for text in [&found.subject, &found.what, &found.why, &found.instead] {
            assert!(!text.is_empty(), "{found:?}");
            assert!(!text.contains("hunter2"), "a secret is told: {found:?}");
        }
    }
}

#[test]
fn mistakes_that_come_with_others_are_found() {
    let findings = changed(&[("replicas: 6", "replicas: 2")]);
    assert_eq!(named(&findings), [("replicas", Error), ("copies", Warning)]);

    let bare = [(
        "entrypoint: [\"meshworker\", \"init\", \"--\"]",
        "entrypoint: [tini]",
    )];
    let findings = changed(&bare);
    let expected = [("health-hides", Error), ("supervisor", Warning)];
    assert_eq!(named(&findings), expected);

    let no_time = [("    stop_grace_period: 10m\n", "")];
    let findings = changed(&no_time);
    let expected = [("grace-period", Error), ("grace-told", Error)];
    assert_eq!(named(&findings), expected);
    let short = [
        ("stop_grace_period: 10m", "stop_grace_period: 30s"),
        ("\"600\"", "\"30\""),
    ];
    assert_eq!(named(&changed(&short)), [("grace-period", Warning)]);
    let default = [
        ("stop_grace_period: 10m", "stop_grace_period: 10s"),
        ("\"600\"", "\"10\""),
    ];
    assert_eq!(named(&changed(&default)), [("grace-period", Error)]);
}

#[test]
fn a_measured_leave_time_is_compared_with_the_grace_period() {
    let mut ground = ground(GOOD);
    ground.leave_time = Some(std::time::Duration::from_secs(660));
    let findings = diagnosed(&ground).findings;
    assert_eq!(named(&findings), [("grace-period", Error)]);
    assert_eq!(
        findings[0].what,
        "It may take 10 min to stop, and leaving has taken 11 min."
    );
    ground.leave_time = Some(std::time::Duration::from_secs(600));
    assert_eq!(diagnosed(&ground).findings, vec![]);
}

#[test]
fn a_volume_of_each_slots_own_is_no_mistake() {
    let unknowing = ("      SLOT: \"{{.Task.Slot}}\"\n", "");
    // Docker takes no volume that the file does not declare, whatever its name.
    let own = [unknowing, ("data:/data", "data-{{.Task.Slot}}:/data")];
    assert_eq!(named(&changed(&own)), [("refused", Error)]);
    let name = [
        unknowing,
        ("  data: {}", "  data: {name: \"data-{{ .Task.Slot }}\"}"),
    ];
    assert_eq!(changed(&name), vec![]);
    let alone = [
        unknowing,
        (
            "replicas: 6",
            "replicas: 6\n      placement: {max_replicas_per_node: 1}",
        ),
    ];
    assert_eq!(changed(&alone), vec![]);
    let supervised = [(unknowing.0, "      MESHWORKER_DATA_DIR: /data\n")];
    assert_eq!(changed(&supervised), vec![]);
    let stops = "    stop_grace_period: 10m\n    stop_signal: sigint\n";
    assert_eq!(changed(&[("    stop_grace_period: 10m\n", stops)]), vec![]);
    let read_only = [unknowing, ("data:/data", "data:/data:ro")];
    assert_eq!(changed(&read_only), vec![]);
    // A server's directory is the same one on every node.
    let server = [
        alone[0],
        alone[1],
        ("  data: {}", "  data: {driver_opts: {type: nfs}}"),
    ];
    assert_eq!(named(&changed(&server)), [("volume", Hint)]);
}

#[test]
fn start_first_without_a_volume_is_less_bad() {
    let change = [
        ("    volumes: [\"data:/data\"]\n", ""),
        ("order: stop-first", "order: start-first"),
    ];
    assert_eq!(named(&changed(&change)), [("update-order", Warning)]);
}

#[test]
fn host_ports_need_a_node_each() {
    let port = "    configs: [conf]\n    ports: [{target: 6379, published: 6379, mode: host}]\n";
    let change = ("    configs: [conf]\n", port);
    assert_eq!(changed(&[change]), vec![]);
    let more = [change, ("replicas: 6", "replicas: 7")];
    assert_eq!(
        named(&changed(&more)),
        [("ports", Error), ("nodes", Warning)]
    );
    let mut unknown = ground(&GOOD.replace(change.0, change.1));
    unknown.nodes = None;
    let diagnosis = diagnosed(&unknown);
    assert_eq!(named(&diagnosis.findings), [("ports", Hint)]);
    let skipped: Vec<&str> = diagnosis.skipped.iter().map(|one| one.check).collect();
    assert_eq!(skipped, ["configuration", "nodes"]);
}

#[test]
fn members_that_share_nodes_are_less_bad_while_each_record_has_a_copy_elsewhere() {
    let change = [
        ("replicas: 6", "replicas: 9"),
        ("PER_MASTER: \"1\"", "PER_MASTER: \"2\""),
    ];
    assert_eq!(named(&changed(&change)), [("nodes", Hint)]);
}

#[test]
fn nodes_that_may_not_take_all_replicas_are_an_error() {
    let change = [(
        "replicas: 6",
        "replicas: 7\n      placement: {max_replicas_per_node: 1}",
    )];
    let findings = changed(&change);
    assert_eq!(named(&findings), [("nodes", Error)]);
    assert_eq!(
        findings[0].what,
        "It has 7 replicas, and 6 nodes may take 6."
    );
}

#[test]
fn limits_and_copies_are_those_of_the_engine() {
    let text = GOOD.replace("MESHWORKER_ENGINE: redis", "MESHWORKER_ENGINE: aerospike");
    let text = text
        .replace("replicas: 6", "replicas: 9")
        .replace("OPTION_REPLICAS_PER_MASTER", "OPTION_X");
    let mut ground = ground(&text);
    ground.nodes = Some(9);
    let config = |factor| {
        Some(format!(
            "namespace a {{\n  replication-factor {factor}\n}}\n"
        ))
    };
    ground.stack.configs.get_mut("conf").unwrap().text = config(2);
    let findings = diagnosed(&ground).findings;
    assert_eq!(named(&findings), [("edition-limit", Warning)]);
    assert_eq!(
        findings[0].what,
        "It has 9 replicas; Aerospike Community Edition takes 8."
    );
    ground.stack.services[0].replicas.as_mut().unwrap().value = 8;
    assert_eq!(diagnosed(&ground).findings, vec![]);

    ground.stack.configs.get_mut("conf").unwrap().text = config(1);
    let findings = diagnosed(&ground).findings;
    assert_eq!(named(&findings), [("copies", Warning)]);
    assert_eq!(
        findings[0].what,
        "Records are kept once (replication-factor 1)."
    );
    // What cannot be read is not guessed.
    ground.stack.configs.get_mut("conf").unwrap().text = None;
    let skipped = diagnosed(&ground).skipped;
    let skipped: Vec<_> = skipped.iter().map(|skipped| skipped.check).collect();
    assert_eq!(skipped, ["copies", "configuration"]);
}

/// Members of a name that the worker does not look after were left alone, one and
/// all, and nothing said so before.
#[test]
fn a_configuration_of_another_cluster_or_without_an_address_is_found() {
    let text = GOOD.replace("MESHWORKER_ENGINE: redis", "MESHWORKER_ENGINE: aerospike");
    let text = text.replace(
        "MESHWORKER_OPTION_REPLICAS_PER_MASTER: \"1\"",
        "MESHWORKER_CLUSTER_NAME: mesh",
    );
    let mut ground = ground(&text);
    let good = "service {\n  cluster-name mesh\n}\nnetwork {\n  fabric {\n    address eth0\n  }\n}\n\
                namespace a {\n}\n";
    let mut findings = |text: &str| {
        ground.stack.configs.get_mut("conf").unwrap().text = Some(text.to_owned());
        let findings = diagnosed(&ground).findings;
        let found = findings.into_iter();
        found
            .map(|found| (found.check, found.severity, found.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(findings(good), []);
    let what = "The members' configuration has cluster-name 'orders', and the worker's is 'mesh'.";
    assert_eq!(
        findings(&good.replace("cluster-name mesh", "cluster-name orders")),
        [("configuration", Error, what.to_owned())]
    );
    let what = "The fabric section of the members' configuration names no address.";
    assert_eq!(
        findings(&good.replace("address eth0", "port 3001")),
        [("configuration", Error, what.to_owned())]
    );
}

#[test]
fn a_variable_that_is_not_set_is_told() {
    let findings = changed(&[(
        "image: meshworker/meshworker:1.0",
        "image: meshworker/meshworker:1.0${SUFFIX}",
    )]);
    assert_eq!(named(&findings), [("variable", Warning)]);
    assert_eq!(findings[0].subject, "variable SUFFIX");
}

#[test]
fn a_password_from_a_variable_is_a_password_all_the_same() {
    let change = [(
        "REDIS_PASSWORD_FILE: /run/secrets/redis-password",
        "REDIS_PASSWORD: ${PASSWORD:-hunter2}",
    )];
    assert_eq!(named(&changed(&change)), [("secret-in-plain", Error)]);
    for harmless in [
        "TOKEN_TTL: 5",
        "ALLOW_EMPTY_PASSWORD: \"yes\"",
        "PASSWORD: \"\"",
        "PASSWORD: ${PASSWORD:-}",
        "PASSWORD: $$FROM_THE_SHELL",
        "MAX_TOKENS: 4096",
        "ETCD_INITIAL_CLUSTER_TOKEN: blue",
        "API_TOKEN: /run/secrets/token",
    ] {
        let change = [("REDIS_PASSWORD_FILE: /run/secrets/redis-password", harmless)];
        assert_eq!(changed(&change), vec![], "{harmless}");
    }
}

#[test]
fn members_are_found_by_labels_and_without_any_worker() {
    let labelled = "services:\n  db:\n    image: a:1\n    deploy:\n      labels: {meshworker.enable: \"true\", meshworker.engine: redis}\n";
    let found = diagnosed(&ground(labelled)).findings;
    assert!(
        named(&found).contains(&("endpoint-mode", Error)),
        "{found:?}"
    );
    assert!(named(&found).contains(&("worker", Warning)), "{found:?}");
    let bare = "services:\n  db:\n    image: aerospike:8\n    deploy: {endpoint_mode: dnsrr, replicas: 3}\n";
    assert!(named(&diagnosed(&ground(bare)).findings).contains(&("supervisor", Warning)));
}

#[test]
fn of_a_stack_without_a_database_the_checks_of_members_are_counted_apart() {
    let diagnosis = diagnosed(&ground("services:\n  web:\n    image: nginx\n"));
    assert_eq!(named(&diagnosis.findings), [("image", Warning)]);
    assert_eq!(diagnosis.skipped, vec![]);
    let why = &diagnosis.inapplicable[0].why;
    assert!(why.starts_with("no service here is seen to"), "{why}");
    assert_eq!(
        diagnosis.checked + diagnosis.inapplicable.len(),
        super::CHECKS.len()
    );
}
