//! What a stack says of MariaDB that loses acknowledged writes, parts the members' logs, or is
//! no MariaDB at all: as arguments and variables, in the members' files, and by their image.

use crate::{Configured, Mistake};

/// What is to be said of one setting: its name, whether that holds for its value, what it does,
/// what comes of it, and what to write.
struct Rule {
    name: &'static str,
    holds: fn(&str) -> bool,
    what: &'static str,
    why: &'static str,
    instead: &'static str,
}

const ANY: fn(&str) -> bool = |_| true;
const IS_ON: fn(&str) -> bool = |value| !is_off(value);
const IS_OFF: fn(&str) -> bool = is_off;
const IS_LOCAL: fn(&str) -> bool = |value| value.starts_with("127.") || value == "localhost";
const IS_ABSOLUTE: fn(&str) -> bool = |value| value.starts_with('/');

const LEAVE_OUT: &str = "# nothing: the supervisor adds it, as the worker says";
const SAID: &str = "It differs from member to member and from start to start, or all of them must agree on it: the worker says it, and what stands here is not heeded.";
const FILTERED: &str = "A member then has not all that was acknowledged, and may become primary.";
const OWN: &str = "Each member writes that by itself at its birth: their logs do not match, and nobody follows anybody.";
const LATER: &str =
    "# nothing; make it once, at the primary: docker exec -it ... mariadb -e \"CREATE ...\"";

const fn said(name: &'static str, what: &'static str) -> Rule {
    Rule {
        name,
        holds: ANY,
        what,
        why: SAID,
        instead: LEAVE_OUT,
    }
}

const fn filter(name: &'static str) -> Rule {
    Rule {
        name,
        holds: ANY,
        what: "leaves some databases or tables out of what is copied",
        why: FILTERED,
        instead: "# nothing: every member has everything",
    }
}

const fn born(name: &'static str) -> Rule {
    Rule {
        name,
        holds: ANY,
        what: "has the image make something of its own at its birth",
        why: OWN,
        instead: LATER,
    }
}

/// Settings of the server, as arguments or in a file.
const SERVER: &[Rule] = &[
    said("server-id", "says its server id"),
    said("report-host", "says where the others reach it"),
    said("init-rpl-role", "says in which role it starts"),
    said("gtid-domain-id", "says its domain of transaction ids"),
    filter("binlog-do-db"),
    filter("binlog-ignore-db"),
    filter("replicate-do-db"),
    filter("replicate-ignore-db"),
    filter("replicate-do-table"),
    filter("replicate-ignore-table"),
    filter("replicate-wild-do-table"),
    filter("replicate-wild-ignore-table"),
    Rule {
        name: "skip-log-bin",
        holds: IS_ON,
        what: "keeps no binary log",
        why: "Nobody can copy from it: it cannot become primary.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "log-slave-updates",
        holds: IS_OFF,
        what: "does not write down what it copies",
        why: "Nobody can go on copying from it: it cannot become primary.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "gtid-strict-mode",
        holds: IS_OFF,
        what: "does not notice when its data and the primary's part",
        why: "It then has rows that nobody else has, and nobody is told.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "binlog-format",
        holds: |value| !value.eq_ignore_ascii_case("row"),
        what: "copies statements instead of rows",
        why: "Two members may make different rows of one statement.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "sync-binlog",
        holds: |value| value != "1",
        what: "does not write its log to the disk with each commit",
        why: "After a power cut its data and its log differ.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "innodb-flush-log-at-trx-commit",
        holds: |value| value != "1",
        what: "acknowledges what is not on its disk",
        why: "A power cut loses acknowledged writes.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "rpl-semi-sync-master-timeout",
        holds: |value| value != "31536000000",
        what: "stops waiting for replicas after a while",
        why: "What is acknowledged then is nowhere else, and a fail-over loses it.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "rpl-semi-sync-master-enabled",
        holds: IS_ON,
        what: "waits for acknowledgements from its start on",
        why: "At a replica that blocks whatever it applies.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "rpl-semi-sync-master-wait-point",
        holds: |value| !value.eq_ignore_ascii_case("after_sync"),
        what: "shows others what no replica has yet",
        why: "Who has read it misses it after a fail-over.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "relay-log-recovery",
        holds: IS_ON,
        what: "throws away at each start what it has received and not applied",
        why: "That may be the only copy of an acknowledged write.",
        instead: "# nothing: it is off unless it is switched on",
    },
    Rule {
        name: "wsrep-on",
        holds: IS_ON,
        what: "is a Galera cluster",
        why: "That forms itself in another way: this worker takes no part in it.",
        instead: "# nothing: one primary and its replicas; Galera is no matter of this engine",
    },
    Rule {
        name: "skip-networking",
        holds: IS_ON,
        what: "listens for nobody",
        why: "Neither the worker nor the others reach it.",
        instead: "# nothing: it listens unless that is switched off",
    },
    Rule {
        name: "bind-address",
        holds: IS_LOCAL,
        what: "listens in its own container alone",
        why: "Neither the worker nor the others reach it.",
        instead: "bind-address = 0.0.0.0",
    },
    Rule {
        name: "datadir",
        holds: IS_ABSOLUTE,
        what: "keeps its data in one place, whichever slot it has",
        why: "Two members on one node share it, and the worker does not see what is there.",
        instead: "command: [\"docker-entrypoint.sh\", \"mariadbd\", \"--datadir=./mysql\"]",
    },
];

/// Variables of the vendors' images.
const IMAGE: &[Rule] = &[
    born("MARIADB_DATABASE"),
    born("MARIADB_USER"),
    born("MYSQL_DATABASE"),
    born("MYSQL_USER"),
    Rule {
        name: "MARIADB_REPLICATION_USER",
        holds: ANY,
        what: "has the image replicate by itself",
        why: "Its worker says who copies from whom, and as whom.",
        instead: LEAVE_OUT,
    },
    Rule {
        name: "MARIADB_MASTER_HOST",
        holds: ANY,
        what: "has the image follow one member for ever",
        why: "Its worker says who copies from whom: the primary changes.",
        instead: LEAVE_OUT,
    },
];

/// The mistakes in the words and variables that a member is started with, and in those of its
/// health check.
pub fn settings(
    words: &[String],
    variables: &[(String, String)],
    health: &[String],
) -> Vec<Mistake> {
    let arguments: Vec<(String, String)> = (words.iter())
        .filter_map(|word| Some(setting(word.strip_prefix("--")?)))
        .collect();
    let mut mistakes = found(SERVER, &arguments);
    mistakes.extend(found(IMAGE, variables));
    let asks = |text: &str| health.iter().any(|word| word.contains(text));
    if asks("--replication") || asks("--galera") || asks("Slave_") {
        mistakes.push(Mistake {
            what: "Its health check asks whether it replicates.".into(),
            why: "Swarm kills replicas whose threads stop: a restart throws away what they have \
                  received and not applied, which may be the only copy.",
            instead: "healthcheck:\n  test: [\"CMD\", \"/opt/meshworker/meshworker\", \"health\"]"
                .into(),
        });
    }
    mistakes
}

/// The mistakes in the members' files, and in what their image is.
pub fn mistakes(configured: &Configured<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for text in configured.files {
        mistakes.extend(found(SERVER, &lines(text)));
    }
    mistakes.extend(configured.image.and_then(image));
    mistakes
}

fn found(rules: &[Rule], given: &[(String, String)]) -> Vec<Mistake> {
    let found = rules.iter().filter_map(|rule| {
        // The last one counts, as for the server.
        let (_, value) = given.iter().rev().find(|(name, _)| name == rule.name)?;
        (rule.holds)(value).then(|| Mistake {
            what: match &**value {
                "" => format!("It {}: {}.", rule.what, rule.name),
                value => format!("It {}: {} is '{value}'.", rule.what, rule.name),
            },
            why: rule.why,
            instead: rule.instead.to_owned(),
        })
    });
    found.collect()
}

/// The lines of a file that the server heeds, by the groups that it reads.
fn lines(text: &str) -> Vec<(String, String)> {
    let mut is_read = false;
    let mut given = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(group) = line.strip_prefix('[') {
            let group = group.trim_end_matches(']');
            is_read = ["server", "mysqld", "mariadb", "mariadbd", "galera"]
                .iter()
                .any(|name| group == *name || group.strip_prefix(name).is_some_and(is_version));
        } else if is_read && !line.is_empty() && !line.starts_with(['#', ';']) {
            given.push(setting(line));
        }
    }
    given
}

/// Groups may be of one version: `[mariadb-10.11]`.
fn is_version(rest: &str) -> bool {
    rest.starts_with('-')
}

/// A setting's name, as arguments have it, and its value. `loose-` and underscores say the same.
fn setting(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let name = name.trim().to_lowercase().replace('_', "-");
    let name = name.strip_prefix("loose-").unwrap_or(&name).to_owned();
    (name, value.trim().trim_matches(['"', '\'']).to_owned())
}

fn is_off(value: &str) -> bool {
    ["0", "off", "false", "no"].contains(&&*value.to_lowercase())
}

/// What is wrong with an image, by its name and tag alone.
fn image(image: &str) -> Option<Mistake> {
    let name = image.split('@').next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let (name, tag) = name.split_once(':').unwrap_or((name, ""));
    let parts: Vec<&str> = name.split(['-', '_', '.']).collect();
    if parts.contains(&"mysql") || parts.contains(&"percona") {
        return Some(Mistake {
            what: format!("Its image is {image}, which is MySQL."),
            why: "MySQL's transaction ids, statements and replication are others: this engine \
                  looks after MariaDB alone.",
            instead: "image: mariadb:10.11".into(),
        });
    }
    // Whoever made it has numbers of his own.
    if !parts.contains(&"mariadb") {
        return None;
    }
    let mut numbers = tag.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let numbers: [Option<u32>; 3] = std::array::from_fn(|_| numbers.next().flatten());
    let is_old = match numbers {
        [Some(major), _, _] if major < 10 => true,
        [Some(10), Some(minor), _] if minor < 11 => true,
        [Some(10), Some(11), Some(patch)] => patch < 9,
        _ => false,
    };
    is_old.then(|| Mistake {
        what: format!("Its image is {image}."),
        why: "Before 10.11.9 an old primary cannot be started without its last unacknowledged \
              writes: it never follows again.",
        instead: "image: mariadb:10.11".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &str, variables: &[(&str, &str)], health: &str) -> Vec<String> {
        let split = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let variables: Vec<_> = (variables.iter())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mistakes = settings(&split(words), &variables, &split(health));
        mistakes.into_iter().map(|mistake| mistake.what).collect()
    }

    fn of(files: &[&str], image: &str) -> Vec<String> {
        let files: Vec<String> = files.iter().map(|text| (*text).to_owned()).collect();
        let configured = Configured {
            options: &std::collections::BTreeMap::new(),
            files: &files,
            cluster_name: None,
            image: Some(image),
        };
        mistakes(&configured)
            .into_iter()
            .map(|one| one.what)
            .collect()
    }

    #[test]
    fn what_loses_writes_is_named_as_an_argument_and_in_a_file() {
        let sound =
            "docker-entrypoint.sh mariadbd --datadir=./mysql --sync_binlog=1 --wsrep-on=OFF";
        let root = [("MARIADB_ROOT_PASSWORD_FILE", "/run/secrets/x")];
        assert_eq!(told(sound, &root, "CMD meshworker health"), [""; 0]);
        for (word, what) in [
            ("--server-id=3", "says its server id: server-id is '3'"),
            (
                "--relay_log_recovery",
                "throws away at each start what it has received and not applied: relay-log-recovery",
            ),
            (
                "--loose-rpl_semi_sync_master_timeout=10000",
                "stops waiting for replicas after a while: rpl-semi-sync-master-timeout is '10000'",
            ),
            (
                "--datadir=/var/lib/mysql",
                "keeps its data in one place, whichever slot it has: datadir is '/var/lib/mysql'",
            ),
        ] {
            assert_eq!(told(word, &[], ""), [format!("It {what}.")]);
        }
        let file = "[client]\nserver_id=1\n[mysqld]\n# server_id=2\nbinlog_format = STATEMENT\n[mariadb-10.11]\nreplicate-do-db=shop\n";
        let found = of(&[file], "mariadb:10.11");
        assert_eq!(
            found,
            [
                "It leaves some databases or tables out of what is copied: replicate-do-db is 'shop'.",
                "It copies statements instead of rows: binlog-format is 'STATEMENT'.",
            ]
        );
    }

    #[test]
    fn what_each_member_would_make_by_itself_is_named() {
        let found = told("mariadbd", &[("MARIADB_DATABASE", "shop")], "");
        assert_eq!(
            found,
            [
                "It has the image make something of its own at its birth: MARIADB_DATABASE is 'shop'."
            ]
        );
        let found = told(
            "mariadbd",
            &[],
            "CMD healthcheck.sh --connect --replication_io",
        );
        assert_eq!(found, ["Its health check asks whether it replicates."]);
    }

    #[test]
    fn another_database_and_a_release_that_is_too_old_are_named() {
        for image in [
            "mariadb:10.11",
            "mariadb:10.11.9",
            "r:5000/mariadb:11.4",
            "mariadb",
            "acme/db:3",
        ] {
            assert_eq!(of(&[], image), [""; 0], "{image}");
        }
        for image in [
            "mysql:8.4",
            "percona/percona-server-mysql:8",
            "mariadb:10.11.8-jammy",
            "mariadb:10.6",
            "mariadb:5.5",
        ] {
            assert_eq!(of(&[], image).len(), 1, "{image}");
        }
    }
}
