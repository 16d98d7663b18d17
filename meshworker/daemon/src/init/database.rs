//! The database's process, and every other child.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use meshworker_engines::small_file::{LONGEST, read_text};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper,
    test_kill_process, waitpid,
};
use tracing::{debug, warn};

use super::copies::Children;

/// What a shell answers when there is no such command.
const NOT_FOUND: u8 = 127;

/// What a shell answers when the command cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// What a shell adds to the number of the signal that ended a command.
const BY_SIGNAL: i32 = 128;

/// The command could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{command}: {source}")]
pub struct NotStarted {
    command: String,
    source: std::io::Error,
}

impl NotStarted {
    /// What a shell would exit with.
    pub fn exit_code(&self) -> u8 {
        match self.source.kind() {
            ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_RUNNABLE,
        }
    }
}

/// The database's process.
pub(super) struct Database {
    pid: Pid,
    /// Once it was waited for, its number may be another one's.
    ended: bool,
    /// Where the number of another process is, if it goes to the background: until that is found.
    pid_file: Option<PathBuf>,
    /// With which code the one ended that left it in the background, until that is found.
    left: Option<u8>,
}

impl Database {
    /// Starts the command, with this process's standard streams, environment (and these
    /// variables) and process group, in this directory if there is one; the caller has made sure that it is not empty.
    ///
    /// It stays in the group: Docker signals only the first process, which
    /// passes signals on, and a terminal's job control keeps working. The
    /// standard library resets the signal mask and SIGPIPE for the child, and
    /// handlers do not outlive `exec`. One that goes to the background is found by the number
    /// in its file.
    ///
    /// # Errors
    ///
    /// There is no such command, or it cannot be run.
    pub(super) fn start(
        command: &[OsString],
        variables: &BTreeMap<String, String>,
        directory: Option<&Path>,
        pid_file: Option<&Path>,
    ) -> Result<Database, NotStarted> {
        let not_started = |source| NotStarted {
            command: command
                .first()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            source,
        };
        let (program, args) = command
            .split_first()
            .ok_or_else(|| not_started(ErrorKind::NotFound.into()))?;
        if getpid() != Pid::INIT
            && let Err(why) = set_child_subreaper(Some(getpid()))
        {
            // Only orphans go elsewhere then.
            debug!("not the reaper of orphans: {why}");
        }
        if let Some(file) = pid_file {
            // That of a former life is nobody's.
            drop(std::fs::remove_file(file));
        }
        let mut child = Command::new(program);
        child.args(args).envs(variables);
        if let Some(directory) = directory {
            child.current_dir(directory);
        }
        let child = child.spawn().map_err(not_started)?;
        // All children are waited for together, so this one is not waited for
        // through its handle, which kills nothing when it goes.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| not_started(ErrorKind::InvalidData.into()))?;
        Ok(Database {
            pid,
            ended: false,
            pid_file: pid_file.map(Path::to_owned),
            left: None,
        })
    }

    /// The process that it leaves in the background, once that has written its number: whose
    /// parent ends is this process's child.
    fn written(&self) -> Option<Pid> {
        let text = read_text(self.pid_file.as_ref()?, LONGEST).ok()?;
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.filter(|pid| *pid != getpid())
    }

    /// The same, if it runs.
    fn in_background(&self) -> Option<Pid> {
        let pid = self.written();
        pid.filter(|pid| test_kill_process(*pid).is_ok())
    }

    /// Sends it a signal. One that has ended already needs none; one that starts another in
    /// the background is sent it together with that.
    pub(super) fn signal(&self, signal: Signal) {
        if self.ended {
            return;
        }
        let own = self.left.is_none().then_some(self.pid);
        let other = self.in_background().filter(|other| Some(*other) != own);
        if own.is_none() && other.is_none() {
            warn!("the database is in the background, and its process has no number yet");
        }
        for pid in own.into_iter().chain(other) {
            if let Err(why) = kill_process(pid, signal) {
                debug!("signal {} was not delivered: {why}", signal.as_raw());
            }
        }
    }

    /// Waits for every child that has ended, adopted orphans included, without
    /// blocking; the database's exit code if it is among them.
    pub(super) fn reap(&mut self, others: &Children) -> Option<u8> {
        let mut code = None;
        let mut alone = false;
        let written = self.written();
        others.reap(|other| {
            loop {
                match waitpid(None, WaitOptions::NOHANG) {
                    Ok(Some((pid, status)))
                        if pid == self.pid && self.left.is_none() && !self.ended =>
                    {
                        match self.pid_file {
                            Some(_) => self.left = Some(exit_code(status)),
                            None => code = Some(exit_code(status)),
                        }
                    }
                    Ok(Some((pid, status))) if self.left.is_some() && written == Some(pid) => {
                        code = Some(exit_code(status));
                    }
                    Ok(Some((pid, status))) => other(pid, status),
                    Ok(None) => return,
                    Err(rustix::io::Errno::CHILD) => {
                        alone = true;
                        return;
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(why) => return warn!("children cannot be waited for: {why}"),
                }
            }
        });
        // However the first one has ended: as long as there is a child, it may be the other,
        // which has not written its number yet. It ends as a child does, and is heard of.
        if let Some(left) = self.left.filter(|_| code.is_none()) {
            match self.in_background().filter(|other| *other != self.pid) {
                Some(other) => {
                    (self.pid, self.left) = (other, None);
                    self.pid_file = None;
                }
                None if alone => code = Some(left),
                None => {}
            }
        }
        if code.is_some() {
            self.left = None;
            self.ended = true;
        }
        code
    }
}

/// An ended process's exit code as a shell counts it.
fn exit_code(status: WaitStatus) -> u8 {
    let code = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => BY_SIGNAL + signal,
        (None, None) => i32::from(u8::MAX),
    };
    // The kernel keeps eight bits.
    (code & 0xff) as u8
}
