//! The real binary as a process of its own, which ends with the test, also when
//! that is killed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What one tick in `/proc/PID/stat` is, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A running `meshworker run`. Killed when dropped.
pub struct Process(Child);

impl Process {
    /// Starts it with these settings as flags.
    pub fn start(settings: &[(String, String)]) -> Process {
        let flags = settings
            .iter()
            .flat_map(|(name, value)| [format!("--{name}"), value.clone()]);
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .args([env!("CARGO_BIN_EXE_meshworker"), "run"])
            .args(flags)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(child.unwrap())
    }

    /// As `kill -9` does, at whatever it is doing.
    pub fn kill(mut self) {
        // A worker that ended by itself is what no test is prepared for.
        assert_eq!(self.0.try_wait().unwrap(), None, "it ended by itself");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// How much processor time it has used.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // After the program's name, which stands in parentheses, user and
        // system time are the 12th and 13th fields.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields = fields.split(' ').skip(11).take(2);
        let ticks: u32 = fields.map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already, or ended now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
