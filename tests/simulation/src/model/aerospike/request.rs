//! What becomes of a request.

use meshworker_engines::aerospike::{Identity, Request};

use super::{Aerospike, name};
use crate::chance::Chance;
use crate::model::{Asker, CLUSTER, Model, last};

impl Aerospike {
    pub(super) fn obey(
        &mut self,
        at: usize,
        request: &Request,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        let now = asker.now;
        match request {
            Request::Tip { seed, guest, host } => {
                let there = self
                    .at(last(seed.ip().into()))
                    .ok_or("nobody is at the seed")?;
                if !asker
                    .net
                    .worker_reaches(asker.worker, self.processes[there].host)
                {
                    return Err("the seed does not answer".into());
                }
                for (who, expected) in [(there, guest), (at, host)] {
                    if self.identity(who) != *expected {
                        return Err("somebody else lives there".into());
                    }
                }
                for who in [there, at] {
                    self.nodes[who].aside = false;
                }
                let dial = now + chance.between(300, 1_500);
                self.nodes[at]
                    .seeds
                    .entry(last(seed.ip().into()))
                    .or_insert(dial);
            }
            _ if !self.processes[at].ours => return Err("it belongs to another cluster".into()),
            Request::StandAside { seeds } => {
                for seed in seeds {
                    self.nodes[at].seeds.remove(&last(seed.ip().into()));
                }
                self.nodes[at].aside = true;
            }
            Request::TipClear(seed) => {
                self.nodes[at].seeds.remove(&last(seed.ip().into()));
            }
            Request::AlumniReset { departed } => {
                // As the engine looks once more.
                let known = |address: &u8| departed.iter().any(|s| last(s.ip().into()) == *address);
                if let Some(other) = self.gone(at).into_iter().find(|gone| !known(gone)) {
                    return Err(format!("it remembers {other} as well by now"));
                }
                for seed in departed {
                    self.nodes[at].seeds.remove(&last(seed.ip().into()));
                }
                self.nodes[at].departed.clear();
            }
            Request::Quiesce | Request::QuiesceUndo if !self.enterprise => {
                return Err("enterprise only".into());
            }
            Request::Quiesce => self.nodes[at].pending = true,
            Request::QuiesceUndo => self.nodes[at].pending = false,
            Request::Recluster { .. } => {
                let number = self.nodes[at].fragment;
                if self.principal(number) != Some(at) {
                    return Err("ignored-by-non-principal".into());
                }
                let members = self.fragments.get(&number).map(|f| f.members.clone());
                for member in members.unwrap_or_default() {
                    let node = &mut self.nodes[member];
                    node.quiesced = node.pending;
                }
                self.move_data(number, now, chance);
            }
        }
        Ok(())
    }

    /// Who the node is: its id is made of its address.
    fn identity(&self, at: usize) -> Identity {
        let process = &self.processes[at];
        Identity {
            node: name(process.address),
            cluster_name: Some(if process.ours { CLUSTER } else { "another" }.into()),
        }
    }

    /// The nodes that somebody remembers at this address.
    pub(super) fn remembered(&self, address: u8) -> Option<usize> {
        let alive = self.alive().into_iter();
        let departed = alive.flat_map(|at| self.nodes[at].departed.iter().copied());
        departed
            .filter(|gone| self.processes[*gone].address == address)
            .max()
    }
}
