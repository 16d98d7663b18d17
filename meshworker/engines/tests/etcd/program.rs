//! Where etcd's server is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aerospike_sim::testing::installed;

/// Debian's package with it.
const PACKAGE: &str = "etcd-server";

/// The server: as it is installed, or from Debian's package, which is fetched once.
pub fn etcd() -> Option<PathBuf> {
    let found = installed("etcd").or_else(|| fetched(Path::new(env!("CARGO_TARGET_TMPDIR"))));
    if found.is_none() {
        meshworker_needs::missing("etcd", "on Debian: apt-get install etcd-server");
    }
    found
}

fn fetched(cache: &Path) -> Option<PathBuf> {
    let whole = cache.join(PACKAGE);
    let program = whole.join("usr/bin/etcd");
    if program.is_file() {
        return Some(program);
    }
    let folder = tempfile::tempdir_in(cache).ok()?;
    let ran = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !ran("apt-get", &["download", PACKAGE]) {
        return None;
    }
    let mut files = std::fs::read_dir(folder.path()).ok()?.flatten();
    let package = files.find(|file| file.path().extension().is_some_and(|end| end == "deb"))?;
    ran("dpkg", &["-x", package.path().to_str()?, PACKAGE]).then_some(())?;
    // Another test may have been quicker.
    let _ = std::fs::rename(folder.path().join(PACKAGE), &whole);
    program.is_file().then_some(program)
}
