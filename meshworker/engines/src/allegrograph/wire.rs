//! What servers reply, as far as it is known, and leniently where it is not.
//!
//! Nothing is known of how the status is written: a list in JSON, an object of instances by
//! their names, blocks of `key: value`, or a line for each instance are all understood.

use meshworker_core::Told;
use serde_json::{Map, Value};

use super::detail::{Instance, State};

/// More instances than a cluster has.
const MOST: usize = 1024;

/// One word of what they say, in bytes.
type Word = Told<100>;

/// Whether a list of repositories names this one; none where it is no such list.
pub fn lists(text: &str, repository: &str) -> Option<bool> {
    let named = |name: &str| name.trim_matches(['"', ' ']) == repository;
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let Value::Array(all) = value else {
            return None;
        };
        return Some(all.iter().any(|one| match one {
            Value::String(name) => named(name),
            Value::Object(fields) => {
                let fields = ["id", "title", "name"].map(|name| fields.get(name));
                let mut names = fields.into_iter().flatten().filter_map(Value::as_str);
                names.any(named)
            }
            _ => false,
        }));
    }
    // Blocks of fields are a list. Of other lines nobody knows whether they are all.
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let fields = lines.clone().filter_map(|line| line.split_once(':'));
    let mut ids = fields.filter(|(key, _)| is_one(key, &["id", "title"]));
    match ids.clone().next() {
        Some(_) => Some(ids.any(|(_, name)| named(name.trim()))),
        None => lines.map(str::trim).any(named).then_some(true),
    }
}

/// The instances that a status lists; none where it lists none that can be read.
pub fn instances(text: &str) -> Option<Vec<Instance>> {
    let mut all = match serde_json::from_str::<Value>(text) {
        Ok(value) => of_value(&value, 0),
        Err(_) => of_text(text),
    };
    all.truncate(MOST);
    all.retain(|instance| !instance.name.is_empty());
    all.sort();
    all.dedup_by(|one, other| one.name == other.name);
    (!all.is_empty()).then_some(all)
}

/// Whether these words say that a repository was taken out of its cluster: nothing less, since
/// it is thrown away then.
pub fn says_taken_out(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let said = ["was removed from", "has been removed from"];
    said.iter().any(|said| {
        let rest = text.split_once(said).map(|(_, rest)| rest.trim_start());
        let mut words = rest.unwrap_or_default().split_whitespace();
        words
            .by_ref()
            .take(4)
            .any(|word| word.starts_with("cluster"))
    })
}

/// What stands in no text that anybody is shown: how servers know each other.
const SECRETS: &[&str] = &[
    "password", "passwd", "token", "user", "secret", "login", "auth",
];

/// A status without the fields that may hold a secret. Text that is no JSON loses whole lines.
pub fn without_secrets(text: &str) -> String {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRETS.iter().any(|secret| name.contains(secret))
    };
    fn strip(value: &mut Value, is_secret: &impl Fn(&str) -> bool) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !is_secret(name));
                fields
                    .values_mut()
                    .for_each(|value| strip(value, is_secret));
            }
            Value::Array(all) => all.iter_mut().for_each(|value| strip(value, is_secret)),
            _ => {}
        }
    }
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            strip(&mut value, &is_secret);
            value.to_string()
        }
        Err(_) => {
            let lines = text.lines().filter(|line| !is_secret(line));
            lines.collect::<Vec<&str>>().join("\n")
        }
    }
}

const LISTS: &[&str] = &[
    "instances",
    "members",
    "servers",
    "nodes",
    "replicas",
    "cluster",
    "status",
];
const NAME: &[&str] = &["instancename", "instance", "name", "id"];
const HOSTS: &[&str] = &["host", "hostname", "address", "server", "url", "uri"];
const STATES: &[&str] = &["state", "status", "condition"];
const CONTROLS: &[&str] = &[
    "controlling",
    "iscontrolling",
    "controllinginstance",
    "controller",
    "role",
    "type",
];

/// Whether this is one of those names, however it is written.
fn is_one(name: &str, names: &[&str]) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    names.contains(&plain.as_str())
}

fn field<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| {
        let mut found = fields.iter().filter(|(key, _)| is_one(key, &[name]));
        found.next().map(|(_, value)| value)
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(Word::from(text.trim()).into_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// A list of instances, an object that has one, or an object of instances by name. Nobody
/// nests such a thing deeper.
fn of_value(value: &Value, depth: usize) -> Vec<Instance> {
    let fields = match value {
        Value::Array(all) => return all.iter().filter_map(of_item).take(MOST).collect(),
        Value::Object(fields) => fields,
        _ => return Vec::new(),
    };
    let list = field(fields, LISTS).filter(|list| list.is_array() || list.is_object());
    if let Some(list) = list.filter(|_| depth < 3) {
        let mut all = of_value(list, depth + 1);
        let own = field(fields, NAME).and_then(text);
        let controls = field(fields, CONTROLS).and_then(text);
        for instance in &mut all {
            instance.own |= own.as_ref() == Some(&instance.name);
            if controls.as_ref() == Some(&instance.name) {
                instance.controlling = Some(true);
            }
        }
        return all;
    }
    if field(fields, NAME).is_some() {
        return of_item(value).into_iter().collect();
    }
    let named = fields.iter().filter_map(|(name, value)| {
        let mut instance = match value {
            Value::Object(fields) => of_fields(|names| field(fields, names).and_then(text)),
            Value::String(state) => Instance {
                state: state_of(state),
                ..Instance::default()
            },
            _ => return None,
        };
        instance.name = Word::from(name.as_str()).into_string();
        Some(instance)
    });
    named.take(MOST).collect()
}

fn of_item(value: &Value) -> Option<Instance> {
    match value {
        Value::String(name) => Some(Instance {
            name: Word::from(name.trim()).into_string(),
            ..Instance::default()
        }),
        Value::Object(fields) => Some(of_fields(|names| field(fields, names).and_then(text))),
        Value::Array(words) => {
            let words: Vec<String> = words.iter().filter_map(text).collect();
            of_words(words.iter().map(String::as_str))
        }
        _ => None,
    }
}

/// An instance by its named fields.
fn of_fields(get: impl Fn(&[&str]) -> Option<String>) -> Instance {
    let name = get(NAME).unwrap_or_default();
    let (host, port) = get(HOSTS).map_or((None, None), |host| placed(&host));
    let port = port.or_else(|| get(&["port"])?.parse().ok());
    let controlling = get(CONTROLS).map(|word| {
        let word = word.to_ascii_lowercase();
        is_yes(&word) || word.starts_with("controll") || word == name.to_ascii_lowercase()
    });
    let own = get(&["self", "own", "local", "me", "thisinstance"]);
    let running = || get(&["running", "alive", "connected", "reachable", "up", "online"]);
    let state = match get(STATES) {
        Some(word) => state_of(&word),
        None => match running().as_deref().map(is_yes) {
            Some(true) => State::Up,
            Some(false) => State::Down,
            None => State::Unsaid,
        },
    };
    Instance {
        name,
        host,
        port,
        controlling,
        own: own.is_some_and(|word| is_yes(&word)),
        state,
    }
}

fn is_yes(word: &str) -> bool {
    is_one(word, &["true", "yes", "y", "t", "1"])
}

/// Blocks of `key: value` parted by empty lines, or a line for each instance.
fn of_text(text: &str) -> Vec<Instance> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let key = |line: &str| {
        let key = line.split_once(':').map(|(key, _)| key.to_owned());
        key.filter(|key| is_one(key, NAME) || is_one(key, HOSTS) || is_one(key, STATES))
    };
    if lines().any(|line| key(line).is_some_and(|key| is_one(&key, NAME))) {
        let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
        let blocks = blocks.map(|block| {
            let fields: Vec<(&str, &str)> = block
                .lines()
                .filter_map(|line| line.split_once(':'))
                .collect();
            of_fields(|names| {
                names.iter().find_map(|name| {
                    let found = fields.iter().find(|(key, _)| is_one(key, &[name]));
                    found.map(|(_, value)| Word::from(value.trim()).into_string())
                })
            })
        });
        return blocks.take(MOST).collect();
    }
    let lines = lines().filter(|line| !is_heading(line));
    let parted = |c: char| c.is_whitespace() || matches!(c, ',' | '|' | ';');
    let instances = lines.filter_map(|line| {
        let words = line.split(parted).filter(|word| !word.is_empty());
        of_words(words)
    });
    instances.take(MOST).collect()
}

/// A line that names what stands below it, or draws one.
fn is_heading(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let drawn = line
        .chars()
        .all(|c| matches!(c, '-' | '+' | '=' | '|' | ' '));
    drawn || words.next().is_some_and(|word| is_one(word, NAME)) && words.next().is_some()
}

/// An instance by its words: its name, then whatever there is.
fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> Option<Instance> {
    let mut words = words;
    let mut instance = Instance {
        name: Word::from(words.next()?).into_string(),
        ..Instance::default()
    };
    for word in words.take(16) {
        let lower = word.to_ascii_lowercase();
        let is_place = word.contains(':') || word.parse::<std::net::IpAddr>().is_ok();
        if lower.starts_with("controll") || lower == "(controlling)" {
            instance.controlling = Some(true);
        } else if is_place && instance.host.is_none() {
            (instance.host, instance.port) = placed(word);
        } else if let Ok(port) = word.parse() {
            instance.port = instance.port.or(Some(port));
        } else {
            match state_of(word) {
                State::Other(word) if instance.host.is_none() => instance.host = Some(word),
                State::Other(_) | State::Unsaid => {}
                state => instance.state = state,
            }
        }
    }
    Some(instance)
}

/// A host and its port, of either alone, of both, or of a URL.
fn placed(text: &str) -> (Option<String>, Option<u16>) {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    // Whoever writes a login into it has it stand nowhere.
    let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return (Some(socket.ip().to_string()), Some(socket.port()));
    }
    let whole = |text: &str| Some(Word::from(text).into_string()).filter(|text| !text.is_empty());
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => {
            (whole(host), port.parse().ok())
        }
        _ => (whole(text), None),
    }
}

fn state_of(word: &str) -> State {
    const UP: &[&str] = &[
        "running",
        "up",
        "ok",
        "online",
        "connected",
        "alive",
        "active",
        "open",
        "ready",
        "true",
        "insync",
        "synchronized",
        "live",
        "yes",
    ];
    const DOWN: &[&str] = &[
        "down",
        "dead",
        "unreachable",
        "disconnected",
        "offline",
        "failed",
        "false",
        "lost",
        "notrunning",
        "unavailable",
        "no",
    ];
    const BROKEN: &[&str] = &["failed", "failure", "error", "broken", "aborted"];
    // What goes on, never what has ended: "copied", "joined", "loaded" say something else.
    const COPIES: &[&str] = &[
        "copy",
        "copying",
        "cloning",
        "sync",
        "syncing",
        "synchronizing",
        "growing",
        "adding",
        "joining",
        "init",
        "initializing",
        "loading",
        "pending",
        "restoring",
        "catching",
    ];
    let lower = word.to_ascii_lowercase();
    let says = |all: &[&str]| {
        let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| all.contains(&word))
    };
    let outside = lower.starts_with("out") || lower.starts_with("not");
    match () {
        () if is_one(word, UP) => State::Up,
        () if is_one(word, DOWN) => State::Down,
        () if is_one(word, &["stopped", "closed"]) => State::Stopped,
        () if lower.trim().is_empty() => State::Unsaid,
        () if says(BROKEN) => State::Down,
        () if says(COPIES) && !outside => State::Copying,
        () => State::Other(Word::from(word).into_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Vec<Instance> {
        let instance = |name: &str, host: &str, controlling, state| Instance {
            name: name.into(),
            host: Some(host.into()),
            port: Some(10035),
            controlling,
            own: false,
            state,
        };
        vec![
            instance("controlling", "agraph", Some(true), State::Up),
            instance("copy-1", "10.0.0.7", Some(false), State::Copying),
            instance("copy-2", "10.0.0.8", Some(false), State::Down),
        ]
    }

    #[test]
    fn a_status_is_read_in_each_shape_that_it_may_have() {
        let list = r#"[
            {"instanceName":"controlling","host":"agraph","port":10035,"controlling":true,"state":"running"},
            {"instanceName":"copy-1","host":"10.0.0.7","port":10035,"controlling":false,"state":"copying"},
            {"instanceName":"copy-2","host":"10.0.0.8","port":10035,"controlling":false,"state":"unreachable"}]"#;
        assert_eq!(instances(list), Some(expected()));
        let wrapped = format!(r#"{{"group":null,"instances":{list}}}"#);
        assert_eq!(instances(&wrapped), Some(expected()));
        let by_name = r#"{
            "controlling":{"address":"agraph:10035","role":"controlling","status":"up"},
            "copy-1":{"address":"10.0.0.7:10035","role":"copy","status":"syncing"},
            "copy-2":{"address":"10.0.0.8:10035","role":"copy","status":"down"}}"#;
        assert_eq!(instances(by_name), Some(expected()));
        let blocks = "instance-name: controlling\nhost: agraph\nport: 10035\ncontrolling: true\nstate: running\n\n\
            instance-name: copy-1\nhost: 10.0.0.7\nport: 10035\ncontrolling: false\nstate: copying\n\n\
            instance-name: copy-2\nhost: 10.0.0.8\nport: 10035\ncontrolling: false\nstate: dead\n";
        assert_eq!(instances(blocks), Some(expected()));
        let lines = "instance  address  state\n\
            controlling  agraph:10035  running  controlling\n\
            copy-1  10.0.0.7:10035  copying\n\
            copy-2  10.0.0.8:10035  disconnected\n";
        let mut unsaid = expected();
        for instance in &mut unsaid[1..] {
            instance.controlling = None;
        }
        assert_eq!(instances(lines), Some(unsaid));
    }

    #[test]
    fn names_alone_are_a_status_and_what_is_none_is_none() {
        let names = instances(r#"["controlling","copy-1"]"#).unwrap();
        assert_eq!(names.len(), 2);
        assert_eq!(names[1].state, State::Unsaid);
        for none in ["", "{}", "[]", "null", "3", "\"\""] {
            assert_eq!(instances(none), None, "{none}");
        }
        let named = r#"{"instanceName":"copy-1","controllingInstance":"controlling","instances":["controlling","copy-1"]}"#;
        let named = instances(named).unwrap();
        assert_eq!(named[0].controlling, Some(true));
        assert!(named[1].own && !named[0].own);
    }

    #[test]
    fn a_list_of_repositories_is_read_as_json_and_as_text() {
        let json = r#"[{"id":"\"main\"","title":"main","uri":"http://x/repositories/main"}]"#;
        let text = "id: main\ntitle: main\nreadable: true\n\nid: other\ntitle: other\n";
        for list in [json, text, r#"["main"]"#] {
            assert_eq!(lists(list, "main"), Some(true), "{list}");
            assert_eq!(lists(list, "mai"), Some(false), "{list}");
        }
        assert_eq!(lists("main\nother\n", "main"), Some(true));
        // What is no list for certain says of nothing that it is not there.
        assert_eq!(lists("main\nother\n", "mai"), None);
        assert_eq!(lists("", "main"), None);
        assert_eq!(lists("[]", "main"), Some(false));
        assert_eq!(lists(r#"{"error":1}"#, "main"), None);
    }

    #[test]
    fn a_login_in_an_address_is_shown_to_nobody() {
        let said = r#"[{"name":"a","url":"http://test:xyzzy@10.0.0.7:10035/repositories/main"}]"#;
        let said = instances(said).unwrap();
        assert_eq!(said[0].host.as_deref(), Some("10.0.0.7"));
        assert_eq!(said[0].port, Some(10035));
    }

    #[test]
    fn what_has_failed_or_ended_is_no_copy_under_way() {
        for word in ["copying", "Copying (12%)", "sync", "load pending"] {
            assert_eq!(state_of(word), State::Copying, "{word}");
        }
        for word in ["copy failed", "error: copy", "sync-broken"] {
            assert_eq!(state_of(word), State::Down, "{word}");
        }
        for word in ["out-of-sync", "joined", "synced", "loaded", "not copying"] {
            assert!(matches!(state_of(word), State::Other(_)), "{word}");
        }
    }

    #[test]
    fn only_a_repository_that_was_removed_from_a_cluster_was_taken_out() {
        for said in [
            "main was removed from its cluster",
            "INAPPROPRIATE REQUEST: the instance has been removed from the cluster.",
        ] {
            assert!(says_taken_out(said), "{said}");
        }
        for said in [
            "the lock could not be removed",
            "it cannot be removed from the cluster",
            "index spogi was removed",
            "the file was removed from disk",
        ] {
            assert!(!says_taken_out(said), "{said}");
        }
    }

    #[test]
    fn fields_that_may_hold_a_secret_are_left_out() {
        let json =
            r#"[{"name":"a","replToken":"k1","USER":"u","more":[{"password":"x","port":1}]}]"#;
        assert_eq!(
            without_secrets(json),
            r#"[{"more":[{"port":1}],"name":"a"}]"#
        );
        let text = "name: a\nToken: k1\nstate: running";
        assert_eq!(without_secrets(text), "name: a\nstate: running");
    }
}
