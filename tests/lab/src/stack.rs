//! A deployed stack: deploy, scale, look at its tasks, run commands in its containers, take it away.

use std::path::PathBuf;
use std::time::Duration;

use crate::task::RawTask;
use crate::{Docker, Engines, LabError, Output, Result, Task, wait_for};

/// What the names of volumes begin with that all stacks of a node have together, and that bring meshworker to their
/// members.
const SHARED_VOLUMES: &str = "meshworker-";

/// With this label Docker marks everything that belongs to a stack.
pub(crate) const STACK_LABEL: &str = "com.docker.stack.namespace";

/// Swarm waits 3 s before it stops a removed task, then up to the service's grace period (10 s by default), and
/// removes networks only after that.
const REMOVE_DEADLINE: Duration = Duration::from_secs(500);

/// The manager waits for ever for the logs of a container on a node that is cut off.
const LOGS_DEADLINE: Duration = Duration::from_secs(60);

/// A task that vanishes between the list and the look at it is looked for again this often.
const LOOKS: usize = 3;

/// A stack on a swarm.
#[derive(Clone)]
pub struct Stack<'a> {
    engines: &'a dyn Engines,
    name: String,
}

impl<'a> Stack<'a> {
    /// Deploys (or updates) a stack from files, with `env` for the variables in them. Images are taken as they are on
    /// the nodes. Returns when the manager has accepted it; see [`Stack::wait_running`].
    ///
    /// # Errors
    ///
    /// [`LabError::Failed`] with what the client said about the files.
    pub fn deploy(
        engines: &'a dyn Engines,
        name: &str,
        files: &[PathBuf],
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let stack = Self::attach(engines, name);
        let mut command =
            engines
                .manager()?
                .command(["stack", "deploy", "--resolve-image", "never"])?;
        for file in files {
            command.arg("-c").arg(file);
        }
        command.arg(name).envs(env.iter().copied());
        crate::command::run(&mut command)?;
        Ok(stack)
    }

    /// A stack that is deployed already.
    pub fn attach(engines: &'a dyn Engines, name: &str) -> Self {
        Self {
            engines,
            name: name.to_owned(),
        }
    }

    /// The stack's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The full name of a service, network or volume of this stack.
    pub fn full(&self, short: &str) -> String {
        format!("{}_{short}", self.name)
    }

    /// A manager of the swarm.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when none is reachable.
    pub fn manager(&self) -> Result<Docker> {
        self.engines.manager()
    }

    /// Asks for `replicas` replicas of a service and returns at once.
    ///
    /// # Errors
    ///
    /// When the manager refuses.
    pub fn scale(&self, service: &str, replicas: usize) -> Result<()> {
        let target = format!("{}={replicas}", self.full(service));
        self.manager()?
            .change(&["service", "scale", "--detach", &target])
            .map(drop)
    }

    /// All tasks of a service that the manager still knows, past ones too, by slot and then as Docker lists them
    /// (newest first).
    ///
    /// # Errors
    ///
    /// When the service does not exist.
    pub fn tasks(&self, service: &str) -> Result<Vec<Task>> {
        let manager = self.manager()?;
        let service = self.full(service);
        let mut looks = 0;
        loop {
            looks += 1;
            let ids = manager.lines(&["service", "ps", "-q", "--no-trunc", &service])?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let mut question = vec!["inspect", "--type", "task"];
            question.extend(ids.iter().map(String::as_str));
            match manager.json::<Vec<RawTask>>(&question) {
                Err(LabError::Failed { .. }) if looks < LOOKS => {}
                Err(error) => return Err(error),
                Ok(raw) => {
                    let mut tasks: Vec<Task> = raw.into_iter().map(Task::from).collect();
                    tasks.sort_by_key(|task| task.slot);
                    return Ok(tasks);
                }
            }
        }
    }

    /// The tasks of a service that run and are meant to.
    ///
    /// # Errors
    ///
    /// As for [`Stack::tasks`].
    pub fn running(&self, service: &str) -> Result<Vec<Task>> {
        let mut tasks = self.tasks(service)?;
        tasks.retain(Task::is_running);
        Ok(tasks)
    }

    /// Waits until exactly `replicas` tasks of a service run, and none is on its way out; returns them by slot.
    ///
    /// # Errors
    ///
    /// [`LabError::Timeout`] with the states of all tasks.
    pub fn wait_running(
        &self,
        service: &str,
        replicas: usize,
        deadline: Duration,
    ) -> Result<Vec<Task>> {
        let what = format!("{replicas} running tasks of {}", self.full(service));
        wait_for(what, deadline, || {
            let tasks = self.tasks(service).map_err(|error| error.to_string())?;
            let leaving = |task: &&Task| task.state == "running" && task.desired != "running";
            let running = tasks.iter().filter(|task| task.is_running()).count();
            if running == replicas && !tasks.iter().any(|task| leaving(&task)) {
                Ok(tasks.into_iter().filter(Task::is_running).collect())
            } else {
                Err(tasks
                    .iter()
                    .map(Task::to_string)
                    .collect::<Vec<_>>()
                    .join(", "))
            }
        })
    }

    /// The engine on which a task's container runs, and the container's id.
    ///
    /// # Errors
    ///
    /// [`LabError::Invalid`] when the task has no container, or its engine cannot be spoken to from here.
    pub fn locate(&self, task: &Task) -> Result<(Docker, String)> {
        let container = task
            .container
            .clone()
            .ok_or_else(|| LabError::Invalid(format!("no container yet: {task}")))?;
        Ok((self.engines.of_node(&task.node_id)?, container))
    }

    /// Runs a command in a task's container and returns its stdout.
    ///
    /// # Errors
    ///
    /// [`LabError::Failed`] with the command's stderr when it fails.
    pub fn exec(&self, task: &Task, command: &[&str]) -> Result<String> {
        let (docker, container) = self.locate(task)?;
        docker.run(["exec", &container].iter().chain(command))
    }

    /// Runs a command in a task's container whose failure is an answer as well.
    ///
    /// # Errors
    ///
    /// When the container cannot be found, or the command hangs.
    pub fn ask(&self, task: &Task, command: &[&str]) -> Result<Output> {
        let (docker, container) = self.locate(task)?;
        let mut command = docker.command(["exec", &container].iter().chain(command))?;
        crate::command::run_any(&mut command)
    }

    /// Kills a task's container (SIGKILL), as a crash of the database would.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill_container(&self, task: &Task) -> Result<()> {
        let (docker, container) = self.locate(task)?;
        docker.run(["kill", &container]).map(drop)
    }

    /// What the containers of a service have written, with each line's task in front.
    ///
    /// # Errors
    ///
    /// When the service does not exist, or a node with one of its containers cannot be reached.
    pub fn logs(&self, service: &str) -> Result<String> {
        let mut command =
            self.manager()?
                .command(["service", "logs", "--no-trunc", &self.full(service)])?;
        // The client sends each container's stderr to its own stderr.
        crate::command::run_merged(&mut command, LOGS_DEADLINE)
    }

    /// Removes the stack and waits until its services, containers, networks, secrets and configs are gone from every
    /// engine at hand. Volumes stay, see [`Stack::remove_volumes`].
    ///
    /// # Errors
    ///
    /// [`LabError::Timeout`] with what is still there.
    pub fn remove(&self) -> Result<()> {
        let manager = self.manager()?;
        manager.run(["stack", "rm", &self.name])?;
        let label = format!("label={STACK_LABEL}={}", self.name);
        let what = format!("stack {} to be gone", self.name);
        wait_for(what, REMOVE_DEADLINE, || {
            match self.leftovers(&manager, &label) {
                Ok(left) if left.is_empty() => Ok(()),
                Ok(left) => Err(left.join(", ")),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    /// What there is of the stack, in words: whatever carries its name, volumes included.
    ///
    /// # Errors
    ///
    /// When an engine does not answer.
    pub fn remains(&self) -> Result<Vec<String>> {
        let label = format!("label={STACK_LABEL}={}", self.name);
        let mut remains = self.leftovers(&self.manager()?, &label)?;
        for engine in self.engines.reachable() {
            let volumes = own_volumes(&engine, &label)?;
            remains.extend(volumes.into_iter().map(|name| format!("volume {name}")));
        }
        Ok(remains)
    }

    fn leftovers(&self, manager: &Docker, label: &str) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let mut list = |engine: &Docker, kind: &str, arguments: &[&str]| {
            let found = engine.lines(&[arguments, &["-q", "--filter", label]].concat())?;
            left.extend(found.into_iter().map(|id| format!("{kind} {id}")));
            Ok::<_, LabError>(())
        };
        for kind in ["service", "secret", "config"] {
            list(manager, kind, &[kind, "ls"])?;
        }
        for engine in self.engines.reachable() {
            list(&engine, "container", &["ps", "-a"])?;
            list(&engine, "network", &["network", "ls"])?;
        }
        Ok(left)
    }

    /// Removes the stack's volumes, with the data in them, from every engine at hand; not those that it shares with others.
    ///
    /// # Errors
    ///
    /// When one is still in use.
    pub fn remove_volumes(&self) -> Result<()> {
        let label = format!("label={STACK_LABEL}={}", self.name);
        for engine in self.engines.reachable() {
            let volumes = own_volumes(&engine, &label)?;
            if !volumes.is_empty() {
                let names = volumes.iter().map(String::as_str);
                engine.run(["volume", "rm"].into_iter().chain(names))?;
            }
        }
        Ok(())
    }
}

/// The volumes that are this stack's alone. A shared one carries the label of whoever came first.
fn own_volumes(engine: &Docker, label: &str) -> Result<Vec<String>> {
    let mut volumes = engine.lines(&["volume", "ls", "-q", "--filter", label])?;
    volumes.retain(|name| !name.starts_with(SHARED_VOLUMES));
    Ok(volumes)
}

/// Removes the volumes that brought meshworker to members, where no container has them any more.
///
/// # Errors
///
/// When an engine does not answer.
pub fn remove_unused_programs(engines: &dyn Engines) -> Result<()> {
    let named = format!("name=^{SHARED_VOLUMES}");
    for engine in engines.reachable() {
        let list = [
            "volume",
            "ls",
            "-q",
            "--filter",
            &named,
            "--filter",
            "dangling=true",
        ];
        for volume in engine.lines(&list)? {
            // Somebody may have begun to use it.
            drop(engine.run(["volume", "rm", &volume]));
        }
    }
    Ok(())
}
