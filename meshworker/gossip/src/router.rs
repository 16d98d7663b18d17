//! Who is registered where, and what follows from what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use meshworker_core::Moment;

use crate::group::Group;
use crate::{
    Address, Change, Dialect, Gone, GroupPicture, Letter, Limits, Member, MemberPicture, Message,
    Name, Picture, Reply, Request, Word,
};

/// What a lost router had registered is told for so long: its members come to another one,
/// or to it once it is back, after `reconnect_interval`, which is 10 s at most as it is
/// shipped.
const KEPT: Duration = Duration::from_secs(30);

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

/// Another router.
#[derive(Debug, Default)]
struct Other {
    /// Since when it is lost.
    lost: Option<Moment>,
    /// What it has named since it began to tell all of it.
    telling: Option<BTreeSet<(Name, Address)>>,
    /// It had more than there was room for: it must tell all of it anew.
    over: bool,
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

    /// Another router begins to tell what it has. Whether there is room for it.
    pub fn met(&mut self, router: RouterId) -> bool {
        if !self.others.contains_key(&router) && self.others.len() >= self.limits.routers {
            // Whoever ends and begins again and again is somebody else each time.
            let lost = self.others.iter();
            let lost = lost.filter_map(|(id, other)| Some((other.lost?, *id)));
            let Some((_, longest)) = lost.min() else {
                return false;
            };
            self.forget(longest, |_, _| true);
            self.others.remove(&longest);
        }
        let other = self.others.entry(router).or_default();
        *other = Other {
            telling: Some(BTreeSet::new()),
            ..Other::default()
        };
        true
    }

    /// Another router says this of its registrations.
    pub fn told(&mut self, now: Moment, router: RouterId, change: Change) -> Vec<Effect> {
        let Some(other) = self.others.get_mut(&router) else {
            return Vec::new();
        };
        match change {
            Change::Registered(group, member) => {
                if let Some(telling) = &mut other.telling {
                    telling.insert((group.clone(), member.address.clone()));
                }
                if !self.put(now, &group, member, Err(router))
                    && let Some(other) = self.others.get_mut(&router)
                {
                    other.over = true;
                }
                Vec::new()
            }
            Change::Gone {
                group,
                address,
                how: Gone::Left,
            } => self.nowhere(&group, &address),
            Change::Gone {
                group,
                address,
                how,
            } => match self.take(&group, &address, Err(router)) && how == Gone::Lost {
                true => self.suspect(&group, &address),
                false => Vec::new(),
            },
        }
    }

    /// Another router has told all that it has: whatever else it had is gone.
    pub fn whole(&mut self, router: RouterId) {
        let other = self.others.get_mut(&router);
        if let Some(named) = other.and_then(|other| other.telling.take()) {
            self.forget(router, |group, address| {
                !named.contains(&(group.clone(), address.clone()))
            });
        }
    }

    /// Those who had more than there was room for, where there is room now: they are to tell
    /// all of it anew.
    pub fn missed(&self) -> Vec<RouterId> {
        if self.members >= self.limits.members || self.groups.len() >= self.limits.groups {
            return Vec::new();
        }
        let over = self.others.iter().filter(|(_, other)| other.over);
        over.map(|(id, _)| *id).collect()
    }

    /// There is a way to another router.
    pub fn reached(&mut self, router: RouterId) {
        self.reached.insert(router);
    }

    /// There is none any more.
    pub fn unreached(&mut self, router: RouterId) {
        self.reached.remove(&router);
    }

    /// Another router passes this on to members of this one.
    pub fn passed(&mut self, letter: &Letter) -> Vec<Effect> {
        let mut post = Post::new(&letter.message);
        let group = self.groups.get(&letter.message.group);
        for reader in &letter.readers {
            let here = group.and_then(|group| group.members.get(reader)?.local);
            if let Some(id) = here {
                post.to(id, &self.speakers);
            }
        }
        post.effects
    }

    /// Nothing is heard of another router any more.
    pub fn lost(&mut self, now: Moment, router: RouterId) {
        if let Some(other) = self.others.get_mut(&router) {
            other.lost.get_or_insert(now);
        }
    }

    /// Forgets what routers had that are lost for too long.
    pub fn tidy(&mut self, now: Moment) {
        let over = |other: &Other| other.lost.is_some_and(|since| now.since(since) >= KEPT);
        let over = self.others.iter().filter(|(_, other)| over(other));
        let over: Vec<RouterId> = over.map(|(id, _)| *id).collect();
        for router in over {
            self.forget(router, |_, _| true);
            self.others.remove(&router);
        }
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

    /// A message of a member, for others of its group.
    fn route(&mut self, from: ConnectionId, message: &Message) -> Vec<Effect> {
        let Some(speaker) = self.speakers.get_mut(&from) else {
            return Vec::new();
        };
        speaker.tunnels = true;
        // Strangers have nothing to say in a group.
        if !speaker.own.iter().any(|(group, _)| *group == message.group) {
            return Vec::new();
        }
        let Some(group) = self.groups.get(&message.group) else {
            return Vec::new();
        };
        let mut post = Post::new(message);
        let mut others: BTreeMap<RouterId, Vec<Address>> = BTreeMap::new();
        let wanted = group
            .members
            .iter()
            .filter(|(address, _)| match &message.to {
                Some(to) => to == *address,
                // Before 4.0 whoever sends expects its own message back.
                None => message.from.as_ref() != Some(*address),
            });
        for (address, registration) in wanted {
            if let Some(id) = registration.local {
                post.to(id, &self.speakers);
                continue;
            }
            let heard = |router: &&RouterId| {
                let other = self.others.get(*router);
                other.is_some_and(|other| other.lost.is_none())
            };
            let reached = |router: &&RouterId| heard(router) && self.reached.contains(*router);
            let routers = &registration.routers;
            let best = routers.iter().find(reached);
            if let Some(router) = best.or_else(|| routers.iter().find(heard)) {
                others.entry(*router).or_default().push(address.clone());
            }
        }
        let mut effects = post.effects;
        for (router, readers) in others {
            for readers in readers.chunks(Word::READERS) {
                let letter = Letter {
                    readers: readers.to_vec(),
                    message: message.clone(),
                };
                effects.push(Effect::Pass(router, letter));
            }
        }
        effects
    }

    /// Whatever this router had of these is gone, and nobody is suspected.
    fn forget(&mut self, router: RouterId, which: impl Fn(&Name, &Address) -> bool) {
        let all = self.groups.iter().flat_map(|(name, group)| {
            let its = group.members.iter();
            let its = its.filter(|(_, one)| one.routers.contains(&router));
            its.map(move |(address, _)| (name.clone(), address.clone()))
        });
        let gone: Vec<_> = all.filter(|(name, address)| which(name, address)).collect();
        for (name, address) in gone {
            self.take(&name, &address, Err(router));
        }
    }
}

/// A message on its way to several connections: written once for each dialect.
struct Post<'a> {
    message: &'a Message,
    written: BTreeMap<Dialect, Bytes>,
    reached: BTreeSet<ConnectionId>,
    effects: Vec<Effect>,
}

impl Post<'_> {
    fn new(message: &Message) -> Post<'_> {
        Post {
            message,
            written: BTreeMap::new(),
            reached: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    fn to(&mut self, id: ConnectionId, speakers: &BTreeMap<ConnectionId, Speaker>) {
        let Some(speaker) = speakers.get(&id) else {
            return;
        };
        if self.reached.insert(id) {
            let write = || Reply::Message(self.message).bytes(speaker.dialect);
            let bytes = self.written.entry(speaker.dialect).or_insert_with(write);
            self.effects.push(Effect::Post(id, bytes.clone()));
        }
    }
}
