//! One group, and who is registered in it.

use std::collections::BTreeMap;

use bytes::Bytes;
use meshworker_core::Moment;

use crate::router::{ConnectionId, RouterId};
use crate::{Address, Dialect, Member, Name, Reply};

/// One group, and who is registered in it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) members: BTreeMap<Address, Registration>,
    /// What whoever asks is answered, until something changes: thousands ask each minute.
    answers: BTreeMap<Dialect, Bytes>,
}

/// A member, and who knows it.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) member: Member,
    /// Since when it is known here.
    pub(crate) since: Moment,
    /// The connection of this router's that it came by.
    pub(crate) local: Option<ConnectionId>,
    /// The other routers that it came to.
    pub(crate) routers: Vec<RouterId>,
}

impl Group {
    /// Puts a member down. What its own connection said outweighs what others tell.
    pub(crate) fn put(
        &mut self,
        now: Moment,
        member: Member,
        holder: Result<ConnectionId, RouterId>,
    ) {
        let registration = self
            .members
            .entry(member.address.clone())
            .or_insert_with(|| Registration {
                member: member.clone(),
                since: now,
                local: None,
                routers: Vec::new(),
            });
        let before = (registration.member != member).then_some(member);
        match holder {
            Ok(connection) => {
                registration.local = Some(connection);
                registration.member = before.unwrap_or_else(|| registration.member.clone());
            }
            Err(router) => {
                if !registration.routers.contains(&router) {
                    registration.routers.push(router);
                }
                if let Some(member) = before.filter(|_| registration.local.is_none()) {
                    registration.member = member;
                }
            }
        }
        self.answers.clear();
    }

    /// One holder knows it no longer. Whether it is gone, then.
    pub(crate) fn take(
        &mut self,
        address: &Address,
        holder: Result<ConnectionId, RouterId>,
    ) -> bool {
        let Some(registration) = self.members.get_mut(address) else {
            return false;
        };
        match holder {
            Ok(connection) if registration.local == Some(connection) => registration.local = None,
            Ok(_) => return false,
            Err(router) => registration.routers.retain(|other| *other != router),
        }
        if registration.local.is_some() || !registration.routers.is_empty() {
            return false;
        }
        self.members.remove(address);
        self.answers.clear();
        true
    }

    /// What whoever asks for this group's members is answered.
    pub(crate) fn answer(&mut self, name: &Name, dialect: Dialect) -> Bytes {
        if let Some(known) = self.answers.get(&dialect) {
            return known.clone();
        }
        let all: Vec<&Member> = self.members.values().map(|one| &one.member).collect();
        let answer = Reply::Members(name, &all).bytes(dialect);
        self.answers.insert(dialect, answer.clone());
        answer
    }
}
