//! Whom to ask, and for which names.

use std::net::SocketAddr;

use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;

/// Whom to ask, and how a short name is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<Name>,
    pub(super) ndots: usize,
}

impl Resolver {
    /// These servers, and names as they are.
    pub(super) fn of(servers: Vec<SocketAddr>) -> Resolver {
        Resolver {
            servers,
            search: Vec::new(),
            ndots: 0,
        }
    }

    /// What `/etc/resolv.conf` says. Read for each look: the file is small, and
    /// the engine rewrites it when networks come and go.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or names no server, in words.
    pub(super) fn of_the_system() -> Result<Resolver, String> {
        let (config, options) =
            read_system_conf().map_err(|why| format!("/etc/resolv.conf: {why}"))?;
        let servers = config.name_servers().iter().flat_map(|server| {
            let port = server.connections.first().map_or(53, |c| c.port);
            [SocketAddr::new(server.ip, port)]
        });
        Ok(Resolver {
            servers: servers.collect(),
            // The domain that hickory derives from the host name is left out on
            // purpose: a container's host name may hold dots that are no domain.
            search: config.search().to_vec(),
            ndots: options.ndots,
        })
    }

    /// The full names that `name` may stand for, the likeliest first.
    pub(super) fn candidates(&self, name: &Name) -> Vec<Name> {
        let mut itself = name.clone();
        itself.set_fqdn(true);
        if name.is_fqdn() {
            return vec![itself];
        }
        let searched = self.search.iter();
        // Too long a name with this domain is no name, and cannot be found.
        let searched = searched.filter_map(|domain| {
            let mut full = name.clone().append_domain(domain).ok()?;
            full.set_fqdn(true);
            Some(full)
        });
        let mut names: Vec<Name> = searched.collect();
        let dots = usize::from(name.num_labels()).saturating_sub(1);
        let position = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(position, itself);
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(name: &str, search: &[&str], ndots: usize) -> Vec<String> {
        let resolver = Resolver {
            servers: Vec::new(),
            search: search
                .iter()
                .map(|d| Name::from_ascii(d).unwrap())
                .collect(),
            ndots,
        };
        let names = resolver.candidates(&Name::from_ascii(name).unwrap());
        names.iter().map(Name::to_ascii).collect()
    }

    #[test]
    fn a_short_name_is_asked_for_as_it_is_where_swarm_sets_ndots_to_0() {
        assert_eq!(
            candidates("db_redis", &["example.net"], 0),
            ["db_redis.", "db_redis.example.net."]
        );
    }

    #[test]
    fn a_name_with_too_few_dots_is_completed_first() {
        assert_eq!(
            candidates("db", &["a.test", "b.test"], 1),
            ["db.a.test.", "db.b.test.", "db."]
        );
        assert_eq!(
            candidates("tasks.db", &["a.test"], 1),
            ["tasks.db.", "tasks.db.a.test."]
        );
    }

    #[test]
    fn a_name_with_a_final_dot_is_never_completed() {
        assert_eq!(candidates("db.", &["a.test"], 1), ["db."]);
    }
}
