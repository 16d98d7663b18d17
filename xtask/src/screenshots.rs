//! `cargo xtask screenshots`: the pictures of the dashboard in `docs/images`.

use anyhow::{Result, ensure};
use meshworker_lab::{E2E_VARIABLE, Host};

use crate::workspace;

/// Takes them with Debian's Chromium, of a Redis Cluster on a swarm of three nodes.
pub fn run() -> Result<()> {
    Host::prepare()?;
    Host::browser()?;
    let mut command = workspace::cargo();
    command.args(["test", "-p", "meshworker-e2e", "--test", "stories", "--"]);
    command.args(["--include-ignored", "--exact", "redis::pictures"]);
    command.env(E2E_VARIABLE, "1");
    command.env("MESHWORKER_PICTURES", workspace::root().join("docs/images"));
    ensure!(
        command.status()?.success(),
        "the pictures could not be taken"
    );
    Ok(())
}
