//! One deployed stack of one test, removed at its end however it ends.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use meshworker_lab::images::{self, Image};
use meshworker_lab::{Engines, Stack, Swarm, Task, Tools, wait_for};

use crate::{Cluster, Database};

/// Far longer than anything here takes: Swarm alone needs 20 s to give up a
/// dead node, and this machine may be busy.
const DEADLINE: Duration = Duration::from_secs(600);

/// One deployed stack of one test.
pub struct Deployment<'a> {
    /// The database under test.
    pub database: &'a dyn Database,
    /// The swarm that it runs on.
    pub swarm: &'a Swarm,
    stack: Stack<'a>,
    tools: OnceLock<Tools<'a>>,
    files: Vec<PathBuf>,
    env: BTreeMap<String, String>,
    since: Instant,
    patience: Duration,
}

impl<'a> Deployment<'a> {
    /// Deploys the database's stack with so many members.
    pub fn new(swarm: &'a Swarm, database: &'a dyn Database, name: &str, members: usize) -> Self {
        Self::with(swarm, database, name, members, &[], &[])
    }

    /// Deploys the database's stack with further files and variables.
    pub fn with(
        swarm: &'a Swarm,
        database: &'a dyn Database,
        name: &str,
        members: usize,
        files: &[PathBuf],
        env: &[(&str, &str)],
    ) -> Self {
        let mut all: BTreeMap<String, String> = database.env().into_iter().collect();
        all.insert(
            "MESHWORKER_IMAGE".into(),
            Image::Meshworker.reference().into(),
        );
        all.insert("MESHWORKER_VERSION".into(), version(swarm).into());
        all.insert("TOOLS_IMAGE".into(), Image::Tools.reference().into());
        let replicas = format!("{}_REPLICAS", database.name().to_uppercase());
        all.insert(replicas, members.to_string());
        all.extend(env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let mut paths = vec![database.stack()];
        paths.extend_from_slice(files);
        // Stories of several databases run side by side.
        let name = format!("{}-{name}", database.name());
        Deployment {
            database,
            swarm,
            stack: deploy(swarm, &name, &paths, &all),
            tools: OnceLock::new(),
            files: paths,
            env: all,
            since: Instant::now(),
            patience: DEADLINE,
        }
    }

    /// Deploys the same stack again.
    pub fn deploy_again(&mut self) {
        self.since = Instant::now();
        self.stack = deploy(self.swarm, self.stack.name(), &self.files, &self.env);
        self.tools = OnceLock::new();
    }

    /// Deploys the stack with a further file, over the one that runs.
    pub fn add(&mut self, file: PathBuf) {
        self.files.push(file);
        self.deploy_again();
    }

    /// Deploys the stack with other variables, over the one that runs.
    pub fn change(&mut self, env: &[(&str, &str)]) {
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        self.env.extend(env);
        self.deploy_again();
    }

    /// Waits so long instead of the usual time, from here on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The stack.
    pub fn stack(&self) -> &Stack<'a> {
        &self.stack
    }

    /// The container for queries.
    pub fn tools(&self) -> &Tools<'a> {
        let attach = || Tools::attach(&self.stack).expect("the tools container runs");
        self.tools.get_or_init(attach)
    }

    /// The members' tasks that run now.
    pub fn members(&self) -> Vec<Task> {
        self.stack
            .running(self.database.service())
            .expect("the manager answers")
    }

    /// Asks Swarm for so many members.
    pub fn scale(&mut self, members: usize) {
        self.since = Instant::now();
        self.stack
            .scale(self.database.service(), members)
            .expect("the service can be scaled");
    }

    /// Notes that something happens now, from which times are counted.
    pub fn mark(&mut self) {
        self.since = Instant::now();
    }

    /// Waits until so many members run and are one cluster by their own word.
    pub fn becomes_one(&self, members: usize) -> Cluster {
        let cluster = self.wait("one cluster", || self.look(members));
        let seconds = self.since.elapsed().as_secs_f32();
        eprintln!(
            "  {seconds:>6.1} s  {} is one cluster of {members}",
            self.stack.name()
        );
        cluster
    }

    /// Waits until so many members are one cluster that remembers nobody else.
    pub fn becomes_clean(&self, members: usize) -> Cluster {
        let cluster = self.wait("one cluster without departed members", || {
            let cluster = self.look(members)?;
            if cluster.departed.is_empty() {
                return Ok(cluster);
            }
            Err(format!(
                "departed and not forgotten: {:?}",
                cluster.departed
            ))
        });
        let seconds = self.since.elapsed().as_secs_f32();
        eprintln!(
            "  {seconds:>6.1} s  {} remembers nobody else",
            self.stack.name()
        );
        cluster
    }

    /// Waits until Swarm is done: so many members run, and all other tasks have ended.
    pub fn settles(&self, members: usize) {
        self.wait("Swarm to be done", || {
            let tasks = self.stack.tasks(self.database.service());
            let tasks = tasks.map_err(|error| error.to_string())?;
            let running = tasks.iter().filter(|task| task.is_running()).count();
            let is_done = |task: &Task| task.is_running() || task.has_ended();
            let done = running == members && tasks.iter().all(is_done);
            done.then_some(()).ok_or(listed(&tasks))
        });
    }

    /// What the cluster is at this moment, if it is one.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn look(&self, members: usize) -> Result<Cluster, String> {
        let tasks = self.stack.tasks(self.database.service());
        let tasks = tasks.map_err(|error| error.to_string())?;
        let running = tasks.iter().filter(|task| task.is_running());
        let addresses: Vec<Ipv4Addr> = running.filter_map(Task::address).collect();
        if addresses.len() != members {
            let running = addresses.len();
            return Err(format!(
                "{running} of {members} tasks run: {}",
                listed(&tasks)
            ));
        }
        self.database.cluster(self.tools(), &addresses)
    }

    /// Writes records through any member.
    pub fn write(&self, count: usize) {
        let member = self.any_member();
        self.wait("a write", || {
            self.database.write(self.tools(), member, count)
        });
    }

    /// Waits until all records can be read.
    pub fn all_there(&self, count: usize) {
        self.wait("all records", || {
            let found = self.database.read(self.tools(), self.any_member(), count)?;
            if found == count {
                return Ok(());
            }
            Err(format!("{found} of {count} records are there"))
        });
    }

    /// The worker's log.
    pub fn worker_log(&self) -> String {
        self.stack.logs("meshworker").unwrap_or_default()
    }

    /// Waits for a condition, however long that can reasonably take.
    pub fn wait<T>(&self, what: &str, look: impl FnMut() -> Result<T, String>) -> T {
        match wait_for(what, self.patience, look) {
            Ok(value) => value,
            Err(error) => panic!("{error}\n{}", self.told()),
        }
    }

    /// What the worker says of its cluster at this moment: what a failure's output ends with.
    fn told(&self) -> String {
        let told =
            Tools::attach(&self.stack).and_then(|tools| tools.exec(&["meshworker", "status"]));
        told.unwrap_or_else(|error| format!("`meshworker status` says nothing: {error}"))
    }

    /// What the processes of this service's tasks do at this moment, and how the engines
    /// find them: one that hangs says nothing itself.
    fn processes(&self, service: &str) -> String {
        let tasks = self.stack.tasks(service).unwrap_or_default();
        let there = tasks.iter().filter(|task| !task.has_ended());
        let words = there.map(|task| {
            let (docker, container) = self.stack.locate(task)?;
            let state = "{{json .State}}";
            let state = docker.run(["inspect", "--format", state, &container])?;
            let threads = "pid,lwp,stat,time,wchan:24,comm";
            let threads = docker.run(["top", &container, "-eLo", threads])?;
            Ok(format!("{task}: {}\n{threads}", state.trim()))
        });
        let words = words.map(|words: meshworker_lab::Result<String>| {
            words.unwrap_or_else(|error| error.to_string())
        });
        words.collect::<Vec<String>>().join("\n")
    }

    fn any_member(&self) -> Ipv4Addr {
        let members = self.members();
        members
            .iter()
            .find_map(Task::address)
            .expect("a member runs")
    }
}

fn deploy<'a>(
    swarm: &'a Swarm,
    name: &str,
    files: &[PathBuf],
    env: &BTreeMap<String, String>,
) -> Stack<'a> {
    let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    Stack::deploy(swarm, name, files, &env).expect("the stack can be deployed")
}

/// What the stacks of this run call the volume of their supervisors after.
fn version(swarm: &Swarm) -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let version = swarm
            .manager()
            .and_then(|manager| images::version(&manager));
        version.expect("the worker's image runs")
    })
}

/// Tasks in words, those that have not ended first.
fn listed(tasks: &[Task]) -> String {
    let mut tasks: Vec<&Task> = tasks.iter().collect();
    tasks.sort_by_key(|task| task.has_ended());
    let words: Vec<String> = tasks.iter().map(|task| task.to_string()).collect();
    words.join(", ")
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The worker's log and the tasks last: the end of a long output is read first.
            eprintln!("its processes:\n{}", self.processes("meshworker"));
            eprintln!("the members':\n{}", self.processes(self.database.service()));
            match self.stack.logs("meshworker") {
                Ok(log) => eprintln!("the worker's log:\n{log}"),
                Err(error) => eprintln!("the worker's log cannot be had: {error}"),
            }
            let tasks = self.stack.tasks(self.database.service());
            eprintln!("its tasks: {}", listed(&tasks.unwrap_or_default()));
        }
        let removed = self
            .stack
            .remove()
            .and_then(|()| self.stack.remove_volumes());
        if let Err(error) = removed {
            eprintln!("{} could not be removed: {error}", self.stack.name());
        }
    }
}
