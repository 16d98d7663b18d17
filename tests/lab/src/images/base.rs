//! The Debian base image: pulled where a registry answers, made with debootstrap where none does.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::command::run_within;
use crate::host::{BASE_NEEDS, Host};
use crate::{Docker, LabError, Result};

/// What is pulled.
const PULLED: &str = "debian:bookworm-slim";

/// What a base that was made here is called.
const MADE: &str = "meshworker/base:bookworm";

/// Debian 12: its Redis is version 7.
const RELEASE: &str = "bookworm";

/// Everything that the images need, so that building them on a base that was made here takes no network.
const PACKAGES: &str = "redis-server,redis-tools,bind9-dnsutils,curl,iproute2,procps";

/// A registry that answers, answers within seconds; where there is none, nobody wants to wait for longer.
const REGISTRY_DEADLINE: Duration = Duration::from_secs(8);

/// 30 MB over a slow line.
const PULL_DEADLINE: Duration = Duration::from_secs(300);

/// About 100 packages over a slow line.
const DEBOOTSTRAP_DEADLINE: Duration = Duration::from_secs(900);

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
    for name in [MADE, PULLED] {
        if docker.run(["image", "inspect", name]).is_ok() {
            return Ok(name);
        }
    }
    let archive = cache.join(format!("base-{RELEASE}.tar"));
    if !archive.is_file() {
        if pull(docker).is_ok() {
            return Ok(PULLED);
        }
        eprintln!("no registry answers: making a Debian base with debootstrap (a minute, once)");
        make(&archive)?;
    }
    let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let archive = archive.to_string_lossy();
    docker.run(["import", "--change", path, &archive, MADE])?;
    Ok(MADE)
}

fn pull(docker: &Docker) -> Result<String> {
    // The client asks the registry itself, so that a pull of the engine is not left hanging.
    docker.run_within(REGISTRY_DEADLINE, ["manifest", "inspect", PULLED])?;
    docker.run_within(PULL_DEADLINE, ["pull", "-q", PULLED])
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
    run_within(tar.arg(&root).arg("."), PULL_DEADLINE)?;
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
