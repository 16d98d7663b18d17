//! Whom to ask.

use std::net::SocketAddr;

use hickory_resolver::system_conf::read_system_conf;

/// The servers that `/etc/resolv.conf` names. Read for each look: the file is
/// small, and the engine rewrites it when networks come and go.
///
/// Its search list is not used, nor `ndots`: they are the host's. Swarm says
/// NXDOMAIN of a service without a healthy replica, and whoever answers to that
/// name in the host's domain is a stranger.
///
/// # Errors
///
/// When the file cannot be read, in words.
pub(super) fn servers_of_the_system() -> Result<Vec<SocketAddr>, String> {
    let (config, _) = read_system_conf().map_err(|why| format!("/etc/resolv.conf: {why}"))?;
    let servers = config.name_servers().iter().map(|server| {
        let port = server.connections.first().map_or(53, |c| c.port);
        SocketAddr::new(server.ip, port)
    });
    Ok(servers.collect())
}
