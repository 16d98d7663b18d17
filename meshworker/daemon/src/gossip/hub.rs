//! What all connections of a router share.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use meshworker_core::Moment;
use meshworker_gossip::{
    ConnectionId, Dialect, Effect, End, Limits, Picture, Request, Router, RouterId, Seat, Seats,
    Word,
};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::answers::Answers;
use super::outbox::Outbox;
use super::share::Post;
use crate::status::{GossipGroup, GossipMember, GossipStatus};

/// What all connections of a router share: it decides, and what it decides is done at once.
#[derive(Debug)]
pub struct Hub {
    id: RouterId,
    began: Instant,
    numbers: AtomicU64,
    /// What waits to be sent to members.
    waiting: Arc<AtomicUsize>,
    /// Messages that nobody took.
    lost: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    seats: Seats,
    answers: Answers,
    outboxes: HashMap<ConnectionId, Arc<Outbox>>,
    /// To other routers, each by the number of its line.
    posts: BTreeMap<RouterId, (u64, Post)>,
    /// The newest line of each other router to this one: what is still said on an older one
    /// no longer holds.
    heard: BTreeMap<RouterId, u64>,
    /// This router is about to end.
    ends: bool,
}

impl Hub {
    /// One to which so many members may be connected, a quarter of them from one address.
    pub(super) fn new(connections: usize) -> Arc<Hub> {
        let of_one = connections.div_ceil(4);
        Arc::new(Hub {
            id: RouterId(random()),
            began: Instant::now(),
            numbers: AtomicU64::new(1),
            waiting: Arc::default(),
            lost: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                router: Router::new(Limits::default()),
                seats: Seats::of(connections, of_one),
                answers: Answers::default(),
                outboxes: HashMap::new(),
                posts: BTreeMap::new(),
                heard: BTreeMap::new(),
                ends: false,
            }),
        })
    }

    /// Who this router is to others.
    pub(super) fn id(&self) -> RouterId {
        self.id
    }

    /// A place for a connection from there, if there is one.
    pub(super) fn enter(&self, from: IpAddr) -> Option<(ConnectionId, Arc<Outbox>)> {
        let id = ConnectionId(self.numbers.fetch_add(1, Ordering::Relaxed));
        let mut inner = self.lock();
        match inner.seats.enter(from, id) {
            Seat::None => return None,
            Seat::InPlaceOf(other) => {
                if let Some(outbox) = inner.outboxes.get(&other) {
                    outbox.close("others need its place");
                }
            }
            Seat::Taken => {}
        }
        let outbox = Arc::new(Outbox::new(Arc::clone(&self.waiting)));
        inner.outboxes.insert(id, Arc::clone(&outbox));
        Some((id, outbox))
    }

    /// What comes from there is understood.
    pub(super) fn known(&self, from: IpAddr, id: ConnectionId) {
        self.lock().seats.known(from, id);
    }

    /// A member says this. To whom it sent more than they have taken.
    pub(super) fn hear(
        &self,
        from: IpAddr,
        id: ConnectionId,
        dialect: Dialect,
        request: Request,
    ) -> Vec<Arc<Outbox>> {
        let now = self.now();
        let mut inner = self.lock();
        let effects = inner.router.hear(now, from, id, dialect, request);
        let readers = effects.iter().filter_map(|effect| match effect {
            Effect::Post(id, _) => inner.outboxes.get(id).cloned(),
            _ => None,
        });
        let readers: Vec<_> = readers.collect();
        self.act(&mut inner, effects);
        readers.into_iter().filter(|one| one.is_behind()).collect()
    }

    /// A connection has ended, in this way.
    pub(super) fn ended(&self, from: IpAddr, id: ConnectionId, how: End) {
        let mut inner = self.lock();
        inner.seats.leave(from, id);
        inner.outboxes.remove(&id);
        let effects = inner.router.ended(id, how);
        self.act(&mut inner, effects);
    }

    /// Closes all connections of members, because this router ends. Others are told nothing of
    /// that: they tell what it had until its members have come to one of them.
    pub(super) fn close_all(&self, why: &'static str) {
        let mut inner = self.lock();
        inner.ends = true;
        inner.posts.clear();
        for outbox in inner.outboxes.values() {
            outbox.close(why);
        }
    }

    /// Another router begins to tell what it has, on a line of this number; none where it is
    /// not heard.
    pub(super) fn met(&self, router: RouterId) -> Option<u64> {
        let line = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        if !inner.router.met(router) {
            return None;
        }
        inner.heard.insert(router, line);
        Some(line)
    }

    /// It says this there; whether that line still counts.
    pub(super) fn told(&self, router: RouterId, line: u64, word: Word) -> bool {
        let now = self.now();
        let mut inner = self.lock();
        if inner.heard.get(&router) != Some(&line) {
            return false;
        }
        let effects = match word {
            Word::Change(change) => inner.router.told(now, router, change),
            Word::Letter(letter) => inner.router.passed(&letter),
            Word::Whole => {
                inner.router.whole(router);
                Vec::new()
            }
            Word::Hello(_) | Word::Alive => Vec::new(),
        };
        self.act(&mut inner, effects);
        true
    }

    /// That line has ended.
    pub(super) fn left(&self, router: RouterId, line: u64) {
        let now = self.now();
        let mut inner = self.lock();
        if inner.heard.get(&router) == Some(&line) {
            inner.heard.remove(&router);
            inner.router.lost(now, router);
        }
    }

    /// There is a way to another router, who knows nothing of what is registered here: that
    /// comes first, then whatever changes. With the way's number.
    pub(super) fn reached(&self, router: RouterId, post: Post) -> (u64, Vec<Word>) {
        let line = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.lock();
        if inner.ends {
            return (line, Vec::new());
        }
        let all = inner.router.own();
        inner.router.reached(router);
        inner.posts.insert(router, (line, post));
        (line, all)
    }

    /// That way is no more.
    pub(super) fn unreached(&self, router: RouterId, line: u64) {
        let mut inner = self.lock();
        if inner
            .posts
            .get(&router)
            .is_some_and(|(now, _)| *now == line)
        {
            inner.posts.remove(&router);
            inner.router.unreached(router);
        }
    }

    /// Forgets what lost routers had, when it is time, and ends the lines of those that are to
    /// tell anew what they have.
    pub(super) fn tidy(&self) {
        let now = self.now();
        let mut inner = self.lock();
        inner.router.tidy(now);
        for router in inner.router.missed() {
            if inner.heard.remove(&router).is_some() {
                inner.router.lost(now, router);
            }
        }
    }

    /// What is known, as it is told.
    pub fn status(&self) -> GossipStatus {
        let (now, picture) = (self.now(), self.lock().router.picture());
        let Picture {
            connections,
            routers,
            lost_routers,
            groups,
        } = picture;
        let groups = groups.into_iter().map(|group| GossipGroup {
            name: group.name,
            members: group
                .members
                .into_iter()
                .map(|member| GossipMember {
                    name: member.name,
                    address: member.address,
                    at: member.at,
                    known_seconds: now.since(member.since).as_secs(),
                    here: member.here,
                    elsewhere: member.elsewhere,
                })
                .collect(),
        });
        GossipStatus {
            listens: true,
            connections,
            routers,
            lost_routers,
            lost_messages: self.lost.load(Ordering::Relaxed),
            groups: groups.collect(),
        }
    }

    fn act(&self, inner: &mut Inner, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(id, bytes) => {
                    let fits = inner.answers.fit(&bytes);
                    if let Some(outbox) = inner.outboxes.get(&id)
                        && !(fits && outbox.answer(bytes))
                    {
                        outbox
                            .close("there is no room for its answer: others have not taken theirs");
                    }
                }
                Effect::Post(id, bytes) => {
                    let outbox = inner.outboxes.get(&id);
                    self.count(outbox.is_some_and(|outbox| outbox.post(bytes)));
                }
                Effect::Close(id, why) => {
                    if let Some(outbox) = inner.outboxes.get(&id) {
                        outbox.close(why);
                    }
                }
                Effect::Tell(change) => {
                    debug!(?change, "a registration changes");
                    let bytes = Word::Change(change).bytes();
                    // Whoever misses one is told all of it anew.
                    let Inner { posts, router, .. } = &mut *inner;
                    posts.retain(|other, (_, post)| {
                        let sent = post.send(bytes.clone());
                        if !sent {
                            warn!(
                                router = ?other,
                                "another gossip router takes nothing: it is told anew"
                            );
                            router.unreached(*other);
                        }
                        sent
                    });
                }
                Effect::Pass(router, letter) => {
                    let bytes = || -> Bytes { Word::Letter(letter).bytes() };
                    let post = inner.posts.get(&router);
                    self.count(post.is_some_and(|(_, post)| post.send(bytes())));
                }
            }
        }
    }

    fn count(&self, taken: bool) {
        if !taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now(&self) -> Moment {
        Moment(self.began.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that no other router has drawn.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes) {
        Ok(()) => u64::from_be_bytes(bytes),
        // The kernel gives none: what is left is as good as unique.
        Err(_) => {
            u64::from(std::process::id()) << 32 | u64::from(Instant::now().elapsed().subsec_nanos())
        }
    }
}
