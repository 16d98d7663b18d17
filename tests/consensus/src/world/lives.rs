//! How a worker's process begins and ends, and what becomes of its store.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_group::{Me, Ordered, Participant, Saved, Seat, StoreId, Tempo};

use super::World;
use crate::disk::Disk;
use crate::mutation::Mutation;
use crate::process::Process;

impl World {
    fn me(&mut self, slot: u64, machine: usize, number: u64) -> Me {
        let mut tempo = Tempo::default();
        match self.mutation {
            Some(Mutation::LeasesTooLong) => tempo.lease = Duration::from_millis(2_000),
            Some(Mutation::VotesOnWaking) => tempo.quiet = Duration::ZERO,
            _ => {}
        }
        Me {
            seat: Seat {
                slot,
                node: Some(format!("machine-{machine}")),
                task: format!("task-{number}"),
            },
            first: slot == 1 || self.mutation == Some(Mutation::FoundsFromAnySlot),
            kept: self.kept,
            preferred: None,
            tempo,
        }
    }

    fn new_disk(&mut self, id: Option<StoreId>) -> Disk {
        let id = id.unwrap_or(StoreId(self.chance.any() | 1));
        Disk::empty(
            Saved::empty(id),
            self.mutation == Some(Mutation::SkipsTheSync),
        )
    }

    pub(super) fn begin(&mut self, index: usize) {
        let task = &self.swarm.tasks[index];
        let (slot, machine, number) = (task.slot, task.machine, task.number);
        // Two that would open one volume: the second is refused and tries again.
        let taken = self
            .swarm
            .running()
            .any(|other| other.slot == slot && other.machine == machine);
        if taken && self.kept {
            return;
        }
        // Whatever store is there, and nobody has, is one that its group waits for.
        let volumes = &mut self.swarm.machines[machine].volumes;
        let there = volumes.keys().next().copied().unwrap_or(slot);
        let volume = volumes.remove(&slot).or_else(|| volumes.remove(&there));
        let disk = match volume.filter(|_| self.kept) {
            Some(disk) => disk,
            None => {
                let reused = self.lost.get(&(machine, slot)).copied();
                let reused = reused.filter(|_| self.mutation == Some(Mutation::ReusesItsId));
                self.new_disk(reused)
            }
        };
        self.start(index, disk);
        let (now, lag) = (self.now, self.lag);
        for machine in 0..self.swarm.machines.len() {
            let after = self.chance.between(0, lag);
            self.swarm.tasks[index].listed[machine] = now + after;
        }
        self.tell(format_args!("task {number} begins"));
    }

    fn start(&mut self, index: usize, disk: Disk) {
        let task = &self.swarm.tasks[index];
        let (slot, machine, number) = (task.slot, task.machine, task.number);
        let me = self.me(slot, machine, number);
        let clock = self.clock(machine);
        let names = [self.chance.any(), self.chance.any() | 1];
        let participant = Participant::open(me, disk.seen.clone(), clock);
        let participant = participant.expect("a store of the simulation that makes no sense");
        let mut process = Process::new(participant, disk, self.now);
        process.names.extend(names.into_iter().rev());
        process.stubborn = self.mutation == Some(Mutation::ActsWhileHandingOver);
        self.swarm.tasks[index].process = Some(process);
    }

    /// Its store is empty now, and another one.
    pub(super) fn begin_anew(&mut self, index: usize, bequest: Vec<Ordered>) {
        let disk = self.new_disk(None);
        if let Some(process) = &self.swarm.tasks[index].process
            && let Some(replica) = process.participant.replica()
        {
            self.ledger.given_up(replica.group());
        }
        self.start(index, disk);
        if let Some(process) = &mut self.swarm.tasks[index].process {
            process.bequest = bequest;
        }
    }

    /// Its process ends; with a power cut what was not synced is gone.
    pub fn end(&mut self, index: usize, power_cut: bool) {
        let now = self.now;
        let unlisted: Vec<u64> = (0..self.swarm.machines.len())
            .map(|_| now + self.chance.between(0, 2_000))
            .collect();
        let task = &mut self.swarm.tasks[index];
        task.ended = Some(now);
        task.unlisted = unlisted;
        let (machine, slot) = (task.machine, task.slot);
        if let Some(process) = task.process.take() {
            let disk = match power_cut {
                true => process.disk.after_power_cut(),
                false => process.disk,
            };
            if self.kept {
                self.swarm.machines[machine].volumes.insert(slot, disk);
            }
        }
    }

    /// The volume of this slot on that machine is lost, and whoever used it ends.
    pub fn wipe(&mut self, machine: usize, slot: u64) {
        let running = self.swarm.tasks.iter().position(|task| {
            task.machine == machine && task.slot == slot && task.process.is_some()
        });
        if let Some(index) = running {
            self.end(index, false);
        }
        if let Some(disk) = self.swarm.machines[machine].volumes.remove(&slot) {
            self.lost.insert((machine, slot), disk.seen.store);
        }
    }

    /// Every store that there is, in a process or in a volume.
    pub fn stores(&self) -> BTreeSet<StoreId> {
        let running = self
            .swarm
            .running()
            .filter_map(|task| task.process.as_ref());
        let running = running.map(|process| process.disk.seen.store);
        let volumes = self
            .swarm
            .machines
            .iter()
            .flat_map(|machine| machine.volumes.values());
        running.chain(volumes.map(|disk| disk.seen.store)).collect()
    }
}
