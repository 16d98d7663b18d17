//! Who does what to the workers.

use meshworker_group::Replica;

use super::swarm::Task;
use super::world::{World, clock};

/// All cables are back.
const HEALS: usize = 7;
/// Two machines do not reach each other any more, and a worker that reaches both restarts.
const PARTS: usize = 11;

/// Who does what to the workers, and when next.
#[derive(Debug, Default)]
pub struct Operator {
    next: u64,
    /// Machines that no more reach each other: a worker elsewhere restarts next.
    apart: Option<(usize, usize)>,
    /// A machine that hears nothing from then on.
    deaf: Option<(u64, usize)>,
}

impl Operator {
    /// Does something now and then.
    pub fn act(&mut self, world: &mut World) {
        if world.now < self.next {
            return;
        }
        self.next = world.now + world.chance.between(200, 12_000);
        if world.now < 1_000 {
            return;
        }
        let machines = world.swarm.machines.len();
        let running: Vec<usize> = (0..world.swarm.tasks.len())
            .filter(|index| world.swarm.tasks[*index].process.is_some())
            .collect();
        if let Some((one, other)) = self.apart.take() {
            restart_elsewhere(world, &[one, other]);
            if world.restless {
                // Until then whoever restarts is in its first moments.
                while world.chance.percent(50) {
                    restart_elsewhere(world, &[one, other]);
                }
                self.next = world.now + world.chance.between(1_000, 2_000);
            }
            return;
        }
        if let Some((_, machine)) = self.deaf.take() {
            world.tell(format_args!("machine {machine} hears nobody any more"));
            for other in (0..machines).filter(|other| *other != machine) {
                world.wires.cut[other][machine] = true;
            }
            return;
        }
        let one = world.chance.pick(&running);
        let machine = world.chance.below(machines);
        let cut = world.wires.cut.iter().flatten().any(|cut| *cut);
        let what = match world.restless && world.chance.percent(90) {
            true if cut => HEALS,
            true => PARTS,
            false => world.chance.below(15),
        };
        match what {
            0 | 1 => {
                let wanted = world.chance.between(1, 5);
                scale(world, wanted as usize);
            }
            2 => {
                if let Some(index) = one {
                    let number = world.swarm.tasks[index].number;
                    world.tell(format_args!("task {number} is killed"));
                    world.end(index, false);
                }
            }
            3 => cut_power(world, &[machine]),
            4 => {
                world.tell(format_args!("the power fails everywhere"));
                cut_power(world, &(0..machines).collect::<Vec<_>>());
            }
            5 => {
                world.tell(format_args!("machine {machine} is cut off"));
                for other in 0..machines {
                    if other != machine {
                        world.wires.cut[machine][other] = true;
                        world.wires.cut[other][machine] = true;
                    }
                }
            }
            6 => {
                let other = world.chance.below(machines);
                world.tell(format_args!(
                    "machine {machine} does not reach {other} any more"
                ));
                world.wires.cut[machine][other] = machine != other;
            }
            HEALS | 8 => {
                world.tell(format_args!("all cables are back"));
                world.wires.heal();
                for machine in &mut world.swarm.machines {
                    machine.on = true;
                }
            }
            9 => {
                if let Some(index) = one {
                    let time = world.chance.between(100, 8_000);
                    let number = world.swarm.tasks[index].number;
                    let until = world.now + time;
                    world.tell(format_args!("task {number} stands still for {time} ms"));
                    if let Some(process) = &mut world.swarm.tasks[index].process {
                        process.paused_until = until;
                    }
                }
            }
            10 => {
                if let Some(index) = one {
                    let (machine, slot) = (
                        world.swarm.tasks[index].machine,
                        world.swarm.tasks[index].slot,
                    );
                    world.tell(format_args!(
                        "the store of worker {slot} on machine {machine} is lost"
                    ));
                    world.wipe(machine, slot);
                }
            }
            PARTS => {
                let other = world.chance.below(machines);
                let leads = leader(world).map(|index| world.swarm.tasks[index].machine);
                let machine = leads.filter(|_| world.restless).unwrap_or(machine);
                world.tell(format_args!(
                    "machines {machine} and {other} do not reach each other any more"
                ));
                world.wires.cut[machine][other] = machine != other;
                world.wires.cut[other][machine] = machine != other;
                // Long enough for whoever follows to miss its leader.
                self.next = world.now + world.chance.between(400, 1_500);
                self.apart = Some((machine, other));
            }
            13 => {
                self.deaf = hand_over(world);
                self.next = self.deaf.map_or(self.next, |(at, _)| at);
            }
            12 => {
                world.tell(format_args!("all are restarted"));
                for index in running {
                    let at = world.now + world.chance.between(0, 300);
                    world.stop_at(index, at);
                }
            }
            _ => {
                let (loss, slow) = (world.chance.between(0, 30), world.chance.between(2, 150));
                let late = world.chance.between(0, 10);
                world.tell(format_args!(
                    "{loss} of a hundred letters get lost, {slow} ms at the most, {late} are late"
                ));
                let wires = &mut world.wires;
                (wires.loss, wires.slow, wires.late) = (loss, slow, late);
            }
        }
    }
}

/// Whoever leads a group.
pub fn leader(world: &World) -> Option<usize> {
    let leads = |task: &Task| {
        let process = task.process.as_ref();
        let replica = process.and_then(|process| process.participant.replica());
        replica.is_some_and(Replica::is_leader)
    };
    world.swarm.tasks.iter().position(leads)
}

/// Whoever leads hands over to another one that votes. What it says of that arrives when it
/// has given it up, and hears nobody any more: from when on, and on which machine it is.
fn hand_over(world: &mut World) -> Option<(u64, usize)> {
    let task = leader(world)?;
    let task = &mut world.swarm.tasks[task];
    let (number, machine) = (task.number, task.machine);
    let process = task.process.as_mut()?;
    let replica = process.participant.replica()?;
    let voters = replica.voters().iter().copied();
    let others: Vec<_> = voters.filter(|one| *one != replica.store()).collect();
    let to = world.chance.pick(&others)?;
    let rate = world.swarm.machines[machine].rate;
    process.participant.hand_over(to, clock(world.now, rate));
    let arrives = world.now + world.chance.between(400, 700);
    world.wires.held_back = Some((machine, world.now + 20, arrives));
    world.tell(format_args!("task {number} is to hand over to {to}"));
    Some((arrives - world.chance.between(20, 60), machine))
}

/// A worker on another machine than these is killed.
fn restart_elsewhere(world: &mut World, not: &[usize]) {
    let tasks = world.swarm.tasks.iter().enumerate();
    let elsewhere = tasks.filter(|(_, task)| !not.contains(&task.machine));
    let running: Vec<usize> = elsewhere
        .filter(|(_, task)| task.process.is_some())
        .map(|(index, _)| index)
        .collect();
    if let Some(index) = world.chance.pick(&running) {
        let number = world.swarm.tasks[index].number;
        world.tell(format_args!("task {number} is killed, which reaches both"));
        world.end(index, false);
    }
}

fn scale(world: &mut World, wanted: usize) {
    world.tell(format_args!("scaled to {wanted}"));
    while world.slots.len() > wanted {
        let down = |slot: &u64| {
            world
                .swarm
                .wanted(*slot)
                .is_none_or(|task| task.process.is_none())
        };
        let slot = world
            .slots
            .iter()
            .rev()
            .find(|slot| down(slot))
            .or(world.slots.last());
        let Some(slot) = slot.copied() else { return };
        world.slots.remove(&slot);
    }
    let mut next = 1;
    while world.slots.len() < wanted {
        world.slots.insert(next);
        next += 1;
    }
}

fn cut_power(world: &mut World, machines: &[usize]) {
    for machine in machines {
        world.tell(format_args!("machine {machine} loses its power"));
        for index in 0..world.swarm.tasks.len() {
            if world.swarm.tasks[index].machine == *machine
                && world.swarm.tasks[index].process.is_some()
            {
                world.end(index, true);
            }
        }
        let back = world.chance.percent(50);
        world.swarm.machines[*machine].on = back;
    }
}
