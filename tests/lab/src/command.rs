//! Running other programs: output captured, failures that carry what the program said, and a deadline.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{LabError, Result};

/// No program of the lab takes this long unless it hangs; image builds set their own.
const DEADLINE: Duration = Duration::from_secs(600);

/// Of an error text only the end is kept: enough for the reason, short enough to read.
const KEPT: usize = 2000;

/// Runs a program to its end and returns its stdout without the last newline.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    run_within(command, DEADLINE)
}

/// [`run`] with a deadline of its own.
pub(crate) fn run_within(command: &mut Command, deadline: Duration) -> Result<String> {
    Ok(run_to_end(command, deadline)?.0.trim_end().to_owned())
}

fn run_to_end(command: &mut Command, deadline: Duration) -> Result<(String, String)> {
    let (line, status, stdout, stderr) = run_raw(command, deadline)?;
    if status.success() {
        return Ok((stdout, stderr));
    }
    let said = if stderr.trim().is_empty() {
        stdout
    } else {
        stderr
    };
    Err(LabError::Failed {
        command: line,
        status: status.to_string(),
        stderr: tail(said.trim(), KEPT).to_owned(),
    })
}

/// The command line, how it ended, stdout and stderr.
type Raw = (String, ExitStatus, String, String);

fn run_raw(command: &mut Command, deadline: Duration) -> Result<Raw> {
    let line = command_line(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| LabError::Start {
            command: line.clone(),
            source,
        })?;
    let stdout = read_all(child.stdout.take());
    let stderr = read_all(child.stderr.take());
    let status = wait_within(&mut child, deadline, &line)?;
    let stdout = stdout.join().unwrap_or_default();
    let stderr = stderr.join().unwrap_or_default();
    Ok((line, status, stdout, stderr))
}

/// [`run_within`] for a program whose stderr is part of its answer: returns stdout followed by stderr.
pub(crate) fn run_merged(command: &mut Command, deadline: Duration) -> Result<String> {
    let (stdout, stderr) = run_to_end(command, deadline)?;
    Ok(format!("{stdout}{stderr}").trim_end().to_owned())
}

/// What came of a program whose failure is an answer as well.
#[derive(Debug, Clone)]
pub struct Output {
    /// Whether it ended with 0.
    pub success: bool,
    /// Its stdout, without the last newline.
    pub stdout: String,
    /// Its stderr, without the last newline.
    pub stderr: String,
}

/// Runs a program to its end; only one that cannot be started, or hangs, is an error.
pub(crate) fn run_any(command: &mut Command) -> Result<Output> {
    let (_, status, stdout, stderr) = run_raw(command, DEADLINE)?;
    Ok(Output {
        success: status.success(),
        stdout: stdout.trim_end().to_owned(),
        stderr: stderr.trim_end().to_owned(),
    })
}

/// The program and its arguments, as a person would type them.
pub(crate) fn command_line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// At most the last `limit` bytes of a text, cut between characters.
pub(crate) fn tail(text: &str, limit: usize) -> &str {
    let mut from = text.len().saturating_sub(limit);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Reads a pipe in a thread of its own, so that a program that fills one pipe does not block on the other.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait_within(child: &mut Child, deadline: Duration, line: &str) -> Result<ExitStatus> {
    let failed = |source| LabError::Start {
        command: line.to_owned(),
        source,
    };
    let start = Instant::now();
    // Most commands end within milliseconds: look often at first, then less.
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if start.elapsed() >= deadline {
            // It may have ended by itself meanwhile; either way it is reaped.
            let _ = child.kill();
            child.wait().map_err(failed)?;
            return Err(LabError::Slow {
                command: line.to_owned(),
                deadline,
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_stderr_and_the_command() {
        let error = run(Command::new("sh").args(["-c", "echo out; echo why >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("why") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_its_deadline() {
        let error = run_within(Command::new("sleep").arg("60"), Duration::from_millis(50));
        assert!(matches!(error, Err(LabError::Slow { .. })), "{error:?}");
    }

    #[test]
    fn the_tail_is_cut_between_characters() {
        assert_eq!(tail("aé", 1), "");
        assert_eq!(tail("aé", 2), "é");
        assert_eq!(tail("short", 100), "short");
    }
}
