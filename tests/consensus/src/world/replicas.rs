//! What Swarm does, and what it tells of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use meshworker_group::Listing;

use super::World;
use crate::mutation::Mutation;
use crate::swarm::{DOWN, Task};

impl World {
    pub(super) fn note_who_is_apart(&mut self) {
        let machines = self.swarm.machines.len();
        for a in 0..machines {
            for b in 0..machines {
                let on = self.swarm.machines[a].on && self.swarm.machines[b].on;
                if on && self.wires.both_ways(a, b) {
                    self.apart.remove(&(a, b));
                } else {
                    self.apart.entry((a, b)).or_insert(self.now);
                }
            }
        }
        for a in 0..machines {
            let reached = (0..machines)
                .filter(|b| !self.apart.contains_key(&(a, *b)))
                .count();
            let lost = !self.swarm.machines[a].on || 2 * reached <= machines;
            let since = self.swarm.machines[a].lost_since;
            self.swarm.machines[a].lost_since = lost.then(|| since.unwrap_or(self.now));
        }
    }

    /// Does what Swarm does: every slot has a task somewhere, and none has two that can be reached.
    pub(super) fn keep_replicas(&mut self) {
        let now = self.now;
        let down = |since: Option<u64>| since.is_some_and(|since| now >= since + DOWN);
        for index in 0..self.swarm.tasks.len() {
            let task = &self.swarm.tasks[index];
            if task.ended.is_some() {
                continue;
            }
            let machine = &self.swarm.machines[task.machine];
            if down(machine.lost_since) {
                self.swarm.tasks[index].left_over = true;
            } else if task.left_over && machine.lost_since.is_none() && task.told.is_none() {
                let after = self.chance.between(0, 13_000);
                self.stop_at(index, now + after);
            }
            let unwanted = !self.slots.contains(&self.swarm.tasks[index].slot);
            if unwanted
                && self.swarm.tasks[index].told.is_none()
                && self.swarm.machines[self.swarm.tasks[index].machine]
                    .lost_since
                    .is_none()
            {
                self.stop_at(index, now);
            }
        }
        let slots: Vec<u64> = self.slots.iter().copied().collect();
        for slot in slots {
            if self.swarm.wanted(slot).is_none() {
                self.place(slot);
            }
        }
        self.swarm
            .tasks
            .retain(|task| task.ended.is_none_or(|ended| now < ended + 10_000));
    }

    /// Has a task told to end, at that time.
    pub fn stop_at(&mut self, index: usize, at: u64) {
        self.swarm.tasks[index].told = Some(at);
    }

    fn place(&mut self, slot: u64) {
        let up: Vec<usize> = (0..self.swarm.machines.len())
            .filter(|machine| self.swarm.machines[*machine].lost_since.is_none())
            .collect();
        let before = self.swarm.tasks.iter().rev().find(|task| task.slot == slot);
        let (last, used) = (
            before.map(|task| task.machine),
            before.map(|task| task.address),
        );
        let stays = last.filter(|last| up.contains(last));
        let stays = stays.filter(|_| self.restless || self.chance.percent(85));
        let load = |machine: &usize| {
            let tasks = self.swarm.tasks.iter();
            tasks
                .filter(|task| task.ended.is_none() && task.machine == *machine)
                .count()
        };
        let Some(machine) = stays.or_else(|| up.iter().copied().min_by_key(load)) else {
            return;
        };
        let used = used.filter(|_| self.restless || self.chance.percent(30));
        let address = self.swarm.address(used);
        let machines = self.swarm.machines.len();
        let starts_at = self.now
            + if self.now == 0 {
                self.chance.between(0, 2_000)
            } else if self.restless || self.chance.percent(30) {
                self.chance.between(20, 120)
            } else {
                self.chance.between(200, 4_000)
            };
        let number = self.swarm.next;
        self.swarm.next += 1;
        self.tell(format_args!(
            "task {number}: worker {slot} is to start on machine {machine} at {address}"
        ));
        self.swarm.tasks.push(Task {
            number,
            slot,
            machine,
            address,
            process: None,
            starts_at,
            ended: None,
            told: None,
            left_over: false,
            listed: vec![u64::MAX; machines],
            unlisted: vec![u64::MAX; machines],
        });
    }

    pub(super) fn listing(&self, machine: usize, own: IpAddr) -> Listing {
        let hidden = |task: &Task| {
            let since = self.apart.get(&(machine, task.machine));
            since.is_some_and(|since| self.now >= since + DOWN)
        };
        let listed = |task: &&Task| {
            task.listed[machine] <= self.now && self.now < task.unlisted[machine] && !hidden(task)
        };
        let mut others: BTreeSet<IpAddr> = self
            .swarm
            .tasks
            .iter()
            .filter(listed)
            .map(|task| task.address)
            .collect();
        let whole = others.remove(&own);
        let reached = self.swarm.machines[machine].lost_since.is_none();
        let wanted = match self.mutation {
            Some(Mutation::FoundsFromAnySlot) => Some(1),
            _ => (self.docker && reached).then_some(self.slots.len()),
        };
        Listing {
            others,
            whole,
            wanted,
            blind: self.docker && !reached,
        }
    }
}
