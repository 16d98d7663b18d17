//! The workers of one service: they find each other, agree on one that acts, and keep
//! together what operators ordered and what has happened.
//!
//! ```text
//! DNS ──> seeker ─┐                                   ┌──> store (SQLite, or memory)
//! other workers ──┼──> Keeper (a thread of its own) ──┼──> other workers
//! Group (handle) ─┘    └── Participant (meshworker_group decides)
//!                                                     └──> Shared: authority, status
//! ```
//!
//! Its thread waits for nobody but the disk: a pass over many members costs no election.

mod clock;
mod event;
mod facts;
pub(crate) mod frame;
mod incoming;
mod intents;
mod keeper;
mod line;
#[cfg(test)]
mod linear;
mod mandate;
mod picture;
mod queue;
mod seeker;
mod settings;
mod shared;
pub mod store;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::Fence;
use meshworker_group::{
    A_LOG, A_STATE, Given, GroupId, Me, Ordered, Participant, Saved, Store, StoreFailed, StoreId,
    TICK, Tempo, Told,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{error, info, warn};

use crate::config::Surroundings;
use crate::http::Entrance;
use crate::proof::{Call, Door};
use crate::status::GroupStatus;
use crate::token_file::TokenFileError;

use event::{Event, Reply};
use keeper::Keeper;
use mandate::Seat;
use queue::Queue;
use seeker::Seeker;
pub use settings::Settings;
use shared::Shared;
use store::{Memory, Sqlite, StoreError};

/// So much may wait for the group's thread.
const WAITING: usize = 1_024;

/// So many other workers it speaks to: more are a mistake, or mischief.
const LINES: usize = 64;

/// So much is heard before the thread does what is due.
const AT_ONCE: usize = 64;

/// What the group takes at the most, in bytes, besides its connections: what the log came to,
/// as values, as the newest snapshot, and as one that is being written or read; the log, and
/// what raft has of it; letters on their way in and out, and the longest frame of one.
pub(crate) const MEMORY: usize =
    4 * A_STATE + 2 * A_LOG + queue::WAITING + LINES * line::WAITING + 2 * frame::LONGEST;

/// A store that another process holds is tried again so often: the one before this worker in
/// its slot may need a moment to end.
const HELD: Duration = Duration::from_millis(200);

/// Swarm gives the one before it no longer than this.
const ITS_GRACE: Duration = Duration::from_secs(12);

/// Who is told what the group has agreed on, in its order, also what was agreed on before
/// this worker began.
pub trait Listener: Send + Sync {
    /// What is ordered by now, by cluster.
    fn ordered(&self, given: &BTreeMap<String, Given>);

    /// This has happened; numbered, the same at all workers.
    fn told(&self, number: u64, told: &Told);

    /// It is another group from now on: what is told next is numbered by that one.
    fn begins_anew(&self);
}

/// Why a worker cannot take part in a group.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nobody could be let in.
    #[error("group-token-file: {0}")]
    Token(#[from] TokenFileError),
    /// There is no such name.
    #[error("workers: {0}")]
    Workers(String),
    /// It cannot be listened there.
    #[error("group-listen: {0}")]
    Listen(String),
    /// There is no store.
    #[error("state: {0}")]
    Store(#[from] StoreError),
    /// What it holds makes no sense.
    #[error("state: {0}")]
    Damaged(#[from] StoreFailed),
}

/// This worker's part in its group, for the rest of the process.
#[derive(Debug, Clone)]
pub struct Group {
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
}

/// What is to be run, on a thread of its own.
pub struct Runner {
    settings: Settings,
    door: Arc<Door>,
    call: Arc<Call>,
    group: Group,
    heard: mpsc::Receiver<Event>,
    seeker: Seeker,
    listener: Arc<dyn Listener>,
    store: Box<dyn Store + Send>,
    participant: Participant,
    unkept: Option<String>,
}

impl Group {
    /// A worker with these settings, which has said nothing yet, and what is to be run. A
    /// store that another process still has is waited for.
    ///
    /// # Errors
    ///
    /// A setting cannot be used.
    pub async fn open(
        settings: Settings,
        listener: Arc<dyn Listener>,
    ) -> Result<(Group, Runner), Unusable> {
        let door = Door::of(settings.token_file.clone())?.among_workers();
        let call = Call::new(settings.token_file.clone(), own(&settings)).among_workers();
        let seeker = Seeker::new(&settings).map_err(Unusable::Workers)?;
        let mut me = Me {
            first: settings.seat.slot == Surroundings::here().first_slot(),
            seat: settings.seat.clone(),
            kept: settings.state.is_some(),
            preferred: settings.preferred.clone(),
            tempo: Tempo::default(),
        };
        let Opened {
            store,
            saved,
            unkept,
        } = open(&settings, &me).await?;
        me.kept &= unkept.is_none();
        let participant = Participant::open(me, saved, clock::now())?;
        let (events, heard) = mpsc::channel(WAITING);
        let group = Group {
            shared: Arc::new(Shared::new()),
            events,
        };
        let runner = Runner {
            settings,
            door: Arc::new(door),
            call: Arc::new(call),
            group: group.clone(),
            heard,
            seeker,
            listener,
            store,
            participant,
            unkept,
        };
        Ok((group, runner))
    }

    /// Whether this worker may act on this cluster, and what it is about to do to it.
    pub fn mandate(&self, cluster: &str) -> Arc<dyn meshworker_engines::Mandate> {
        Arc::new(Seat::new(self.clone(), cluster))
    }

    /// Has this ordered, at whichever worker: the number of its entry in the log, once most
    /// workers have it and this one obeys.
    ///
    /// # Errors
    ///
    /// Why it is not, or not known to be.
    pub async fn order(&self, order: Ordered) -> Result<u64, String> {
        self.ask(|reply| Event::Order(order, reply)).await
    }

    /// Something has happened, and is told by all workers alike: if this one acts, or if
    /// only this one can know it.
    pub fn tell(&self, told: Told, only_here: bool) {
        // Whoever waits for the group's thread is not to wait for this.
        let _ = self.events.try_send(Event::Tell(told, only_here));
    }

    /// Somebody knows this fence: all that are given from now on are to be higher.
    pub fn raise(&self, fence: Fence) {
        let _ = self.events.try_send(Event::Raise(fence.0));
    }

    /// Whether this worker is the one that acts, at this moment.
    pub fn acts(&self) -> bool {
        self.shared.authority().fence().is_some()
    }

    /// How the workers stand.
    pub fn status(&self) -> Arc<GroupStatus> {
        self.shared.status()
    }

    /// Hands the lead to this worker's store, or to any that votes: to whom it was handed.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn hand_over(&self, to: Option<StoreId>) -> Result<StoreId, String> {
        self.ask(|reply| Event::HandOver(to, reply)).await
    }

    /// Takes a store out of the group, on an operator's word.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn remove(&self, store: StoreId) -> Result<(), String> {
        self.ask(|reply| Event::Remove(store, reply)).await
    }

    /// Makes this worker's store a group of its own, on an operator's word: a majority of the
    /// one that it was in is lost.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn restart(&self) -> Result<(), String> {
        self.ask(Event::Restart).await
    }

    /// This worker is about to end: it hands over what it has, before it does.
    pub fn leave(&self) {
        let events = self.events.clone();
        tokio::spawn(async move { events.send(Event::Leave).await });
    }

    async fn ask<T>(&self, event: impl FnOnce(Reply<T>) -> Event) -> Result<T, String> {
        let (reply, heard) = oneshot::channel();
        let ends = "this worker ends";
        let sent = self.events.send(event(reply)).await;
        sent.map_err(|_| ends.to_owned())?;
        heard.await.map_err(|_| ends.to_owned())?
    }
}

impl Runner {
    /// Takes part until `stop` becomes true and this worker has left its group.
    ///
    /// # Errors
    ///
    /// It cannot be listened, or the store cannot be written any more: the worker is to end,
    /// since it might promise what it does not keep.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        let Runner {
            settings,
            door,
            call,
            group,
            mut heard,
            seeker,
            listener,
            store,
            participant,
            unkept,
        } = self;
        let Group { shared, events } = group;
        let entrance = Entrance::bind(settings.listen, door, "worker");
        let entrance =
            entrance.map_err(|why| format!("group-listen: {}: {why}", settings.listen))?;
        info!(address = %settings.listen, "listening for other workers");
        let mut tasks = tokio::task::JoinSet::new();
        let queue = Queue::new(events);
        tasks.spawn(incoming::hear(entrance, Arc::clone(&shared), queue.clone()));
        let (listing, mut listed) = watch::channel(None);
        tasks.spawn(seeker.run(listing, Arc::clone(&shared)));
        let mut keeper = Keeper::new(participant, store, Arc::clone(&shared), listener, unkept);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut leaving = false;
        let mut batch = Vec::with_capacity(AT_ONCE);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = heard.recv_many(&mut batch, AT_ONCE) => {}
                Ok(()) = listed.changed() => {
                    let found = listed.borrow_and_update().clone();
                    if let Some(found) = found {
                        for address in listing_of(&mut keeper, found) {
                            let at = (address, settings.listen.port()).into();
                            let line = line::Line::open(
                                at,
                                Arc::clone(&call),
                                Arc::clone(&shared),
                                queue.clone(),
                            );
                            keeper.lines().insert(address, line);
                        }
                    }
                }
                _ = stop.wait_for(|stop| *stop), if !leaving => {
                    leaving = true;
                    keeper.leave();
                }
            }
            let heard = batch.drain(..).try_for_each(|event| keeper.hear(event));
            let settled = heard.and_then(|()| keeper.settle());
            settled.or_else(|why| keeper.goes_on(why)).map_err(|why| {
                error!(
                    "{why}: this worker ends, so that it promises nothing that it does not keep"
                );
                format!("state: {why}")
            })?;
            if leaving && keeper.has_left() {
                return Ok(());
            }
        }
    }
}

/// Tells the keeper where the workers' name leads, and says whom it does not speak to yet.
fn listing_of(keeper: &mut Keeper, found: meshworker_group::Listing) -> Vec<IpAddr> {
    let others = found.others.clone();
    keeper.see(found);
    let lines = keeper.lines();
    let room = LINES.saturating_sub(lines.len());
    let new = others
        .into_iter()
        .filter(|address| !lines.contains_key(address));
    new.take(room).collect()
}

/// The address that it calls from: the others know it by that.
fn own(settings: &Settings) -> Option<IpAddr> {
    Some(settings.listen.ip()).filter(|address| !address.is_unspecified())
}

/// A number that nobody else draws; never 0.
fn drawn() -> u64 {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 8];
    let filled = ring::rand::SystemRandom::new().fill(&mut bytes);
    match filled.map(|()| u64::from_be_bytes(bytes)) {
        Ok(number) if number != 0 => number,
        // The kernel gives none: what little chance there is elsewhere has to do.
        _ => crate::clock::chance() | 1,
    }
}

/// A store, what is in it, and why it is in memory though there is a folder for it.
struct Opened {
    store: Box<dyn Store + Send>,
    saved: Saved,
    unkept: Option<String>,
}

impl Opened {
    fn in_memory(saved: Saved, unkept: Option<StoreError>) -> Opened {
        Opened {
            store: Box::new(Memory),
            saved,
            unkept: unkept.map(|why| why.to_string()),
        }
    }
}

async fn open(settings: &Settings, me: &Me) -> Result<Opened, Unusable> {
    let fresh = StoreId(drawn());
    if settings.state.is_none() {
        return Ok(Opened::in_memory(Saved::empty(fresh), None));
    }
    let own = settings.own_folder().unwrap_or_default();
    let (mut told, began) = (false, Instant::now());
    loop {
        for folder in settings.folders(began.elapsed() >= ITS_GRACE) {
            match Sqlite::open(&folder, fresh) {
                Ok((store, saved)) => {
                    return Ok(Opened {
                        store: Box::new(store),
                        saved,
                        unkept: None,
                    });
                }
                Err(why @ StoreError::Held(_)) => {
                    if !told {
                        warn!("{why}: waiting for it");
                    }
                    told = true;
                }
                Err(why) if folder != own => warn!("{why}: another one is taken"),
                Err(why @ StoreError::Unusable { .. }) => {
                    let Some(saved) = without(&folder, fresh, me)? else {
                        return Err(why.into());
                    };
                    error!("{why}: this worker goes on in memory: what is ordered ends with it");
                    return Ok(Opened::in_memory(saved, Some(why)));
                }
                Err(why) => return Err(why.into()),
            }
        }
        sleep(HELD).await;
    }
}

/// What a worker goes on with whose store cannot be written to; none where others count on what
/// that has promised.
fn without(folder: &std::path::Path, fresh: StoreId, me: &Me) -> Result<Option<Saved>, Unusable> {
    let Some(saved) = Sqlite::read(folder)? else {
        return Ok(Some(Saved::empty(fresh)));
    };
    let before = Participant::open(me.clone(), saved, clock::now())?;
    Ok(before.alone(fresh, GroupId(drawn())))
}
