//! Debian's package manager.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::command::run_within;
use crate::{LabError, Result, wait_for};

/// A package list and a dozen packages over a slow line.
const DEADLINE: Duration = Duration::from_secs(1800);

/// What apt-get says when another one is at work: the machine's own, or that of a run beside this one.
const BUSY: [&str; 3] = [
    "Could not get lock",
    "Unable to lock directory",
    "Unable to acquire the dpkg frontend lock",
];

/// What it says when the one before was killed.
const INTERRUPTED: &str = "dpkg was interrupted";

/// Runs `apt-get` with these arguments in a folder, after whoever else is at it.
///
/// # Errors
///
/// [`LabError::Failed`] with what it said, [`LabError::Timeout`] when others keep it busy for half an hour.
pub fn apt(arguments: &[&str], folder: &Path) -> Result<()> {
    let get = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C")
            .current_dir(folder);
        run_within(&mut command, DEADLINE)
    };
    let arguments = [&["-qq"], arguments].concat();
    let what = format!("apt-get {} to be possible", arguments.join(" "));
    let ended = wait_for(what, DEADLINE, || match get("apt-get", &arguments) {
        Err(LabError::Failed { stderr, .. }) if BUSY.iter().any(|busy| stderr.contains(busy)) => {
            Err(stderr)
        }
        Err(LabError::Failed { stderr, .. }) if stderr.contains(INTERRUPTED) => {
            get("dpkg", &["--configure", "-a"])
                .map_err(|error| error.to_string())
                .and(Err(stderr))
        }
        ended => Ok(ended),
    })?;
    ended.map(drop)
}
