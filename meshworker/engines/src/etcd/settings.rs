//! The settings in a stack file with which etcd loses data or its quorum, or does something
//! else than its worker says.

use crate::Mistake;

/// What is to be said of one setting: its flag's name, whether that holds for its value, and
/// the mistake.
type Rule = (
    &'static str,
    fn(&str) -> bool,
    &'static str,
    &'static str,
    &'static str,
);

const ANY: fn(&str) -> bool = |_| true;
const IS_ON: fn(&str) -> bool = |value| value != "false";
const IS_OFF: fn(&str) -> bool = |value| value == "false";
const IS_LOCAL: fn(&str) -> bool = |value| {
    let hosts = ["://127.", "://localhost", "://[::1]"];
    hosts.iter().any(|host| value.contains(host))
};

const SAID: &str =
    "It differs from member to member and from start to start, and this is what each would say.";
const LEAVE_OUT: &str = "# nothing: the supervisor adds it, as the worker says";
const LISTEN: &str = "ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379\n# and ETCD_LISTEN_PEER_URLS: http://0.0.0.0:2380";
const ALONE: &str =
    "The other members, the worker and clients reach it nowhere, and no cluster is formed.";

const RULES: &[Rule] = &[
    (
        "initial-cluster",
        ANY,
        "says who begins the cluster",
        SAID,
        LEAVE_OUT,
    ),
    (
        "initial-cluster-state",
        ANY,
        "says that a cluster begins, or does not",
        "A member whose disk is new then begins a second cluster, or none ever begins.",
        LEAVE_OUT,
    ),
    (
        "initial-advertise-peer-urls",
        ANY,
        "says where the others reach it",
        SAID,
        LEAVE_OUT,
    ),
    (
        "advertise-client-urls",
        ANY,
        "says where clients reach it",
        SAID,
        LEAVE_OUT,
    ),
    ("name", ANY, "gives it a name", SAID, LEAVE_OUT),
    (
        "force-new-cluster",
        IS_ON,
        "forces a new cluster at each start",
        "Each restart throws all other members out, with what only they have.",
        LEAVE_OUT,
    ),
    (
        "strict-reconfig-check",
        IS_OFF,
        "lets members be added that break the quorum",
        "One that is added and does not come up stops all writes for good.",
        "# nothing: the check is on unless it is switched off",
    ),
    (
        "unsafe-no-fsync",
        IS_ON,
        "acknowledges what is not on its disk",
        "After a power cut members have different data, and nobody notices.",
        "# nothing: what is acknowledged is on the disk then",
    ),
    (
        "config-file",
        ANY,
        "has a file of settings",
        "etcd then ignores each flag and variable: also those by which the worker starts it.",
        "# each setting as a variable: ETCD_QUOTA_BACKEND_BYTES and the like",
    ),
    (
        "enable-grpc-gateway",
        IS_OFF,
        "switches its JSON gateway off",
        "The worker asks by it, and hears nobody.",
        "# nothing: it is on unless it is switched off",
    ),
    (
        "listen-client-urls",
        IS_LOCAL,
        "listens for clients in its own container alone",
        ALONE,
        LISTEN,
    ),
    (
        "listen-peer-urls",
        IS_LOCAL,
        "listens for members in its own container alone",
        ALONE,
        LISTEN,
    ),
];

/// The mistakes in the words and variables that a member is started with, and in those of
/// its health check.
pub fn mistakes(
    words: &[String],
    variables: &[(String, String)],
    health: &[String],
) -> Vec<Mistake> {
    let flags = words.iter().enumerate().filter_map(|(position, word)| {
        let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        Some(match flag.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => {
                let next = words
                    .get(position + 1)
                    .filter(|next| !next.starts_with('-'));
                (flag.to_owned(), next.cloned().unwrap_or_default())
            }
        })
    });
    let variables = variables.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("ETCD_")?;
        let name = name.to_lowercase().replace('_', "-");
        Some((name, value.clone()))
    });
    let given: Vec<(String, String)> = flags.chain(variables).collect();
    let rules = RULES
        .iter()
        .filter_map(|(name, holds, what, why, instead)| {
            let mut said = given.iter().filter(|(given, _)| given == name);
            let (_, value) = said.find(|(_, value)| holds(value))?;
            Some(Mistake {
                what: format!("It {what}: {name} is '{value}'."),
                why,
                instead: (*instead).to_owned(),
            })
        });
    let mut mistakes: Vec<Mistake> = rules.collect();
    let asks = |text: &str| health.iter().any(|word| word.contains(text));
    if asks("endpoint health")
        || asks("/health")
        || asks("endpoint") && asks("health") && asks("etcdctl")
    {
        mistakes.push(Mistake {
            what: "Its health check asks whether the cluster is content.".into(),
            why: "One full store, or a quorum that is lost, makes all members unhealthy at once, and \
                  Swarm kills all of them.",
            instead: "healthcheck:\n  test: [\"CMD\", \"/opt/meshworker/meshworker\", \"health\"]"
                .into(),
        });
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &str, variables: &[(&str, &str)], health: &str) -> Vec<String> {
        let split = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mistakes = mistakes(&split(words), &variables, &split(health));
        mistakes.into_iter().map(|mistake| mistake.what).collect()
    }

    #[test]
    fn what_costs_data_or_the_quorum_is_named_as_a_flag_and_as_a_variable() {
        let sound = [
            ("ETCD_LISTEN_CLIENT_URLS", "http://0.0.0.0:2379"),
            ("ETCD_STRICT_RECONFIG_CHECK", "true"),
            ("ETCD_UNSAFE_NO_FSYNC", "false"),
            ("NAME", "x"),
        ];
        let health = "CMD /opt/meshworker/meshworker health";
        assert_eq!(
            found(
                "etcd --quota-backend-bytes=1 --force-new-cluster=false",
                &sound,
                health
            ),
            [""; 0]
        );
        let named = [
            (
                "--initial-cluster-state new",
                "says that a cluster begins, or does not: initial-cluster-state is 'new'",
            ),
            (
                "-initial-cluster=a=b",
                "says who begins the cluster: initial-cluster is 'a=b'",
            ),
            (
                "--strict-reconfig-check=false",
                "lets members be added that break the quorum: strict-reconfig-check is 'false'",
            ),
            (
                "--unsafe-no-fsync",
                "acknowledges what is not on its disk: unsafe-no-fsync is ''",
            ),
        ];
        for (words, what) in named {
            assert_eq!(found(words, &[], health), [format!("It {what}.")]);
        }
        let variables = [
            ("ETCD_FORCE_NEW_CLUSTER", "true"),
            ("ETCD_LISTEN_PEER_URLS", "http://127.0.0.1:2380"),
        ];
        assert_eq!(found("etcd", &variables, health).len(), 2);
    }

    #[test]
    fn a_health_check_that_asks_for_the_cluster_kills_it() {
        for health in [
            "CMD etcdctl endpoint health",
            "CMD-SHELL curl -f http://localhost:2379/health",
            "CMD etcdctl --endpoints=x endpoint --cluster health",
        ] {
            assert_eq!(found("etcd", &[], health).len(), 1, "{health}");
        }
        assert_eq!(
            found("etcd", &[], "CMD curl http://localhost:2379/livez"),
            [""; 0]
        );
    }
}
