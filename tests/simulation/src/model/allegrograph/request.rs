//! What becomes of a request.

use std::collections::BTreeSet;

use meshworker_core::StepKind;
use meshworker_engines::allegrograph::{Act, AllegrographRequest};

use super::{Allegrograph, HOST, Instance, Repository, Roll, last};
use crate::chance::Chance;
use crate::model::{Asker, Model};

impl Allegrograph {
    pub(super) fn obey(
        &mut self,
        at: usize,
        request: &AllegrographRequest,
        asker: Asker<'_>,
        chance: &mut Chance,
    ) -> Result<(), String> {
        if !self.processes[at].ours {
            return Err("bad credentials".into());
        }
        match &request.act {
            Act::Create { instance, host } => self.create(at, instance, host),
            Act::Grow { to, instance, .. } => {
                let to = self.at(last(*to)).ok_or("nobody is there")?;
                let reached = [at, to].map(|at| self.processes[at].host);
                if !asker.net.members_reach(reached[0], reached[1]) {
                    return Err("nobody answers there".into());
                }
                self.grow(at, to, instance, asker.now + chance.between(300, 6_000))
            }
            Act::Remove(instance) => self.remove(at, instance),
            Act::Delete { controlling, .. } => {
                let chief = self.at(last(*controlling)).ok_or("nobody controls")?;
                self.delete(at, chief)
            }
            Act::Control(instance) => self.control(at, instance),
        }
    }

    fn create(&mut self, at: usize, instance: &str, host: &str) -> Result<(), String> {
        if self.repositories[at].is_some() {
            return Err("in a cluster already".into());
        }
        let lives = |other: usize| self.processes[other].is_alive() || self.volume == Some(other);
        let has = |other: &usize| {
            let own = self.repositories[*other].as_ref();
            lives(*other) && own.is_some_and(|own| !own.is_removed())
        };
        let other = (0..self.processes.len()).find(has);
        if let Some(other) = other {
            self.erase(at, &format!("a second cluster was begun beside n{other}'s"));
        }
        self.made += 1;
        let own = Instance {
            name: instance.to_owned(),
            address: (host != HOST).then(|| self.processes[at].address),
            repository: self.made,
        };
        let roll = Roll {
            version: 1,
            controlling: self.made,
            instances: vec![own],
            removed: BTreeSet::new(),
        };
        self.repositories[at] = Some(Repository::of(self.made, roll));
        Ok(())
    }

    fn grow(&mut self, at: usize, to: usize, instance: &str, until: u64) -> Result<(), String> {
        if self.repositories[to].is_some() || !self.processes[to].ours {
            return Err("there is a repository".into());
        }
        let id = self.made + 1;
        let address = Some(self.processes[to].address);
        let own = self.controlling(at)?;
        let mut listed = own.roll.instances.iter();
        if listed.any(|one| one.name == instance || one.address == address) {
            return Err("there is such an instance".into());
        }
        own.roll.instances.push(Instance {
            name: instance.to_owned(),
            address,
            repository: id,
        });
        own.roll.version += 1;
        let mut copy = Repository::of(id, own.roll.clone());
        copy.copied = Some(until);
        self.repositories[to] = Some(copy);
        self.made = id;
        Ok(())
    }

    fn remove(&mut self, at: usize, instance: &str) -> Result<(), String> {
        let own = self.controlling(at)?;
        let mut listed = own.roll.instances.iter();
        let place = listed.position(|one| one.name == instance && one.repository != own.id);
        let place = place.ok_or("no such instance, or it controls the others")?;
        let gone = own.roll.instances.remove(place);
        own.roll.removed.insert(gone.repository);
        own.roll.version += 1;
        Ok(())
    }

    fn delete(&mut self, at: usize, chief: usize) -> Result<(), String> {
        let listed = self.controlling(chief)?.roll.instances.clone();
        let Some(own) = &self.repositories[at] else {
            return Ok(());
        };
        // As the engine looks once more.
        if listed.iter().any(|one| one.repository == own.id) {
            self.erase(at, "a member was thrown away");
        } else if !own.is_removed() {
            return Err("it says that it is a member".into());
        }
        self.repositories[at] = None;
        Ok(())
    }

    fn control(&mut self, at: usize, instance: &str) -> Result<(), String> {
        let own = self.repositories[at].as_mut().ok_or("no repository")?;
        let mut listed = own.roll.instances.iter();
        let new = listed
            .find(|one| one.name == instance)
            .map(|one| one.repository);
        let new = new.ok_or("no such instance")?;
        own.roll.controlling = new;
        own.roll.version += 1;
        // No operator asks for it in any story.
        self.erase(at, "what only the controlling server has is left behind");
        Ok(())
    }

    fn controlling(&mut self, at: usize) -> Result<&mut Repository, String> {
        let own = self.repositories[at].as_mut();
        let own = own.filter(|own| own.controls());
        own.ok_or_else(|| "not the controlling instance".into())
    }

    /// Whose instance is taken out although nobody said that it goes.
    pub(super) fn removed_by(&self, at: usize, request: &AllegrographRequest) -> Vec<usize> {
        let (Act::Remove(instance), StepKind::Forget) = (&request.act, request.kind) else {
            return Vec::new();
        };
        let own = self.repositories[at]
            .as_ref()
            .map(|own| &own.roll.instances);
        let mut listed = own.into_iter().flatten();
        let gone = listed.find(|one| one.name == *instance);
        let is_gone = |other: &usize| {
            let own = self.repositories[*other].as_ref().map(|own| own.id);
            own.is_some() && own == gone.map(|gone| gone.repository)
        };
        let all = 0..self.processes.len();
        all.rev().find(is_gone).into_iter().collect()
    }
}
