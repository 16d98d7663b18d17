//! Steps of a longer chore: run one after the other or beside each other, timed, and summed up at the end.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

/// How test runners begin the line that says what came out.
const CLOSINGS: [&str; 2] = ["test result:", "Summary ["];

/// The steps so far.
#[derive(Debug)]
pub struct Stages {
    begin: Instant,
    done: Vec<Stage>,
}

impl Default for Stages {
    /// None yet; the time of them all counts from here.
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            done: Vec::new(),
        }
    }
}

#[derive(Debug)]
struct Stage {
    name: String,
    took: Duration,
    /// Whether others were under way meanwhile.
    beside: bool,
    passed: bool,
    closings: Vec<String>,
}

/// What came of a step that ran beside others, and how long it took.
#[derive(Debug)]
pub struct Beside<T> {
    name: &'static str,
    took: Duration,
    result: Result<T>,
}

/// Does something beside the steps, in whatever thread this is; [`Stages::join`] takes it in.
pub fn beside<T>(name: &'static str, work: impl FnOnce() -> Result<T>) -> Beside<T> {
    let begin = Instant::now();
    let result = work();
    Beside {
        name,
        took: begin.elapsed(),
        result,
    }
}

impl Stages {
    /// Runs a command to its end as the next step. All that it prints is passed on.
    pub fn command(&mut self, name: &str, command: &mut Command) -> Result<()> {
        self.run(name, command, |status| match status.success() {
            true => Ok(()),
            false => bail!("it ended with {status}"),
        })
    }

    /// The same with an outside tool, which exits with one of these codes when it has found something. With any other one
    /// it has failed by itself.
    pub fn tool(&mut self, name: &str, command: &mut Command, found: &[i32]) -> Result<()> {
        self.run(name, command, |status| match status.code() {
            Some(0) => Ok(()),
            Some(code) if found.contains(&code) => bail!("{name} found what is above"),
            _ => bail!("the tool failed ({status}), which says nothing about what it checks"),
        })
    }

    fn run(
        &mut self,
        name: &str,
        command: &mut Command,
        judge: impl FnOnce(ExitStatus) -> Result<()>,
    ) -> Result<()> {
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
            judge(child.wait()?).with_context(|| name.to_owned())
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
        let result = work(&mut closings).inspect_err(|error| tell(name, error));
        self.done.push(Stage {
            name: name.to_owned(),
            took: start.elapsed(),
            beside: false,
            passed: result.is_ok(),
            closings,
        });
        result
    }

    /// Takes in what was done beside the steps.
    pub fn join<T>(&mut self, other: Beside<T>) -> Result<T> {
        self.done.push(Stage {
            name: other.name.to_owned(),
            took: other.took,
            beside: true,
            passed: other.result.is_ok(),
            closings: Vec::new(),
        });
        other.result.inspect_err(|error| tell(other.name, error))
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
        println!("\n== stages");
        for stage in &self.done {
            let mark = if stage.passed { "ok" } else { "FAILED" };
            let beside = if stage.beside { ", beside others" } else { "" };
            println!(
                "{:<12} {:>7.1} s  {mark}{beside}",
                stage.name,
                stage.took.as_secs_f32()
            );
        }
        println!(
            "{:<12} {:>7.1} s",
            "all",
            self.begin.elapsed().as_secs_f32()
        );
    }

    /// Keeps the times of all steps, and of the slowest tests, in a file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, file: &Path, slowest: &[(String, Duration)]) -> Result<()> {
        let seconds = |time: Duration| (time.as_secs_f64() * 10.0).round() / 10.0;
        let stages = self.done.iter().map(|stage| {
            json!({
                "name": stage.name,
                "seconds": seconds(stage.took),
                "beside": stage.beside,
                "passed": stage.passed,
            })
        });
        let slowest = slowest
            .iter()
            .map(|(name, took)| json!({ "name": name, "seconds": seconds(*took) }));
        let all = json!({
            "seconds": seconds(self.begin.elapsed()),
            "stages": stages.collect::<Vec<_>>(),
            "slowest": slowest.collect::<Vec<_>>(),
        });
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, format!("{all:#}\n")).with_context(|| file.display().to_string())
    }
}

/// Of several steps that fail, only the first one's error is what the chore ends with.
fn tell(name: &str, error: &anyhow::Error) {
    eprintln!("== {name} FAILED: {error:#}");
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
    fn findings_are_not_mistaken_for_a_failure_of_the_tool() {
        let judged = |script: &str| {
            let mut command = Command::new("sh");
            let result = Stages::default().tool("t", command.args(["-c", script]), &[2]);
            result.map_err(|error| format!("{error:#}"))
        };
        assert_eq!(judged("exit 0"), Ok(()));
        assert!(judged("exit 2").unwrap_err().contains("found"));
        for trouble in ["exit 101", "kill -9 $$"] {
            let error = judged(trouble).unwrap_err();
            assert!(error.contains("the tool failed"), "{error}");
        }
    }

    #[test]
    fn what_was_done_beside_is_taken_in_with_its_failure() {
        let mut stages = Stages::default();
        assert_eq!(stages.join(beside("good", || Ok(7))).unwrap(), 7);
        let error = stages.join(beside::<()>("bad", || bail!("no network")));
        assert_eq!(error.unwrap_err().to_string(), "no network");
        assert!(stages.done[0].passed && !stages.done[1].passed);
    }

    #[test]
    fn times_are_kept_in_a_file() {
        let mut stages = Stages::default();
        stages.step("one", |_| Ok(())).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let slowest = [("a test".to_owned(), Duration::from_millis(1234))];
        stages.write(file.path(), &slowest).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(kept["stages"][0]["name"], "one");
        assert_eq!(kept["slowest"][0]["seconds"], 1.2);
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
