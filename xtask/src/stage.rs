//! Steps of a longer chore: run one after the other, timed, and summed up at the end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How test runners begin the line that says what came out.
const CLOSINGS: [&str; 3] = ["test result:", "Summary [", "schemathesis "];

/// The steps so far.
#[derive(Debug, Default)]
pub struct Stages {
    done: Vec<Stage>,
}

#[derive(Debug)]
struct Stage {
    name: String,
    took: Duration,
    passed: bool,
    closings: Vec<String>,
}

impl Stages {
    /// Runs a command to its end as the next step. All that it prints is passed on.
    pub fn command(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.step(name, |closings| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command
                .spawn()
                .with_context(|| format!("cannot start {:?}", command.get_program()))?;
            let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
            let found = Mutex::new(closings);
            std::thread::scope(|scope| {
                scope.spawn(|| pass_on(stdout, &found, |line| println!("{line}")));
                scope.spawn(|| pass_on(stderr, &found, |line| eprintln!("{line}")));
            });
            let status = child.wait()?;
            if !status.success() {
                bail!("{name} failed ({status})");
            }
            Ok(())
        })
    }

    /// Does something as the next step.
    pub fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Vec<String>) -> Result<T>,
    ) -> Result<T> {
        eprintln!("== {name}");
        let start = Instant::now();
        let mut closings = Vec::new();
        let result = work(&mut closings);
        self.done.push(Stage {
            name: name.to_owned(),
            took: start.elapsed(),
            passed: result.is_ok(),
            closings,
        });
        result
    }

    /// Prints what the runners said last, and how long each step took.
    pub fn print_summary(&self) {
        if self.done.iter().any(|stage| !stage.closings.is_empty()) {
            println!("\n== what the runners said");
        }
        for stage in &self.done {
            for line in &stage.closings {
                println!("{:<12} {line}", stage.name);
            }
        }
        println!("\n== summary");
        for stage in &self.done {
            let mark = if stage.passed { "ok" } else { "FAILED" };
            println!(
                "{:<12} {:>7.1} s  {mark}",
                stage.name,
                stage.took.as_secs_f32()
            );
        }
        let total: Duration = self.done.iter().map(|stage| stage.took).sum();
        println!("{:<12} {:>7.1} s", "all", total.as_secs_f32());
    }
}

fn pass_on(pipe: Option<impl Read>, found: &Mutex<&mut Vec<String>>, print: impl Fn(&str)) {
    let Some(pipe) = pipe else { return };
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        print(&line);
        if is_closing(&line)
            && let Ok(mut found) = found.lock()
        {
            found.push(line.trim().to_owned());
        }
    }
}

/// Whether a runner sums up here; the many programs without any test are not worth a line.
fn is_closing(line: &str) -> bool {
    let line = line.trim_start();
    CLOSINGS.iter().any(|closing| line.starts_with(closing))
        && !line.contains("ok. 0 passed; 0 failed; 0 ignored")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_kept_and_the_rest_is_not() {
        let mut stages = Stages::default();
        let script = "echo 'test result: ok. 1 passed; 0 failed'; echo noise; \
                      echo '     Summary [ 1s] 2 tests run: 2 passed' >&2";
        let mut command = Command::new("sh");
        stages
            .command("both", command.args(["-c", script]))
            .unwrap();
        let mut closings = stages.done[0].closings.clone();
        closings.sort();
        assert_eq!(closings.len(), 2);
        assert!(closings[0].starts_with("Summary") && closings[1].starts_with("test result"));
    }

    #[test]
    fn a_failed_step_is_an_error_and_stays_in_the_summary() {
        let mut stages = Stages::default();
        let error = stages.command("doomed", &mut Command::new("false"));
        assert!(error.unwrap_err().to_string().contains("doomed"));
        assert!(!stages.done[0].passed);
    }

    #[test]
    fn programs_without_tests_are_not_mentioned() {
        assert!(!is_closing(
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured"
        ));
        assert!(is_closing(
            "test result: ok. 0 passed; 0 failed; 5 ignored; 0 measured"
        ));
    }
}
