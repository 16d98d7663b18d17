//! Surroundings of its own for a test that needs none of the machine's.
//!
//! In a network namespace with nothing but loopback no packet can leave the machine, and no port is taken, however many
//! runs go on beside this one. In a process namespace nothing that the test started outlives it; and with the process
//! that runs the tests, however it ends, they end too.

use std::process::Command;

use anyhow::{Result, bail};
use meshworker_lab::Host;

/// Brings loopback up, then runs the test as a child: the shell stays the init of the namespace.
const INIT: &str = "ip link set lo up && \"$@\"";

/// The same test in surroundings of its own.
pub fn wrap(test: &Command) -> Command {
    inside(sandbox(), test)
}

/// Makes sure that there can be any.
///
/// # Errors
///
/// This user may make no namespaces here.
pub fn check() -> Result<()> {
    let tried = sandbox().arg("true").output()?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr);
        bail!(
            "tests need namespaces of their own, and none can be made here ({}): run this as root, or allow users to \
             make them",
            said.trim()
        );
    }
    Ok(())
}

/// What the test's program and arguments follow.
fn sandbox() -> Command {
    let mut command = tied(&["unshare", "--net", "--pid", "--fork", "--mount-proc"]);
    if !Host::is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--kill-child=SIGKILL", "--", "sh", "-c", INIT, "sandbox"]);
    command
}

/// The same test as it is, which ends when this thread does.
pub fn tie(test: &Command) -> Command {
    let command = tied(&["unshare", "--fork", "--kill-child=SIGKILL", "--"]);
    inside(command, test)
}

/// A command that the kernel kills when the thread that started it ends.
fn tied(command: &[&str]) -> Command {
    let mut tied = Command::new("setpriv");
    tied.args(["--pdeathsig", "KILL", "--"]).args(command);
    tied
}

/// `outer` with the program, arguments, variables and folder of `test`.
fn inside(mut outer: Command, test: &Command) -> Command {
    outer.arg(test.get_program()).args(test.get_args());
    for (name, value) in test.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = test.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(script: &str) -> String {
        let mut test = Command::new("sh");
        test.args(["-c", script]).env("GREETING", "hello");
        let output = wrap(&test).output().unwrap();
        format!(
            "{}{}{:?}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            output.status.code()
        )
    }

    #[test]
    fn a_test_in_a_sandbox_has_loopback_and_nothing_else() {
        if check().is_err() {
            return meshworker_needs::missing("the right to make namespaces", "run this as root");
        }
        assert_eq!(
            said("ls /sys/class/net >/dev/null; cut -d: -f1 -s /proc/net/dev | tr -d ' \\n'"),
            "loSome(0)"
        );
        assert_eq!(
            said("ip route get 10.1.2.3 >/dev/null 2>&1 || echo unreachable; echo $GREETING"),
            "unreachable\nhello\nSome(0)"
        );
        assert_eq!(said("exit 7"), "Some(7)");
    }

    #[test]
    fn what_a_test_leaves_running_ends_with_it() {
        if check().is_err() {
            return meshworker_needs::missing("the right to make namespaces", "run this as root");
        }
        let lock = tempfile::NamedTempFile::new().unwrap();
        let hold = format!(
            "flock {0} sleep 1000 & until ! flock -n {0} true; do sleep 0.01; done; echo held",
            lock.path().display()
        );
        assert_eq!(said(&hold), "held\nSome(0)");
        // The lock would be held for a thousand seconds.
        let free = Command::new("flock")
            .arg("-n")
            .arg(lock.path())
            .arg("true")
            .status();
        assert!(free.is_ok_and(|status| status.success()));
    }
}
