//! One deployed stack of one test, removed at its end however it ends.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use meshworker_lab::images::Image;
use meshworker_lab::{Stack, Swarm, Task, Tools, wait_for};

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
            files: paths,
            env: all,
            since: Instant::now(),
            patience: DEADLINE,
        }
    }

    /// Deploys the same stack again, after it was removed.
    pub fn deploy_again(&mut self) {
        self.since = Instant::now();
        self.stack = deploy(self.swarm, self.stack.name(), &self.files, &self.env);
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
    pub fn tools(&self) -> Tools<'_> {
        Tools::attach(&self.stack).expect("the tools container runs")
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

    /// What the cluster is at this moment, if it is one.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn look(&self, members: usize) -> Result<Cluster, String> {
        let tasks = self.members();
        let addresses: Vec<Ipv4Addr> = tasks.iter().filter_map(Task::address).collect();
        if addresses.len() != members {
            return Err(format!("{} of {members} tasks run", addresses.len()));
        }
        self.database.cluster(&self.tools(), &addresses)
    }

    /// Writes records through any member.
    pub fn write(&self, count: usize) {
        let member = self.any_member();
        self.wait("a write", || {
            self.database.write(&self.tools(), member, count)
        });
    }

    /// Waits until all records can be read.
    pub fn all_there(&self, count: usize) {
        self.wait("all records", || {
            let found = self
                .database
                .read(&self.tools(), self.any_member(), count)?;
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
            Err(error) => panic!("{error}"),
        }
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

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let tasks = self.stack.tasks(self.database.service());
            eprintln!("tasks of {}: {tasks:#?}", self.stack.name());
            eprintln!("the worker's log:\n{}", self.worker_log());
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
