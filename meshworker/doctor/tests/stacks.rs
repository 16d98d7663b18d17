//! Small stack files, each with all that is to be said of it: what Docker refuses
//! and takes, what is no mistake, and what is one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use meshworker_doctor::report::Diagnosis;
use meshworker_doctor::stack::{Ground, diagnosis, parse};

fn lookup(name: &str) -> Option<String> {
    (name == "THREE").then(|| "3".to_owned())
}

fn diagnosed(files: &[&str]) -> Result<Diagnosis, String> {
    let files = files.iter().enumerate();
    let files: Vec<_> = files
        .map(|(at, text)| (format!("{at}.yml"), (*text).to_owned()))
        .collect();
    let stack = parse(&files, &lookup).map_err(|why| why.to_string())?;
    let mut ground = Ground::of(stack);
    ground.refuses = Some(|_| Vec::new());
    Ok(diagnosis(&ground))
}

/// Each finding as `severity check line`.
fn found(files: &[&str]) -> Vec<String> {
    let diagnosis = diagnosed(files).unwrap_or_else(|why| panic!("{why}\n{files:?}"));
    let findings = diagnosis.findings.iter().map(|found| {
        let line = found.line.unwrap_or_default();
        format!("{} {} {line}", found.severity, found.check)
    });
    findings.collect()
}

/// What follows after a service's image.
fn service(rest: &str) -> String {
    format!("version: \"3.8\"\nservices:\n  a:\n    image: acme/a:1\n{rest}")
}

fn whats(files: &[&str]) -> String {
    let findings = diagnosed(files).unwrap().findings.into_iter();
    let whats = findings.map(|found| format!("{} {}\n", found.what, found.instead));
    whats.collect()
}

#[test]
fn what_docker_refuses_is_an_error_with_its_line() {
    for (rest, line) in [
        ("    enviroment: {A: b}\n", 5),
        ("    deploy: {replica: 3}\n", 5),
        ("    deploy:\n      update_config: {paralelism: 1}\n", 6),
        ("    healthcheck: {test: \"x\", startperiod: 1h}\n", 5),
        ("    cpus: 2\n", 5),
        ("    profiles: [x]\n", 5),
        ("    volumes: [{type: tmpfs, target: /x, size: 5}]\n", 5),
        ("    deploy: {replicas: \"3\"}\n", 5),
        ("    deploy: {replicas: three}\n", 5),
        ("    healthcheck: {retries: \"3\"}\n", 5),
        ("    ports: [{target: 80, published: \"80\"}]\n", 5),
        ("    tty: yes\n", 5),
        ("    init: \"${NONE:-true}\"\n", 5),
        ("    environment: {A: true}\n", 5),
        ("    environment: [1]\n", 5),
        ("    command: [sleep, 5]\n", 5),
        ("    command:\n", 5),
        ("    stop_grace_period: 10\n", 5),
        ("    stop_grace_period: 1d\n", 5),
        ("    deploy: {resources: {limits: {cpus: 0.5}}}\n", 5),
        ("    deploy: {update_config: {order: new-first}}\n", 5),
        ("    deploy: {mode: globl}\n", 5),
        ("    deploy: {mode: global, replicas: 3}\n", 5),
        ("    deploy: {endpoint_mode: dns}\n", 5),
        ("    deploy: {restart_policy: {condition: always}}\n", 5),
        ("    healthcheck: {test: \"true\", disable: true}\n", 5),
        ("    volumes: [\"data:/data\"]\n", 5),
        ("    networks: [front]\n", 5),
        ("    secrets: [token]\n", 5),
        ("    configs: [{source: conf, target: /c}]\n", 5),
        ("    cap_add: [A, A]\n", 5),
        ("    ports: [\"80:80\", \"80:81\"]\n", 5),
        ("    logging: {driver: x, option: {a: b}}\n", 5),
        ("volumes: {data: {externl: true}}\n", 5),
        ("secrets: {token: }\n", 5),
        ("name: shop\n", 5),
        ("include: [b.yml]\n", 5),
    ] {
        let text = service(rest);
        let files = [text.as_str()];
        let expected = format!("error refused {line}");
        assert_eq!(found(&files), [expected], "{text}\n{}", whats(&files));
    }
    let cases: &[(&str, &[&str])] = &[
        (
            "version: 3.8\nservices: {a: {image: \"a:1\"}}\n",
            &["error refused 1"],
        ),
        (
            "version: \"2.1\"\nservices: {a: {image: \"a:1\"}}\n",
            &["error refused 1"],
        ),
        (
            "version: \"3.99\"\nservices: {a: {image: \"a:1\"}}\n",
            &["error refused 1"],
        ),
        ("services: {a: {command: x}}\n", &["error refused 1"]),
        (
            "services: {a: {build: ., image: \"\"}}\n",
            &["error refused 1", "hint ignored 1"],
        ),
        (
            "services:\n  a: {extends: {service: b}, image: \"a:1\"}\n",
            &["error refused 2"],
        ),
        ("services: [a]\n", &["error refused 1"]),
        (
            "version: \"3.3\"\nservices:\n  a:\n    image: a:1\n    deploy: {rollback_config: {parallelism: 1}}\n",
            &["error refused 5"],
        ),
        (
            "services:\n  a: {image: \"a:1\", ports: [\"80-82:80-82\"]}\n  b: {image: \"a:1\", ports: [{target: 1, published: 81}]}\n",
            &["error refused 3"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&[text]), *expected, "{text}\n{}", whats(&[text]));
    }
}

#[test]
fn the_advice_says_what_was_meant_and_which_version_it_takes() {
    for (rest, said) in [
        (
            "    enviroment: {A: b}\n",
            "environment, if that is what is meant",
        ),
        ("    mem_limit: 1g\n", "memory: 1G"),
        (
            "    deploy: {replicas: \"3\"}\n",
            "a whole number from 0 on without quotes",
        ),
        (
            "    secrets: [tokn]\nsecrets: {token: {external: true}}\n",
            "token, if that",
        ),
    ] {
        let said_of = whats(&[&service(rest)]);
        assert!(said_of.contains(said), "{said_of}");
    }
    // No name in a file holds a template, and a volume's name for the engine may.
    let own = whats(&[&service("    volumes: [\"v-{{.Task.Slot}}:/x\"]\n")]);
    let right = "  v:\n    name: \"v-{{.Task.Slot}}\"";
    assert!(own.contains(right), "{own}");
    // What is taken over from elsewhere may well have an image.
    let extends = "services:\n  a: {extends: {service: b}}\n";
    assert!(!whats(&[extends]).contains("no image"));
    let client = whats(&[&service("    environment: {REDISCLI_AUTH: hunter2}\n")]);
    assert!(!client.contains("REDISCLI_AUTH_FILE"), "{client}");
    let old = "version: \"3.1\"\nservices:\n  a:\n    image: redis:7.4\n    command: [redis-server, --cluster-enabled, \"yes\"]\n    deploy: {replicas: 6}\n";
    let advice = whats(&[old]);
    assert!(advice.contains("version: \"3.2\" # or later"), "{advice}");
    assert!(
        advice.contains("remove the service and deploy it again"),
        "{advice}"
    );
    let early =
        "version: \"3.3\"\nservices:\n  a: {image: \"a:1\", healthcheck: {start_period: 1h}}\n";
    assert!(whats(&[early]).contains("version: \"3.4\", or a later one"));
}

#[test]
fn what_cannot_even_be_read_is_refused_with_its_line() {
    for (text, said) in [
        ("x-a: \"5 $\"\nservices: {a: {image: a}}\n", "line 1"),
        (
            "x-a: \"${NONE:?say it}\"\nservices: {a: {image: a}}\n",
            "say it",
        ),
        (
            "x-a: &a {b: c}\nservices:\n  a:\n    <<: *a\n    <<: *a\n",
            "line 5",
        ),
        (
            "services:\n  a: {image: \"a:1\", tty: \"${NONE:-perhaps}\"}\n",
            "line 2",
        ),
    ] {
        let line = diagnosed(&[text]).unwrap_err();
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn what_docker_takes_is_taken() {
    for rest in [
        "    deploy: {replicas: 0x3}\n",
        "    deploy: {replicas: 3.0}\n",
        "    deploy: {replicas: \"${THREE}\"}\n",
        "    deploy: {replicas: \"${NONE:-2}\"}\n",
        "    deploy:\n",
        "    stop_grace_period: \"+90s\"\n",
        "    stop_grace_period: \"-1s\"\n",
        "    x-note: [whatever]\n",
        "    tty: \"${NONE:-yes}\"\n",
        "    environment: {A: , B: 1, C: 2020-01-01}\n",
        "    ports: [80, \"127.0.0.1:81:81/udp\", {target: 82}]\n",
        "    networks: {default: {aliases: [x]}}\n",
        "    ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}\n",
        "    secrets: [{source: t, mode: 0400, uid: \"5\"}]\nsecrets: {t: {external: true}}\n",
        "    volumes: [{type: volume, source: v, target: /x, volume: {subpath: y}}]\nvolumes: {v: }\n",
        "x-free: {a: [b]}\n",
    ] {
        let text = service(rest);
        assert_eq!(
            found(&[&text]),
            Vec::<String>::new(),
            "{text}\n{}",
            whats(&[&text])
        );
    }
    // Cluster volumes and pipes are of no section of the file.
    for rest in [
        "    volumes: [{type: cluster, source: \"group:a\", target: /x}]\n",
        "    volumes: [{type: npipe, source: a, target: /x}]\n",
    ] {
        assert_eq!(found(&[&service(rest)]), Vec::<String>::new());
    }
    // A file that only adds to another one, alone: it says what to name as well.
    let alone = diagnosed(&["version: \"3.8\"\nvolumes: {data: {}}\n"]).unwrap();
    assert_eq!(alone.findings, vec![]);
    assert!(
        alone.skipped[0].why.contains("--stack"),
        "{:?}",
        alone.skipped[0]
    );
}

#[test]
fn several_files_are_of_one_version_and_the_later_ports_win() {
    let first = service("    ports: [\"80:80\"]\n");
    let dnsrr = "version: \"3.8\"\nservices:\n  a:\n    deploy: {endpoint_mode: dnsrr}\n    ports: [{target: 80, published: 80, mode: host}]\n";
    assert_eq!(found(&[&first, dnsrr]), Vec::<String>::new());
    let older = dnsrr.replace("3.8", "3.7");
    assert_eq!(found(&[&first, &older]), ["error refused 1"]);
    let unnamed = dnsrr.replace("version: \"3.8\"\n", "");
    assert_eq!(found(&[&first, &unnamed]), ["error refused 1"]);
}

#[test]
fn a_service_of_something_else_is_no_worker_and_no_member() {
    for text in [
        "services:\n  a: {image: \"cassandra:4.1\", environment: {CASSANDRA_NUM_TOKENS: 16}, deploy: {endpoint_mode: dnsrr, replicas: 9}}\n",
        "services:\n  a:\n    image: grafana/alloy:v1\n    command: [run, /etc/a]\n    volumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]\n",
        "services:\n  a: {image: \"acme/idp:1\", command: [start, --hostname, a.example.org]}\n",
        "services:\n  a: {image: \"etcd:3\", command: [etcd, --initial-cluster-token=blue]}\n",
        "services:\n  a: {image: \"traefik:v3\", deploy: {endpoint_mode: dnsrr, replicas: 2}}\n",
        "services:\n  a: {image: \"redis:7.4\", command: [redis-cli, -h, b, ping], deploy: {endpoint_mode: dnsrr, replicas: 2}}\n",
        "services:\n  a: {image: \"oliver006/redis_exporter:v1\", deploy: {endpoint_mode: dnsrr, replicas: 2}}\n",
        "services:\n  a: {image: \"acme/redis:1\", command: [redis-server, /s.conf, --sentinel], deploy: {endpoint_mode: dnsrr, replicas: 3}}\n",
        "services:\n  redis-sentinel: {image: \"acme/redis:1\", deploy: {endpoint_mode: dnsrr, replicas: 3}}\n",
        "services:\n  a: {image: \"acme/mariadb:1\", command: node a, environment: [SST_METHOD=mariabackup], deploy: {endpoint_mode: dnsrr, replicas: 3}}\n",
        "services:\n  a: {image: \"mariadb:11\", command: [--wsrep-on=ON], deploy: {replicas: 3}}\n",
        "services:\n  a: {image: \"fluent:1\", command: [log, \"--tag={{.Name}}\"]}\n",
    ] {
        assert_eq!(
            found(&[text]),
            Vec::<String>::new(),
            "{text}\n{}",
            whats(&[text])
        );
    }
}

/// Members under a supervisor and their worker: nothing is wrong with them.
const CLUSTER: &str = r#"version: "3.8"
services:
  db:
    image: acme/redis:7.4
    entrypoint: [meshworker, init, --]
    command: [sh, /start.sh]
    environment: {SLOT: "{{.Task.Slot}}", MESHWORKER_GRACE: "600", MESHWORKER_WORKERS: boss}
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, meshworker, health], start_period: 1h}
    stop_grace_period: 10m
    deploy: {endpoint_mode: dnsrr, replicas: 6}
  boss:
    image: meshworker/meshworker:1.0
    command: [run]
    environment:
      MESHWORKER_ENGINE: redis
      MESHWORKER_SERVICENAME: db
      MESHWORKER_LISTEN: 0.0.0.0:4747
volumes: {data: {}}
"#;

#[test]
fn a_cluster_with_something_else_in_it_is_told_of_just_that() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "MESHWORKER_SERVICENAME: db",
            "MESHWORKER_SERVICENAME: db",
            &[],
        ),
        // What is no mistake.
        (
            "entrypoint: [meshworker, init, --]",
            "entrypoint: [sh, -c, \"umask 7; exec /opt/mw/meshworker init -- sh\"]",
            &[],
        ),
        (
            "volumes: {data: {}}",
            "volumes: {data: {}}\nnetworks: {default: {driver_opts: {com.docker.network.driver.mtu: \"1500\"}}}",
            &[],
        ),
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    stop_signal: SIGQUIT",
            &[],
        ),
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    network_mode: host",
            &["hint ignored 11"],
        ),
        // What is one.
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    stop_signal: SIGKILL",
            &["error stop-signal 11"],
        ),
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    tty: true\n    stop_signal: SIGINT",
            &["error stop-signal 12"],
        ),
        (
            "start_period: 1h",
            "interval: 2562047h, retries: 4294967295",
            &["error health-start 9"],
        ),
        (
            "MESHWORKER_ENGINE: redis",
            "MESHWORKER_ENGINE: redis\n      MESHWORKER_OPTION_INITIAL_MEMBERS: \"9\"",
            &["error replicas 17"],
        ),
        ("      MESHWORKER_ENGINE: redis\n", "", &["error engine 12"]),
        (
            "MESHWORKER_GRACE: \"600\"",
            "MESHWORKER_GRACE: \"600\", MESHWORKER_ENGINE: aerospike",
            &["error engine 16"],
        ),
        (
            "MESHWORKER_GRACE: \"600\"",
            "MESHWORKER_GRACE: \"600\", MESHWORKER_TOKEN_FILE: /run/secrets/t",
            &["error secret-file 7"],
        ),
        (
            "command: [sh, /start.sh]",
            "command: [redis-server, --dir, \"/data/{{.Task.Slot}}\"]",
            &["error template 6"],
        ),
        ("SLOT: \"{{.Task.Slot}}\", ", "", &["hint volume 8"]),
        (
            "    environment: {SLOT: \"{{.Task.Slot}}\", ",
            "    hostname: \"db-{{.Task.Slot}}\"\n    environment: {",
            &["hint volume 9"],
        ),
        ("data:/data", "/data", &["warning volume-unnamed 8"]),
        ("data:/data", "./data:/data", &["hint bind-path 8"]),
        (
            "replicas: 6",
            "replicas: 6, restart_policy: {condition: on-failure}",
            &["warning restart 11"],
        ),
        (
            "replicas: 6",
            "replicas: 6, restart_policy: {max_attempts: 3}",
            &["warning restart 11"],
        ),
        (
            "replicas: 6",
            "replicas: 6, placement: {constraints: [\"node.hostname==n1\"]}",
            &["error nodes 11"],
        ),
        ("replicas: 6", "replicas: 300", &["warning subnet 0"]),
        (
            "    command: [run]\n",
            "    command: [run]\n    deploy: {replicas: 0}\n",
            &["warning worker 15"],
        ),
        (
            "volumes: {data: {}}",
            "volumes: {data: {}}\nnetworks: {default: {external: true, name: host}}",
            &["error network 3"],
        ),
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    labels: {meshworker.enable: \"true\"}",
            &["error labels 11"],
        ),
        (
            "    stop_grace_period: 10m",
            "    stop_grace_period: 10m\n    networks: [clster]",
            &["error refused 11"],
        ),
        (
            "MESHWORKER_SERVICENAME: db",
            "MESHWORKER_SERVICENAME: my_db",
            &[],
        ),
        (", MESHWORKER_WORKERS: boss", "", &["error workers-name 3"]),
        (
            "MESHWORKER_WORKERS: boss",
            "MESHWORKER_WORKERS: \"tasks.{{.X}}_boss,10.0.0.1\"",
            &[],
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(CLUSTER.matches(from).count(), 1, "{from}");
        let text = CLUSTER.replace(from, to);
        assert_eq!(found(&[&text]), *expected, "{to}\n{}", whats(&[&text]));
    }
    let slow = CLUSTER.replace(
        "start_period: 1h",
        "interval: 2562047h, retries: 4294967295",
    );
    let whys = diagnosed(&[&slow]).unwrap().findings;
    assert!(whys[0].why.contains("after more than a year"), "{whys:?}");
    // A service whose name ends like the members' is not taken for them.
    let two = CLUSTER.replace(
        "services:\n  db:",
        "services:\n  db: {image: \"postgres:16\"}\n  my_db:",
    );
    let two = two.replace(
        "MESHWORKER_SERVICENAME: db",
        "MESHWORKER_SERVICENAME: my_db",
    );
    assert_eq!(found(&[&two]), Vec::<String>::new());
}

#[test]
fn databases_are_known_without_a_worker() {
    let redis = "services:\n  r:\n    image: valkey/valkey:8\n    command: valkey-server --cluster-enabled yes\n    volumes: [\"d:/data\"]\n    stop_grace_period: 5m\n    healthcheck: {test: \"valkey-cli ping\", start_period: 5m}\n    deploy: {replicas: 6, update_config: {parallelism: 2, order: start-first}}\nvolumes: {d: {}}\n";
    let expected = [
        "error endpoint-mode 2",
        "error update-order 8",
        "error update-parallelism 8",
        "warning worker 2",
        "warning supervisor 4",
        "hint volume 5",
    ];
    assert_eq!(found(&[redis]), expected);
    let galera = "services:\n  g:\n    image: bitnami/mariadb-galera:10.11\n    volumes: [\"d:/data\", /other]\n    deploy: {replicas: 3, update_config: {order: start-first}}\nvolumes: {d: {}}\n";
    let expected = [
        "error update-order 5",
        "warning volume-unnamed 4",
        "hint volume 4",
    ];
    assert_eq!(found(&[galera]), expected);
    // A service for each member.
    let one = |name: &str| {
        format!(
            "  {name}:\n    image: redis:7.4\n    command: [redis-server, --cluster-enabled, \"yes\"]\n    stop_grace_period: 1m\n    healthcheck: {{test: \"redis-cli ping\", start_period: 5m}}\n"
        )
    };
    let six = format!("services:\n{}{}", one("r1"), one("r2"));
    assert_eq!(found(&[&six]), ["hint service-per-member 2"]);
    // Those that a worker names together count together.
    let worker = |names: &str| {
        format!(
            "  w:\n    image: meshworker/meshworker\n    command: [run]\n    environment: {{MESHWORKER_ENGINE: redis, MESHWORKER_SERVICENAME: \"{names}\"}}\n"
        )
    };
    let too_few = |names: &str| {
        let stack = format!("{six}{}{}", one("r3"), worker(names));
        let found = found(&[&stack]);
        found
            .iter()
            .filter(|found| found.contains(" replicas "))
            .count()
    };
    assert_eq!(too_few("r1, r2,r3"), 0);
    assert_eq!(too_few("r1,r2"), 2);
    // etcd names its members to each of them, by a flag or by a variable.
    let peers = "e1=http://e1:2380,e2=http://e2:2380";
    let flag = format!("command: [etcd, --name, e1, \"--initial-cluster={peers}\"]");
    let variable = format!("environment: [\"ETCD_INITIAL_CLUSTER={peers}\"]");
    let etcd = format!(
        "services:\n  e1: {{image: \"acme/base:1\", {flag}}}\n  e2: {{image: \"bitnami/etcd:3.5\", {variable}}}\n  r1: {{image: \"redis:7.4\"}}\n"
    );
    assert_eq!(found(&[&etcd]), ["hint service-per-member 2"]);
    assert!(whats(&[&etcd]).contains("e1, e2 have one replica each"));
    // One alone is no cluster.
    assert_eq!(
        found(&["services:\n  r: {image: \"redis:7.4\"}\n"]),
        Vec::<String>::new()
    );
    assert_eq!(
        found(&["services:\n  r: {image: \"aerospike:8.0\"}\n"]),
        Vec::<String>::new()
    );
}

/// What of one cluster's checks was not made, and whether that is for want of one.
fn unmade(text: &str) -> (usize, usize) {
    let diagnosis = diagnosed(&[text]).unwrap();
    let about = |why: &str| {
        let inapplicable = diagnosis.inapplicable.iter();
        inapplicable.filter(|one| one.why.contains(why)).count()
    };
    (diagnosis.skipped.len(), about("no service here is seen"))
}

#[test]
fn what_does_not_apply_is_told_from_what_was_not_looked_at() {
    for text in [
        "services: {a: {image: \"cassandra:4.1\", deploy: {replicas: 9}}}\n",
        "services: {a: {image: \"postgres:16\"}}\n",
        "services: {a: {image: \"acme/a:1\"}}\n",
    ] {
        let (skipped, inapplicable) = unmade(text);
        assert!(skipped == 0 && inapplicable > 20, "{text}");
    }
    let etcd = |name: &str| {
        format!(
            "  {name}: {{image: \"etcd:3\", command: [etcd, --initial-cluster, \"a=b,c=d\"]}}\n"
        )
    };
    for text in [
        "version: \"3.8\"\nvolumes: {data: {}}\n",
        "services: {w: {image: \"meshworker/meshworker:1\", command: [run, --servicename, a]}}\n",
        &format!("services:\n{}{}", etcd("a"), etcd("c")),
    ] {
        let (skipped, inapplicable) = unmade(text);
        assert!(skipped > 20 && inapplicable == 0, "{text}");
    }
}

#[test]
fn redis_clusters_on_one_network_are_told() {
    let two = CLUSTER.replace(
        "  boss:\n",
        "  other:\n    image: acme/redis:7.4\n    command: [redis-server, --cluster-enabled, \"yes\"]\n    stop_grace_period: 5m\n    healthcheck: {test: \"redis-cli ping\", start_period: 5m}\n    deploy: {endpoint_mode: dnsrr, replicas: 6}\n  boss:\n",
    );
    let shared = |text: &str| {
        let found = found(&[text]).into_iter();
        found
            .filter(|found| found.contains("network-shared"))
            .collect::<Vec<_>>()
    };
    assert_eq!(shared(CLUSTER), [""; 0]);
    assert_eq!(shared(&two), ["hint network-shared 12"]);
    let apart = two.replace("  other:\n", "  other:\n    networks: [apart]\n");
    let apart = apart + "networks: {apart: {}}\n";
    assert_eq!(shared(&apart), [""; 0]);
}

#[test]
fn secrets_are_found_where_databases_have_them_and_nowhere_else() {
    for (rest, findings) in [
        (
            "    command: redis-server --requirepass hunter2 --masterauth hunter2\n    healthcheck: {test: \"redis-cli -a hunter2 ping\"}\n",
            3,
        ),
        (
            "    environment: {MYSQL_ROOT_PASSWORD: x1, RABBITMQ_DEFAULT_PASS: x2, RABBITMQ_ERLANG_COOKIE: x3}\n",
            3,
        ),
        (
            "    environment: {REDISCLI_AUTH: x1, AWS_SECRET_ACCESS_KEY: x2, PGPASSWORD: x3, API_KEY: x4}\n",
            4,
        ),
        (
            "    environment: {URL: \"postgres://user:hunter2@db:5432/x\"}\n",
            1,
        ),
        (
            "    command: [app, --redis, \"redis://:hunter2@r:6379/0\"]\n",
            1,
        ),
        (
            "    environment: {DB_PASSWORD: \"${NONE:-}\", MAX_TOKENS: 5, TOKEN_TTL: 5, ACCESS_TOKEN_EXPIRE_MINUTES: 30}\n",
            0,
        ),
        (
            "    environment: {URL: \"redis://r:6379/0\", PASSWORD_POLICY: strict, URI: \"http://a@b/\", KEY: x, PASSENGERS: 5}\n",
            0,
        ),
        (
            "    command: [sh, -c, \"redis-server --requirepass $$(cat /x)\"]\n",
            0,
        ),
        (
            "    environment: {PASSWORD_FILE: /run/secrets/p}\n    secrets: [{source: q, target: p}]\nsecrets: {q: {external: true}}\n",
            0,
        ),
    ] {
        let text = service(rest);
        let expected = vec!["secret-in-plain"; findings];
        let findings = diagnosed(&[&text]).unwrap().findings;
        let found: Vec<&str> = findings.iter().map(|found| found.check).collect();
        assert_eq!(found, expected, "{text}\n{}", whats(&[&text]));
        assert!(!whats(&[&text]).contains("hunter2"));
    }
}

#[test]
fn a_variable_is_told_of_once_and_an_image_of_it_only_so() {
    let text = "services:\n  a: {image: \"${IMG}\", hostname: \"$IMG\"}\n";
    assert_eq!(found(&[text]), ["warning variable 2"]);
    assert!(whats(&[text]).contains("2 places"), "{}", whats(&[text]));
    let nested = "services:\n  a: {image: \"a:${TAG:-${OTHER:-1}}\"}\n";
    assert_eq!(found(&[nested]), ["warning variable 2"]);
}
