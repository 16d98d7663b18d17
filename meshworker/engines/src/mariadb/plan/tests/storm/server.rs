//! A server, as far as its fence, its logs and its threads go. What was measured of the real one
//! is modelled: a relay log is thrown away by whatever starts a thread while both are stopped, a
//! commit waits for one acknowledgement without end, and one that crashed keeps or cuts its tail
//! by the role in which it is started.

use super::super::*;
use super::Relapse;

/// What stands in a binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A client's write, with a number of its own.
    Write(u64),
    /// Who may acknowledge.
    Roll(Roll),
}

/// A transaction: by whom it was written first, its number in the sequence, and what it is.
pub type Transaction = (u32, u64, What);

/// What is kept on its disk, and what is not.
#[derive(Debug, Clone, Default)]
pub struct Server {
    pub id: u32,
    /// Whether its process is there.
    pub runs: bool,
    /// Whether that is stopped for now.
    pub hangs: bool,
    pub mark: Option<Mark>,
    pub log: Vec<Transaction>,
    /// How much of its log was acknowledged, or applied as a replica: the engine has it.
    pub committed: usize,
    pub closed: bool,
    /// What clients here were told to be written, since that was asked last.
    pub told: Vec<u64>,
    pub waits: bool,
    pub follows: Option<Follows>,
}

/// Whom it follows, and how.
#[derive(Debug, Clone)]
pub struct Follows {
    pub of: u32,
    pub connection: Connection,
    pub applies: bool,
    /// What was received and is not applied.
    pub relay: Vec<Transaction>,
    /// Since when nothing was heard from there.
    pub heard: u64,
    pub diverged: bool,
}

fn position_of(log: &[Transaction]) -> Position {
    let last = log
        .last()
        .map(|(server, number, _)| format!("0-{server}-{number}"));
    Position::parse(&last.unwrap_or_default()).unwrap()
}

impl Server {
    pub fn new(id: u32) -> Server {
        Server {
            id,
            runs: true,
            closed: true,
            ..Server::default()
        }
    }

    pub fn is_open(&self) -> bool {
        self.runs && !self.closed
    }

    pub fn opened(&self) -> Option<u64> {
        self.mark.as_ref().and_then(Mark::opened)
    }

    pub fn write(&mut self, what: What) {
        let number = self.log.last().map_or(0, |(_, number, _)| *number) + 1;
        self.log.push((self.id, number, what));
        if !self.waits {
            self.acknowledged(self.log.len());
        }
    }

    /// So much of its log was acknowledged, and whoever waits for that is told.
    pub fn acknowledged(&mut self, reached: usize) {
        let new = self.committed.min(reached)..reached;
        let told = self.log[new].iter().filter_map(|(_, _, what)| match what {
            What::Write(number) => Some(*number),
            What::Roll(_) => None,
        });
        self.told.extend(told);
        self.committed = self.committed.max(reached);
    }

    /// Whether a commit waits here for its acknowledgement.
    fn has_waiting(&self) -> bool {
        self.waits && self.committed < self.log.len()
    }

    /// Its process ends, and whatever it had in memory is gone.
    pub fn end(&mut self) {
        self.runs = false;
        self.hangs = false;
        self.closed = true;
        self.waits = false;
        if let Some(follows) = &mut self.follows {
            // It is on the disk yet, and whatever starts a thread throws it away.
            follows.connection = Connection::Stopped;
            follows.applies = false;
            follows.relay.clear();
        }
    }

    pub fn start(&mut self, role: &str) {
        if role.ends_with("SLAVE") {
            self.log.truncate(self.committed);
        }
        self.committed = self.log.len();
        self.runs = true;
    }

    /// What is read of its disk while it does not run.
    pub fn disk(&self) -> Disk {
        let mark = self.mark.clone().unwrap_or_default();
        Disk::Holds(Holds {
            ids: Some(Ids {
                node: "".into(),
                cluster: match &*mark.cluster {
                    "" => crate::mariadb::disk::UNMARKED.into(),
                    cluster => cluster.into(),
                },
            }),
            role: (!mark.role.is_empty()).then(|| Office {
                role: (&*mark.role).into(),
                term: mark.term,
            }),
            ..Holds::default()
        })
    }

    pub fn detail(&self, now: u64, relapse: Option<Relapse>) -> Detail {
        let own = position_of(&self.log);
        let state: Vec<String> = (1..9)
            .filter_map(|server| {
                let mut own = self.log.iter().rev();
                let (_, number, _) = own.find(|(by, ..)| *by == server)?;
                Some(format!("0-{server}-{number}"))
            })
            .collect();
        let rolls = self.log[..self.committed].iter().rev();
        let mut rolls = rolls.filter_map(|(_, _, what)| match what {
            What::Roll(roll) => Some(roll.clone()),
            What::Write(_) => None,
        });
        let received = self
            .follows
            .as_ref()
            .map(|follows| match &follows.relay[..] {
                [] => own.clone(),
                relay => position_of(relay),
            });
        let skips = relapse == Some(Relapse::SkipsApplied);
        let current = received
            .clone()
            .filter(|_| skips)
            .unwrap_or_else(|| own.clone());
        let source = self.follows.as_ref().map(|follows| Source {
            server: Some(follows.of),
            host: format!("10.0.0.{}", follows.of),
            port: 3306,
            connection: match (relapse, self.mark.as_ref()) {
                // It says that it is sealed, and goes on receiving.
                (Some(Relapse::SkipsSeal), Some(mark)) if mark.promised > mark.term => {
                    Connection::Stopped
                }
                _ => follows.connection,
            },
            applies: follows.applies,
            received: received.clone().unwrap_or_default(),
            silent_ms: (now - follows.heard) * super::TICK_MS,
            behind_s: None,
            error: follows.diverged.then(|| (1236, "diverged".into())),
        });
        Detail {
            mark: self.mark.clone(),
            read_only: self.closed,
            written: own.clone(),
            state: State::parse(&state.join(",")).unwrap(),
            applied: own,
            current,
            semi_sync: SemiSync {
                waits: self.waits,
                holds: self.waits,
                acknowledges: true,
                ..SemiSync::default()
            },
            source,
            roll: rolls.next(),
            has_account: true,
            has_data: self
                .log
                .iter()
                .any(|(_, _, what)| matches!(what, What::Write(_))),
            ..Detail::default()
        }
    }

    fn promises(&mut self, term: u64, holder: &str, relapse: Option<Relapse>) -> bool {
        let twice = relapse == Some(Relapse::SameTermTwice);
        let Some(mark) = &mut self.mark else {
            return false;
        };
        let ours = mark.promised == term && (twice || mark.holder == holder);
        if mark.promised < term || ours {
            mark.promised = term;
            mark.holder = holder.to_owned();
            return true;
        }
        false
    }

    fn is_within(&self, term: u64) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.promised <= term)
    }

    fn becomes(&mut self, role: &str, term: u64, cluster: &str) {
        if let Some(mark) = &mut self.mark {
            mark.promised = mark.promised.max(term);
            mark.role = role.into();
            mark.term = term;
            mark.cluster = cluster.into();
        }
    }

    /// What a request does here; whether this opens it.
    pub fn obey(&mut self, act: &Act, now: u64, relapse: Option<Relapse>) -> bool {
        match act {
            Act::Fence => drop(self.mark.get_or_insert_default()),
            Act::Seal { term, holder, .. } => {
                if self.promises(*term, holder, relapse)
                    && relapse != Some(Relapse::SkipsSeal)
                    && let Some(follows) = &mut self.follows
                {
                    follows.connection = Connection::Stopped;
                }
            }
            Act::Promote {
                term,
                holder,
                cluster,
                position,
                ackers,
                waits,
            } => {
                if !self.promises(*term, holder, relapse) {
                    return false;
                }
                let skips = relapse == Some(Relapse::SkipsApplied);
                if !skips && !position_of(&self.log).reaches(position) {
                    return false;
                }
                self.becomes(PRIMARY, *term, cluster);
                self.follows = None;
                if let Some(ackers) = ackers {
                    self.write(What::Roll(Roll {
                        term: *term,
                        number: 1,
                        ackers: ackers.clone(),
                    }));
                }
                self.waits = *waits;
                self.closed = false;
                return true;
            }
            Act::Follow {
                term,
                cluster,
                source,
                ..
            } => {
                if self.is_within(*term) && !self.has_waiting() {
                    self.becomes(JOINING, *term, cluster);
                    self.closed = true;
                    self.waits = false;
                    let of = super::slot_of(*source);
                    self.follows = Some(Follows {
                        of,
                        connection: Connection::Trying,
                        applies: true,
                        relay: Vec::new(),
                        heard: now,
                        diverged: false,
                    });
                }
            }
            Act::Resume { term, cluster } => {
                let applies = self.follows.as_ref().is_some_and(|follows| follows.applies);
                if self.is_within(*term) && applies {
                    self.becomes(REPLICA, *term, cluster);
                    if let Some(follows) = &mut self.follows {
                        follows.connection = Connection::Trying;
                    }
                }
            }
            Act::Vouch {
                term,
                cluster,
                position,
            } => {
                if self.is_within(*term) && position_of(&self.log).reaches(position) {
                    self.becomes(REPLICA, *term, cluster);
                }
            }
            Act::Enrol {
                term,
                number,
                ackers,
            } => {
                if self.is_within(*term) && self.opened() == Some(*term) {
                    self.waits = !ackers.is_empty();
                    self.write(What::Roll(Roll {
                        term: *term,
                        number: *number,
                        ackers: ackers.clone(),
                    }));
                }
            }
            Act::Retire { term } => {
                if self.is_within(*term)
                    && let Some(follows) = &mut self.follows
                {
                    follows.connection = Connection::Stopped;
                }
            }
            Act::Close { term } => {
                if self.is_within(*term) && self.opened() == Some(*term) && !self.has_waiting() {
                    self.closed = true;
                }
            }
        }
        false
    }
}
