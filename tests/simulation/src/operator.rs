//! Impatient operators, and everything that breaks.

use crate::chance::Chance;
use crate::model::{Cause, Model};
use crate::setup::Trouble;
use crate::swarm::State;
use crate::witnesses::Lie;
use crate::world::{World, stranger};

/// Lies end before the removal hold does, and are followed by the truth for
/// longer than a pass takes: a lie that lasts longer is one that no hold can
/// tell from the truth.
const LIE: u64 = 6_000;
const TRUTH: u64 = 4_000;

/// A stack whose last task has ended is deployed again after this time: its networks
/// have to go first.
const REDEPLOY: u64 = 3_000;

/// When what ends.
#[derive(Debug, Clone, Default)]
pub struct Operator {
    next: u64,
    heals: Vec<(u64, Heal)>,
    redeploy: Option<u64>,
    emptied: Option<u64>,
    next_lie: [u64; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heal {
    Host(usize),
    Beyond,
    Scale(u64),
    Apart(usize),
    Hidden(usize, usize),
    Worker(usize),
}

impl Operator {
    /// A moment passes: something is done or breaks, something heals.
    pub fn tick<M: Model>(&mut self, world: &mut World<M>) {
        let now = world.now;
        let quiet = now >= world.setup.quiet_from;
        let heals = std::mem::take(&mut self.heals);
        for (at, heal) in heals {
            if quiet || now >= at {
                self.heal(world, heal);
            } else {
                self.heals.push((at, heal));
            }
        }
        if world.swarm.live().next().is_some() {
            self.emptied = None;
        } else if let Some(replicas) = self.redeploy
            && now >= *self.emptied.get_or_insert(now) + REDEPLOY
        {
            world
                .story
                .tell(now, format_args!("the stack is deployed again"));
            world.swarm.desired = replicas;
            self.redeploy = None;
        }
        if quiet {
            world.lossy = false;
            for worker in &mut world.workers {
                (worker.dns_lie, worker.docker_lie) = (None, None);
            }
            return;
        }
        if world.setup.faults {
            self.lie(world);
        }
        // So many nodes and no more, whatever the haste.
        if now >= self.next && world.swarm.tasks.len() < 80 {
            if self.next > 0 {
                self.act(world);
            }
            self.next = now + world.chance.between(500, world.setup.haste);
        }
    }

    fn act<M: Model>(&mut self, world: &mut World<M>) {
        if let Some(trouble) = world.setup.trouble
            && world.chance.percent(world.setup.share)
        {
            return self.trouble(world, trouble);
        }
        let die = world
            .chance
            .below(if world.setup.faults { 100 } else { 55 });
        match die {
            0..=24 => self.scale(world),
            25..=39 => self.update(world),
            40..=42 => self.remove(world),
            43..=54 => self.kill_worker(world),
            55..=64 => self.kill_container(world),
            65..=69 => self.kill_host(world),
            70..=76 => self.cut_host(world),
            77..=79 => self.cut_power(world),
            80..=84 => self.set_apart(world),
            85..=92 => self.hide(world),
            _ => Self::stranger(world),
        }
    }

    fn trouble<M: Model>(&mut self, world: &mut World<M>, trouble: Trouble) {
        match trouble {
            Trouble::DeadEngine => match world.net.headless.iter().any(Option::is_some) {
                true => self.shrink(world),
                false => self.behead(world),
            },
            Trouble::TwoMinds => {
                self.hide(world);
                match world.chance.percent(70) {
                    true => self.shrink(world),
                    false => self.scale(world),
                }
            }
            Trouble::LostDisk => self.lose_disk(world),
            Trouble::Half => self.cut_half(world),
            Trouble::TooFew => self.ask_for_too_few(world),
        }
    }

    /// One member less, or all that there may be.
    fn shrink<M: Model>(&mut self, world: &mut World<M>) {
        if self.redeploy.is_some() {
            return;
        }
        let less = world.swarm.desired.saturating_sub(1);
        let to = if less < M::LEAST { 7 } else { less };
        Self::scale_to(world, to);
    }

    fn ask_for_too_few<M: Model>(&mut self, world: &mut World<M>) {
        let before = world.swarm.desired;
        let scales = self
            .heals
            .iter()
            .any(|(_, heal)| matches!(heal, Heal::Scale(_)));
        if self.redeploy.is_some() || scales {
            return;
        }
        Self::scale_to(world, 1);
        let back = world.now + world.chance.between(5_000, 40_000);
        self.heals.push((back, Heal::Scale(before)));
    }

    fn scale_to<M: Model>(world: &mut World<M>, to: u64) {
        world.story.tell(world.now, format_args!("scale to {to}"));
        world.swarm.desired = to;
    }

    fn scale<M: Model>(&mut self, world: &mut World<M>) {
        if self.redeploy.is_some() {
            return;
        }
        let least = M::LEAST - u64::from(world.chance.percent(10) && M::LEAST < 3);
        let to = world.chance.between(least, 7);
        Self::scale_to(world, to);
    }

    fn update<M: Model>(&mut self, world: &mut World<M>) {
        if !world.swarm.update.is_empty() {
            return;
        }
        world.story.tell(world.now, format_args!("update --force"));
        world.swarm.update = (1..=world.swarm.desired).collect();
    }

    fn remove<M: Model>(&mut self, world: &mut World<M>) {
        if self.redeploy.is_some() {
            return;
        }
        world
            .story
            .tell(world.now, format_args!("the stack is removed"));
        self.redeploy = Some(world.swarm.desired);
        world.swarm.update.clear();
        world.swarm.desired = 0;
    }

    fn kill_worker<M: Model>(&mut self, world: &mut World<M>) {
        let number = world.chance.below(world.workers.len());
        if world.workers[number].up {
            world
                .story
                .tell(world.now, format_args!("worker {number} is killed"));
            world.workers[number].crash();
            world.database.abandon(number);
            let back = world.now + world.chance.between(100, 15_000);
            self.heals.push((back, Heal::Worker(number)));
        }
    }

    fn kill_container<M: Model>(&mut self, world: &mut World<M>) {
        let running = world
            .swarm
            .live()
            .filter(|(_, t)| t.state == State::Running);
        let running: Vec<usize> = running.map(|(at, _)| at).collect();
        if let Some(at) = world.chance.pick(&running) {
            let task = world.swarm.tasks[at].clone();
            world
                .story
                .tell(world.now, format_args!("{task} is killed"));
            world
                .swarm
                .kill(at, world.now, &mut world.database, Cause::Fault);
        }
    }

    fn host<M: Model>(world: &mut World<M>) -> Option<usize> {
        let host = world.chance.below(world.net.hosts);
        let others = (0..world.net.hosts).filter(|other| world.net.lost_since(*other).is_some());
        (others.count() == 0).then_some(host)
    }

    fn kill_host<M: Model>(&mut self, world: &mut World<M>) {
        let Some(host) = Self::host(world) else {
            return;
        };
        world
            .story
            .tell(world.now, format_args!("host {host} dies"));
        world.net.dead[host] = Some(world.now);
        let there = world.swarm.live().filter(|(_, task)| task.host == host);
        for node in there.filter_map(|(_, task)| task.node).collect::<Vec<_>>() {
            world.database.stop(node, world.now, Cause::Fault);
        }
        let back = world.now + world.chance.between(3_000, 60_000);
        self.heals.push((back, Heal::Host(host)));
    }

    fn cut_host<M: Model>(&mut self, world: &mut World<M>) {
        let Some(host) = Self::host(world) else {
            return;
        };
        world
            .story
            .tell(world.now, format_args!("host {host} is cut off"));
        world.net.cut[host] = Some(world.now);
        let back = world.now + world.chance.between(500, 40_000);
        self.heals.push((back, Heal::Host(host)));
    }

    /// Everything stops at once, workers and all, and comes back host by host.
    fn cut_power<M: Model>(&mut self, world: &mut World<M>) {
        if Self::host(world).is_none() {
            return;
        }
        self.fail_power(world, |chance, _| chance.between(3_000, 40_000));
    }

    /// The power fails, and the first host that is up again has lost its disk.
    fn lose_disk<M: Model>(&mut self, world: &mut World<M>) {
        let Some(first) = Self::host(world) else {
            return;
        };
        self.fail_power(world, |chance, host| match host == first {
            true => chance.between(1_000, 3_000),
            false => chance.between(8_000, 25_000),
        });
        world.database.lose_disk(first);
        let now = world.now;
        world
            .story
            .tell(now, format_args!("host {first} loses its disk"));
    }

    fn fail_power<M: Model>(
        &mut self,
        world: &mut World<M>,
        takes: impl Fn(&mut Chance, usize) -> u64,
    ) {
        world.story.tell(world.now, format_args!("the power fails"));
        for host in 0..world.net.hosts {
            world.net.dead[host] = Some(world.now);
            let back = world.now + takes(&mut world.chance, host);
            self.heals.push((back, Heal::Host(host)));
        }
        let there = world.swarm.live().filter_map(|(_, task)| task.node);
        for node in there.collect::<Vec<_>>() {
            world.database.stop(node, world.now, Cause::Fault);
        }
        for number in 0..world.workers.len() {
            if world.workers[number].up {
                world.workers[number].crash();
                world.database.abandon(number);
                let back = world.now + world.chance.between(3_000, 30_000);
                self.heals.push((back, Heal::Worker(number)));
            }
        }
    }

    /// A cut through the members' network, with half of them beyond it, or nearly.
    fn cut_half<M: Model>(&mut self, world: &mut World<M>) {
        if Self::host(world).is_none() {
            return;
        }
        let hosts = world.net.hosts;
        let members = world.database.alive();
        let of = |host: usize| {
            let there = |at: &&usize| world.database.processes()[**at].host == host;
            members.iter().filter(there).count()
        };
        let beyond = |side: usize| (0..hosts).filter(move |host| side & 1 << host != 0);
        let sides: Vec<usize> = (1..(1 << hosts) - 1).collect();
        let off = |side: &usize| (2 * beyond(*side).map(of).sum::<usize>()).abs_diff(members.len());
        let least = sides.iter().map(off).min();
        let best: Vec<usize> = sides
            .iter()
            .copied()
            .filter(|s| Some(off(s)) == least)
            .collect();
        let Some(side) = world.chance.pick(&best) else {
            return;
        };
        for host in beyond(side) {
            world.net.beyond[host] = Some(world.now);
            world
                .story
                .tell(world.now, format_args!("host {host} is beyond a cut"));
        }
        let back = world.now + world.chance.between(10_000, 50_000);
        self.heals.push((back, Heal::Beyond));
    }

    /// The engine of a host dies, and the containers run on.
    fn behead<M: Model>(&mut self, world: &mut World<M>) {
        let Some(host) = Self::host(world) else {
            return;
        };
        world.story.tell(
            world.now,
            format_args!("the engine of host {host} dies, its containers run on"),
        );
        world.net.headless[host] = Some(world.now);
        let back = world.now + world.chance.between(20_000, 100_000);
        self.heals.push((back, Heal::Host(host)));
    }

    fn set_apart<M: Model>(&mut self, world: &mut World<M>) {
        let host = world.chance.below(world.net.hosts);
        world.story.tell(
            world.now,
            format_args!("members on host {host} do not reach the others"),
        );
        world.net.apart[host] = true;
        let back = world.now + world.chance.between(500, 20_000);
        self.heals.push((back, Heal::Apart(host)));
    }

    fn hide<M: Model>(&mut self, world: &mut World<M>) {
        let worker = world.chance.below(world.workers.len());
        let all = world.chance.percent(30);
        let only = world.chance.below(world.net.hosts);
        let back = world.now + world.chance.between(500, 30_000);
        for host in (0..world.net.hosts).filter(|host| all || *host == only) {
            world.story.tell(
                world.now,
                format_args!("worker {worker} does not reach host {host}"),
            );
            world.net.hidden[worker][host] = true;
            self.heals.push((back, Heal::Hidden(worker, host)));
        }
    }

    /// Another service takes an address, often one that was ours just now.
    fn stranger<M: Model>(world: &mut World<M>) {
        if world.swarm.strangers.len() > 2 {
            return;
        }
        if let Some(address) = world.swarm.free_address(&mut world.chance) {
            let process = stranger(address, world.now);
            let node = world.database.start(process, &mut world.chance);
            world.swarm.strangers.push((address, node));
            let at = crate::address(address);
            world
                .story
                .tell(world.now, format_args!("another service is at {at}"));
        }
    }

    fn lie<M: Model>(&mut self, world: &mut World<M>) {
        for number in 0..world.workers.len() {
            if world.now < self.next_lie[number] {
                continue;
            }
            let lasts = world.chance.between(200, LIE);
            let pause = world.chance.between(TRUTH, 20_000);
            self.next_lie[number] = world.now + lasts + pause;
            let stale = world.chance.between(500, 5_000);
            let count = world.chance.between(1, 3) as usize;
            let theirs: Vec<u8> = world.swarm.strangers.iter().map(|s| s.0).collect();
            let phantom = world.chance.pick(&theirs).unwrap_or(99);
            let lie = world.chance.pick(&[
                Lie::Stale(stale),
                Lie::Missing(count),
                Lie::Truncated,
                Lie::Empty,
                Lie::NxDomain,
                Lie::ServFail,
                Lie::Timeout,
                Lie::Phantom(phantom),
            ]);
            let until = world.now + lasts;
            let worker = &mut world.workers[number];
            worker.dns_lie = lie.map(|lie| (lie, until));
            let lags = [Lie::Timeout, Lie::Stale(stale.min(2_000))];
            worker.docker_lie = match world.chance.below(3) {
                0 => None,
                die => Some((lags[die - 1], until)),
            };
            world.story.tell(
                world.now,
                format_args!(
                    "worker {number} until {:.1}: dns {lie:?}, docker {:?}",
                    until as f64 / 1000.0,
                    worker.docker_lie.map(|lie| lie.0)
                ),
            );
        }
    }

    fn heal<M: Model>(&mut self, world: &mut World<M>, heal: Heal) {
        match heal {
            Heal::Host(host) => {
                (world.net.cut[host], world.net.dead[host]) = (None, None);
                world.net.headless[host] = None;
                world.net.back[host] = world.now;
                world
                    .story
                    .tell(world.now, format_args!("host {host} is back"));
            }
            Heal::Beyond => {
                for host in 0..world.net.hosts {
                    if world.net.beyond[host].take().is_some() {
                        world.net.back[host] = world.now;
                    }
                }
                world
                    .story
                    .tell(world.now, format_args!("the cut is mended"));
            }
            Heal::Scale(to) if self.redeploy.is_some() => self.redeploy = Some(to),
            Heal::Scale(to) if world.swarm.desired == 1 => Self::scale_to(world, to),
            Heal::Scale(_) => {}
            Heal::Apart(host) => world.net.apart[host] = false,
            Heal::Hidden(worker, host) => world.net.hidden[worker][host] = false,
            Heal::Worker(number) => {
                world.workers[number].restart(world.now);
                world
                    .story
                    .tell(world.now, format_args!("worker {number} starts"));
            }
        }
    }
}
