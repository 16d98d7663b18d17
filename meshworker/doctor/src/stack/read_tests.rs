//! What files say, alone and together, and what is refused.

use std::time::Duration;

use super::*;
use crate::stack::model::Service;

fn lookup(name: &str) -> Option<String> {
    (name == "REPLICAS").then(|| "5".to_owned())
}

fn stack(texts: &[&str]) -> Result<Stack, String> {
    let named = texts.iter().enumerate();
    let files: Vec<_> = named
        .map(|(at, text)| (format!("{}.yml", at + 1), (*text).to_owned()))
        .collect();
    parse(&files, &lookup).map_err(|why| why.to_string())
}

fn db(texts: &[&str]) -> Service {
    stack(texts).unwrap().services.remove(0)
}

#[test]
fn short_and_long_forms_say_the_same() {
    let short = db(&[r#"
services:
  db:
    command: run "a b"
    environment: [A=1, B=x=y, C]
    ports: ["80:81/tcp", "127.0.0.1:82:83", "84"]
    volumes: [data:/data:ro, ./x:/x, /anonymous]
    secrets: [s]
    networks: [n]
    healthcheck: {test: "true"}
"#]);
    let long = db(&[r#"
services:
  db:
    command: [run, a b]
    environment: {A: 1, B: x=y, C: }
    ports:
      - {published: 80, target: 81}
      - {published: 82, target: 83}
      - {target: 84}
    volumes:
      - {type: volume, source: data, target: /data, read_only: true}
      - {type: bind, source: ./x, target: /x}
      - {type: volume, target: /anonymous}
    secrets: [{source: s, target: t}]
    networks: {n: {aliases: [d]}}
    healthcheck: {test: [CMD-SHELL, "true"]}
"#]);
    let said = |service: &Service| {
        let environment = service.environment.iter();
        let environment = environment.map(|(name, at)| (name.clone(), at.value.clone()));
        let ports = service.ports.iter().map(|at| at.value.clone());
        let mounts = service.mounts.iter().map(|at| at.value.clone());
        let networks = service.networks.iter().map(|at| at.value.clone());
        (
            service.words.clone(),
            environment.collect::<Vec<_>>(),
            ports.collect::<Vec<_>>(),
            mounts.collect::<Vec<_>>(),
            networks.collect::<Vec<_>>(),
            service.secrets[0].value.source.clone(),
            service.health.as_ref().unwrap().value.clone(),
        )
    };
    assert_eq!(said(&short), said(&long));
    assert_eq!(short.words, ["run", "a b"]);
    assert_eq!(short.ports.len(), 3);
    assert_eq!(short.ports[1].value.published.as_deref(), Some("82"));
    assert!(short.mounts[0].value.read_only && short.mounts[1].value.is_bind());
}

#[test]
fn several_files_are_merged_as_docker_merges_them() {
    let first = r#"
services:
  db:
    image: x:1
    command: [a]
    healthcheck: {test: ["CMD", "a"], interval: 5s}
    networks: [n]
    ports: ["80:80"]
    volumes: [old:/data]
    environment: [A=1, "B=$$x ${NONE:-d}"]
    deploy:
      replicas: 3
      placement: {constraints: [node.role == manager]}
networks: {n: {}}
"#;
    let second = r#"
services:
  other: {image: y:1}
  db:
    command: [b, c]
    healthcheck: {test: ["CMD", "b"]}
    networks: [m]
    ports: ["81:80"]
    volumes: [new:/data]
    environment: {A: 2}
    deploy:
      replicas: ${REPLICAS}
      placement: {constraints: [node.role == worker]}
networks: {m: {attachable: true}}
"#;
    let stack = stack(&[first, second]).unwrap();
    let names: Vec<_> = stack.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["db", "other"]);
    let db = &stack.services[0];
    assert_eq!(db.image.as_ref().unwrap().value, "x:1");
    assert_eq!(db.words, ["b", "c"]);
    assert_eq!(db.environment["A"].value.value, "2");
    assert_eq!(db.environment["B"].value.value, "$x d");
    assert_eq!(db.ports.len(), 2);
    assert_eq!(db.networks.len(), 2);
    assert_eq!(db.mounts.len(), 1);
    assert_eq!(db.mounts[0].value.source.as_deref(), Some("new"));
    let constraints: Vec<_> = db.constraints.iter().map(|at| at.value.as_str()).collect();
    assert_eq!(constraints, ["node.role == manager", "node.role == worker"]);
    // As `docker stack config` prints it.
    let health = &db.health.as_ref().unwrap().value;
    assert_eq!(health.test, ["CMD", "a", "CMD", "b"]);
    assert_eq!(health.interval, Some(Duration::from_secs(5)));
    let replicas = db.replicas.as_ref().unwrap();
    assert_eq!(replicas.value, 5);
    let place = replicas.place.as_ref().unwrap();
    assert_eq!(place.to_string(), "2.yml:12");
    assert_eq!(stack.networks.len(), 2);
}

#[test]
fn a_service_without_networks_is_on_the_stacks_own() {
    let service = db(&["services:\n  db: {image: x}\n"]);
    assert_eq!(service.networks[0].value, "default");
}

#[test]
fn what_cannot_be_used_is_one_line_with_its_place() {
    let cases = [
        (
            "",
            "1.yml: line 1, column 1: services: found nothing; allowed: a map of services",
        ),
        (
            "- a\n",
            "1.yml: line 1, column 1: services: found a list; allowed: a map of services",
        ),
        (
            "services:\n  db:\n    image: ${IMAGE:?which one}\n",
            "1.yml: line 3, column 5: IMAGE: found nothing; allowed: a value, which one",
        ),
        (
            "services:\n  db:\n    deploy: {replicas: \"${N:-few}\"}\n",
            "1.yml: line 3, column 14: services.db.deploy.replicas: found 'few'; allowed: a whole number",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(stack(&[text]).unwrap_err(), expected);
    }
    let secret = "services:\n  db:\n    environment:\n      PASSWORD: |\n        hunter\n        $ 2\u{2028}\n";
    let line = stack(&[secret]).unwrap_err();
    assert!(
        line.contains("found a '$' that begins no variable"),
        "{line}"
    );
    assert!(!line.contains("hunter"), "{line}");
    let long = format!(
        "services:\n  db:\n    deploy: {{replicas: \"${{N:-{}}}\"}}\n",
        "b".repeat(9999)
    );
    let line = stack(&[&long]).unwrap_err();
    assert!(line.len() < 400, "{line}");
}

#[test]
fn configs_are_read_from_beside_the_stack_file_and_secrets_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.yml");
    let text = "services:\n  db: {image: x}\nconfigs:\n  a: {file: a.conf}\n  b: {file: none}\nsecrets:\n  a: {file: a.conf}\n";
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("a.conf"), "content").unwrap();
    let stack = read(&[&file], &lookup).unwrap();
    assert_eq!(stack.configs["a"].text.as_deref(), Some("content"));
    assert_eq!(stack.configs["b"].text, None);
    assert_eq!(stack.secrets["a"].text, None);
    assert!(!stack.secrets["a"].absent && stack.configs["b"].absent);
    let missing = folder.path().join("none.yml");
    let why = read(&[&missing], &lookup).unwrap_err().to_string();
    assert!(why.contains("none.yml: No such file"), "{why}");
}
