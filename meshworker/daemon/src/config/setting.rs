//! The one table of settings: names, defaults, help.

/// One setting of a cluster, under the same name as a flag (`--NAME`), a
/// variable (`MESHWORKER_NAME`), a key of the configuration file and a label
/// (`meshworker.NAME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name, in lower case with hyphens.
    pub name: &'static str,
    /// Other names of the flag.
    pub aliases: &'static [&'static str],
    /// The one-letter flag.
    pub short: Option<char>,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// The value when none is given; none where it depends on something else
    /// or is not needed, as `help` says.
    pub default: Option<&'static str>,
    /// What it means, with its unit.
    pub help: &'static str,
}

const fn setting(
    name: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        aliases: &[],
        short: None,
        value,
        default,
        help,
    }
}

/// Every setting of a cluster. Flags, variables, file, labels, the help and
/// the documentation are all made from this table.
pub const SETTINGS: &[Setting] = &[
    Setting {
        aliases: &["fqdn", "hostname"],
        ..setting(
            "servicename",
            "NAME[,NAME]",
            None,
            "The DNS name whose addresses are the replicas, such as the service's name; several, where several services are one cluster",
        )
    },
    setting(
        "name",
        "NAME",
        None,
        "What this cluster is called in logs and answers [default: the first service name]",
    ),
    setting(
        "engine",
        "ENGINE",
        Some("aerospike"),
        "The database: aerospike, redis, etcd, mariadb, allegrograph or jgroups",
    ),
    Setting {
        short: Some('p'),
        ..setting(
            "port",
            "PORT",
            None,
            "The port that members join each other on [default: 3002 for aerospike, 6379 for redis, 2379 for etcd, 3306 for mariadb, 10035 for allegrograph, 7800 for jgroups]",
        )
    },
    setting(
        "service-port",
        "PORT",
        None,
        "The port that answers requests [default: 3000 for aerospike, the same as port for redis]",
    ),
    setting(
        "cluster-name",
        "NAME",
        None,
        "The name that every member must give as its cluster's [default: the one that most members give]",
    ),
    setting("user", "NAME", None, "The user to log in as"),
    setting(
        "password-file",
        "FILE",
        None,
        "The file that holds the password, such as /run/secrets/redis-password",
    ),
    setting(
        "tls",
        "yes|no",
        Some("no"),
        "Whether connections to the members are encrypted",
    ),
    setting(
        "tls-ca-file",
        "FILE",
        None,
        "The certificates to trust, PEM [default: the system's]",
    ),
    setting(
        "tls-cert-file",
        "FILE",
        None,
        "The client's certificate, PEM",
    ),
    setting("tls-key-file", "FILE", None, "The client's key, PEM"),
    setting(
        "tls-server-name",
        "NAME",
        None,
        "The name in the members' certificates [default: the member's address]",
    ),
    setting(
        "min-members",
        "COUNT",
        Some("1"),
        "The fewest members that count as the whole cluster",
    ),
    Setting {
        short: Some('i'),
        ..setting(
            "interval",
            "SECONDS",
            Some("5"),
            "The longest time between two looks when nothing is open",
        )
    },
    setting(
        "deadline",
        "SECONDS",
        Some("1"),
        "How long one request to one member may take; connecting gets an eighth of it",
    ),
    setting(
        "name-server",
        "IP[:PORT],...",
        None,
        "The name servers to ask [default: those of /etc/resolv.conf]",
    ),
    setting(
        "ip-family",
        "both|v4|v6",
        Some("both"),
        "Which addresses to ask for: A and AAAA, or one of them",
    ),
    setting(
        "dns-deadline",
        "SECONDS",
        Some("2"),
        "How long a DNS look-up may take",
    ),
    setting(
        "docker",
        "auto|yes|no",
        Some("auto"),
        "Whether the Docker API is a witness; auto: when DOCKER_HOST is set or the socket is mounted",
    ),
    setting(
        "docker-service",
        "NAME[,NAME]",
        None,
        "The full name of the Swarm service, such as STACK_redis; all of several [default: the service name]",
    ),
    setting(
        "network",
        "NAME",
        None,
        "The network that members and worker share [default: the service's only one]",
    ),
    setting(
        "kubernetes",
        "auto|yes|no",
        Some("auto"),
        "Whether the API of Kubernetes is a witness; auto: in a pod with a service account, as far as that may read pods and StatefulSets",
    ),
    setting(
        "kubernetes-statefulset",
        "NAME[,NAME]",
        None,
        "The StatefulSet whose pods are the members, in the worker's own namespace; all of several [default: the first part of each service name]",
    ),
    setting(
        "removal-hold",
        "SECONDS",
        Some("10"),
        "How long all witnesses must agree before a departed member is forgotten",
    ),
    setting(
        "removal-window",
        "SECONDS",
        Some("5"),
        "In this time at most one member is forgotten",
    ),
    setting(
        "mass-vanish-hold",
        "SECONDS",
        Some("600"),
        "How long nothing is forgotten when most members vanished at once",
    ),
    setting(
        "hook-before",
        "HOOK",
        None,
        "What is run before another member becomes primary: an executable's path, or an http(s) URL; it may refuse a planned change",
    ),
    setting(
        "hook-after",
        "HOOK",
        None,
        "What is run after another member became primary",
    ),
    setting(
        "hook-token-file",
        "FILE",
        None,
        "The file that holds the token that hooks which are URLs are given",
    ),
    setting(
        "hook-timeout",
        "SECONDS",
        Some("10"),
        "How long a hook may take",
    ),
];

/// Every setting of the process, which all its clusters share: flags of `run`
/// and variables only.
pub const PROCESS: &[Setting] = &[
    setting(
        "listen",
        "ADDR:PORT",
        None,
        "Where members announce themselves, such as 0.0.0.0:4747, for run [default: nowhere]",
    ),
    setting(
        "token-file",
        "FILE",
        None,
        "The file that holds the tokens, one a line, by which members and workers know each other; needed beside listen",
    ),
    setting(
        "api-listen",
        "ADDR:PORT",
        None,
        "Where operators ask, such as 0.0.0.0:4748: API, dashboard, metrics, for run [default: nowhere]",
    ),
    setting(
        "api-token-file",
        "FILE",
        None,
        "The file that holds the operators' tokens, one a line; without it nobody's orders are taken",
    ),
    setting(
        "api-read-token-file",
        "FILE",
        None,
        "The file that holds readers' tokens, one a line: reading needs one of them then, or an operator's [default: everybody may read]",
    ),
    setting(
        "api-names",
        "NAME,...",
        None,
        "DNS names by which browsers and programs may call api-listen, besides addresses, localhost, names without dots and tasks.SERVICE",
    ),
    setting(
        "api-cert-file",
        "FILE",
        None,
        "PEM file with the certificate for api-listen [default: no encryption]",
    ),
    setting(
        "api-key-file",
        "FILE",
        None,
        "PEM file with that certificate's key",
    ),
    setting(
        "workers",
        "NAME",
        None,
        "The DNS name of all workers, which agree on one that acts where they know their slots [default: this one alone]",
    ),
    setting(
        "slot",
        "NUMBER",
        None,
        "Which of its service's replicas this worker is, {{.Task.Slot}} or the pod's name, for run: with it, workers and a token the workers are a group [default: this one works alone]",
    ),
    setting(
        "service",
        "NAME",
        None,
        "This worker's own service, {{.Service.Name}}, or StatefulSet: the API of Docker or Kubernetes knows how many workers there are meant to be",
    ),
    setting(
        "node-name",
        "NAME",
        None,
        "This worker's node, {{.Node.Hostname}} or the pod's, for people",
    ),
    setting(
        "task",
        "ID",
        None,
        "This worker's task, {{.Task.ID}} or the pod's uid, for people",
    ),
    setting(
        "state",
        "DIR",
        None,
        "Where this worker keeps what the workers agreed on, such as /state [default: in memory]",
    ),
    setting(
        "group-listen",
        "ADDR:PORT",
        Some("0.0.0.0:4749"),
        "Where workers speak to each other; the same port at all of them",
    ),
    setting(
        "group-token-file",
        "FILE",
        None,
        "The file that holds what workers, and nobody else, know each other by [default: api-token-file, or else token-file]",
    ),
    setting(
        "preferred",
        "SLOT|NODE",
        None,
        "The worker that is to act if it can, by its slot or its node's name [default: whichever]",
    ),
];

/// Every setting of a gossip router for JGroups: flags of `gossip` and of `run`, and variables.
pub const GOSSIP: &[Setting] = &[
    setting(
        "gossip-listen",
        "ADDR:PORT",
        None,
        "Where members of JGroups find their gossip router, such as 0.0.0.0:12001 [default: there for gossip, nowhere for run]",
    ),
    setting(
        "gossip-routers",
        "NAME",
        None,
        "The DNS name of all gossip routers, which share what is registered with each of them [default: workers for run, this one alone for gossip]",
    ),
    setting(
        "gossip-share-listen",
        "ADDR:PORT",
        Some("0.0.0.0:4750"),
        "Where gossip routers speak to each other; the same port at all of them",
    ),
    setting(
        "gossip-token-file",
        "FILE",
        None,
        "The file that holds what gossip routers, and nobody else, know each other by [default: group-token-file, api-token-file, or else token-file]",
    ),
    setting(
        "gossip-cert-file",
        "FILE",
        None,
        "PEM file with the certificate for gossip-listen [default: no encryption]",
    ),
    setting(
        "gossip-key-file",
        "FILE",
        None,
        "PEM file with that certificate's key",
    ),
    setting(
        "gossip-expiry",
        "SECONDS",
        Some("0"),
        "How long a member may say nothing before its connection is closed; 0: as long as its connection holds",
    ),
    setting(
        "gossip-connections",
        "COUNT",
        Some("4096"),
        "How many members may be connected, a quarter of them from one address",
    ),
];

/// Every setting that only the supervisor of a member has: flags of `init` and variables.
pub const INIT: &[Setting] = &[
    setting(
        "workers",
        "NAME,...",
        Some("meshworker"),
        "The DNS name of the workers' service, or addresses",
    ),
    setting(
        "workers-port",
        "PORT",
        Some("4747"),
        "The port that the workers listen on for announcements",
    ),
    setting(
        "copies-port",
        "PORT",
        Some("4750"),
        "Where a member gives copies of its data to new ones, for a database that is copied so; the same port at all of them",
    ),
    setting(
        "token-file",
        "FILE",
        None,
        "The file that holds the token which workers and members share",
    ),
    setting(
        "certificates",
        "DIR",
        None,
        "Write ca.pem, cert.pem and key.pem there, made from the token, for the database [default: nowhere]",
    ),
    setting(
        "service",
        "NAME",
        None,
        "This replica's service: {{.Service.Name}}, or the StatefulSet's name",
    ),
    setting(
        "slot",
        "NUMBER",
        None,
        "This replica's slot: {{.Task.Slot}}, or the pod's name",
    ),
    setting(
        "task",
        "ID",
        None,
        "This replica's task: {{.Task.ID}}, or the pod's uid",
    ),
    setting(
        "node",
        "ID",
        None,
        "The node that it runs on: {{.Node.ID}}, or the node's name",
    ),
    setting(
        "node-name",
        "NAME",
        None,
        "What people call that node: {{.Node.Hostname}} [default: its id is shown]",
    ),
    setting(
        "address",
        "IP",
        None,
        "Where the database is reached [default: chosen by subnet, network or what is left]",
    ),
    setting(
        "subnet",
        "CIDR",
        None,
        "The subnet of the database's address, such as 10.0.1.0/24",
    ),
    setting(
        "interface",
        "PATTERN",
        None,
        "The interface of the database's address; * stands for anything: eth*",
    ),
    setting(
        "address-pattern",
        "PATTERN",
        None,
        "How the database's address is written; * stands for anything: 10.0.*",
    ),
    setting(
        "external-address",
        "HOST",
        None,
        "Where the other members reach a JGroups member whose port is published: its node's address or name [default: its own address]",
    ),
    setting(
        "external-port",
        "PORT",
        None,
        "The port that is published there [default: the member's own]",
    ),
    setting(
        "data-dir",
        "DIR",
        None,
        "The volume with a directory for each slot of this node: the database starts in that of its slot, once nobody else uses it",
    ),
    setting(
        "hosts-file",
        "FILE",
        Some("/etc/hosts"),
        "Where the members' names are kept, for a database whose members know each other by name",
    ),
    setting(
        "restore",
        "FROM=TO,...",
        None,
        "Folders of the image that are copied to where an empty volume hides them, with their owners, before the database starts",
    ),
    setting(
        "pid-file",
        "FILE",
        None,
        "Where a database that goes to the background writes its process's number: that process is looked after from then on",
    ),
    setting(
        "grace",
        "SECONDS",
        Some("10"),
        "The stack's stop_grace_period, in seconds",
    ),
    setting(
        "stop-time",
        "SECONDS",
        None,
        "How much of that the database needs to stop cleanly [default: 10, at most half of grace]",
    ),
    setting(
        "alone-after",
        "SECONDS",
        Some("60"),
        "How long no worker may answer before it decides alone",
    ),
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
