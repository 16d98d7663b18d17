//! What a server says of itself and of the cluster, as the engine reads it.

use meshworker_core::{Answer, Holdings, Peer, Role, Unanswered, View};
use meshworker_engines::allegrograph::{Detail, Instance, Repository, State};

use super::{Allegrograph, HOST, PORT, START};
use crate::address;
use crate::model::CLUSTER;

impl Allegrograph {
    pub(super) fn view(&self, at: usize, now: u64) -> Answer<Detail> {
        let process = &self.processes[at];
        if now.saturating_sub(process.started) < START {
            return Err(Unanswered::Unreachable("its port is closed".into()));
        }
        if !process.ours {
            return Err(Unanswered::Denied("bad credentials".into()));
        }
        let place = address(process.address);
        let own = self.repositories[at].as_ref();
        let member = own.filter(|own| !own.is_removed());
        let instances: Vec<Instance> = (member.iter())
            .flat_map(|own| own.roll.instances.iter().map(move |one| (own, one)))
            .map(|(own, one)| Instance {
                name: one.name.clone(),
                host: Some(match one.address {
                    Some(last) => address(last).address.to_string(),
                    None => HOST.to_owned(),
                }),
                port: Some(PORT),
                controlling: Some(one.repository == own.roll.controlling),
                own: false,
                state: match one.repository {
                    _ if self.is_copied(one.repository)
                        && (one.repository == own.id || own.hears(one.repository, now)) =>
                    {
                        State::Copying
                    }
                    id if id == own.id || own.hears(id, now) => State::Up,
                    _ => State::Down,
                },
            })
            .collect();
        // By where they are, as the engine tells them: a status does not say whose it is.
        let here = |one: &&Instance| one.place(PORT) == Some(place) && one.state != State::Down;
        let by_name = |one: &&Instance| one.may_be_anywhere();
        let me = instances.iter().find(here);
        let me = me.or_else(|| instances.iter().find(by_name));
        let controls = me.is_some_and(|me| me.controlling == Some(true));
        let (role, working) = match me {
            Some(_) if controls => (Role::primary("controlling"), None),
            Some(me) if me.state == State::Copying => {
                (Role::idle("copying"), Some("its data is being copied"))
            }
            Some(_) => (Role::of("copy"), None),
            None => (Role::idle("outside"), Some("it is in no cluster yet")),
        };
        let mut peers: Vec<Peer> = instances
            .iter()
            .map(|one| Peer {
                node: one.name.clone(),
                address: one.place(PORT),
                alive: one.state == State::Up,
            })
            .collect();
        peers.sort();
        let node = me.map(|me| me.name.clone());
        Ok(View {
            node: node.unwrap_or_else(|| place.socket(PORT).to_string()),
            cluster_name: Some(CLUSTER.into()),
            role: Some(role),
            size: peers.len(),
            peers: peers.into(),
            working: working.map(str::to_owned),
            holdings: Holdings::default(),
            detail: Detail {
                version: Some("8.3.1".into()),
                repository: match own {
                    None => Repository::None,
                    Some(own) if own.is_removed() => {
                        Repository::TakenOut("it was removed from its cluster".into())
                    }
                    Some(_) => Repository::Member,
                },
                instances: instances.into(),
                raw: None,
                growing: Vec::new(),
                taken_out: None,
            },
        })
    }
}
