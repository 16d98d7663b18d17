//! The Debian base image, made with debootstrap: apt's signatures vouch for it, and it is the same everywhere.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::command::run_within;
use crate::host::{BASE_NEEDS, Host};
use crate::{Docker, LabError, Result};

/// What it is called, with the edition of its list of packages.
const NAME: &str = "meshworker/base:bookworm-3";

/// The same as a file.
const ARCHIVE: &str = "base-bookworm-3.tar";

/// Debian 12: its Redis is version 7.
const RELEASE: &str = "bookworm";

/// Everything that the images need, so that building them on it takes no network.
const PACKAGES: &str = "redis-server,redis-tools,etcd-server,etcd-client,mariadb-server-core,mariadb-client-core,mariadb-backup,bind9-dnsutils,curl,iproute2,procps";

/// About 100 packages over a slow line.
const DEBOOTSTRAP_DEADLINE: Duration = Duration::from_secs(900);

/// 200 MB to a slow disk.
const TAR_DEADLINE: Duration = Duration::from_secs(300);

/// Of a container's root file system nobody reads these; they are half of its size.
const DEAD_WEIGHT: [&str; 8] = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/zoneinfo",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
];

/// Makes sure that the engine has a base image, and returns its name. What was made is kept in `cache`.
pub(super) fn ensure(docker: &Docker, cache: &Path) -> Result<&'static str> {
    if docker.run(["image", "inspect", NAME]).is_ok() {
        return Ok(NAME);
    }
    let archive = cache.join(ARCHIVE);
    if !archive.is_file() {
        eprintln!("making a Debian base with debootstrap (a minute, once)");
        make(&archive)?;
    }
    let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let archive = archive.to_string_lossy();
    docker.run(["import", "--change", path, &archive, NAME])?;
    Ok(NAME)
}

fn make(archive: &Path) -> Result<()> {
    Host::require(&BASE_NEEDS)?;
    let root = archive.with_extension("root");
    remove(&root)?;
    // Killed half-way it would leave mounts behind, and go on: so it has its own, and ends with whoever waits for it.
    let mut debootstrap = Command::new("setpriv");
    debootstrap
        .args(["--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid"])
        .args(["--fork", "--kill-child=SIGKILL", "--"])
        .arg(Host::program("debootstrap")?)
        .args(["--variant=minbase", &format!("--include={PACKAGES}")])
        .arg(RELEASE)
        .arg(&root);
    run_within(&mut debootstrap, DEBOOTSTRAP_DEADLINE)?;
    for weight in DEAD_WEIGHT {
        let directory = root.join(weight);
        remove(&directory)?;
        // Packages expect the directory itself.
        std::fs::create_dir_all(&directory).map_err(LabError::file("create", &directory))?;
    }
    let draft = archive.with_extension("part");
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "-cf"]).arg(&draft).arg("-C");
    run_within(tar.arg(&root).arg("."), TAR_DEADLINE)?;
    std::fs::rename(&draft, archive).map_err(LabError::file("write", archive))?;
    remove(&root)
}

fn remove(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("remove", directory)(error))
        }
        _ => Ok(()),
    }
}
