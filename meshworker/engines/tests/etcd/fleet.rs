//! Members with supervisors that do what they are told, and a worker without a daemon that
//! tells them: what the real ones say to each other, without the network between.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aerospike_sim::testing::{Loopback, Process};
use futures_util::future::join_all;
use meshworker_conformance::{Witnessed, quick_limits, reports};
use meshworker_core::{
    Context, Disk, Holds, Limits, Mind, Moment, Observation, Orders, Place, Plan, Presence,
    Promise, Report, Start, Tell, Thought, Wishes,
};
use meshworker_engines::etcd::{Etcd, EtcdRequest};
use meshworker_engines::{Access, Alone, Engine, SecretFile, Starts, perform};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::{papers, program};

const CLIENTS: u16 = 2379;
const PEERS: u16 = 2380;

/// That of `root`, from when login is switched on.
pub const PASSWORD: &str = "sesame";

/// Far more than anything takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whoever has not answered by then stands still.
const PAUSED: Duration = Duration::from_millis(500);

/// Members, and the worker that tells them what to do.
pub struct Fleet {
    program: PathBuf,
    folder: TempDir,
    block: Loopback,
    sealed: bool,
    engine: Arc<Etcd>,
    limits: Limits,
    mind: Mind,
    begun: Instant,
    members: BTreeMap<u64, Member>,
    orders: Orders,
    /// How many replicas are wished for.
    pub replicas: usize,
    /// All that was done, for whoever looks for what went wrong.
    pub story: Vec<String>,
}

/// A slot, its disk, and the supervisor's state.
struct Member {
    directory: PathBuf,
    process: Option<Process>,
    promise: Option<Promise>,
    task: u32,
    asides: usize,
    presence: Presence,
    /// Whether its database ended by itself: it waits anew, and starts nothing unasked.
    ended: bool,
}

/// Addresses that no other test uses.
fn block() -> Loopback {
    Loopback::claim().unwrap()
}

impl Fleet {
    /// Nobody is there yet; none where there is no server.
    pub fn new(options: &[(&str, &str)]) -> Option<Fleet> {
        Fleet::with(options, false)
    }

    /// The same, whose members and clients know each other by certificates.
    pub fn sealed(options: &[(&str, &str)]) -> Option<Fleet> {
        Fleet::with(options, true)
    }

    fn with(options: &[(&str, &str)], sealed: bool) -> Option<Fleet> {
        let program = program::etcd()?;
        let block = block();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let SocketAddr::V4(first) = SocketAddr::new(block.address(0), PEERS) else {
            panic!("{block:?}");
        };
        let [one, two, three, _] = first.ip().octets();
        let scheme = if sealed { "https" } else { "http" };
        let peers = format!("{scheme}://{one}.{two}.{three}.{{slot}}:{PEERS}");
        let given = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let given = given.chain([("peer-url".to_owned(), peers)]).collect();
        let access = Access {
            port: CLIENTS,
            service_port: CLIENTS,
            cluster_name: None,
            user: Some("root".into()),
            password: Some(SecretFile::new(folder.path().join("password"))),
            tls: sealed.then(|| papers::tls(folder.path(), &block)),
            deadline: Duration::from_secs(5),
            options: Etcd::DESCRIPTOR.complete(&given).unwrap(),
        };
        Some(Fleet {
            program,
            folder,
            block,
            engine: Arc::new(Etcd::new(access)),
            sealed,
            limits: quick_limits(),
            mind: Mind::default(),
            begun: Instant::now(),
            members: BTreeMap::new(),
            orders: Orders::default(),
            replicas: 0,
            story: Vec::new(),
        })
    }

    /// So many replicas from now on: new ones come up, and of those beyond that number the
    /// supervisors are asked to stop.
    pub fn scale(&mut self, replicas: usize) {
        self.replicas = replicas;
        for slot in 1..=replicas as u64 {
            if !self.members.contains_key(&slot) {
                self.come_up(slot);
            }
        }
        for (_, member) in self.members.range_mut(replicas as u64 + 1..) {
            member.presence = match member.process {
                Some(_) => Presence::Leaving,
                None => Presence::Ended,
            };
        }
    }

    /// As many voters as this are wished for.
    pub fn wish(&mut self, size: &str) {
        self.orders.wishes = Wishes::none().with("ideal-size", size);
    }

    /// A supervisor comes up in a slot whose disk is as it is.
    pub fn come_up(&mut self, slot: u64) {
        let directory = self.folder.path().join(format!("slot-{slot}"));
        std::fs::create_dir_all(&directory).unwrap();
        let before = self.members.remove(&slot);
        let member = Member {
            directory,
            process: None,
            promise: before.as_ref().and_then(|member| member.promise.clone()),
            task: before.as_ref().map_or(1, |member| member.task + 1),
            asides: before.map_or(0, |member| member.asides),
            presence: Presence::Spare,
            ended: false,
        };
        self.members.insert(slot, member);
    }

    /// An update asks this member to stop, and brings its slot up again once it has.
    pub async fn update(&mut self, slot: u64, told: impl Fn(&Fleet)) {
        self.members.get_mut(&slot).unwrap().presence = Presence::Leaving;
        let begun = Instant::now();
        while self.members[&slot].process.is_some() {
            let plan = self.pass().await;
            told(self);
            assert!(
                begun.elapsed() < PATIENCE,
                "{plan:?}\n{}",
                self.story.join("\n")
            );
            sleep(Duration::from_millis(100)).await;
        }
        self.come_up(slot);
    }

    /// The machine of this member fails.
    pub fn kill(&mut self, slot: u64) {
        let member = self.members.get_mut(&slot).unwrap();
        member.process = None;
        self.story.push(format!("{slot} is killed"));
    }

    /// The machine of this member stands still, or goes on.
    pub fn pause(&mut self, slot: u64, pauses: bool) {
        let process = self.members[&slot].process.as_ref().unwrap();
        let signal = if pauses { "-STOP" } else { "-CONT" };
        let told = std::process::Command::new("kill")
            .args([signal, &process.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        self.story.push(format!("{slot} pauses: {pauses}"));
    }

    /// The slot of the member that leads.
    pub async fn leader(&mut self) -> u64 {
        loop {
            for slot in self.members.keys() {
                let asked = self.engine.observe(self.place(*slot));
                let Ok(view) = timeout(PAUSED, asked).await else {
                    continue;
                };
                if view.is_ok_and(|view| view.role.is_some_and(|role| role.primary)) {
                    return *slot;
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Its disk is new.
    pub fn wipe(&mut self, slot: u64) {
        let member = self.members.get_mut(&slot).unwrap();
        member.promise = None;
        std::fs::remove_dir_all(&member.directory).unwrap();
    }

    /// How often this member put data aside.
    pub fn asides(&self, slot: u64) -> usize {
        self.members[&slot].asides
    }

    fn place(&self, slot: u64) -> Place {
        Place::new(self.block.address(slot as u16 - 1), CLIENTS, CLIENTS)
    }

    /// Where clients reach those that run.
    pub fn running(&self) -> Vec<SocketAddr> {
        let running = self
            .members
            .iter()
            .filter(|(_, member)| member.process.is_some());
        running
            .map(|(slot, _)| self.place(*slot).socket(CLIENTS))
            .collect()
    }

    fn start(&mut self, slot: u64, start: &Start) {
        let address = self.place(slot).address;
        let program = self.program.clone();
        let scheme = if self.sealed { "https" } else { "http" };
        let papers = self.sealed.then(|| papers::arguments(self.folder.path()));
        let member = self.members.get_mut(&slot).unwrap();
        let log = std::fs::File::create(member.directory.join("log")).unwrap();
        let process = Process::start(program, |etcd| {
            etcd.current_dir(&member.directory);
            etcd.args(["--data-dir=etcd", "--logger=zap"]);
            etcd.arg(format!(
                "--listen-client-urls={scheme}://{address}:{CLIENTS}"
            ));
            etcd.arg(format!("--listen-peer-urls={scheme}://{address}:{PEERS}"));
            etcd.args(papers.iter().flatten());
            etcd.args(&start.arguments);
            etcd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        });
        member.process = Some(process.unwrap());
        member.presence = Presence::Present;
        member.ended = false;
        self.story
            .push(format!("{slot} starts: {}", start.arguments.join(" ")));
    }

    fn disk(member: &Member) -> Disk {
        let Starts::WhenNominated(way) = Etcd::DESCRIPTOR.starts else {
            panic!("etcd starts when nominated");
        };
        match (way.disk)(&member.directory) {
            Disk::Nothing => member.promise.clone().map_or(Disk::Nothing, |promise| {
                Disk::Holds(Holds {
                    promise: Some(promise),
                    ..Holds::default()
                })
            }),
            disk => disk,
        }
    }

    /// Whose process has ended by itself waits anew, or is gone where it was to go.
    fn reap(&mut self) {
        for (slot, member) in &mut self.members {
            let Some(process) = &mut member.process else {
                continue;
            };
            if let Some(status) = process.has_ended().unwrap() {
                member.process = None;
                member.ended = true;
                self.story.push(format!("{slot} ended: {status}"));
                let leaves = member.presence == Presence::Leaving;
                member.presence = if leaves {
                    Presence::Ended
                } else {
                    Presence::Spare
                };
            }
        }
    }

    fn reports(&self) -> Vec<Report> {
        let members = self.members.iter().map(|(slot, member)| Witnessed {
            slot: *slot,
            task: member.task,
            place: self.place(*slot),
            presence: member.presence.clone(),
            disk: (member.presence == Presence::Spare).then(|| Fleet::disk(member)),
        });
        reports(self.replicas, members.collect())
    }

    /// Looks, decides, tells.
    pub async fn pass(&mut self) -> Plan<EtcdRequest> {
        self.reap();
        let plan = loop {
            let engine = &self.engine;
            let running = self.members.iter().filter(|(_, member)| {
                !matches!(member.presence, Presence::Spare | Presence::Ended)
            });
            let looks = running.map(|(slot, _)| {
                let place = self.place(*slot);
                async move { (place, engine.observe(place).await) }
            });
            let answers = join_all(looks).await.into_iter().collect();
            let observed = Observation::of(self.reports(), answers);
            let mut context = Context::alone(Moment(self.begun.elapsed()), &self.limits);
            context.orders = &self.orders;
            let thought = self.mind.consider(&*self.engine, &context, &observed, true);
            if let Thought::Decided(plan) = thought {
                break plan;
            }
        };
        self.orders.born = plan.born.clone().or(self.orders.born.take());
        let now = self.begun.elapsed().as_secs_f64();
        for done in perform(&self.engine, &plan.steps, &Alone).await {
            let reply = done.reply.unwrap_or_else(|failure| failure.to_string());
            self.story
                .push(format!("{now:.1} s {} => {reply}", done.step));
        }
        for nominee in plan.nominees.iter().filter(|one| one.closed.is_none()) {
            let slot = *self
                .members
                .keys()
                .find(|slot| self.place(**slot) == nominee.address)
                .unwrap();
            self.obey(slot, &nominee.tell);
        }
        for leaver in plan.leavers.iter().filter(|one| one.release.is_granted()) {
            let slot = *self
                .members
                .keys()
                .find(|slot| self.place(**slot) == leaver.address)
                .unwrap();
            let member = self.members.get_mut(&slot).unwrap();
            if let Some(process) = &mut member.process {
                process.terminate().unwrap();
            }
        }
        self.members.retain(|slot, member| {
            member.presence != Presence::Ended || *slot <= self.replicas as u64
        });
        plan
    }

    fn obey(&mut self, slot: u64, tell: &Tell) {
        let member = self.members.get_mut(&slot).unwrap();
        match tell {
            Tell::Promise(promise) => {
                let before = member.promise.as_ref().map_or(0, |promise| promise.number);
                if promise.number > before {
                    member.promise = Some(promise.clone());
                }
            }
            Tell::Aside { why } => {
                member.asides += 1;
                let aside = member
                    .directory
                    .join(format!("etcd.aside-{}", member.asides));
                std::fs::rename(member.directory.join("etcd"), aside).unwrap();
                self.story
                    .push(format!("{slot} puts its data aside: {why}"));
            }
            Tell::Start(start) => self.start(slot, start),
            Tell::Fetch { .. } | Tell::Kill { .. } => {
                panic!("nobody tells etcd to {}", tell.what())
            }
        }
    }

    /// Passes until this is so.
    pub async fn until(&mut self, what: &str, so: impl Fn(&Plan<EtcdRequest>, &Fleet) -> bool) {
        let begun = Instant::now();
        loop {
            let plan = self.pass().await;
            if so(&plan, self) {
                return;
            }
            let story = self.story.join("\n");
            let unity = &plan.unity;
            assert!(begun.elapsed() < PATIENCE, "{what}: {unity}\n{story}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Passes until the cluster is whole and has so many voters; how long that took.
    pub async fn until_one_of(&mut self, voters: usize, told: impl Fn(&Fleet)) -> Duration {
        let begun = Instant::now();
        loop {
            let plan = self.pass().await;
            told(self);
            let one = plan.unity == meshworker_core::Unity::One { size: voters };
            if one && plan.leavers.is_empty() && self.running().len() == voters {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{}\n{:?}\n{}",
                plan.unity,
                plan.refusals
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                self.story.join("\n")
            );
            sleep(Duration::from_millis(100)).await;
        }
    }
}
