//! The swarm that the workers run in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::disk::Disk;
use super::process::Process;

/// One container.
#[derive(Debug)]
pub struct Task {
    /// Its number: none has another one's.
    pub number: u64,
    /// Which replica it is.
    pub slot: u64,
    /// The machine that it runs on.
    pub machine: usize,
    /// Its address.
    pub address: IpAddr,
    /// Its process, while it runs.
    pub process: Option<Process>,
    /// It is to begin then.
    pub starts_at: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// When it was told to end, and when it is killed.
    pub told: Option<u64>,
    /// Whether the swarm wants it no more, because it runs where nobody reaches it.
    pub left_over: bool,
    /// When others find its address, for each machine that asks.
    pub listed: Vec<u64>,
    /// When they find it no more.
    pub unlisted: Vec<u64>,
}

/// A machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Whether it has power.
    pub on: bool,
    /// Since when nobody heard of it.
    pub lost_since: Option<u64>,
    /// How fast its clock runs, in thousandths.
    pub rate: u64,
    /// Its volumes, by slot, while no process has them.
    pub volumes: BTreeMap<u64, Disk>,
}

/// After so long a machine that nobody hears of is held to be down.
pub const DOWN: u64 = 20_000;

/// What runs, and what is wanted.
#[derive(Debug)]
pub struct Swarm {
    /// The machines.
    pub machines: Vec<Machine>,
    /// The containers, those that ended too for a while.
    pub tasks: Vec<Task>,
    /// So many replicas are wanted.
    pub replicas: u64,
    /// The next task's number.
    pub next: u64,
    /// The next address's last byte.
    pub next_address: u8,
}

impl Swarm {
    /// So many machines, with clocks of these rates.
    pub fn of(rates: &[u64], replicas: u64) -> Swarm {
        let machine = |rate: &u64| Machine {
            on: true,
            lost_since: None,
            rate: *rate,
            volumes: BTreeMap::new(),
        };
        Swarm {
            machines: rates.iter().map(machine).collect(),
            tasks: Vec::new(),
            replicas,
            next: 0,
            next_address: 1,
        }
    }

    /// The task that the swarm wants in this slot.
    pub fn wanted(&self, slot: u64) -> Option<&Task> {
        let mut tasks = self.tasks.iter();
        tasks.find(|task| task.slot == slot && task.ended.is_none() && !task.left_over)
    }

    /// Those that run.
    pub fn running(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.process.is_some())
    }

    /// An address that nobody has: now and then one that somebody had a moment ago.
    pub fn address(&mut self, used: Option<IpAddr>) -> IpAddr {
        let taken = |address: IpAddr| {
            self.tasks
                .iter()
                .any(|task| task.ended.is_none() && task.address == address)
        };
        if let Some(used) = used.filter(|used| !taken(*used)) {
            return used;
        }
        loop {
            let address = IpAddr::from([10, 0, 9, self.next_address]);
            self.next_address = self.next_address.wrapping_add(1).max(1);
            let taken = self
                .tasks
                .iter()
                .any(|task| task.ended.is_none() && task.address == address);
            if !taken {
                return address;
            }
        }
    }
}
