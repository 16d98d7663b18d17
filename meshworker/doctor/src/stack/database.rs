//! Databases that are known by their images and commands, without a worker.

use meshworker_engines::registry::Kind;

use super::model::{Service, Stack};
use super::parts::tokens;

/// A database that a service runs, by all that can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// One that a worker can look after.
    Known(Kind),
    /// Another one, which keeps data all the same.
    Other,
}

/// Parts of images' names, and the database that they mean.
const NAMES: &[(&str, Database)] = &[
    ("redis", Database::Known(Kind::Redis)),
    ("valkey", Database::Known(Kind::Redis)),
    ("aerospike", Database::Known(Kind::Aerospike)),
    ("agraph", Database::Known(Kind::Allegrograph)),
    ("allegrograph", Database::Known(Kind::Allegrograph)),
    ("cassandra", Database::Other),
    ("clickhouse", Database::Other),
    ("cockroach", Database::Other),
    ("cockroachdb", Database::Other),
    ("couchdb", Database::Other),
    ("elasticsearch", Database::Other),
    ("etcd", Database::Known(Kind::Etcd)),
    ("influxdb", Database::Other),
    ("keydb", Database::Other),
    // Another kind of cluster, whatever it is made of.
    ("galera", Database::Other),
    ("mariadb", Database::Known(Kind::Mariadb)),
    ("mongo", Database::Other),
    ("mongodb", Database::Other),
    ("mysql", Database::Other),
    ("neo4j", Database::Other),
    ("opensearch", Database::Other),
    ("percona", Database::Other),
    ("patroni", Database::Other),
    ("postgres", Database::Other),
    ("postgresql", Database::Other),
    ("rabbitmq", Database::Other),
    ("scylla", Database::Other),
    ("spilo", Database::Other),
    ("timescaledb", Database::Other),
    ("zookeeper", Database::Other),
];

/// Servers, by the names of their programs.
const PROGRAMS: &[(&str, Database)] = &[
    ("redis-server", Database::Known(Kind::Redis)),
    ("valkey-server", Database::Known(Kind::Redis)),
    ("agraph-control", Database::Known(Kind::Allegrograph)),
    ("asd", Database::Known(Kind::Aerospike)),
    ("etcd", Database::Known(Kind::Etcd)),
    ("mariadbd", Database::Known(Kind::Mariadb)),
    ("mongod", Database::Other),
    ("mysqld", Database::Other),
    ("postgres", Database::Other),
];

/// Parts of images' names that mean something about a database, not itself.
const ABOUT: &[&str] = &[
    "admin",
    "agent",
    "amc",
    "backup",
    "bouncer",
    "cli",
    "client",
    "commander",
    "connector",
    "console",
    "dashboards",
    "dump",
    "exporter",
    "express",
    "init",
    "insight",
    "manager",
    "monitor",
    "operator",
    "proxy",
    "restore",
    "sentinel",
    "sidecar",
    "tool",
    "tools",
    "ui",
    "webui",
];

/// Programs that are no servers, whatever image they are run from.
const CLIENTS: &[&str] = &[
    "redis-cli",
    "valkey-cli",
    "redis-sentinel",
    "valkey-sentinel",
    "asadm",
    "asinfo",
    "aql",
    "asbackup",
    "mysql",
    "mysqldump",
    "mariadb",
    "mariadb-backup",
    "mariadb-dump",
    "psql",
    "pg_dump",
    "mongosh",
    "etcdctl",
    "agtool",
    "sleep",
    "tail",
    "watch",
];

/// The database that a service runs.
pub fn of(service: &Service) -> Option<Database> {
    let tokens = tokens(service);
    let programs: Vec<&str> = tokens
        .iter()
        .map(|token| token.rsplit('/').next().unwrap_or_default())
        .collect();
    let server = PROGRAMS.iter().find(|(name, _)| programs.contains(name));
    if server.is_none() && programs.iter().any(|program| CLIENTS.contains(program)) {
        return None;
    }
    if is_sentinel(service, &tokens) {
        return None;
    }
    let by_image = || {
        let image = service.image.as_ref()?.value.to_lowercase();
        let name = image.split('@').next()?.rsplit('/').next()?;
        let parts: Vec<&str> = name.split(':').next()?.split(['-', '_', '.']).collect();
        if parts.iter().any(|part| ABOUT.contains(part)) {
            return None;
        }
        let named =
            |name: &str| parts.contains(&name) || image.starts_with(&format!("{name}/{name}"));
        NAMES.iter().find(|(name, _)| named(name))
    };
    match server.or_else(by_image).map(|(_, database)| *database) {
        Some(Database::Known(Kind::Mariadb)) if is_galera(service, &tokens) => {
            Some(Database::Other)
        }
        database => database,
    }
}

/// Whether a service watches over a Redis, with the server's program and image.
fn is_sentinel(service: &Service, tokens: &[&str]) -> bool {
    let mut name = service.name.split(['-', '_']);
    name.any(|part| part == "sentinel") || tokens.contains(&"--sentinel")
}

/// Whether MariaDB's servers are another kind of cluster, by what they are told.
fn is_galera(service: &Service, tokens: &[&str]) -> bool {
    let says = |word: &str| word.contains("wsrep") || word.contains("galera");
    let mut names = service.environment.keys().map(|name| name.to_lowercase());
    names.any(|name| says(&name) || name == "sst_method") || tokens.iter().any(|word| says(word))
}

/// Whether a database that a worker could look after is meant as a cluster: by its
/// configuration, or because each replica has an address of its own.
pub fn is_cluster(stack: &Stack, service: &Service, kind: Kind) -> bool {
    let several = service.wanted() != Some(1);
    match kind {
        Kind::Redis => {}
        Kind::Etcd => return several || names_others(service),
        _ => return several,
    }
    let says_so = |text: &str| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("cluster-enabled") && words.next() == Some("yes")
        })
    };
    let tokens = tokens(service);
    let is_flag = |name: &str| name.trim_start_matches("--") == "cluster-enabled";
    let mut pairs = tokens.windows(2);
    let flag = pairs.any(|pair| matches!(pair, [name, "yes"] if is_flag(name)));
    let configs = service.configs.iter();
    let mut configs = configs.filter_map(|config| stack.configs.get(&config.value.source));
    let image = service.image.as_ref().map(|image| image.value.as_str());
    flag || configs.any(|config| config.text.as_deref().is_some_and(says_so))
        || image.is_some_and(|image| {
            image.contains("redis-cluster") || image.contains("valkey-cluster")
        })
        || (several && service.is_dnsrr())
}

/// Whether etcd is told of several initial members, itself included.
fn names_others(service: &Service) -> bool {
    const FLAG: &str = "--initial-cluster";
    let tokens = tokens(service);
    let by_flag = tokens
        .iter()
        .enumerate()
        .find_map(|(at, token)| match token.split_once('=') {
            Some((FLAG, members)) => Some(members),
            None if *token == FLAG => tokens.get(at + 1).copied(),
            _ => None,
        });
    let variable = service.environment.get("ETCD_INITIAL_CLUSTER");
    let members = by_flag.or(variable.map(|said| said.value.value.as_str()));
    members.is_some_and(|members| members.contains(','))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::field::At;

    fn found(image: &str, words: &[&str]) -> Option<Database> {
        of(&Service {
            image: Some(At::nowhere(image.to_owned())),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Service::default()
        })
    }

    #[test]
    fn servers_are_told_from_what_is_about_them() {
        let redis = Some(Database::Known(Kind::Redis));
        let aerospike = Some(Database::Known(Kind::Aerospike));
        assert_eq!(found("redis:7.4", &[]), redis);
        assert_eq!(found("bitnami/redis-cluster:7", &[]), redis);
        assert_eq!(
            found("valkey/valkey:8", &["valkey-server", "/x.conf"]),
            redis
        );
        assert_eq!(
            found("acme/base:1", &["sh", "-c", "exec redis-server"]),
            redis
        );
        assert_eq!(found("aerospike/aerospike-server:8.0", &[]), aerospike);
        assert_eq!(
            found("r:5000/db/mariadb-galera:10", &[]),
            Some(Database::Other)
        );
        assert_eq!(
            found("franzinc/agraph:v8.3.1", &[]),
            Some(Database::Known(Kind::Allegrograph))
        );
        assert_eq!(
            found("quay.io/coreos/etcd:v3.5.0", &["etcd"]),
            Some(Database::Known(Kind::Etcd))
        );
        let mariadb = Some(Database::Known(Kind::Mariadb));
        assert_eq!(found("mariadb:10.11", &[]), mariadb);
        assert_eq!(found("mysql:8.4", &[]), Some(Database::Other));
        for (image, words) in [
            ("oliver006/redis_exporter:v1", &[][..]),
            ("redis:7.4", &["redis-cli", "-h", "redis"]),
            ("redis:7.4", &["sleep", "infinity"]),
            ("mariadb:10.11", &["mariadb", "-h", "proxy"]),
            ("rediscommander/redis-commander:latest", &[]),
            ("aerospike/aerospike-tools:10", &[]),
            ("nginx:1", &[]),
            ("mongo-express:1", &[]),
            ("acme/predistribute:1", &[]),
        ] {
            assert_eq!(found(image, words), None, "{image}");
        }
    }
}
