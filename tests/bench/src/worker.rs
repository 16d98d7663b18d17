//! The program under measurement: a process, what it logs, and what it costs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::machine::kilobytes;

/// What a second of processor time is in `/proc/PID/stat`: fixed for programs,
/// whatever the kernel itself counts in.
const TICKS: f64 = 100.0;

/// A worker that runs. It is killed when dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    lines: mpsc::UnboundedReceiver<Line>,
}

/// A line of its log, and when it came.
#[derive(Debug)]
pub struct Line {
    /// When it came.
    pub at: Instant,
    fields: Value,
}

impl Line {
    /// A field as text; empty when it has none.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or("")
    }

    /// A field as a number.
    pub fn number(&self, field: &str) -> f64 {
        let number = self.fields.get(field).and_then(Value::as_f64);
        number.unwrap_or_default()
    }

    /// Whether it says that all members are one cluster.
    pub fn says_one(&self) -> bool {
        self.text("kind") == "unity" && self.text("reason") == "one"
    }

    /// Whether it says that a pass is over.
    pub fn says_pass(&self) -> bool {
        self.text("message") == "pass"
    }
}

/// The command `meshworker run` for a service, without anything from around.
pub fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .args(["run", "--log-format", "json"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

impl Worker {
    /// Starts it with these arguments, and these variables.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(
        program: &Path,
        arguments: &[String],
        variables: &[(&str, String)],
    ) -> Result<Worker> {
        let mut command = command(program, arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let log = child.stderr.take().context("it has no log")?;
        let (sender, lines) = mpsc::unbounded_channel();
        // A thread of its own, so that nothing else delays the time stamps.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let at = Instant::now();
                // What is no JSON is a last word before a crash.
                let fields = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(Line { at, fields }).is_err() {
                    break;
                }
            }
        });
        Ok(Worker { child, lines })
    }

    /// The first line from here on that is wanted.
    ///
    /// # Errors
    ///
    /// When none comes in time, or the worker ends.
    pub async fn line(
        &mut self,
        within: Duration,
        what: &str,
        mut wanted: impl FnMut(&Line) -> bool,
    ) -> Result<Line> {
        let deadline = Instant::now() + within;
        loop {
            match timeout_at(deadline, self.lines.recv()).await {
                Ok(Some(line)) if wanted(&line) => return Ok(line),
                Ok(Some(_)) => {}
                Ok(None) => bail!("the worker ended: {:?}", self.child.wait()?),
                Err(_) => bail!("waited for {within:?} in vain: {what}"),
            }
        }
    }

    /// Resident memory now and at most, in MB.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let file = format!("/proc/{}/status", self.child.id());
        let megabytes = |name| kilobytes(&file, name).map(|kb| kb * 1024.0 / 1e6);
        Ok((megabytes("VmRSS")?, megabytes("VmHWM")?))
    }

    /// Processor time so far, of the program and of the kernel for it.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn processor(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the name in parentheses, which may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("no name")?;
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(Duration::try_from_secs_f64(ticks / TICKS)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself, which is fine as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
