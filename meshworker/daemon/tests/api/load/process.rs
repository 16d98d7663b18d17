//! The real program, and its log.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{PATIENCE, World};

/// The real program, and its log.
pub struct Process {
    child: Child,
    lines: mpsc::UnboundedReceiver<Value>,
}

impl Process {
    /// Starts it; it looks after the nodes of this world, and takes orders with the token of this file.
    pub fn start(world: &World, token: &str) -> Process {
        Process::start_with(world, token, &[])
    }

    /// The same, with these arguments besides.
    pub fn start_with(world: &World, token: &str, more: &[&str]) -> Process {
        let flags = world.settings(&[]).into_iter();
        let mut child = Command::new(env!("CARGO_BIN_EXE_meshworker"))
            .args(["run", "--verbose", "--log-format", "json"])
            .args(["--api-listen", "127.0.0.1:0", "--api-token-file", token])
            .args(more)
            .args(flags.flat_map(|(name, value)| [format!("--{name}"), value]))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Process { child, lines }
    }

    /// The next line that says this. May be cancelled: what is passed over says something else.
    pub async fn says(&mut self, message: &str) -> Value {
        loop {
            let line = timeout(PATIENCE, self.lines.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("it does not say {message}"));
            let line = line.unwrap_or_else(|| panic!("it ended: {:?}", self.child.try_wait()));
            if line["message"] == message {
                return line;
            }
        }
    }

    /// Where it listens for operators.
    pub async fn address(&mut self) -> SocketAddr {
        let line = self.says("listening for operators").await;
        line["address"].as_str().unwrap().parse().unwrap()
    }

    /// The next line that begins so, as text. May be cancelled.
    pub async fn warns(&mut self, begin: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("it does not say {begin}"));
            let line = line.unwrap_or_else(|| panic!("it ended: {:?}", self.child.try_wait()));
            let message = line["message"].as_str().unwrap_or_default();
            if line["level"] == "WARN" && message.starts_with(begin) {
                return message.to_owned();
            }
        }
    }

    /// The next pass.
    pub async fn pass(&mut self) -> Pass {
        let line = self.says("pass").await;
        Pass {
            number: line["pass"].as_u64().unwrap(),
            took: line["took_ms"].as_f64().unwrap(),
        }
    }

    /// The next so many passes.
    pub async fn passes(&mut self, count: usize) -> Vec<Pass> {
        let mut passes = Vec::new();
        while passes.len() < count {
            passes.push(self.pass().await);
        }
        passes
    }

    /// Resident memory, in kilobytes.
    pub fn memory(&self) -> u64 {
        let file = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(file).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, or ended now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One pass, as the log has it.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    pub number: u64,
    /// In milliseconds.
    pub took: f64,
}

/// What passes took: the median and the slowest of a hundred. Told, never judged: a busy machine is no bug.
pub fn told(passes: &[Pass]) -> String {
    let mut took: Vec<f64> = passes.iter().map(|pass| pass.took).collect();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let (median, slow, count) = (at(0.5), at(0.99), took.len());
    format!("p50 {median:.2} ms, p99 {slow:.2} ms ({count} passes)")
}
