//! The process chromedriver, on a free port of loopback.
//!
//! Nothing outlives the test: the kernel ends chromedriver with the thread that
//! started it, however that ended, and Chromium ends when its driver's pipe is
//! closed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use meshworker_lab::Host;

/// A running chromedriver, which ends with this value, and with the thread that
/// started it.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// Starts it, and waits until it listens. What it and the browser write goes
    /// into this folder.
    ///
    /// # Errors
    ///
    /// It is not installed, or ends before it listens.
    pub fn start(folder: &Path) -> Result<Driver> {
        let driver = Host::program("chromedriver")?;
        let mut process = Command::new(Host::program("setpriv")?)
            .args(["--pdeathsig", "KILL", "--"])
            .arg(driver)
            // It takes a free one, and says which.
            .arg("--port=0")
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("chromedriver does not start")?;
        let lines = process.stdout.take().context("chromedriver says nothing")?;
        let mut driver = Driver { process, port: 0 };
        driver.port = port(lines)?;
        Ok(driver)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port, from the line that names it; reads on, so that the process is
/// never held up.
fn port(lines: ChildStdout) -> Result<u16> {
    let mut lines = BufReader::new(lines).lines();
    while let Some(Ok(line)) = lines.next() {
        let Some((_, port)) = line.split_once("started successfully on port ") else {
            continue;
        };
        let port = port.trim_end_matches('.').parse().ok();
        std::thread::spawn(move || lines.for_each(drop));
        // It begins with ::1, and takes no port at all where there is none.
        return port
            .filter(|port| *port != 0)
            .with_context(|| format!("chromedriver has no port, does loopback have ::1? {line}"));
    }
    bail!("chromedriver ended before it listened")
}
