//! Three workers on one machine, each at an address of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_dns::{Behaviour, FakeDns};
use meshworker_group::{Given, Order, Ordered, Save, Seat, Store, StoreFailed, Told};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::config::IpFamily;
use crate::group::{Group, Listener, Settings};
use crate::token_file::TokenFile;
use crate::witness::DnsOptions;

/// Far longer than anything takes on a busy machine.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Heard {
    pub(super) given: Mutex<BTreeMap<String, Given>>,
    pub(super) told: Mutex<Vec<(u64, Told)>>,
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

pub(super) struct Worker {
    pub(super) group: Group,
    pub(super) heard: Arc<Heard>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) running: JoinHandle<Result<(), String>>,
}

pub(super) struct World {
    dns: FakeDns,
    token: tempfile::NamedTempFile,
    pub(super) state: tempfile::TempDir,
    pub(super) port: u16,
    pub(super) workers: BTreeMap<u64, Worker>,
    /// Whether the disks of those that are started next are full.
    pub(super) full: Arc<AtomicBool>,
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
    pub(super) async fn new() -> World {
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
    pub(super) async fn of_three() -> World {
        World::of_three_that(false).await
    }

    /// The same, whose workers keep what they know, each in its own folder.
    pub(super) async fn of_three_that_keep() -> World {
        World::of_three_that(true).await
    }

    async fn of_three_that(keep: bool) -> World {
        let mut world = World::new().await;
        for slot in 1..=3 {
            let folder = world.folder(slot);
            world.start(slot, keep.then_some(&*folder)).await;
        }
        world.list(&[]);
        world
            .until("three vote", |world| {
                world.acting().len() == 1 && (1..=3).all(|slot| world.voters(slot) == 3)
            })
            .await;
        world
    }

    /// Where this one keeps what it knows.
    pub(super) fn folder(&self, slot: u64) -> PathBuf {
        self.state.path().join(slot.to_string())
    }

    /// At the name of this one these are listed.
    pub(super) fn list_to(&self, slot: u64, listed: &[u64]) {
        let all: Vec<String> = listed
            .iter()
            .map(|slot| World::address(*slot).to_string())
            .collect();
        let answer = Behaviour::answer(all.iter().map(String::as_str));
        self.dns.set(&format!("workers-{slot}"), answer);
    }

    pub(super) fn address(slot: u64) -> IpAddr {
        IpAddr::from([127, 0, 0, 10 + u8::try_from(slot).unwrap()])
    }

    /// Those that run are listed, and these besides.
    pub(super) fn list(&self, besides: &[u64]) {
        let all: Vec<u64> = self.workers.keys().chain(besides).copied().collect();
        for slot in self.workers.keys() {
            self.list_to(*slot, &all);
        }
    }

    pub(super) async fn start(&mut self, slot: u64, state: Option<&Path>) {
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
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) {
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

    pub(super) fn acting(&self) -> Vec<u64> {
        let acts = |one: &&u64| {
            let worker = &self.workers[*one];
            worker.group.shared.authority().fence().is_some()
        };
        self.workers.keys().filter(acts).copied().collect()
    }

    pub(super) fn voters(&self, slot: u64) -> usize {
        let status = self.workers[&slot].group.status();
        let votes = |part| {
            matches!(
                part,
                crate::status::Part::Leader | crate::status::Part::Voter
            )
        };
        status.members.iter().filter(|one| votes(one.part)).count()
    }

    pub(super) async fn kill(&mut self, slot: u64) {
        let worker = self.workers.remove(&slot).unwrap();
        worker.running.abort();
        let _ = worker.running.await;
    }
}

pub(super) fn hold(why: &str) -> Ordered {
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

pub(super) fn given(world: &World, slot: u64) -> Given {
    let given = world.workers[&slot].heard.given.lock().unwrap();
    given.get("db").cloned().unwrap_or_default()
}
