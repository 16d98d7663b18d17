//! What is done to a loaded database, act after act, and what its clients feel.

use std::time::{Duration, Instant};

use meshworker_load::{Report, Verified};

use crate::{Deployment, Load, RunningLoad, World};

/// An act and the cluster's rest after it: generous, since Swarm alone takes
/// half a minute for a rolling update of six.
const PATIENCE: Duration = Duration::from_secs(900);

/// What clients felt during one act.
struct Stall {
    act: String,
    /// From the command until there is one clean cluster again.
    took: Duration,
    report: Report,
}

/// A deployed, filled database with a load that runs, and what was done to it.
pub struct Acts<'a> {
    // Dropped before the stack that it runs in.
    running: RunningLoad,
    load: Load,
    /// The database's stack.
    pub deployment: Deployment<'a>,
    /// The world it is in.
    pub world: &'a World,
    begin: Instant,
    stalls: Vec<Stall>,
}

impl<'a> Acts<'a> {
    /// Waits for one cluster of so many members, fills it and starts the load.
    pub fn begin(world: &'a World, mut deployment: Deployment<'a>, members: usize) -> Self {
        deployment.set_patience(PATIENCE);
        deployment.becomes_one(members);
        let load = Load::install(world, &deployment);
        load.fill();
        let running = load.start();
        Self {
            running,
            load,
            deployment,
            world,
            begin: Instant::now(),
            stalls: Vec::new(),
        }
    }

    /// Does something, waits until it is `done` in Swarm's eyes and there is
    /// one clean cluster of so many members, and notes what the clients felt.
    pub fn act(
        &mut self,
        name: &str,
        members: usize,
        act: impl FnOnce(&mut Deployment<'a>),
        done: impl FnMut(&Deployment<'a>) -> Result<(), String>,
    ) -> Report {
        let world = self.world;
        let _turn = world.act_beside();
        self.perform(name, members, act, done)
    }

    /// [`Acts::act`], while no other story has an act under way.
    pub fn act_alone(
        &mut self,
        name: &str,
        members: usize,
        act: impl FnOnce(&mut Deployment<'a>),
        done: impl FnMut(&Deployment<'a>) -> Result<(), String>,
    ) -> Report {
        let world = self.world;
        let _turn = world.act_alone();
        self.perform(name, members, act, done)
    }

    fn perform(
        &mut self,
        name: &str,
        members: usize,
        act: impl FnOnce(&mut Deployment<'a>),
        mut done: impl FnMut(&Deployment<'a>) -> Result<(), String>,
    ) -> Report {
        self.act_begins();
        act(&mut self.deployment);
        let deployment = &self.deployment;
        deployment.wait(name, || done(deployment));
        self.act_ends(name, members, true)
    }

    /// Something is about to be done: times and stalls count from here.
    pub fn act_begins(&mut self) {
        // What others did to the nodes before is not this act's.
        self.running.mark("before");
        self.begin = Instant::now();
        self.deployment.mark();
    }

    /// Waits until there is one cluster of so many members, which remembers
    /// nobody else where it is to be `clean`, and notes what the clients felt
    /// since the act began.
    pub fn act_ends(&mut self, name: &str, members: usize, clean: bool) -> Report {
        if clean {
            self.deployment.becomes_clean(members);
        } else {
            self.deployment.becomes_one(members);
        }
        let took = self.begin.elapsed();
        let report = self.running.mark("after");
        eprintln!(
            "  {:>6.1} s  {name}: {} acknowledged, longest stall {} ms",
            took.as_secs_f32(),
            report.acknowledged,
            report.write_stall_ms
        );
        // It counts at the end; now one sees when it was.
        if report.read_mismatches > 0 {
            eprintln!(
                "  {} reads were answered wrongly so far, the first one: {:?}",
                report.read_mismatches, report.first_mismatch
            );
        }
        self.stalls.push(Stall {
            act: name.to_owned(),
            took,
            report: report.clone(),
        });
        report
    }

    /// How many writes are acknowledged by now.
    pub fn acknowledged(&mut self) -> u64 {
        self.running.mark("count").acknowledged
    }

    /// Reads everything back while the load goes on.
    pub fn verify(&mut self) -> Verified {
        // The journal is as new as the last mark.
        self.running.mark("verify");
        self.load.verify()
    }

    /// Everything is there, and no read was ever answered wrongly.
    pub fn is_whole(&mut self) {
        let verified = self.verify();
        let report = self.running.mark("whole");
        assert!(verified.is_whole(), "{verified:?}");
        assert_eq!(
            (report.read_mismatches, &report.first_mismatch),
            (0, &None),
            "reads were answered wrongly"
        );
        eprintln!(
            "  {}: {} records and {} acknowledged writes are there, {} reads were right",
            self.deployment.stack().name(),
            verified.found,
            verified.acknowledged,
            report.reads
        );
    }

    /// All acts, one per line.
    fn table(&self) -> String {
        let mut table = format!(
            "  {}\n  {:<44} {:>8} {:>10} {:>10} {:>8}\n",
            self.deployment.stack().name(),
            "act",
            "seconds",
            "write ms",
            "read ms",
            "retries"
        );
        let mut before = 0;
        for stall in &self.stalls {
            let Stall { act, took, report } = stall;
            table += &format!(
                "  {act:<44} {:>8.1} {:>10} {:>10} {:>8}\n",
                took.as_secs_f32(),
                report.write_stall_ms,
                report.read_stall_ms,
                report.retries - before
            );
            before = report.retries;
        }
        if let Some(longest) = self.stalls.iter().max_by_key(|s| s.report.write_stall_ms) {
            table += &format!(
                "  longest stall of the writer: {} ms ({})\n",
                longest.report.write_stall_ms, longest.act
            );
        }
        table
    }
}

impl Drop for Acts<'_> {
    fn drop(&mut self) {
        // However the story ends: the figures are what it was for.
        eprintln!("{}", self.table());
    }
}
