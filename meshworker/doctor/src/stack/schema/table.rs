//! The keys of a stack file of version 3.0 to 3.13.
//!
//! Source: what Docker 28 takes and refuses; the versions are those of the
//! reference of Compose file version 3.

use super::kind::Key;
use super::kind::Kind::{
    self, Amount, Any, Count, Free, Line, List, Map, Named, Null, Number, Open, Or, Port, Set,
    Size, Text, Time, Truth, Whole, With, Word,
};

const TEXTS: Kind = Set(&Text);
const ONE_OR_MORE: Kind = Or(&[Text, TEXTS]);
const WORDS: Kind = Or(&[Text, List(&Text)]);
const COMMAND: Kind = Or(&[Line, List(&Text)]);
const VALUE: Kind = Or(&[Text, Number, Null]);
const PAIRS: Kind = Or(&[Free(&VALUE), TEXTS]);
const OPTIONS: Kind = Free(&Or(&[Text, Number]));
const EXTERNAL: Kind = Or(&[Truth, Map(&[Key("name", 0, Text)], None)]);

/// A whole file.
pub(super) const FILE: Kind = Map(
    &[
        // Looked at before all else.
        Key("version", 0, Any),
        Key("services", 0, Named(&SERVICE)),
        Key("networks", 0, Free(&NETWORK)),
        Key("volumes", 0, Named(&VOLUME)),
        Key("secrets", 1, Named(&SECRET)),
        Key("configs", 3, Named(&CONFIG)),
    ],
    Some(4),
);

const SERVICE: Kind = Map(
    &[
        Key("build", 0, Or(&[Text, Free(&Any)])),
        Key("cap_add", 0, TEXTS),
        Key("cap_drop", 0, TEXTS),
        Key("cgroup_parent", 0, Text),
        Key("cgroupns_mode", 9, Text),
        Key("command", 0, COMMAND),
        Key("configs", 3, List(&MOUNTED)),
        Key("container_name", 0, Text),
        Key("credential_spec", 3, CREDENTIALS),
        Key("depends_on", 0, TEXTS),
        Key("deploy", 0, Or(&[DEPLOY, Null])),
        Key("devices", 0, TEXTS),
        Key("dns", 0, ONE_OR_MORE),
        Key("dns_search", 0, ONE_OR_MORE),
        Key("domainname", 0, Text),
        Key("entrypoint", 0, COMMAND),
        Key("env_file", 0, ONE_OR_MORE),
        Key("environment", 0, PAIRS),
        Key("expose", 0, Set(&Or(&[Text, Number]))),
        Key("external_links", 0, TEXTS),
        Key("extra_hosts", 0, PAIRS),
        Key("healthcheck", 0, HEALTH),
        Key("hostname", 0, Text),
        Key("image", 0, Text),
        Key("init", 7, Truth),
        Key("ipc", 0, Text),
        Key("isolation", 5, Text),
        Key("labels", 0, PAIRS),
        Key("links", 0, TEXTS),
        Key("logging", 0, LOGGING),
        Key("mac_address", 0, Text),
        Key("network_mode", 0, Text),
        Key("networks", 0, Or(&[TEXTS, Free(&Or(&[ATTACHED, Null]))])),
        Key("oom_score_adj", 13, Whole),
        Key("pid", 0, Or(&[Text, Null])),
        Key("ports", 0, Set(&Or(&[Port, PORT]))),
        Key("privileged", 0, Truth),
        Key("read_only", 0, Truth),
        Key("restart", 0, Text),
        Key("secrets", 1, List(&MOUNTED)),
        Key("security_opt", 0, TEXTS),
        Key("shm_size", 0, Text),
        Key("stdin_open", 0, Truth),
        Key("stop_grace_period", 0, Time),
        Key("stop_signal", 0, Text),
        Key("sysctls", 0, PAIRS),
        Key("tmpfs", 0, ONE_OR_MORE),
        Key("tty", 0, Truth),
        Key(
            "ulimits",
            0,
            Free(&Or(&[Whole, With(&["hard", "soft"], &LIMITS)])),
        ),
        Key("user", 0, Text),
        Key("userns_mode", 0, Text),
        Key("volumes", 0, Set(&Or(&[Text, With(&["type"], &MOUNT)]))),
        Key("working_dir", 0, Text),
    ],
    Some(7),
);

const CREDENTIALS: Kind = Map(
    &[
        Key("config", 8, Text),
        Key("file", 0, Text),
        Key("registry", 0, Text),
    ],
    None,
);

const LOGGING: Kind = Map(
    &[Key("driver", 0, Text), Key("options", 0, Free(&VALUE))],
    None,
);

const LIMITS: Kind = Map(&[Key("hard", 0, Whole), Key("soft", 0, Whole)], None);

const ATTACHED: Kind = Map(
    &[
        Key("aliases", 0, TEXTS),
        Key("driver_opts", 13, OPTIONS),
        Key("ipv4_address", 0, Text),
        Key("ipv6_address", 0, Text),
    ],
    None,
);

const HEALTH: Kind = Map(
    &[
        Key("disable", 0, Truth),
        Key("interval", 0, Time),
        Key("retries", 0, Amount),
        Key("start_interval", 12, Time),
        Key("start_period", 4, Time),
        Key("test", 0, WORDS),
        Key("timeout", 0, Time),
    ],
    None,
);

/// A secret or a config of a service.
const MOUNTED: Kind = Or(&[
    Text,
    Open(&[
        Key("gid", 0, Text),
        Key("mode", 0, Number),
        Key("source", 0, Text),
        Key("target", 0, Text),
        Key("uid", 0, Text),
    ]),
]);

const PORT: Kind = Map(
    &[
        Key("mode", 2, Text),
        Key("protocol", 2, Text),
        Key("published", 2, Count),
        Key("target", 2, Count),
    ],
    None,
);

const MOUNT: Kind = Map(
    &[
        Key("bind", 2, Open(&[Key("propagation", 2, Text)])),
        Key("cluster", 10, Free(&Any)),
        Key("consistency", 2, Text),
        Key("read_only", 2, Truth),
        Key("source", 2, Text),
        Key("target", 2, Text),
        Key("tmpfs", 6, Open(&[Key("size", 6, Count)])),
        Key("type", 2, Text),
        Key(
            "volume",
            2,
            Open(&[Key("nocopy", 2, Truth), Key("subpath", 0, Text)]),
        ),
    ],
    None,
);

const DEPLOY: Kind = Map(
    &[
        Key("endpoint_mode", 2, Text),
        Key("labels", 0, PAIRS),
        Key("mode", 0, Text),
        Key("placement", 0, PLACEMENT),
        Key("replicas", 0, Count),
        Key("resources", 0, RESOURCES),
        Key("restart_policy", 0, RESTART),
        Key("rollback_config", 7, UPDATE),
        Key("update_config", 0, UPDATE),
    ],
    None,
);

const PLACEMENT: Kind = Map(
    &[
        Key("constraints", 0, List(&Text)),
        Key("max_replicas_per_node", 8, Count),
        Key(
            "preferences",
            3,
            List(&Map(&[Key("spread", 3, Text)], None)),
        ),
    ],
    None,
);

const RESOURCES: Kind = Map(
    &[
        Key(
            "limits",
            0,
            Map(
                &[
                    Key("cpus", 0, Text),
                    Key("memory", 0, Size),
                    Key("pids", 9, Whole),
                ],
                None,
            ),
        ),
        Key(
            "reservations",
            0,
            Map(
                &[
                    Key("cpus", 0, Text),
                    Key("generic_resources", 5, List(&GENERIC)),
                    Key("memory", 0, Size),
                ],
                None,
            ),
        ),
    ],
    None,
);

const GENERIC: Kind = Map(
    &[Key(
        "discrete_resource_spec",
        5,
        Map(&[Key("kind", 5, Text), Key("value", 5, Count)], None),
    )],
    None,
);

const RESTART: Kind = Map(
    &[
        Key("condition", 0, Text),
        Key("delay", 0, Time),
        Key("max_attempts", 0, Count),
        Key("window", 0, Time),
    ],
    None,
);

const UPDATE: Kind = Map(
    &[
        Key("delay", 0, Time),
        Key("failure_action", 0, Text),
        Key("max_failure_ratio", 0, Number),
        Key("monitor", 0, Time),
        Key("order", 4, Word(&["start-first", "stop-first"])),
        Key("parallelism", 0, Count),
    ],
    None,
);

const NETWORK: Kind = Or(&[
    Map(
        &[
            Key("attachable", 2, Truth),
            Key("driver", 0, Text),
            Key("driver_opts", 0, OPTIONS),
            Key("external", 0, EXTERNAL),
            Key("internal", 0, Truth),
            Key("ipam", 0, IPAM),
            Key("labels", 0, PAIRS),
            Key("name", 5, Text),
        ],
        Some(7),
    ),
    Null,
]);

const IPAM: Kind = Map(
    &[
        Key("config", 0, List(&Map(&[Key("subnet", 0, Text)], None))),
        Key("driver", 0, Text),
    ],
    None,
);

const VOLUME: Kind = Or(&[
    Map(
        &[
            Key("driver", 0, Text),
            Key("driver_opts", 0, OPTIONS),
            Key("external", 0, EXTERNAL),
            Key("labels", 0, PAIRS),
            Key("name", 4, Text),
        ],
        Some(7),
    ),
    Null,
]);

const SECRET: Kind = Map(
    &[
        Key("driver", 8, Text),
        Key("driver_opts", 8, OPTIONS),
        Key("external", 0, EXTERNAL),
        Key("file", 0, Text),
        Key("labels", 0, PAIRS),
        Key("name", 5, Text),
        Key("template_driver", 8, Text),
    ],
    Some(7),
);

const CONFIG: Kind = Map(
    &[
        Key("external", 0, EXTERNAL),
        Key("file", 0, Text),
        Key("labels", 0, PAIRS),
        Key("name", 5, Text),
        Key("template_driver", 8, Text),
    ],
    Some(7),
);

/// What to write instead of a key that other tools take, and a swarm does not.
pub(super) fn instead_of(path: &str, key: &str) -> Option<&'static str> {
    let in_service = path.starts_with("services.") && path.matches('.').count() == 1;
    Some(match key {
        "include" if path.is_empty() => {
            "each file by a --stack of its own here, and by a -c of its own for docker stack deploy"
        }
        "name" if path.is_empty() => "the stack's name on the command line of docker stack deploy",
        "extends" if in_service => "the other service's lines here, or an anchor: <<: *base",
        "profiles" if in_service => "files of their own for services that are not always deployed",
        "volumes_from" if in_service => "a volume that both services name under volumes",
        "volume_driver" if in_service => "driver of a volume in the file's own volumes section",
        "mem_limit" | "memswap_limit" if in_service => {
            "deploy:\n  resources:\n    limits:\n      memory: 1G"
        }
        "cpu_quota" | "cpu_shares" | "cpuset" | "cpus" if in_service => {
            "deploy:\n  resources:\n    limits:\n      cpus: \"1\""
        }
        "mem_reservation" if in_service => {
            "deploy:\n  resources:\n    reservations:\n      memory: 1G"
        }
        "scale" if in_service => "deploy:\n  replicas: 3",
        _ => return None,
    })
}
