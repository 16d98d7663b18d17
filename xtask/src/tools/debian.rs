//! What Debian's packages have. apt checks every package by the signed lists of the release, so that a lock of our own
//! would only keep security updates out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use meshworker_lab::{Host, apt};

use super::run;

/// In place of a version: each release of Debian has one.
pub const OF_THE_RELEASE: &str = "debian";

/// Unpacks packages into a folder. They are not installed, so that no service starts.
pub fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    if !has_apt() {
        bail!("apt-get is missing; allowed: Debian or a relative, or the program on PATH");
    }
    let download = || apt(&[&["download"], packages].concat(), folder);
    if download().is_err() {
        // A machine that was never asked for a package has no list of them.
        apt(&["update"], folder)?;
        download()?;
    }
    let archives: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect();
    if archives.len() != packages.len() {
        bail!(
            "apt-get download left {} of {} packages",
            archives.len(),
            packages.len()
        );
    }
    for archive in archives {
        let mut unpack = Command::new("dpkg-deb");
        run::quietly(unpack.arg("-x").arg(&archive).arg(folder))?;
        fs::remove_file(archive)?;
    }
    lead_inside(folder, folder)
}

/// Has links of the package's own files lead to them, and not to where they would be if it was installed.
fn lead_inside(folder: &Path, root: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            lead_inside(&path, root)?;
            continue;
        }
        let Ok(target) = fs::read_link(&path) else {
            continue;
        };
        let Ok(inside) = target.strip_prefix("/") else {
            continue;
        };
        if root.join(inside).exists() {
            let up: PathBuf = folder.strip_prefix(root)?.iter().map(|_| "..").collect();
            fs::remove_file(&path)?;
            symlink(up.join(inside), &path)?;
        }
    }
    Ok(())
}

/// Sees to it that something works on this machine: as root on Debian, by installing the package that has it.
pub fn require(what: &str, package: &str, works: impl Fn() -> bool) -> Result<()> {
    if works() {
        return Ok(());
    }
    if !has_apt() || !Host::is_root() {
        bail!(
            "{what} is missing; on Debian it is the package {package}, which this installs as root"
        );
    }
    eprintln!("installing {package} (apt-get)");
    let here = Path::new("/");
    apt(&["update"], here)?;
    apt(
        &[
            "install",
            "-y",
            "--no-install-recommends",
            "--no-remove",
            package,
        ],
        here,
    )?;
    if !works() {
        bail!("{what} does not work, though the package {package} is installed");
    }
    Ok(())
}

fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_is_not_installed() {
        require("a shell", "no-such-package", || run::starts("true")).unwrap();
    }
}
