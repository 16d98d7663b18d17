//! A worker's turn: what it hears, says and does in a moment.

use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::Fence;
use meshworker_group::{Command, GroupId};

use super::World;
use crate::invariants::Broken;
use crate::mutation::Mutation;
use crate::process::{FOR_MS, Pending, Process};
use crate::wires::Mail;

/// So often a worker says hello, and asks where its name leads.
const HELLO: u64 = 500;
/// A container that does not end when told is killed after so long.
const GRACE: u64 = 10_000;

impl World {
    pub(super) fn deliver(&mut self) {
        for one in self.wires.arrived(self.now) {
            let there = self
                .swarm
                .tasks
                .iter()
                .position(|task| task.address == one.to && task.process.is_some());
            let Some(index) = there else { continue };
            let (machine, address) = (self.swarm.tasks[index].machine, one.to);
            if !self.wires.reaches(one.from.1, machine) || !self.swarm.machines[machine].on {
                continue;
            }
            let now = self.clock(machine);
            let Some(process) = &mut self.swarm.tasks[index].process else {
                continue;
            };
            if process.paused_until > self.now {
                // The kernel keeps it until the process goes on.
                let mut later = one;
                later.at = process.paused_until.min(self.now + 1_000);
                self.wires.mail.push(later);
                continue;
            }
            match one.mail {
                Mail::Hello(hello) => {
                    process.participant.hear(hello, None, now);
                    let answer = Mail::Answer(process.participant.hello(now));
                    self.wires.send(
                        &mut self.chance,
                        self.now,
                        (address, machine),
                        one.from.0,
                        answer,
                    );
                }
                Mail::Answer(hello) => process.participant.hear(hello, Some(one.from.0), now),
                Mail::Letter(letter) => {
                    let Process {
                        participant, disk, ..
                    } = process;
                    let heard = participant.receive(&letter, disk, now);
                    heard.expect("a store of the simulation that cannot be written");
                }
            }
        }
    }

    pub(super) fn run(&mut self, index: usize) -> Result<(), Broken> {
        let now = self.now;
        let task = &self.swarm.tasks[index];
        let (machine, address, number) = (task.machine, task.address, task.number);
        if task.ended.is_some() || !self.swarm.machines[machine].on {
            return Ok(());
        }
        if task.process.is_none() {
            if task.told.is_some_and(|told| told <= now) {
                self.swarm.tasks[index].ended = Some(now);
            } else if task.starts_at <= now {
                self.begin(index);
            }
            return Ok(());
        }
        let clock = self.clock(machine);
        let listing = self.listing(machine, address);
        let told = task.told.filter(|told| *told <= now);
        let Some(process) = &mut self.swarm.tasks[index].process else {
            return Ok(());
        };
        if process.paused_until > now {
            if told.is_some_and(|told| now >= told + GRACE) {
                self.end(index, false);
            }
            return Ok(());
        }
        if told.is_some() {
            process.participant.leave(clock);
        }
        let hello = now >= process.hello_at;
        if hello {
            process.hello_at = now + HELLO;
            process.participant.see(listing.clone(), clock);
            process.blind = listing.blind;
        }
        let effects = process.settle(&mut self.chance, clock);
        let said = process.participant.hello(clock);
        for (ticket, why) in std::mem::take(&mut process.orders) {
            let entry = effects
                .applied
                .iter()
                .find(|entry| entry.index == ticket.index);
            match entry {
                None => process.orders.push((ticket, why)),
                Some(entry) if entry.term == ticket.term => {
                    if let Some(replica) = process.participant.replica() {
                        self.ledger.acknowledge(replica.group(), entry.index, why);
                    }
                }
                Some(_) => {}
            }
        }
        for act in &mut process.acts {
            let mine = |entry: &&meshworker_group::Applied| {
                entry.index == act.ticket.index && entry.term == act.ticket.term
            };
            if let Some(entry) = effects.applied.iter().find(mine) {
                act.committed = Some((entry.fence, clock));
            }
        }
        let destinations: Vec<(IpAddr, Mail)> = effects
            .letters
            .into_iter()
            .filter_map(|letter| {
                Some((
                    process.participant.book().address(letter.to)?,
                    Mail::Letter(letter),
                ))
            })
            .collect();
        let has_left = process.participant.has_left(clock);
        let replica = process.participant.replica();
        let group = replica.map(|replica| replica.group());
        if let Some(replica) = replica {
            if replica.is_leader() {
                self.ledger
                    .leads(replica.group(), replica.term(), replica.store())?;
            }
            self.ledger
                .applied(replica.group(), &effects.applied, now)?;
            self.ledger.votes(replica);
        }
        let fence = process.fence(clock);
        let newly = fence.is_some() && fence != process.held;
        process.held = fence;
        if newly && let Some(replica) = process.participant.replica() {
            self.ledger.took_over(replica)?;
            let line = format!(
                "task {number} acts under {fence:?} of group {}",
                replica.group()
            );
            self.story.tell(now, format_args!("{line}"));
        }
        for (to, mail) in destinations {
            self.wires
                .send(&mut self.chance, now, (address, machine), to, mail);
        }
        if hello {
            for to in listing.others {
                self.wires.send(
                    &mut self.chance,
                    now,
                    (address, machine),
                    to,
                    Mail::Hello(said.clone()),
                );
            }
        }
        if let Some(bequest) = effects.gives_up {
            self.tell(format_args!("task {number} gives its group up"));
            self.begin_anew(index, bequest);
            return Ok(());
        }
        if let (Some(told), true) = (told, has_left) {
            let line = format!("task {number} ends {} ms after it was told", now - told);
            self.tell(format_args!("{line}"));
            self.end(index, false);
            return Ok(());
        }
        if told.is_some_and(|told| now >= told + GRACE) {
            self.end(index, false);
            return Ok(());
        }
        self.work(index, group)
    }

    /// What the worker does with its authority: acts now and then.
    fn work(&mut self, index: usize, group: Option<GroupId>) -> Result<(), Broken> {
        let now = self.now;
        let clock = self.clock(self.swarm.tasks[index].machine);
        let begin = self.chance.percent(1);
        let delay = self.chance.between(0, 60);
        let order = self.chance.percent(1);
        let target = format!("n{}", self.chance.below(3));
        let number = self.swarm.tasks[index].number;
        let mutation = self.mutation;
        // Whoever was cut off is elected only if nothing was written without it.
        let rests = self.restless && self.chance.percent(95);
        let (begin, order) = (begin && !rests, order && !rests);
        let Some(process) = &mut self.swarm.tasks[index].process else {
            return Ok(());
        };
        if process.participant.may_not_intend(clock).is_none()
            && begin
            && process.acts.len() < 4
            && let Some(ticket) = process.intend(&target)
        {
            let committed = (mutation == Some(Mutation::ActsWithoutIntent))
                .then_some((Fence(ticket.index), clock));
            process.acts.push_back(Pending {
                ticket,
                target,
                committed,
                make_at: now + delay,
            });
        }
        if order && process.fence(clock).is_some() {
            process.begun += 1;
            let why = format!("{number}-{}", process.begun);
            if let Some(ticket) = process.order(&why) {
                process.orders.push((ticket, why));
            }
        }
        let bequest = std::mem::take(&mut process.bequest);
        if !bequest.is_empty() {
            for command in bequest {
                if process.fence(clock).is_some() {
                    let _ = process.participant.propose(&Command::Order(command));
                }
            }
        }
        let pending = std::mem::take(&mut process.acts);
        for act in pending {
            let Some((fence, since)) = act.committed else {
                // What is not committed in time never will be: it is given up.
                if now < act.make_at + 10_000 {
                    process.acts.push_back(act);
                }
                continue;
            };
            if now < act.make_at {
                process.acts.push_back(act);
                continue;
            }
            let in_time = clock.since(since) < Duration::from_millis(FOR_MS);
            if process.fence(clock).is_none() || !in_time {
                continue;
            }
            let heard = self.heard.get(&act.target).copied();
            if let Some(heard) = heard.filter(|heard| fence <= *heard) {
                let _ = process.participant.propose(&Command::Raise(heard.0));
                process.close(fence);
                continue;
            }
            process.close(fence);
            self.heard.insert(act.target.clone(), fence);
            if let Some(group) = group {
                self.ledger.acts(group, fence, &act.target, now)?;
            }
        }
        Ok(())
    }
}
