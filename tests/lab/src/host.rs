//! The machine that carries the lab: finds the programs it needs, and installs what is missing where that is possible.

use std::path::{Path, PathBuf};

use crate::{LabError, Result, apt};

/// Debian's package first, then wherever else administrators put things; `PATH` comes last. A newer client of another
/// origin is often the first on `PATH`, and does not always speak to the engine beside it.
const DIRECTORIES: [&str; 5] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/sbin"];

/// What a lab needs: the program and the Debian packages that may have it, first choice first.
const LAB_NEEDS: [(&str, &[&str]); 7] = [
    ("dockerd", &["docker.io"]),
    // Since Debian 13 the client is a package of its own.
    ("docker", &["docker.io", "docker-cli"]),
    ("ip", &["iproute2"]),
    ("iptables", &["iptables"]),
    ("nsenter", &["util-linux"]),
    ("unshare", &["util-linux"]),
    ("mount", &["mount"]),
];

/// What making a base image needs. Debian's keys are a file, not a program, and missing on
/// Debian's relatives.
pub(crate) const BASE_NEEDS: [(&str, &[&str]); 3] = [
    ("debootstrap", &["debootstrap"]),
    ("tar", &["tar"]),
    (
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        &["debian-archive-keyring"],
    ),
];

/// What tests start on the machine itself. Debian's redis-tools has the server too, and starts no service.
const TEST_NEEDS: [(&str, &[&str]); 6] = [
    ("redis-check-rdb", &["redis-tools"]),
    ("openssl", &["openssl"]),
    ("ip", &["iproute2"]),
    ("unshare", &["util-linux"]),
    ("setpriv", &["util-linux"]),
    ("flock", &["util-linux"]),
];

/// What tests of pages need: a browser, what drives it, and letters to show.
const BROWSER_NEEDS: [(&str, &[&str]); 3] = [
    ("chromium", &["chromium"]),
    ("chromedriver", &["chromium-driver"]),
    (
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        &["fonts-dejavu-core"],
    ),
];

/// A program, or the absolute path of a file, with its packages.
type Need = (&'static str, &'static [&'static str]);

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Host {
    /// Makes the machine ready for labs: everything is there, or gets installed (as root, on Debian and its
    /// relatives), with one line on stderr for each thing done.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] names every missing program with its package and says what to do.
    pub fn prepare() -> Result<()> {
        Self::require(&LAB_NEEDS)?;
        if !Self::is_root() {
            return Err(LabError::Missing {
                missing: "the rights of root".into(),
                advice: "A lab makes namespaces and starts engines: run this as root".into(),
            });
        }
        Ok(())
    }

    /// Makes the machine ready for all tests that need no lab: real servers, and a browser for pages.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] names every missing program with its package and says what to do.
    pub fn prepare_for_tests() -> Result<()> {
        Self::require(&[&TEST_NEEDS[..], &BROWSER_NEEDS].concat())
    }

    /// Makes the machine ready for tests of pages: Debian's Chromium and its driver.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] names every missing program with its package and says what to do.
    pub fn browser() -> Result<()> {
        Self::require(&BROWSER_NEEDS)
    }

    /// Whether this process has the rights of root.
    pub fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// The path of a program.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] when it is not installed.
    pub fn program(name: &str) -> Result<PathBuf> {
        find(name).ok_or_else(|| LabError::Missing {
            missing: name.to_owned(),
            advice: "Install it, or add its directory to PATH".into(),
        })
    }

    /// Installs what is missing of `needs`.
    pub(crate) fn require(needs: &[Need]) -> Result<()> {
        // The second round takes the second choice of package.
        for round in 0..2 {
            let missing = missing(needs);
            if missing.is_empty() {
                return Ok(());
            }
            let mut packages: Vec<&str> = missing
                .iter()
                .filter_map(|(_, packages)| packages.get(round).or(packages.first()).copied())
                .collect();
            packages.dedup();
            if !Self::is_root() || !has_apt() {
                return Err(not_there(&missing));
            }
            install(&packages)?;
        }
        match missing(needs) {
            missing if missing.is_empty() => Ok(()),
            missing => Err(not_there(&missing)),
        }
    }
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .copied()
        .collect()
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    DIRECTORIES
        .iter()
        .map(PathBuf::from)
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").is_file()
}

fn not_there(missing: &[Need]) -> LabError {
    let missing = missing
        .iter()
        .map(|(program, packages)| format!("{program} (package {})", packages.join(" or ")))
        .collect::<Vec<_>>()
        .join(", ");
    let advice = if has_apt() {
        "Run this as root, and it installs them"
    } else {
        "Install them with this system's package manager"
    };
    LabError::Missing {
        missing,
        advice: advice.into(),
    }
}

fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {} (apt-get)", packages.join(", "));
    let here = Path::new("/");
    apt(&["update"], here)?;
    // What is there may be somebody's choice: better to fail than to take it away.
    let install = ["install", "-y", "--no-install-recommends", "--no-remove"];
    apt(&[&install, packages].concat(), here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let text = not_there(&[("frob", &["frobnicate", "frob-cli"])]).to_string();
        assert!(
            text.contains("frob (package frobnicate or frob-cli)"),
            "{text}"
        );
    }

    #[test]
    fn programs_are_found() {
        assert!(Host::program("sh").is_ok());
        assert!(matches!(
            Host::program("no-such-program"),
            Err(LabError::Missing { .. })
        ));
    }
}
