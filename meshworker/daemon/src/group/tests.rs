//! Three workers on one machine, each at an address of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_dns::{Behaviour, FakeDns};
use meshworker_core::{Change, Fence};
use meshworker_engines::Intended;
use meshworker_group::{Given, Order, Ordered, Save, Seat, Store, StoreFailed, StoreId, Told};
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::linear::{Request, What, is_linear};
use super::{Group, Listener, Settings};
use crate::config::IpFamily;
use crate::token_file::TokenFile;
use crate::witness::DnsOptions;

/// Far longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Heard {
    given: Mutex<BTreeMap<String, Given>>,
    told: Mutex<Vec<(u64, Told)>>,
}

impl Listener for Heard {
    fn begins_anew(&self) {}

    fn ordered(&self, given: &BTreeMap<String, Given>) {
        *self.given.lock().unwrap() = given.clone();
    }

    fn told(&self, number: u64, told: &Told) {
        self.told.lock().unwrap().push((number, told.clone()));
    }
}

struct Worker {
    group: Group,
    heard: Arc<Heard>,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), String>>,
}

struct World {
    dns: FakeDns,
    token: tempfile::NamedTempFile,
    state: tempfile::TempDir,
    port: u16,
    workers: BTreeMap<u64, Worker>,
    /// Whether the disks of those that are started next are full.
    full: Arc<AtomicBool>,
}

/// A store on a disk that may be full.
struct Disk {
    store: Box<dyn Store + Send>,
    full: Arc<AtomicBool>,
}

impl Store for Disk {
    fn save(&mut self, save: &Save) -> Result<(), StoreFailed> {
        match self.full.load(Ordering::Relaxed) {
            true => Err(StoreFailed("no space left on device".into())),
            false => self.store.save(save),
        }
    }
}

/// A port that is free at all addresses.
fn free_port() -> u16 {
    loop {
        let listen = |slot, port| TcpListener::bind((World::address(slot), port));
        let port = listen(1, 0).unwrap().local_addr().unwrap().port();
        if [1, 2, 3, 4, 5, 6, 11]
            .iter()
            .all(|slot| listen(*slot, port).is_ok())
        {
            return port;
        }
    }
}

impl World {
    async fn new() -> World {
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "the workers' own token 1").unwrap();
        World {
            dns: FakeDns::start().await.unwrap(),
            token,
            state: tempfile::tempdir().unwrap(),
            port: free_port(),
            workers: BTreeMap::new(),
            full: Arc::default(),
        }
    }

    /// One in which three vote, and one of them acts.
    async fn of_three() -> World {
        let mut world = World::new().await;
        for slot in 1..=3 {
            world.start(slot, None).await;
        }
        world.list(&[]);
        world
            .until("three vote", |world| {
                world.acting().len() == 1 && (1..=3).all(|slot| world.voters(slot) == 3)
            })
            .await;
        world
    }

    /// At the name of this one these are listed.
    fn list_to(&self, slot: u64, listed: &[u64]) {
        let all: Vec<String> = listed
            .iter()
            .map(|slot| World::address(*slot).to_string())
            .collect();
        let answer = Behaviour::answer(all.iter().map(String::as_str));
        self.dns.set(&format!("workers-{slot}"), answer);
    }

    fn address(slot: u64) -> IpAddr {
        IpAddr::from([127, 0, 0, 10 + u8::try_from(slot).unwrap()])
    }

    /// Those that run are listed, and these besides.
    fn list(&self, besides: &[u64]) {
        let all: Vec<u64> = self.workers.keys().chain(besides).copied().collect();
        for slot in self.workers.keys() {
            self.list_to(*slot, &all);
        }
    }

    async fn start(&mut self, slot: u64, state: Option<&Path>) {
        let settings = Settings {
            listen: SocketAddr::new(World::address(slot), self.port),
            token_file: TokenFile::new(self.token.path()),
            workers: format!("workers-{slot}"),
            dns: DnsOptions {
                name_servers: Some(vec![self.dns.address()]),
                family: IpFamily::V4,
                ..DnsOptions::default()
            },
            service: None,
            // Slot 11 is the first one, too: of those that do not see each other.
            seat: Seat {
                slot: slot % 10,
                node: None,
                task: format!("task-{slot}"),
            },
            state: state.map(Path::to_owned),
            preferred: None,
        };
        let heard = Arc::new(Heard::default());
        let listener: Arc<dyn Listener> = heard.clone();
        let (group, mut runner) = Group::open(settings, listener).await.unwrap();
        runner.store = Box::new(Disk {
            store: runner.store,
            full: Arc::clone(&self.full),
        });
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(runner.run(stopped));
        let worker = Worker {
            group,
            heard,
            stop,
            running,
        };
        self.workers.insert(slot, worker);
    }

    /// Waits until this holds; what was seen last, if it does not.
    async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
        let waited = timeout(DEADLINE, async {
            while !holds(self) {
                sleep(Duration::from_millis(10)).await;
            }
        });
        if waited.await.is_err() {
            let seen: Vec<_> = self
                .workers
                .values()
                .map(|one| one.group.status())
                .collect();
            panic!("{what}: last seen {seen:#?}");
        }
    }

    fn acting(&self) -> Vec<u64> {
        let acts = |one: &&u64| {
            let worker = &self.workers[*one];
            worker.group.shared.authority().fence().is_some()
        };
        self.workers.keys().filter(acts).copied().collect()
    }

    fn voters(&self, slot: u64) -> usize {
        let status = self.workers[&slot].group.status();
        let votes = |part| {
            matches!(
                part,
                crate::status::Part::Leader | crate::status::Part::Voter
            )
        };
        status.members.iter().filter(|one| votes(one.part)).count()
    }

    async fn kill(&mut self, slot: u64) {
        let worker = self.workers.remove(&slot).unwrap();
        worker.running.abort();
        let _ = worker.running.await;
    }
}

fn hold(why: &str) -> Ordered {
    Ordered {
        cluster: "db".into(),
        who: None,
        at_ms: 0,
        order: Order::Hold {
            member: None,
            why: why.into(),
            until_ms: None,
        },
    }
}

#[tokio::test]
async fn three_workers_agree_on_one_that_acts_and_another_one_acts_when_it_is_killed() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let follower = (1..=3).find(|slot| *slot != leader).unwrap();

    // What is ordered at one holds at all.
    world.workers[&follower]
        .group
        .order(hold("a disk"))
        .await
        .unwrap();
    let held = |world: &World, slot: u64| {
        let given = world.workers[&slot].heard.given.lock().unwrap();
        given.get("db").is_some_and(|given| given.hold.is_some())
    };
    assert!(held(&world, follower), "whoever is answered obeys already");
    world
        .until("all obey", |world| (1..=3).all(|slot| held(world, slot)))
        .await;

    // What happened is told by all, once.
    let told = Told {
        cluster: "db".into(),
        at_ms: 1,
        fact: serde_json::json!({"text": "it happened"}),
    };
    for worker in world.workers.values() {
        worker.group.tell(told.clone(), false);
    }
    world
        .until("all tell it", |world| {
            let all = world.workers.values();
            all.map(|one| one.heard.told.lock().unwrap().clone())
                .all(|heard| heard == [(1, told.clone())])
        })
        .await;

    let intended = Intended {
        change: Change::Forget,
        target: "n4".into(),
        why: String::new(),
    };
    let mandate = world.workers[&leader].group.mandate("db");
    let first = mandate.intend(intended.clone()).await.unwrap();
    mandate.done(first, Ok("OK".into()));
    let refused = world.workers[&follower].group.mandate("db");
    assert!(refused.intend(intended.clone()).await.is_err());

    world.kill(leader).await;
    world
        .until("another one acts", |world| world.acting().len() == 1)
        .await;
    let next = world.acting()[0];
    assert!(held(&world, next));
    let mandate = world.workers[&next].group.mandate("db");
    let second = mandate.intend(intended).await.unwrap();
    assert!(second > first, "{second} after {first}");
    assert!(first > Fence(0));
}

#[tokio::test]
async fn whoever_is_told_to_end_hands_over_first() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let Worker { stop, running, .. } = world.workers.remove(&leader).unwrap();
    stop.send_replace(true);
    world
        .until("another one acts", |world| world.acting().len() == 1)
        .await;
    timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
}

/// It said so as soon as it had asked for it, also where nobody was there to take over.
#[tokio::test]
async fn a_hand_over_is_done_once_another_one_leads() {
    let mut world = World::of_three().await;
    let leader = world.acting()[0];
    let group = world.workers[&leader].group.clone();
    let to = group.hand_over(None).await.unwrap().to_string();
    assert_ne!(to, group.status().me);
    world
        .until("it acts", |world| world.acting().len() == 1)
        .await;
    let next = world.acting()[0];
    let group = world.workers[&next].group.clone();
    for slot in (1..=3).filter(|slot| *slot != next) {
        world.kill(slot).await;
    }
    assert!(group.hand_over(None).await.is_err());
}

/// A number that none could have was heeded by nobody, and members that had heard it obeyed
/// nobody any more.
#[tokio::test]
async fn a_fence_that_is_far_above_all_is_gone_towards() {
    let mut world = World::new().await;
    world.start(1, None).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    let group = world.workers[&1].group.clone();
    let before = group.shared.authority().fence().unwrap();
    group.raise(Fence(u64::MAX));
    let fence = || group.shared.authority().fence();
    world
        .until("it acts under a higher one", |_| {
            fence().is_some_and(|fence| fence > before)
        })
        .await;
    let Fence(most) = before.furthest();
    assert!(fence().unwrap() >= Fence(most) && fence().unwrap() < Fence(most + 1_000));
}

/// Consul, rqlite and orchestrator wait for addresses that are nobody's any more.
#[tokio::test]
async fn all_addresses_were_new_and_nobody_led_for_ever() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    for slot in 1..=3 {
        world.start(slot, Some(&state.join(slot.to_string()))).await;
    }
    world.list(&[]);
    world
        .until("three vote", |world| {
            world.acting().len() == 1 && (1..=3).all(|slot| world.voters(slot) == 3)
        })
        .await;
    let group = world.workers[&1].group.status().group.clone();
    let leader = world.acting()[0];
    world.workers[&leader]
        .group
        .order(hold("kept"))
        .await
        .unwrap();
    for slot in 1..=3 {
        world.kill(slot).await;
    }
    // Slots 4 to 6 have their addresses, with the stores of 1 to 3.
    for slot in 4..=6 {
        let store = state.join((slot - 3).to_string());
        std::fs::rename(
            store.join(format!("meshworker.{}", slot - 3)),
            store.join(format!("meshworker.{slot}")),
        )
        .unwrap();
        world.start(slot, Some(&store)).await;
    }
    world.list(&[]);
    world
        .until("one acts", |world| {
            world.acting().len() == 1 && (4..=6).all(|slot| world.voters(slot) == 3)
        })
        .await;
    assert_eq!(world.workers[&4].group.status().group, group);
    world
        .until("all know what was ordered", |world| {
            let all = world.workers.values();
            all.map(|one| one.heard.given.lock().unwrap().clone())
                .all(|given| given.get("db").is_some_and(|given| given.hold.is_some()))
        })
        .await;
}

/// Swarm started each slot on another node, whose volume had another slot's store: three
/// empty ones were made, and what was agreed on was lost with all disks whole.
#[tokio::test]
async fn a_store_that_another_slot_left_on_this_node_lay_there_unused() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(2, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [2]).await;
    let before = world.workers[&2].group.status().me.clone();
    world.kill(2).await;
    world.start(3, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [3]).await;
    assert_eq!(world.workers[&3].group.status().me, before);
    // What somebody has is his.
    world.start(2, Some(&state)).await;
    world.list(&[]);
    world
        .until("both are there", |world| {
            world.workers[&3].group.status().members.len() == 2
        })
        .await;
    assert_ne!(world.workers[&2].group.status().me, before);
}

/// Whoever knew no token had every place for three seconds, again and again, and no worker got in.
#[tokio::test]
async fn strangers_that_said_nothing_kept_workers_from_each_other() {
    let mut world = World::new().await;
    world.start(1, None).await;
    world.list(&[]);
    let port = SocketAddr::new(World::address(1), world.port);
    world.until("it acts", |world| world.acting() == [1]).await;
    let mut strangers = tokio::task::JoinSet::new();
    let connected = Arc::<AtomicUsize>::default();
    for number in 0..400_u16 {
        let connected = Arc::clone(&connected);
        strangers.spawn(async move {
            let last = u8::try_from(number % 4).unwrap();
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                let own = SocketAddr::new(IpAddr::from([127, 0, 0, 200 + last]), 0);
                socket.bind(own).unwrap();
                if let Ok(mut stream) = socket.connect(port).await {
                    connected.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.read(&mut [0]).await;
                }
            }
        });
    }
    let all = |_: &World| connected.load(Ordering::Relaxed) >= 400;
    world.until("all strangers are there", all).await;
    world.start(2, None).await;
    world.list(&[]);
    world
        .until("the second one is in step", |world| {
            let members = &world.workers[&1].group.status().members;
            members
                .iter()
                .any(|one| one.slot == Some(2) && one.behind == Some(0))
        })
        .await;
}

/// Swarm takes whoever is told to end out of the name at once. Those that stayed spoke to it
/// no more, and needed its vote to let it go: two of three ended, and nobody led for ever.
#[tokio::test]
async fn whoever_was_told_to_end_was_listed_no_more_and_could_not_be_let_go() {
    let mut world = World::of_three().await;
    let mut going = Vec::new();
    for slot in [2, 3] {
        let Worker { stop, running, .. } = world.workers.remove(&slot).unwrap();
        stop.send_replace(true);
        going.push((stop, running));
    }
    world.list(&[]);
    for (_stop, running) in going {
        timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
    }
    world
        .until("one alone acts", |world| {
            world.acting() == [1] && world.voters(1) == 1
        })
        .await;
}

fn given(world: &World, slot: u64) -> Given {
    let given = world.workers[&slot].heard.given.lock().unwrap();
    given.get("db").cloned().unwrap_or_default()
}

/// One whose disk was full ended again and again, and nobody looked after anything.
#[tokio::test]
async fn a_worker_alone_ended_again_and_again_because_its_disk_was_full() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    let group = world.workers[&1].group.clone();
    group.order(hold("a disk")).await.unwrap();
    assert_eq!(group.status().unkept, None);
    world.full.store(true, Ordering::Relaxed);
    // Nobody knows of this one.
    let _ = group.order(hold("another disk")).await;
    world
        .until("it says so, and acts", |world| {
            let status = world.workers[&1].group.status();
            status.unkept.is_some() && status.acts && world.acting() == [1]
        })
        .await;
    assert_eq!(group.status().own().and_then(|own| own.kept), Some(false));
    assert!(given(&world, 1).hold.is_some(), "what it knew it knows");
    group.order(hold("a third disk")).await.unwrap();
    let held = given(&world, 1).hold;
    assert_eq!(held.map(|held| held.why), Some("a third disk".into()));
    // Where there is room again it keeps what it is told.
    world.kill(1).await;
    world.full.store(false, Ordering::Relaxed);
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    assert_eq!(world.workers[&1].group.status().unkept, None);
    assert!(given(&world, 1).hold.is_some());
}

/// Others count on what it has promised: it ends, and they go on.
#[tokio::test]
async fn one_of_several_whose_disk_is_full_ends() {
    let mut world = World::of_three().await;
    let follower = (1..=3).find(|slot| world.acting() != [*slot]).unwrap();
    world.kill(follower).await;
    world.full = Arc::default();
    world.start(follower, None).await;
    world.list(&[]);
    world
        .until("it is let in", |world| world.voters(follower) >= 2)
        .await;
    world.full.store(true, Ordering::Relaxed);
    let Worker {
        running,
        stop: _stop,
        ..
    } = world.workers.remove(&follower).unwrap();
    let leader = world.acting()[0];
    let group = world.workers[&leader].group.clone();
    group.order(hold("it is heard by all")).await.unwrap();
    let ended = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert!(ended.unwrap_err().contains("no space left"));
    world
        .until("one acts", |world| world.acting().len() == 1)
        .await;
}

/// What cannot be written may be read: what an operator had it hold is held.
#[tokio::test]
async fn a_worker_alone_whose_folder_cannot_be_written_goes_on_with_what_is_there() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    world.workers[&1].group.order(hold("a disk")).await.unwrap();
    world.kill(1).await;
    // SQLite needs a file of this name to write.
    let own = state.join("meshworker.1");
    std::fs::create_dir(own.join("meshworker.sqlite3-wal")).unwrap();
    let nowhere = own.join("meshworker.sqlite3").join("below");
    for (state, holds) in [(&state, true), (&nowhere, false)] {
        world.start(1, Some(state)).await;
        world.list(&[]);
        world.until("it acts", |world| world.acting() == [1]).await;
        world
            .until("it says so", |world| {
                world.workers[&1].group.status().unkept.is_some()
            })
            .await;
        assert_eq!(given(&world, 1).hold.is_some(), holds);
        world.kill(1).await;
    }
}

/// Drains and orders to forget were lost with their group, and so were holds, if whoever gave
/// it up restarted before it was in the other one.
#[tokio::test]
async fn what_a_group_that_was_given_up_had_ordered_holds_in_the_other_one() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state.join("a"))).await;
    world.start(11, Some(&state.join("b"))).await;
    world.list_to(1, &[1]);
    world.list_to(11, &[11]);
    world
        .until("both act", |world| world.acting() == [1, 11])
        .await;
    let order = |order: Order| Ordered { order, ..hold("") };
    let drain = Order::Drain {
        member: "db.3".into(),
        wanted: true,
    };
    let forget = Order::Forget { node: "n4".into() };
    for one in [hold("a disk"), order(drain), order(forget)] {
        world.workers[&1].group.order(one).await.unwrap();
    }
    // The other one has agreed on more.
    for _ in 0..20 {
        let resume = order(Order::Resume { member: None });
        world.workers[&11].group.order(resume).await.unwrap();
    }
    let groups = |world: &World| -> std::collections::BTreeSet<Option<String>> {
        let all = world.workers.values();
        all.map(|one| one.group.status().group.clone()).collect()
    };
    let other = world.workers[&11].group.status().group.clone();
    // Only the first one sees the other, which does not let it in: it gives its group up.
    world.list_to(1, &[1, 11]);
    world
        .until("it is in no group, or in the other one", |world| {
            let own = &world.workers[&1].group.status().group;
            own.is_none() || *own == other
        })
        .await;
    world.kill(1).await;
    world.start(1, Some(&state.join("a"))).await;
    world.list(&[]);
    world
        .until("there is one group", |world| {
            groups(world) == [other.clone()].into()
        })
        .await;
    world
        .until("all of it holds", |world| {
            let given = given(world, 11);
            let held = given.hold.as_ref().is_some_and(|held| held.why == "a disk");
            held && given.drains.contains("db.3") && given.forget.contains("n4")
        })
        .await;
}

/// "Done" was said of the worker that leads, which stayed; and who had been removed could not
/// come back before another one led.
#[tokio::test]
async fn a_removal_says_what_it_came_to_and_is_over_then() {
    let mut world = World::of_three().await;
    let store = |world: &World, slot: u64| -> StoreId {
        world.workers[&slot].group.status().me.parse().unwrap()
    };
    let leader = world.acting()[0];
    let follower = (1..=3).find(|slot| *slot != leader).unwrap();
    let (leads, follows) = (store(&world, leader), store(&world, follower));
    let group = world.workers[&leader].group.clone();
    let refused = |why: Result<(), String>, says: &str| {
        let why = why.unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    refused(group.remove(leads).await, "hand-over");
    refused(group.remove(follows).await, "answers");
    refused(group.remove(StoreId(7)).await, "not in the group");
    let state = world.state.path().join("kept");
    world.kill(follower).await;
    let silent = |world: &World| {
        let status = world.workers[&leader].group.status();
        status
            .members
            .iter()
            .any(|one| one.store == follows.to_string() && !one.answers)
    };
    world.until("it is missed", silent).await;
    group.remove(follows).await.unwrap();
    world
        .until("two vote", |world| world.voters(leader) == 2)
        .await;
    world.start(follower, Some(&state)).await;
    world.list(&[]);
    world
        .until("three vote", |world| {
            (1..=3).all(|slot| world.voters(slot) == 3)
        })
        .await;
}

/// What the five clients share.
#[derive(Default)]
struct Office {
    workers: Mutex<Vec<(Group, Arc<Heard>)>>,
    clock: AtomicU64,
    seen: Mutex<BTreeMap<String, Vec<Request>>>,
    closed: AtomicBool,
}

impl Office {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, member: &str, request: Request) {
        let mut seen = self.seen.lock().unwrap();
        seen.entry(member.to_owned()).or_default().push(request);
    }

    /// How many requests were answered.
    fn requests(&self) -> usize {
        self.seen.lock().unwrap().values().map(Vec::len).sum()
    }

    fn open(&self, world: &World) {
        let all = world.workers.values();
        let all = all.map(|one| (one.group.clone(), Arc::clone(&one.heard)));
        *self.workers.lock().unwrap() = all.collect();
    }

    /// Sets and reads, each at a worker of its own choice; reads at the one that acts, as
    /// commands do.
    async fn client(self: Arc<Office>, number: u64) {
        for round in 0_u64.. {
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let workers = self.workers.lock().unwrap().clone();
            let pick = usize::try_from(round + number).unwrap();
            let member = format!("db.{}", (round + number) % 3);
            let made = self.tick();
            if round.is_multiple_of(3) {
                let why = format!("{number}-{round}");
                let mut order = hold(&why);
                order.order = Order::Hold {
                    member: Some(member.clone()),
                    why: why.clone(),
                    until_ms: None,
                };
                let (group, _) = &workers[pick / 3 % workers.len()];
                let answered = group.order(order).await.ok().map(|_| self.tick());
                let what = What::Set(why);
                self.note(
                    &member,
                    Request {
                        made,
                        answered,
                        what,
                    },
                );
            } else if let Some((group, heard)) = workers.iter().find(|(group, _)| group.acts()) {
                let held = heard.given.lock().unwrap().get("db").cloned();
                let held = held.and_then(|given| given.held.get(&member).cloned());
                // Whoever acted when it was read and acts still acted all the time.
                if group.acts() {
                    let answered = Some(self.tick());
                    let what = What::Read(held.map(|held| held.why));
                    self.note(
                        &member,
                        Request {
                            made,
                            answered,
                            what,
                        },
                    );
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Five clients set and read holds while who acts changes: each hold is a register.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_clients_see_of_orders_could_have_happened_in_one_order() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    for slot in 1..=3 {
        world.start(slot, Some(&state.join(slot.to_string()))).await;
    }
    world.list(&[]);
    world
        .until("three vote", |world| {
            world.acting().len() == 1 && (1..=3).all(|slot| world.voters(slot) == 3)
        })
        .await;
    let office = Arc::<Office>::default();
    office.open(&world);
    let clients: Vec<_> = (0..5)
        .map(|number| tokio::spawn(Arc::clone(&office).client(number)))
        .collect();
    for kills in [false, true, false, true, true] {
        let before = office.requests();
        world
            .until("they see something", |world| {
                office.requests() > before + 100 && world.acting().len() == 1
            })
            .await;
        let leader = world.acting()[0];
        if kills {
            world.kill(leader).await;
        } else {
            // It may have lost the lead this moment.
            let _ = world.workers[&leader].group.hand_over(None).await;
        }
        office.open(&world);
        world
            .until(
                // Whoever could not hand over may be elected again.
                "one acts",
                |world| world.acting().len() == 1,
            )
            .await;
        if kills {
            let own = state.join(leader.to_string());
            world.start(leader, Some(&own)).await;
            world.list(&[]);
            office.open(&world);
            world
                .until("all are in step", |world| {
                    let acting = world.acting();
                    let members = acting.first().map(|one| &world.workers[one].group);
                    let members = members.map(|group| group.status().members.clone());
                    let behind =
                        |one: &crate::status::GroupMember| one.behind.is_some_and(|n| n < 50);
                    members.is_some_and(|all| all.len() == 3 && all.iter().all(behind))
                })
                .await;
        }
    }
    office.closed.store(true, Ordering::Relaxed);
    for client in clients {
        timeout(DEADLINE, client).await.unwrap().unwrap();
    }
    let seen = office.seen.lock().unwrap();
    let unknown = |all: &Vec<Request>| all.iter().filter(|one| one.answered.is_none()).count();
    for (member, requests) in seen.iter() {
        eprintln!(
            "{member}: {} requests, {} unknown",
            requests.len(),
            unknown(requests)
        );
        assert!(is_linear(requests), "{member}: {requests:?}");
    }
}
