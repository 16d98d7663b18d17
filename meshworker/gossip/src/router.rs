//! Who is registered where, and what follows from what is said.

mod others;
mod post;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use meshworker_core::Moment;

use crate::group::Group;
use crate::{
    Address, Change, Dialect, Gone, GroupPicture, Letter, Limits, Member, MemberPicture, Name,
    Picture, Reply, Request, Word,
};
use others::Other;

/// One connection of a member; no number is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One router, as long as its process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub u64);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The member said so.
    Told,
    /// This router's doing: the member lives on, and comes back.
    Ours,
    /// Without a word.
    Lost,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// These bytes go to this member's connection.
    Send(ConnectionId, Bytes),
    /// The same; where it takes nothing they are lost: members say again what counts.
    Post(ConnectionId, Bytes),
    /// This connection ends, and why; it was not told.
    Close(ConnectionId, &'static str),
    /// All other routers hear this.
    Tell(Change),
    /// This router gets that, to pass it on to its members.
    Pass(RouterId, Letter),
}

/// Everything that one router knows.
#[derive(Debug)]
pub struct Router {
    limits: Limits,
    groups: BTreeMap<Name, Group>,
    /// Of all groups.
    members: usize,
    speakers: BTreeMap<ConnectionId, Speaker>,
    others: BTreeMap<RouterId, Other>,
    /// Those to which there is a way.
    reached: BTreeSet<RouterId>,
    /// What whoever asks for all groups is answered, until something changes.
    all: BTreeMap<Dialect, Bytes>,
}

/// One connection that has said something.
#[derive(Debug)]
struct Speaker {
    from: IpAddr,
    dialect: Dialect,
    /// It has sent a heartbeat: it knows one from a suspicion.
    beats: bool,
    /// It has sent a message: it reads whatever comes.
    tunnels: bool,
    /// One, as a rule.
    own: Vec<(Name, Address)>,
}

impl Speaker {
    fn forget(&mut self, group: &Name, address: &Address) {
        self.own.retain(|(own, who)| own != group || who != address);
    }
}

impl Router {
    /// One that knows nothing.
    pub fn new(limits: Limits) -> Router {
        Router {
            limits,
            groups: BTreeMap::new(),
            members: 0,
            speakers: BTreeMap::new(),
            others: BTreeMap::new(),
            reached: BTreeSet::new(),
            all: BTreeMap::new(),
        }
    }

    /// A member said this on its connection, which comes from there.
    pub fn hear(
        &mut self,
        now: Moment,
        from: IpAddr,
        id: ConnectionId,
        dialect: Dialect,
        request: Request,
    ) -> Vec<Effect> {
        let speaker = self.speakers.entry(id).or_insert_with(|| Speaker {
            from,
            dialect,
            beats: false,
            tunnels: false,
            own: Vec::new(),
        });
        speaker.dialect = dialect;
        let say = |reply: Reply<'_>| {
            let bytes = reply.bytes(dialect);
            (!bytes.is_empty()).then_some(Effect::Send(id, bytes))
        };
        match request {
            Request::Register(group, member) => self.register(now, id, dialect, group, member),
            Request::Unregister(group, address) => {
                let mut effects = self.leaves(id, &group, &address);
                effects.extend(say(Reply::Unregistered));
                effects
            }
            Request::Members(Some(group)) => vec![Effect::Send(id, self.answer(&group, dialect))],
            Request::Members(None) => self.all(id, dialect),
            Request::Message(message) => self.route(id, &message),
            Request::Heartbeat => {
                speaker.beats = true;
                say(Reply::Heartbeat).into_iter().collect()
            }
            Request::Close => {
                // What it has not given back it may have elsewhere.
                let mut effects = self.ended(id, End::Ours);
                effects.push(Effect::Close(id, "it said so"));
                effects
            }
            Request::Ping | Request::Idle => Vec::new(),
        }
    }

    /// This connection has ended.
    pub fn ended(&mut self, id: ConnectionId, how: End) -> Vec<Effect> {
        let own = self.speakers.get(&id).map(|speaker| speaker.own.clone());
        let own = own.unwrap_or_default();
        let gone = own.iter();
        let effects = gone.flat_map(|(group, address)| self.gone(id, group, address, how));
        let effects = effects.collect();
        self.speakers.remove(&id);
        effects
    }

    /// All that is registered here, for a router that knows nothing of it.
    pub fn own(&self) -> Vec<Word> {
        let all = self.groups.iter();
        let own = all.flat_map(|(name, group)| {
            let here = group.members.values().filter(|one| one.local.is_some());
            here.map(|one| Change::Registered(name.clone(), one.member.clone()))
        });
        let own = own.map(Word::Change);
        own.chain([Word::Whole]).collect()
    }

    /// What is known.
    pub fn picture(&self) -> Picture {
        let heard = self.others.values().filter(|other| other.lost.is_none());
        let routers = heard.count();
        let groups = self.groups.iter().map(|(name, group)| GroupPicture {
            name: name.to_string(),
            members: group
                .members
                .values()
                .map(|one| MemberPicture {
                    name: one.member.name.as_ref().map(Name::to_string),
                    address: one.member.address.to_string(),
                    at: one.member.at.iter().map(Address::to_string).collect(),
                    since: one.since,
                    here: one.local.is_some(),
                    elsewhere: one.routers.len(),
                })
                .collect(),
        });
        Picture {
            connections: self.speakers.len(),
            routers,
            lost_routers: self.others.len().saturating_sub(routers),
            groups: groups.collect(),
        }
    }

    fn register(
        &mut self,
        now: Moment,
        id: ConnectionId,
        dialect: Dialect,
        group: Name,
        member: Member,
    ) -> Vec<Effect> {
        let address = member.address.clone();
        let before = self
            .groups
            .get(&group)
            .and_then(|group| group.members.get(&address));
        let before = before
            .and_then(|one| one.local)
            .filter(|before| *before != id);
        let own = self
            .speakers
            .get(&id)
            .map_or(0, |speaker| speaker.own.len());
        if own >= self.limits.of_one
            || self.greedy(id)
            || !self.put(now, &group, member.clone(), Ok(id))
        {
            let mut effects = self.ended(id, End::Ours);
            effects.push(Effect::Close(
                id,
                "there are more registrations than there is room for",
            ));
            return effects;
        }
        if let Some(speaker) = self.speakers.get_mut(&id) {
            speaker.forget(&group, &address);
            speaker.own.reserve_exact(1);
            speaker.own.push((group.clone(), address.clone()));
        }
        let mut effects = Vec::new();
        // Whoever came before under this address is the same member, on a connection that
        // it has given up.
        if let Some(before) = before
            && let Some(speaker) = self.speakers.get_mut(&before)
        {
            speaker.forget(&group, &address);
            if dialect == Dialect::Old && speaker.own.is_empty() {
                self.speakers.remove(&before);
                effects.push(Effect::Close(before, "its member has come again"));
            }
        }
        let registered = Reply::Registered.bytes(dialect);
        if !registered.is_empty() {
            effects.push(Effect::Send(id, registered));
        }
        effects.push(Effect::Tell(Change::Registered(group, member)));
        effects
    }

    /// Whether it comes from where a quarter of all that there is room for has come from.
    /// Counted where room is short.
    fn greedy(&self, id: ConnectionId) -> bool {
        if self.members < self.limits.members / 2 {
            return false;
        }
        let from = self.speakers.get(&id).map(|speaker| speaker.from);
        let same = self.speakers.values();
        let same = same.filter(|speaker| Some(speaker.from) == from);
        let own: usize = same.map(|speaker| speaker.own.len()).sum();
        own >= self.limits.members.div_ceil(4).max(self.limits.of_one)
    }

    /// Puts a registration down. Whether there is room for it.
    fn put(
        &mut self,
        now: Moment,
        name: &Name,
        member: Member,
        holder: Result<ConnectionId, RouterId>,
    ) -> bool {
        let known = self.groups.get(name);
        let is_new = known.is_none_or(|group| !group.members.contains_key(&member.address));
        if is_new && self.members >= self.limits.members
            || known.is_none() && self.groups.len() >= self.limits.groups
        {
            return false;
        }
        self.all.clear();
        self.members += usize::from(is_new);
        let group = self.groups.entry(name.clone()).or_default();
        group.put(now, member, holder);
        true
    }

    /// One holder knows a member no longer. Whether it is gone, then.
    fn take(
        &mut self,
        name: &Name,
        address: &Address,
        holder: Result<ConnectionId, RouterId>,
    ) -> bool {
        let Some(group) = self.groups.get_mut(name) else {
            return false;
        };
        if !group.take(address, holder) {
            return false;
        }
        self.all.clear();
        self.members = self.members.saturating_sub(1);
        if group.members.is_empty() {
            self.groups.remove(name);
        }
        true
    }

    /// A member says here that it leaves: that holds for whatever else it had, here and with
    /// other routers, on connections that nobody has closed.
    fn leaves(&mut self, id: ConnectionId, group: &Name, address: &Address) -> Vec<Effect> {
        let mut effects = self.gone(id, group, address, End::Told);
        if !effects.is_empty() {
            effects.extend(self.nowhere(group, address));
        }
        effects
    }

    /// A member has left: whoever knew it knows it no longer.
    fn nowhere(&mut self, group: &Name, address: &Address) -> Vec<Effect> {
        let known = self.groups.get(group);
        let Some(known) = known.and_then(|group| group.members.get(address)) else {
            return Vec::new();
        };
        let (local, routers) = (known.local, known.routers.clone());
        for router in routers {
            self.take(group, address, Err(router));
        }
        let ends = local.map(|id| self.gone(id, group, address, End::Ours));
        ends.unwrap_or_default()
    }

    fn gone(&mut self, id: ConnectionId, group: &Name, address: &Address, how: End) -> Vec<Effect> {
        let was = |group: &Group| {
            group
                .members
                .get(address)
                .is_some_and(|one| one.local == Some(id))
        };
        if let Some(speaker) = self.speakers.get_mut(&id) {
            speaker.forget(group, address);
        }
        if !self.groups.get(group).is_some_and(was) {
            return Vec::new();
        }
        let how = match how {
            End::Told => Gone::Left,
            End::Ours => Gone::Elsewhere,
            End::Lost => Gone::Lost,
        };
        let mut effects = vec![Effect::Tell(Change::Gone {
            group: group.clone(),
            address: address.clone(),
            how,
        })];
        if self.take(group, address, Ok(id)) && how == Gone::Lost {
            effects.extend(self.suspect(group, address));
        }
        effects
    }

    /// Tells a group's members here that one is lost, perhaps; they look themselves. Only
    /// those hear of it whom it does no harm: the type that stands for it in one generation
    /// is a heartbeat in another, and old members read it as an answer unless they tunnel.
    fn suspect(&self, group: &Name, address: &Address) -> Vec<Effect> {
        let mut told = BTreeSet::new();
        let here = self.groups.get(group).into_iter();
        let here = here.flat_map(|group| group.members.values().filter_map(|one| one.local));
        here.filter(|id| told.insert(*id))
            .filter_map(|id| {
                let speaker = self.speakers.get(&id)?;
                let knows = match speaker.dialect {
                    Dialect::Old => speaker.tunnels,
                    Dialect::Framed { sender } => !sender || speaker.beats,
                };
                let suspect = Reply::Suspect { group, address };
                knows.then(|| Effect::Post(id, suspect.bytes(speaker.dialect)))
            })
            .collect()
    }

    fn answer(&mut self, name: &Name, dialect: Dialect) -> Bytes {
        match self.groups.get_mut(name) {
            Some(group) => group.answer(name, dialect),
            // Routers since 5.4.4 say nothing then, and whoever asks waits for its time-out.
            None => Reply::Members(name, &[]).bytes(dialect),
        }
    }

    fn all(&mut self, id: ConnectionId, dialect: Dialect) -> Vec<Effect> {
        if let Some(known) = self.all.get(&dialect) {
            return vec![Effect::Send(id, known.clone())];
        }
        let count = self.groups.len();
        let mut all = BytesMut::new();
        for (number, (name, group)) in self.groups.iter().enumerate() {
            let members: Vec<&Member> = group.members.values().map(|one| &one.member).collect();
            let answer = Reply::OneOfAll(name, &members, number + 1 == count);
            all.extend_from_slice(&answer.bytes(dialect));
        }
        // A router that knows of no group says nothing.
        if all.is_empty() {
            return Vec::new();
        }
        let all = all.freeze();
        self.all.insert(dialect, all.clone());
        vec![Effect::Send(id, all)]
    }
}
