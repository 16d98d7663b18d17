//! Programs that may speak to labs: they end before the labs do.
//!
//! The addresses of a lab that is gone lead elsewhere. So whoever runs tests on a lab starts them here: when the runner
//! is told to end, they are ended first.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::{LabError, Result, command, guard};

static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A running program that leads a process group of its own.
#[derive(Debug)]
pub struct Client(Child);

impl Client {
    /// Starts it, unless this process is ending.
    ///
    /// # Errors
    ///
    /// [`LabError::Start`], or [`LabError::Interrupted`].
    pub fn start(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;

        guard::while_open(|| {
            let child = command.process_group(0).spawn();
            let child = child.map_err(|source| LabError::Start {
                command: command::command_line(command),
                source,
            })?;
            running().insert(child.id());
            Ok(Self(child))
        })
    }

    /// Whether it has ended by itself. Its id is still its own, then, and so is that of its group.
    pub fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let state = pid(self.0.id()).map(|pid| waitid(WaitId::Pid(pid), options));
        // Whoever cannot be waited for has ended.
        !matches!(state, Some(Ok(None)))
    }

    /// Ends whatever of its group still runs, and returns how the program itself ended.
    ///
    /// # Errors
    ///
    /// [`LabError::Start`] when it cannot be waited for.
    pub fn end(mut self) -> Result<std::process::ExitStatus> {
        kill(self.0.id());
        running().remove(&self.0.id());
        self.0.wait().map_err(|source| LabError::Start {
            command: "wait".into(),
            source,
        })
    }
}

/// Ends all of them, and all that they started.
pub(crate) fn end_all() {
    for id in running().iter() {
        kill(*id);
    }
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(group: u32) {
    if let Some(group) = pid(group) {
        // The only failure left is that nobody of it runs any more.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait_for;

    #[test]
    fn one_that_ended_by_itself_tells_how_and_one_that_did_not_is_ended_with_its_children() {
        let mut command = Command::new("sh");
        let client = Client::start(command.args(["-c", "exit 3"])).unwrap();
        let ended = || client.has_ended().then_some(()).ok_or("it runs");
        wait_for("the end", Duration::from_secs(60), ended).unwrap();
        assert_eq!(client.end().unwrap().code(), Some(3));

        let mut command = Command::new("sh");
        let client = Client::start(command.args(["-c", "sleep 1000 & sleep 1000"])).unwrap();
        assert!(!client.has_ended());
        let group = client.0.id();
        assert!(!client.end().unwrap().success());
        let gone = || {
            let left = kill_process_group(pid(group).unwrap(), Signal::KILL);
            left.is_err().then_some(()).ok_or("its child runs")
        };
        wait_for("the children's end", Duration::from_secs(60), gone).unwrap();
    }
}
