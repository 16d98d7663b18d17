//! Processes that end with their test, and the programs to start.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

/// A process that ends with its test: when it is dropped, and also when the test itself is killed.
///
/// The kernel takes the end of the thread that started it for the end of the test, so it is to be started by the thread that the
/// test runs on.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program with what `prepare` adds.
    ///
    /// # Errors
    /// What [`Command::spawn`] says; also when there is no `setpriv`, which is a part of util-linux.
    pub fn start(
        program: impl AsRef<OsStr>,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        prepare(&mut command);
        command.spawn().map(Self)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks it to stop, as Docker does.
    ///
    /// # Errors
    /// There is no `kill`, or it failed.
    pub fn terminate(&self) -> io::Result<()> {
        let told = Command::new("kill").arg(self.id().to_string()).status()?;
        if told.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("kill: {told}")))
        }
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// What [`Child::try_wait`] says.
    pub fn has_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// What [`Child::wait`] says.
    pub fn ended(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where this program is installed; `None` when it is not.
#[must_use]
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A second name for a program that looks at the name it is called by. It is as good as its folder.
///
/// # Errors
/// The folder cannot be written to, or the name is taken.
pub fn called(name: &str, program: &Path, folder: &Path) -> io::Result<PathBuf> {
    let link = folder.join(name);
    std::os::unix::fs::symlink(program, &link)?;
    Ok(link)
}
