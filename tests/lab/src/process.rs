//! Processes that this lab started, named so that a reused process id is never mistaken for one of them.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{Result, wait_for};

/// A process: its id together with its start time, which no later process with the same id shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pid: u32,
    /// Clock ticks between the machine's start and the process's.
    started: u64,
}

impl ProcessId {
    /// The process that has this id now, unless it has already ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.ended()).then_some(Self {
            pid,
            started: stat.started,
        })
    }

    /// This very program.
    pub(crate) fn current() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether it still runs. One that ended and was not waited for does not run.
    pub(crate) fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// The processes that it started and that still run.
    pub(crate) fn children(self) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, Stat::read(pid)?)))
            .filter(|(_, stat)| stat.parent == self.pid && !stat.ended())
            .map(|(pid, stat)| Self {
                pid,
                started: stat.started,
            })
            .collect()
    }

    /// Its number, as this machine counts.
    pub(crate) fn number(self) -> u32 {
        self.pid
    }

    /// The mounts that it sees, as the kernel lists them.
    pub(crate) fn mounts(self) -> std::io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/mountinfo", self.pid))
    }

    /// Sends SIGKILL, unless the process is gone already.
    pub(crate) fn kill(self) {
        if self.is_running()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            // The only failure left is that it ended this moment, which is what was wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Waits until it is gone.
    pub(crate) fn wait_gone(self, deadline: Duration) -> Result<()> {
        wait_for(format!("process {} to end", self.pid), deadline, || {
            if self.is_running() {
                Err("it still runs")
            } else {
                Ok(())
            }
        })
    }
}

/// The three fields of `/proc/PID/stat` that matter here.
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses and may contain anything, so fields count from its end.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line[line.rfind(')')? + 1..].split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let rest: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        let stat = Stat::parse(&format!("12 (a ) b) S 7 {}", rest[1..].join(" "))).unwrap();
        assert_eq!((stat.state, stat.parent, stat.started), ('S', 7, 22));
    }

    #[test]
    fn a_child_is_seen_killed_and_gone() {
        let me = ProcessId::current().unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.is_running() && me.children().contains(&id));
        id.kill();
        id.wait_gone(Duration::from_secs(5)).unwrap();
        child.wait().unwrap();
        assert_eq!(ProcessId::of(id.pid), None);
    }
}
