//! The registration of tests that share something (a lab, a browser), in programs with `harness = false`.
//!
//! What a test says of itself is told to whoever lists the tests (`--list`), in the form of libtest: a `[alone]` before
//! the name of one that damages what others use, and `ignored` for those of the long tier.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};

/// Set to `1`, this variable allows tests to start labs: they need root, and take minutes.
pub const E2E_VARIABLE: &str = "MESHWORKER_E2E";

/// The kind of a test beside which no other may run, as it is listed.
pub const ALONE: &str = "alone";

/// The tests of one test program with `harness = false`.
///
/// ```no_run
/// use meshworker_lab::Suite;
///
/// fn main() -> std::process::ExitCode {
///     Suite::on_labs().test("a swarm forms", || assert!(meshworker_lab::Swarm::start(3, 1).is_ok())).run()
/// }
/// ```
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
    on_labs: bool,
    at_once: Option<usize>,
}

impl Suite {
    /// A suite without tests.
    pub fn new() -> Self {
        Self::default()
    }

    /// A suite without tests, whose tests start labs: without permission ([`E2E_VARIABLE`]) each is reported as ignored
    /// rather than as passed.
    pub fn on_labs() -> Self {
        Self {
            on_labs: true,
            ..Self::default()
        }
    }

    /// Adds a test. It fails by panicking.
    #[must_use]
    pub fn test(self, name: &str, test: impl FnOnce() + Send + 'static) -> Self {
        self.add(name, test, |trial| trial)
    }

    /// Adds a test beside which no other may run.
    #[must_use]
    pub fn alone(self, name: &str, test: impl FnOnce() + Send + 'static) -> Self {
        self.add(name, test, |trial| trial.with_kind(ALONE))
    }

    /// Adds a test of the long tier: it runs where it is asked for (`--include-ignored`).
    #[must_use]
    pub fn long(self, name: &str, test: impl FnOnce() + Send + 'static) -> Self {
        self.add(name, test, |trial| trial.with_ignored_flag(true))
    }

    /// [`Suite::long`] and [`Suite::alone`].
    #[must_use]
    pub fn long_alone(self, name: &str, test: impl FnOnce() + Send + 'static) -> Self {
        self.add(name, test, |trial| {
            trial.with_kind(ALONE).with_ignored_flag(true)
        })
    }

    /// Lets so many tests run side by side: those that mostly wait, and damage nothing that others use.
    #[must_use]
    pub fn at_once(mut self, tests: usize) -> Self {
        self.at_once = Some(tests);
        self
    }

    /// Runs the tests that the command line selects, one at a time unless it or [`Suite::at_once`] says otherwise.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        // Two cores carry one lab well, and figures taken beside another one mean nothing.
        arguments
            .test_threads
            .get_or_insert(self.at_once.unwrap_or(1));
        if self.on_labs && !allowed() && !arguments.list {
            eprintln!("{E2E_VARIABLE}=1 is not set: tests that start a lab are ignored");
        }
        libtest_mimic::run(&arguments, self.trials).exit_code()
    }

    fn add(
        mut self,
        name: &str,
        test: impl FnOnce() + Send + 'static,
        describe: impl FnOnce(Trial) -> Trial,
    ) -> Self {
        let told = name.to_owned();
        let trial = Trial::test(name, move || timed(&told, test));
        let trial = describe(trial);
        self.trials.push(match self.on_labs && !allowed() {
            true => trial.with_ignored_flag(true),
            false => trial,
        });
        self
    }
}

/// Runs a test and tells how long it took, which libtest's lines do not.
fn timed(name: &str, test: impl FnOnce()) -> Result<(), Failed> {
    let begin = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(test));
    // On a line of its own: `test NAME ...` stands unfinished before it.
    eprintln!("\n{TOOK}{:.3} s {name}", begin.elapsed().as_secs_f64());
    result.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Failed::from(text.unwrap_or("panicked").to_owned())
    })
}

/// How the line begins that tells how long a test took: seconds, ` s `, its name.
pub const TOOK: &str = "took ";

fn allowed() -> bool {
    std::env::var(E2E_VARIABLE).is_ok_and(|value| value == "1")
}
