//! The runner of end-to-end tests: each is a named function, and without permission to start a lab each is reported as
//! ignored rather than as passed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Set to `1`, this variable allows tests to start labs: they need root, and take minutes.
pub const E2E_VARIABLE: &str = "MESHWORKER_E2E";

/// The tests of one test program with `harness = false`.
///
/// ```no_run
/// use meshworker_lab::Suite;
///
/// fn main() -> std::process::ExitCode {
///     Suite::new().test("a swarm forms", || assert!(meshworker_lab::Swarm::start(3, 1).is_ok())).run()
/// }
/// ```
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
    at_once: Option<usize>,
}

impl Suite {
    /// A suite without tests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a test. It fails by panicking.
    #[must_use]
    pub fn test(mut self, name: &str, test: impl FnOnce() + Send + 'static) -> Self {
        let trial = Trial::test(name, move || {
            catch_unwind(AssertUnwindSafe(test)).map_err(|panic| {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                Failed::from(text.unwrap_or("panicked").to_owned())
            })
        });
        self.trials.push(trial.with_ignored_flag(!allowed()));
        self
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
        if !allowed() && !arguments.list {
            eprintln!("{E2E_VARIABLE}=1 is not set: tests that start a lab are ignored");
        }
        libtest_mimic::run(&arguments, self.trials).exit_code()
    }
}

fn allowed() -> bool {
    std::env::var(E2E_VARIABLE).is_ok_and(|value| value == "1")
}
