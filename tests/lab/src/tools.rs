//! The tools container: a service on a stack's network in which queries run.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::images::Image;
use crate::stack::STACK_LABEL;
use crate::{LabError, Output, Result, Stack, Task, wait_for};

/// A container of an image that is on the node starts within a second or two.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// The name of the service within the stack.
const SERVICE: &str = "tools";

/// A running tools container, or the one that Swarm has put in its place. It goes away with its stack.
pub struct Tools<'a> {
    stack: Stack<'a>,
    /// Where it ran when it was last looked for: that costs more than most questions.
    task: Mutex<Task>,
}

impl<'a> Tools<'a> {
    /// Starts a tools container beside the manager, attached to these networks of the stack (short names).
    ///
    /// # Errors
    ///
    /// When it does not run within five minutes; the error says what its task does.
    pub fn start(stack: &Stack<'a>, networks: &[&str]) -> Result<Self> {
        let manager = stack.manager()?;
        let mut arguments: Vec<String> = ["service", "create", "--detach", "--quiet"]
            .map(String::from)
            .into();
        arguments.push("--no-resolve-image".into());
        arguments.push(format!("--name={}", stack.full(SERVICE)));
        // With the labels of the stack it is removed with the stack.
        arguments.push(format!("--label={STACK_LABEL}={}", stack.name()));
        arguments.push(format!("--container-label={STACK_LABEL}={}", stack.name()));
        arguments.push(format!("--constraint=node.id=={}", manager.node_id()?));
        arguments.push("--endpoint-mode=dnsrr".into());
        // `sleep` as the first process of a container ignores SIGTERM.
        arguments.push("--stop-signal=SIGKILL".into());
        arguments.push("--restart-delay=100ms".into());
        for network in networks {
            arguments.push(format!("--network={}", stack.full(network)));
        }
        arguments.push(Image::Tools.reference().into());
        arguments.extend(["sleep", "infinity"].map(String::from));
        manager.run(arguments)?;
        Self::attach(stack)
    }

    /// The tools container of a stack that has one already.
    ///
    /// # Errors
    ///
    /// As for [`Tools::start`].
    pub fn attach(stack: &Stack<'a>) -> Result<Self> {
        Ok(Self {
            task: Mutex::new(find(stack)?),
            stack: stack.clone(),
        })
    }

    /// The task whose container this is.
    pub fn task(&self) -> Task {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.clone()
    }

    /// Whether another container is there in place of this one; from here on it is that one.
    fn has_moved(&self, was: &Task) -> Result<bool> {
        let now = find(&self.stack)?;
        let has_moved = now.id != was.id;
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(has_moved)
    }

    /// Runs a command in the container and returns its stdout.
    ///
    /// # Errors
    ///
    /// [`crate::LabError::Failed`] with its stderr when it fails.
    pub fn exec(&self, command: &[&str]) -> Result<String> {
        let task = self.task();
        match self.stack.exec(&task, command) {
            Err(LabError::Failed { .. }) if self.has_moved(&task)? => {
                self.stack.exec(&self.task(), command)
            }
            done => done,
        }
    }

    /// Runs a command in the container whose failure is an answer as well, such as `meshworker look`.
    ///
    /// # Errors
    ///
    /// When the container does not run, or the command hangs.
    pub fn ask(&self, command: &[&str]) -> Result<Output> {
        let task = self.task();
        let output = self.stack.ask(&task, command)?;
        if output.success || !self.has_moved(&task)? {
            return Ok(output);
        }
        self.stack.ask(&self.task(), command)
    }

    /// The addresses that a name has now, sorted; none when the name has none or the name server does not answer.
    ///
    /// # Errors
    ///
    /// When the container does not run.
    pub fn resolve(&self, name: &str) -> Result<Vec<Ipv4Addr>> {
        let answer = self.exec(&["dig", "+short", "+tries=1", "+time=2", name, "A"]);
        let answer = match answer {
            // `dig` ends with 9 when no server answered.
            Err(LabError::Failed { status, .. }) if status.ends_with(" 9") => String::new(),
            answer => answer?,
        };
        let mut addresses: Vec<Ipv4Addr> = answer
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        addresses.sort_unstable();
        Ok(addresses)
    }

    /// Waits until a name has exactly `count` addresses, and returns them.
    ///
    /// # Errors
    ///
    /// [`crate::LabError::Timeout`] with the addresses last seen.
    pub fn wait_resolved(
        &self,
        name: &str,
        count: usize,
        deadline: Duration,
    ) -> Result<Vec<Ipv4Addr>> {
        let what = format!("{count} addresses of {name}");
        wait_for(what, deadline, || match self.resolve(name) {
            Ok(addresses) if addresses.len() == count => Ok(addresses),
            Ok(addresses) => Err(format!("{addresses:?}")),
            Err(error) => Err(error.to_string()),
        })
    }
}

fn find(stack: &Stack<'_>) -> Result<Task> {
    // One that ran on a node that is gone may be listed beside its successor.
    wait_for("a tools container", START_DEADLINE, || {
        let tasks = stack.running(SERVICE).map_err(|error| error.to_string())?;
        tasks.into_iter().next().ok_or("none runs".to_owned())
    })
}
