//! `cargo xtask screenshots`: the pictures of the dashboard in `docs/images`.

use anyhow::{Result, ensure};
use meshworker_lab::Host;

use crate::workspace;

/// Takes them with Debian's Chromium, of a worker that only answers.
pub fn run() -> Result<()> {
    Host::browser()?;
    let folder = workspace::root().join("docs/images");
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "-p", "meshworker-browser"]);
    command.args(["--example", "screenshots", "--"]).arg(folder);
    ensure!(
        command.status()?.success(),
        "the pictures could not be taken"
    );
    Ok(())
}
