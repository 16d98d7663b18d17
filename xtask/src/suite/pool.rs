//! When tests run: those of several lanes side by side, each lane so many at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use meshworker_lab::Client;

use super::{Case, Lane, Outcome, Program, Tally, Tier, sandbox};

/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(10);

/// A test that took so long is worth a line of its own.
const LONG: Duration = Duration::from_secs(20);

/// Runs tests.
pub struct Pool {
    tier: Tier,
    cores: usize,
    /// Where outputs are kept.
    logs: PathBuf,
    /// What every test is told.
    variables: Vec<(String, String)>,
    tally: Mutex<Tally>,
}

/// What one process is to do.
enum Job {
    One(Case),
    /// All tests of a program.
    Whole(Program),
}

impl Pool {
    /// A pool for tests of this tier, which tells every test these variables and keeps outputs below `logs`, in a folder
    /// of this process: another run may be under way beside it. What ended runs have left there is removed.
    ///
    /// # Errors
    ///
    /// The folder cannot be made.
    pub fn new(tier: Tier, logs: &Path, variables: Vec<(String, String)>) -> Result<Self> {
        let own = logs.join(std::process::id().to_string());
        std::fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
        remove_others(logs)?;
        Ok(Self {
            tier,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            logs: own,
            variables,
            tally: Mutex::default(),
        })
    }

    /// Runs the tests of these lanes, the lanes side by side; of each lane first those that bear company, then those that
    /// must be alone, one by one.
    pub fn run(&self, lanes: &[(Lane, Vec<Case>)]) {
        std::thread::scope(|scope| {
            for (lane, cases) in lanes {
                scope.spawn(move || self.run_lane(*lane, cases));
            }
        });
    }

    /// What came of all that ran.
    pub fn into_tally(self) -> Tally {
        self.tally
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn run_lane(&self, lane: Lane, cases: &[Case]) {
        let mut jobs = VecDeque::new();
        let mut alone = VecDeque::new();
        for case in cases {
            if lane.is_whole {
                let known = |job: &Job| matches!(job, Job::Whole(one) if *one == case.program);
                if !jobs.iter().any(known) {
                    jobs.push_back(Job::Whole(case.program.clone()));
                }
            } else if !case.is_in(self.tier) {
                continue;
            } else if case.is_alone {
                alone.push_back(Job::One(case.clone()));
            } else {
                jobs.push_back(Job::One(case.clone()));
            }
        }
        for (queue, at_once) in [(jobs, lane.at_once(self.cores)), (alone, 1)] {
            let queue = Mutex::new(queue);
            std::thread::scope(|scope| {
                for _ in 0..at_once {
                    // The thread outlives the processes that it starts, which end with it.
                    scope.spawn(|| {
                        while let Some(job) = next(&queue) {
                            let outcome = self.perform(lane, &job);
                            let outcome = outcome.unwrap_or_else(|error| job.broken(&error));
                            tell(lane, &outcome);
                            let tally = self.tally.lock();
                            tally.unwrap_or_else(PoisonError::into_inner).add(outcome);
                        }
                    });
                }
            });
        }
    }

    fn perform(&self, lane: Lane, job: &Job) -> Result<Outcome> {
        let log = self.logs.join(job.file());
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        let mut test = job.command(self.tier);
        test.envs(self.variables.iter().cloned());
        let mut command = match lane.is_sandboxed {
            true => sandbox::wrap(&test),
            false => sandbox::tie(&test),
        };
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let begin = Instant::now();
        let why = run_within(&mut command, lane.deadline)?;
        Ok(Outcome::read(job.title(), log, begin.elapsed(), why))
    }
}

/// Removes the folders of processes that are gone.
fn remove_others(logs: &Path) -> Result<()> {
    for entry in logs.read_dir()? {
        let entry = entry?;
        if !Path::new("/proc").join(entry.file_name()).exists() {
            // Another run may do the same at this moment.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn next(queue: &Mutex<VecDeque<Job>>) -> Option<Job> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.pop_front()
}

fn tell(lane: Lane, outcome: &Outcome) {
    if outcome.is_good() && (lane.needs_lab || outcome.took >= LONG) {
        let seconds = outcome.took.as_secs_f32();
        println!("  ok {seconds:>8.1} s  {}", outcome.title);
    }
}

/// Runs a test to its end, and whatever of its group is left after it; why it failed, if it did.
fn run_within(command: &mut Command, deadline: Duration) -> Result<Option<String>> {
    let begin = Instant::now();
    let client = Client::start(command)?;
    while !client.has_ended() {
        if begin.elapsed() >= deadline {
            client.end()?;
            let seconds = deadline.as_secs();
            return Ok(Some(format!("it did not end within {seconds} s")));
        }
        std::thread::sleep(LOOK);
    }
    let status = client.end()?;
    Ok((!status.success()).then(|| status.to_string()))
}

impl Job {
    fn title(&self) -> String {
        match self {
            Job::One(case) => case.title(),
            Job::Whole(program) => program.name(),
        }
    }

    /// The name of its output's file.
    fn file(&self) -> String {
        let plain = |letter: char| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
            _ => '.',
        };
        let name: String = self.title().replace("::", ".").chars().map(plain).collect();
        // No file's name may be longer than 255 bytes.
        format!("{}.log", name.get(..200).unwrap_or(&name))
    }

    fn command(&self, tier: Tier) -> Command {
        match self {
            Job::One(case) => case.command(),
            Job::Whole(program) => {
                let mut command = program.command();
                command.args(["--nocapture", "--test-threads=1"]);
                if tier == Tier::All {
                    command.arg("--include-ignored");
                }
                command
            }
        }
    }

    fn broken(&self, error: &anyhow::Error) -> Outcome {
        let why = Some(format!("it could not be run: {error:#}"));
        Outcome::read(self.title(), PathBuf::new(), Duration::ZERO, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_hangs_is_ended_with_all_that_it_started() {
        let lock = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "flock {0} sleep 1000 & flock {0} sleep 1000",
            lock.path().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        let why = run_within(&mut command, Duration::from_millis(300)).unwrap();
        assert!(why.is_some_and(|why| why.starts_with("it did not end within")));
        // The kernel may still be at it, but not for a thousand seconds.
        let mut wait = Command::new("flock");
        wait.args(["-w", "300"]).arg(lock.path()).arg("true");
        assert!(wait.status().is_ok_and(|status| status.success()));
    }

    #[test]
    fn an_output_has_a_file_whatever_its_test_is_called() {
        let program = Program {
            package: "meshworker".into(),
            target: "api".into(),
            executable: "/bin/true".into(),
            folder: "/".into(),
        };
        let name = format!("a/b::{}", "x".repeat(300));
        let case = Case {
            program,
            name,
            is_long: false,
            is_alone: false,
        };
        let file = Job::One(case).file();
        assert!(
            file.starts_with("meshworker.api.a.b.x") && file.len() < 255,
            "{file}"
        );
    }
}
