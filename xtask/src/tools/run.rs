//! Runs other programs: quietly while all is well, and with their last words when not.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How much of what a program said last is shown of its failure.
const LAST_LINES: usize = 12;

/// Runs a program to its end, and says its last lines if it fails.
pub fn quietly(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program());
    let program = program
        .file_name()
        .unwrap_or_default()
        .display()
        .to_string();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let (status, last) = (output.status, last_lines(&output));
        bail!("{program} failed ({status}):\n{last}");
    }
    Ok(())
}

/// Whether there is such a program, and it works.
pub fn starts(program: impl AsRef<OsStr>) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

/// What a program complained about last, or said last if it did not complain.
fn last_lines(output: &Output) -> String {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let complaint = said(&output.stderr);
    let text = if complaint.is_empty() {
        said(&output.stdout)
    } else {
        complaint
    };
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_named_with_its_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "seq 100 >&2; exit 3"]);
        let error = quietly(&mut command).unwrap_err().to_string();
        assert!(error.starts_with("sh failed (exit status: 3):\n89\n"));
        assert!(error.ends_with("\n100"), "{error}");
    }

    #[test]
    fn who_is_not_there_is_named() {
        let error = quietly(&mut Command::new("/no-such-program"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "cannot start no-such-program"
        );
    }
}
