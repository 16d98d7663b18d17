//! What this machine, or this container, says of itself.

use std::net::IpAddr;
use std::path::Path;

use super::facts::Link;

/// The name servers of a `resolv.conf`.
///
/// # Errors
///
/// The file cannot be read.
pub fn name_servers(file: &Path) -> Result<Vec<IpAddr>, String> {
    let text = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let server = words.next().filter(|word| *word == "nameserver");
        server.and_then(|_| words.next()?.parse().ok())
    });
    Ok(servers.collect())
}

/// The links that the kernel lists in this folder, `/sys/class/net`, without
/// loopback.
///
/// # Errors
///
/// The folder cannot be read.
pub fn links(folder: &Path) -> Result<Vec<Link>, String> {
    let unreadable = |why: std::io::Error| format!("{}: {why}", folder.display());
    let mut links = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let mtu = std::fs::read_to_string(entry.path().join("mtu"));
        let mtu = mtu.ok().and_then(|mtu| mtu.trim().parse().ok());
        if let Some(mtu) = mtu.filter(|_| name != "lo") {
            links.push(Link {
                name,
                mtu,
                is_device: entry.path().join("device").exists(),
            });
        }
    }
    links.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_among_all_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resolv.conf");
        let text = "# nameserver 1.1.1.1\nsearch a.test\nnameserver 127.0.0.11\n nameserver ::1\noptions ndots:0\n";
        std::fs::write(&file, text).unwrap();
        let expected = ["127.0.0.11", "::1"].map(|server| server.parse().unwrap());
        assert_eq!(name_servers(&file), Ok(expected.to_vec()));
        let why = name_servers(&folder.path().join("none")).unwrap_err();
        assert!(why.contains("No such file"), "{why}");
    }

    #[test]
    fn links_are_read_with_what_is_behind_them() {
        let folder = tempfile::tempdir().unwrap();
        for (name, mtu) in [
            ("lo", "65536"),
            ("eth0", "1450\n"),
            ("ens3", "1500"),
            ("odd", "x"),
        ] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("mtu"), mtu).unwrap();
        }
        std::fs::create_dir(folder.path().join("ens3/device")).unwrap();
        let link = |name: &str, mtu, is_device| Link {
            name: name.into(),
            mtu,
            is_device,
        };
        let expected = vec![link("ens3", 1500, true), link("eth0", 1450, false)];
        assert_eq!(links(folder.path()), Ok(expected));
    }
}
