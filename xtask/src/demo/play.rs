//! The acts of the demo.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use meshworker_lab::{Stack, Tools, wait_for};

use super::driver::Driver;
use super::status::{Status, table};

/// A cluster of six forms within seconds; whatever a slow and loaded machine needs is less than this.
const DEADLINE: Duration = Duration::from_secs(600);

const RECORDS: usize = 1000;
const START: usize = 3;
const GROWN: usize = 6;

/// The demo, once its stack is deployed.
pub struct Play<'a> {
    driver: &'a dyn Driver,
    stack: &'a Stack<'a>,
}

impl<'a> Play<'a> {
    /// On this stack.
    pub fn new(driver: &'a dyn Driver, stack: &'a Stack<'a>) -> Self {
        Self { driver, stack }
    }

    /// All acts, in order.
    pub fn run(&self) -> Result<()> {
        let tools = self.act(
            &format!("the stack is deployed: {START} replicas, not yet a cluster"),
            || Ok(Tools::attach(self.stack)?),
        )?;
        self.formed(&tools, "they become one cluster", START, || Ok(()))?;

        let written = self.act(&format!("write {RECORDS} records"), || {
            self.driver.write(&tools, RECORDS)
        })?;
        if written != RECORDS {
            bail!("only {written} of {RECORDS} records were written");
        }

        let service = self.driver.service();
        let scale = |replicas| Ok(self.stack.scale(service, replicas)?);
        let title = format!("docker service scale {}={GROWN}", self.stack.full(service));
        self.formed(&tools, &title, GROWN, || scale(GROWN))?;
        let title = format!("docker service scale {}={START}", self.stack.full(service));
        self.formed(&tools, &title, START, || scale(START))?;
        self.formed(&tools, "one container is killed", START, || {
            self.kill_one(service)
        })?;

        let read = self.act(&format!("read the {RECORDS} records"), || {
            self.driver.read(&tools, RECORDS)
        })?;
        println!("  {read} of {RECORDS} records are there");
        if read != RECORDS {
            bail!("{} records are lost", RECORDS - read);
        }
        Ok(())
    }

    /// Kills the container of the highest slot, and waits until Swarm has noticed.
    fn kill_one(&self, service: &str) -> Result<()> {
        let tasks = self.stack.running(service)?;
        let victim = tasks.last().context("no replica runs")?;
        self.stack.kill_container(victim)?;
        wait_for("the killed task to be gone", DEADLINE, || {
            match self.stack.running(service) {
                Ok(tasks) if tasks.iter().any(|task| task.id == victim.id) => {
                    Err("it still runs".into())
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        })?;
        Ok(())
    }

    /// An act at whose end there is one cluster of `members`.
    fn formed(
        &self,
        tools: &Tools<'_>,
        title: &str,
        members: usize,
        change: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.act(title, || {
            change()?;
            let mut shown = String::new();
            wait_for(format!("one cluster of {members}"), DEADLINE, || {
                let progress = self.is_one_of(tools, members);
                if let Err(progress) = &progress
                    && *progress != shown
                {
                    println!("  ... {progress}");
                    shown.clone_from(progress);
                }
                progress
            })?;
            Ok(())
        })?;
        for line in table(tools)?.lines() {
            println!("  {line}");
        }
        Ok(())
    }

    /// How far it is, if it is not there yet.
    fn is_one_of(&self, tools: &Tools<'_>, members: usize) -> Result<(), String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let tasks = self.stack.running(self.driver.service());
        let tasks = tasks.map_err(|error| said(&error))?;
        if tasks.len() != members {
            return Err(format!("{} of {members} replicas run", tasks.len()));
        }
        let status = Status::ask(tools).map_err(|error| said(&error))?;
        match status.is_one_of(&tasks) {
            true => Ok(()),
            false => Err(status.progress()),
        }
    }

    fn act<T>(&self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {title}");
        let start = Instant::now();
        let result = work()?;
        println!("  done in {:.1} s", start.elapsed().as_secs_f32());
        Ok(result)
    }
}
