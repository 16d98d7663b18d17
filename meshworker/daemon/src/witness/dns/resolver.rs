//! Whom to ask, and for which name.

use std::net::SocketAddr;

use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;

/// The servers that `/etc/resolv.conf` names, and the name as they know it. Read for each
/// look: the file is small, and the engine rewrites it when networks come and go.
///
/// # Errors
///
/// When the file cannot be read, in words.
pub(super) fn of_the_system(name: &Name) -> Result<(Vec<SocketAddr>, Name), String> {
    let (config, _) = read_system_conf().map_err(|why| format!("/etc/resolv.conf: {why}"))?;
    let servers = config.name_servers().iter().map(|server| {
        let port = server.connections.first().map_or(53, |c| c.port);
        SocketAddr::new(server.ip, port)
    });
    Ok((servers.collect(), completed(name, config.search())))
}

/// A name within the cluster of Kubernetes that this is a pod of, in full: one question, of which NXDOMAIN says that
/// nobody is there. Whoever tried all that the search list makes of it would end outside the
/// cluster, where a name server refuses to answer, or a stranger does. A service of another
/// namespace is `NAME.NAMESPACE.svc`: two parts alone may as well be a name of the company's.
///
/// No other search list is used: it is the host's. Swarm says NXDOMAIN of a service without
/// a healthy replica, and whoever answers to that name in the host's domain is a stranger.
///
/// Source: Kubernetes, "DNS for Services and Pods": `NAMESPACE.svc.ZONE svc.ZONE ZONE`.
fn completed(name: &Name, search: &[Name]) -> Name {
    let [own, services, zone, ..] = search else {
        return name.clone();
    };
    let is_svc = |label: Option<&[u8]>| label == Some(b"svc".as_slice());
    let ours = is_svc(own.iter().nth(1)) && own.base_name() == *services;
    if name.is_fqdn() || !ours || services.base_name() != *zone {
        return name.clone();
    }
    let domain = match name.num_labels() {
        1 => own,
        2 if name.iter().nth(1) == own.iter().next() => services,
        3 if is_svc(name.iter().nth(2)) => zone,
        _ => return name.clone(),
    };
    let whole = name.clone().append_domain(domain);
    whole.unwrap_or_else(|_| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<Name> {
        let each = all.iter().map(|name| Name::from_ascii(name).unwrap());
        each.map(|mut name| {
            name.set_fqdn(true);
            name
        })
        .collect()
    }

    /// Removing all of a cluster took 90 s: whether its short names were gone, the last
    /// server of the search list refused to say.
    #[test]
    fn a_short_name_is_one_question_in_a_pod() {
        let pod = names(&[
            "cache.svc.cluster.local",
            "svc.cluster.local",
            "cluster.local",
        ]);
        let host = names(&["example.com", "corp.example.com", "com"]);
        let asked = |name: &str, search: &[Name]| {
            let mut asked = completed(&Name::from_ascii(name).unwrap(), search);
            asked.set_fqdn(true);
            asked.to_ascii()
        };
        let whole = "redis.cache.svc.cluster.local.";
        for short in [
            "redis",
            "redis.cache",
            "redis.cache.svc",
            "redis.cache.svc.cluster.local",
            whole,
        ] {
            assert_eq!(asked(short, &pod), whole);
        }
        assert_eq!(asked("redis.", &pod), "redis.", "as it is");
        let other = "redis.other.svc.cluster.local.";
        assert_eq!(asked("redis.other.svc", &pod), other);
        // Completed, a database outside the cluster had no members any more.
        for outside in ["db.internal", "redis-0.redis", "db.example.com"] {
            assert_eq!(asked(outside, &pod), format!("{outside}."));
        }
        for name in ["redis", "stack_redis"] {
            assert_eq!(
                asked(name, &host),
                format!("{name}."),
                "the host's are not used"
            );
            assert_eq!(asked(name, &pod[..1]), format!("{name}."));
        }
    }
}
