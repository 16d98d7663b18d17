//! The Docker client, pointed at one engine.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::command::{run, run_within};
use crate::host::Host;
use crate::wait::wait_for;
use crate::{LabError, Result};

/// Asking an engine that is there takes milliseconds; one that hangs must not hold up whoever asks.
const PING_DEADLINE: Duration = Duration::from_secs(5);

/// How long a container may withstand being stopped.
const PAUSED: Duration = Duration::from_secs(60);

/// How often a change is given at most: the manager changes a node or service itself now and then, not all the time.
const CHANGES: usize = 10;

/// Settings that would point the client at another engine, or make something else of what it is told.
const REDIRECTIONS: [&str; 8] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "BUILDX_BUILDER",
    "DOCKER_CONTENT_TRUST",
    "DOCKER_DEFAULT_PLATFORM",
];

/// Runs `docker` commands on one engine.
#[derive(Debug, Clone)]
pub struct Docker {
    /// As in `DOCKER_HOST`; none for whatever the client's own settings say.
    host: Option<String>,
}

impl Docker {
    /// The engine at this address (`unix:///run/docker.sock`, `tcp://...`, `ssh://...`).
    pub fn at(host: impl Into<String>) -> Self {
        Self {
            host: Some(host.into()),
        }
    }

    /// The engine that `docker` uses by itself here: `DOCKER_HOST`, the current context, or the local socket.
    pub fn here() -> Self {
        Self { host: None }
    }

    /// The engine's address, if it was named.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// A `docker` command with these arguments, for callers that need the process itself.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] when there is no client on this machine.
    pub fn command<I, S>(&self, arguments: I) -> Result<Command>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(Host::program("docker")?);
        if let Some(host) = &self.host {
            for variable in REDIRECTIONS {
                command.env_remove(variable);
            }
            command.arg("-H").arg(host);
        }
        command.args(arguments);
        Ok(command)
    }

    /// Runs `docker` with these arguments and returns its stdout without the last newline.
    ///
    /// # Errors
    ///
    /// [`LabError::Failed`] with its stderr when it fails, [`LabError::Slow`] after ten minutes.
    pub fn run<I, S>(&self, arguments: I) -> Result<String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        run(&mut self.command(arguments)?)
    }

    /// Stops a container's processes where they are. Now and then one of them cannot be
    /// stopped at that moment: then it is tried again.
    ///
    /// # Errors
    ///
    /// It cannot be stopped, by what was said last.
    pub fn pause(&self, container: &str) -> Result<()> {
        wait_for("a container to stand still", PAUSED, || {
            let said = self.run(["pause", container]);
            said.map(drop).map_err(|error| error.to_string())
        })
    }

    /// Runs a command that changes a service or a node. The manager refuses one that was prepared while it changed the
    /// same thing itself; then it is simply given again.
    ///
    /// # Errors
    ///
    /// As for [`Docker::run`].
    pub fn change<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.run(arguments) {
                Err(LabError::Failed { stderr, .. })
                    if tries < CHANGES && stderr.contains("update out of sequence") => {}
                done => return done,
            }
        }
    }

    /// [`Docker::run`] with a deadline of its own.
    ///
    /// # Errors
    ///
    /// As for [`Docker::run`].
    pub fn run_within<I, S>(&self, deadline: Duration, arguments: I) -> Result<String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        run_within(&mut self.command(arguments)?, deadline)
    }

    /// Runs a `docker` command that prints one JSON value, such as `inspect`.
    ///
    /// # Errors
    ///
    /// As for [`Docker::run`], and [`LabError::Unexpected`] when the output does not fit `T`.
    pub fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        let output = self.run(arguments)?;
        serde_json::from_str(&output).map_err(|error| LabError::Unexpected {
            question: format!("docker {}", arguments.join(" ")),
            answer: format!("{error} in {output}"),
        })
    }

    /// Runs a `docker` command that prints one thing per line.
    ///
    /// # Errors
    ///
    /// As for [`Docker::run`].
    pub fn lines(&self, arguments: &[&str]) -> Result<Vec<String>> {
        Ok(self
            .run(arguments)?
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// Whether the engine answers within five seconds.
    pub fn answers(&self) -> bool {
        self.run_within(
            PING_DEADLINE,
            ["version", "--format", "{{.Server.Version}}"],
        )
        .is_ok()
    }

    /// The id of this engine's node in its swarm; empty when it is not in one.
    ///
    /// # Errors
    ///
    /// As for [`Docker::run`].
    pub fn node_id(&self) -> Result<String> {
        self.run(["info", "--format", "{{.Swarm.NodeID}}"])
    }
}

/// The engines of a swarm that can be spoken to: all of a lab's nodes, or the one at hand of a swarm elsewhere.
pub trait Engines: Sync {
    /// A manager that serves requests now.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when there is none.
    fn manager(&self) -> Result<Docker>;

    /// Every engine that runs and can be spoken to, reachable over the swarm's network or not.
    fn reachable(&self) -> Vec<Docker>;

    /// The engine of the node with this id.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when that engine cannot be spoken to from here.
    fn of_node(&self, node_id: &str) -> Result<Docker>;
}

impl Engines for Docker {
    fn manager(&self) -> Result<Docker> {
        Ok(self.clone())
    }

    fn reachable(&self) -> Vec<Docker> {
        vec![self.clone()]
    }

    fn of_node(&self, node_id: &str) -> Result<Docker> {
        if self.node_id()? == node_id {
            Ok(self.clone())
        } else {
            Err(LabError::Invalid(format!(
                "node {node_id} is not the one at hand ({}): its containers cannot be reached from here",
                self.host.as_deref().unwrap_or("the local engine")
            )))
        }
    }
}
