//! Programs beside the database. The supervisor waits for all its children together, so
//! how one of these has ended may be found there.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Start;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use tokio::net::unix::pipe;
use tokio::time::sleep;

/// Between two looks whether one has ended that has closed its output.
const LOOK: Duration = Duration::from_millis(20);

/// The children that somebody other than the supervisor's own loop waits for.
#[derive(Debug, Clone, Default)]
pub(in crate::init) struct Children(Arc<Mutex<BTreeMap<i32, Option<WaitStatus>>>>);

impl Children {
    /// Notes how whatever has ended did; `wait` finds out what has. Nobody starts another one
    /// meanwhile.
    pub(in crate::init) fn reap(&self, wait: impl FnOnce(&mut dyn FnMut(Pid, WaitStatus))) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wait(&mut |pid, status| {
            if let Some(ended) = known.get_mut(&pid.as_raw_nonzero().get()) {
                *ended = Some(status);
            }
        });
    }

    /// Starts one in this directory, with these streams.
    ///
    /// # Errors
    ///
    /// It cannot be run; the program is named.
    pub(super) fn start(
        &self,
        what: &Start,
        directory: &Path,
        (input, output): (Stdio, Stdio),
    ) -> io::Result<Program> {
        let (name, arguments) = what
            .arguments
            .split_first()
            .ok_or_else(|| io::Error::other("no program is named"))?;
        let mut command = Command::new(name);
        command.args(arguments).envs(&what.variables);
        command.current_dir(directory).stdin(input).stdout(output);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn();
        let mut child = child.map_err(|why| io::Error::other(format!("{name}: {why}")))?;
        let raw = i32::try_from(child.id()).ok();
        let pid = raw.and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other(format!("{name}: no process")))?;
        known.insert(pid.as_raw_nonzero().get(), None);
        drop(known);
        let mut program = Program {
            name: name.clone(),
            pid,
            ended: false,
            children: self.clone(),
            input: None,
            output: None,
        };
        let input = child.stdin.take().map(Into::into);
        let output = child.stdout.take().map(Into::into);
        program.input = input.map(pipe::Sender::from_owned_fd).transpose()?;
        program.output = output.map(pipe::Receiver::from_owned_fd).transpose()?;
        Ok(program)
    }

    /// How it has ended, if it has.
    fn ended(&self, pid: Pid) -> io::Result<Option<WaitStatus>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = pid.as_raw_nonzero().get();
        let status = match known.get(&raw).copied().flatten() {
            Some(status) => Some(status),
            None => waitpid(Some(pid), WaitOptions::NOHANG)?.map(|(_, status)| status),
        };
        if status.is_some() {
            known.remove(&raw);
        }
        Ok(status)
    }
}

/// One that runs. It is killed when this is dropped.
pub(super) struct Program {
    name: String,
    pid: Pid,
    ended: bool,
    children: Children,
    /// Its input, where that is ours.
    pub(super) input: Option<pipe::Sender>,
    /// Its output, where that is ours.
    pub(super) output: Option<pipe::Receiver>,
}

impl Program {
    /// Waits until it has ended well; its input ends first.
    ///
    /// # Errors
    ///
    /// It has not: the program is named.
    pub(super) async fn done(mut self) -> io::Result<()> {
        self.input = None;
        loop {
            if let Some(status) = self.children.ended(self.pid)? {
                self.ended = true;
                return match status.exit_status() {
                    Some(0) => Ok(()),
                    Some(code) => {
                        let why = format!("{} ended with exit code {code}", self.name);
                        Err(io::Error::other(why))
                    }
                    None => Err(io::Error::other(format!("{} was killed", self.name))),
                };
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}
