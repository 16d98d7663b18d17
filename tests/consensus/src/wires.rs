//! What is on its way between machines.

use std::net::IpAddr;

use meshworker_group::{Hello, Letter};

use meshworker_simulation::chance::Chance;

/// What is sent.
#[derive(Debug, Clone)]
pub enum Mail {
    /// What a worker says of itself to whoever is at an address.
    Hello(Hello),
    /// What whoever is there says of itself in return.
    Answer(Hello),
    /// Something within a group.
    Letter(Letter),
}

/// One of them, on its way.
#[derive(Debug, Clone)]
pub struct OnItsWay {
    /// When it arrives.
    pub at: u64,
    /// Whose it is: an address, and the machine that it is on.
    pub from: (IpAddr, usize),
    /// Where it goes.
    pub to: IpAddr,
    /// What it is.
    pub mail: Mail,
}

/// The network.
#[derive(Debug, Default)]
pub struct Wires {
    /// What is on its way.
    pub mail: Vec<OnItsWay>,
    /// Whether mail from one machine does not reach another one.
    pub cut: Vec<Vec<bool>>,
    /// So many of a hundred get lost.
    pub loss: u64,
    /// They take so long at the most, in milliseconds.
    pub slow: u64,
    /// But so many of a hundred take up to three seconds.
    pub late: u64,
    /// What this machine sends until then arrives then.
    pub held_back: Option<(usize, u64, u64)>,
}

impl Wires {
    /// Between so many machines.
    pub fn of(machines: usize) -> Wires {
        Wires {
            cut: vec![vec![false; machines]; machines],
            slow: 8,
            ..Wires::default()
        }
    }

    /// Whether anything sent on this machine reaches the other one.
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        from == to || !self.cut[from][to]
    }

    /// Both reach each other.
    pub fn both_ways(&self, a: usize, b: usize) -> bool {
        self.reaches(a, b) && self.reaches(b, a)
    }

    /// Sends it.
    pub fn send(
        &mut self,
        chance: &mut Chance,
        now: u64,
        from: (IpAddr, usize),
        to: IpAddr,
        mail: Mail,
    ) {
        let copies = if chance.percent(self.loss / 4) { 2 } else { 1 };
        for _ in 0..copies {
            if !chance.percent(self.loss) {
                let most = if chance.percent(self.late) {
                    3_000
                } else {
                    self.slow
                };
                let at = now + chance.between(1, most);
                let held = self.held_back;
                let held = held.filter(|(machine, until, _)| *machine == from.1 && now <= *until);
                let at = held.map_or(at, |(_, _, at)| at);
                self.mail.push(OnItsWay {
                    at,
                    from,
                    to,
                    mail: mail.clone(),
                });
            }
        }
    }

    /// What arrives by now.
    pub fn arrived(&mut self, now: u64) -> Vec<OnItsWay> {
        let (there, still) = std::mem::take(&mut self.mail)
            .into_iter()
            .partition(|one| one.at <= now);
        self.mail = still;
        there
    }

    /// Nothing is cut, lost or slow any more.
    pub fn heal(&mut self) {
        self.cut.iter_mut().flatten().for_each(|cut| *cut = false);
        (self.loss, self.slow, self.late) = (0, 8, 0);
    }
}
