//! A running `meshworker init`.
//!
//! It and its database end with the test, also when that is killed.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::{NamedTempFile, TempDir};

use super::wait_for;

/// The token of every test.
pub const TOKEN: &str = "a-token-of-the-tests";

/// Ends what it starts together with whoever started that.
const MORTAL: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// A supervisor that is not started yet.
pub struct Start {
    flags: Vec<String>,
    prefix: Vec<&'static str>,
    variables: Vec<(OsString, OsString)>,
    /// Which test of this program is the supervisor, if not the released one.
    played_by: Option<&'static str>,
    token: NamedTempFile,
}

/// What such a test is told: flags, `--`, and the database, with this between.
const PLAYED: &str = "MESHWORKER_TEST_PLAYED";
const BETWEEN: &str = "\u{1f}";

/// What this test is told, if it is to be a supervisor.
pub fn played() -> Option<Vec<String>> {
    let told = std::env::var(PLAYED).ok()?;
    Some(told.split(BETWEEN).map(str::to_owned).collect())
}

/// A supervisor with all settings that it needs, for a Redis at 127.0.0.1.
pub fn init() -> Start {
    let mut token = NamedTempFile::new().unwrap();
    writeln!(token, "{TOKEN}").unwrap();
    let path = token.path().display().to_string();
    let start = Start {
        flags: Vec::new(),
        prefix: Vec::new(),
        variables: Vec::new(),
        played_by: None,
        token,
    };
    start
        .with("engine", "redis")
        .with("servicename", "db.test")
        // Nobody listens there: no test asks a name server unless it says so.
        .with("name-server", "127.0.0.1:1")
        .with("deadline", "0.3")
        .with("address", "127.0.0.1")
        .with("service-port", "1")
        .with("workers", "127.0.0.1")
        .with("workers-port", "1")
        .with("token-file", &path)
        .with("service", "stack_db")
        .with("slot", "2")
        .with("task", "task-id")
        .with("node", "node-id")
}

impl Start {
    /// With this flag, in place of what was given before.
    pub fn with(mut self, name: &str, value: &str) -> Start {
        self.flags
            .retain(|flag| !flag.starts_with(&format!("--{name}=")));
        self.flags.push(format!("--{name}={value}"));
        self
    }

    /// Without this flag.
    pub fn without(mut self, name: &str) -> Start {
        self.flags
            .retain(|flag| !flag.starts_with(&format!("--{name}=")));
        self
    }

    /// With this variable, in bytes.
    pub fn variable(mut self, name: &[u8], value: &[u8]) -> Start {
        let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        self.variables.push((bytes(name), bytes(value)));
        self
    }

    /// Started by this command.
    pub fn under(mut self, prefix: &[&'static str]) -> Start {
        self.prefix = prefix.to_vec();
        self
    }

    /// Played by this test, for an engine of its own.
    pub fn played_by(mut self, test: &'static str) -> Start {
        self.played_by = Some(test);
        self
    }

    /// Starts it with this shell script as the database.
    pub fn script(self, script: &str) -> Supervisor {
        self.command(&[&MORTAL[..], &["/bin/sh", "-c", script, "database"]].concat())
    }

    /// Starts it with this command as the database.
    pub fn command(self, command: &[&str]) -> Supervisor {
        let files = TempDir::new().unwrap();
        let file = |name: &str| File::create(files.path().join(name)).unwrap();
        let mut words = [&MORTAL, &self.prefix[..]].concat();
        let own = std::env::current_exe().unwrap();
        let own = own.to_str().unwrap();
        let mut told = self.flags.clone();
        told.push("--".to_owned());
        told.extend(command.iter().map(|word| (*word).to_owned()));
        let lines: Vec<&str> = told.iter().map(String::as_str).collect();
        match self.played_by {
            None => {
                words.extend([&[env!("CARGO_BIN_EXE_meshworker"), "init"], &lines[..]].concat())
            }
            Some(test) => words.extend([own, "--exact", test, "--nocapture"]),
        }
        // No two have the same folder, and so not the same health socket.
        let folder = files.path().file_name().unwrap();
        let socket = format!("meshworker-test{}", folder.display());
        let child = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("MESHWORKER_HEALTH_SOCKET", &socket)
            .envs(self.variables)
            .envs(self.played_by.map(|_| (PLAYED, told.join(BETWEEN))))
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        Supervisor {
            pid: Pid::from_child(&child),
            child,
            files,
            socket,
            _token: self.token,
        }
    }
}

/// A running supervisor. Killed when dropped.
pub struct Supervisor {
    child: Child,
    /// The supervisor itself, whatever started it.
    pub pid: Pid,
    files: TempDir,
    socket: String,
    _token: NamedTempFile,
}

impl Supervisor {
    /// What the database wrote, and whatever else came to standard output.
    pub fn out(&self) -> String {
        std::fs::read_to_string(self.files.path().join("out")).unwrap()
    }

    /// The supervisor's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.files.path().join("err")).unwrap()
    }

    /// Waits until the log has this.
    pub fn wait_for_log(&self, text: &str) {
        wait_for(text, || {
            let log = self.log();
            if log.contains(text) {
                return Ok(());
            }
            Err(log)
        });
    }

    /// Waits until standard output has this.
    pub fn wait_for_out(&self, text: &str) {
        wait_for(text, || {
            let out = self.out();
            if out.contains(text) {
                return Ok(());
            }
            Err(format!("{out}\n{}", self.log()))
        });
    }

    /// Sends the supervisor a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has ended; its exit code.
    pub fn code(&mut self) -> i32 {
        let log = self.files.path().join("err");
        let status = wait_for("the end", || {
            let ended = self.child.try_wait().unwrap();
            ended.ok_or_else(|| std::fs::read_to_string(&log).unwrap())
        });
        status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {status}"))
    }

    /// What the health check prints, and its exit code.
    pub fn health(&self) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_meshworker"))
            .arg("health")
            .env_clear()
            .env("MESHWORKER_HEALTH_SOCKET", &self.socket)
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line.lines().count(), 1, "{line}");
        (line.trim_end().to_owned(), output.status.code().unwrap())
    }

    /// The processes whose parent it is, with their states.
    pub fn children(&self) -> Vec<(String, char)> {
        let parent = self.pid.as_raw_nonzero().get().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = processes.filter_map(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            // The program's name stands in parentheses.
            let (before, after) = stat.rsplit_once(") ")?;
            let mut fields = after.split(' ');
            let state = fields.next()?.chars().next()?;
            (fields.next()? == parent).then(|| (before.to_owned(), state))
        });
        stats.collect()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // The database is not killed with its supervisor, unless that is the
        // first process; it is its only child by then. What has ended is not
        // signalled: its number may be another one's.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            for (process, _) in self.children() {
                let pid = process.split(' ').next().and_then(|pid| pid.parse().ok());
                if let Some(pid) = pid.and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
