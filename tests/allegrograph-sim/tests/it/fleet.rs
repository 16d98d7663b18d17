//! Servers of two services, and a worker without a daemon: what Swarm, supervisors and workers
//! say to each other, without the network between.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aerospike_sim::testing::{Loopback, Process};
use fake_kubernetes::FakeApi;
use futures_util::future::join_all;
use meshworker::kubernetes::{Account, KubernetesClient};
use meshworker::witness::{KubernetesOptions, KubernetesSource, Source};
use meshworker_conformance::quick_limits;
use meshworker_core::{
    Answer, Context, Grade, Limits, MemberId, Mind, Moment, Observation, Orders, Place, Plan,
    Presence, Report, Sighting, Thought, Unanswered, Unity, Wishes, Witness,
};
use meshworker_engines::allegrograph::{Allegrograph, AllegrographRequest, Detail};
use meshworker_engines::{Access, Alone, Engine, SecretFile, perform};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{self, PASSWORD, PORT, USER};

/// Far more than anything takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a node is waited for in one look.
const PULSE: Duration = Duration::from_millis(1500);

/// Between two looks.
const REST: Duration = Duration::from_millis(30);

/// A service, and a replica's number in it.
pub type Slot = (&'static str, u64);

pub const CONTROLLING: Slot = ("controlling", 1);

/// The second copy and the like.
pub fn copy(number: u64) -> Slot {
    ("copy", number)
}

/// A replica: its container, and its supervisor's state.
struct Member {
    process: Option<Process>,
    address: IpAddr,
    life: u64,
    presence: Presence,
}

/// The services are two StatefulSets, whose pods a worker reads.
struct Cluster {
    api: FakeApi,
    sets: [(&'static str, KubernetesSource); 2],
}

impl Cluster {
    async fn start() -> Cluster {
        let api = FakeApi::start().await;
        let client = Arc::new(KubernetesClient::new(Account {
            base: api.base(),
            folder: api.folder().to_owned(),
        }));
        let set = |name: &'static str| {
            let options = KubernetesOptions::of(name);
            (name, KubernetesSource::new(Arc::clone(&client), options))
        };
        Cluster {
            sets: [set(CONTROLLING.0), set("copy")],
            api,
        }
    }

    /// What the API says of both.
    async fn report(&self) -> Report {
        let said = self
            .sets
            .iter()
            .map(async |(part, source)| source.report().await.of_part(part));
        Report::together(Witness::Kubernetes, join_all(said).await)
    }

    /// Its name: pods are counted from 0.
    fn pod(slot: Slot) -> String {
        format!("{}-{}", slot.0, slot.1 - 1)
    }
}

pub struct Fleet {
    folder: TempDir,
    block: Loopback,
    next: u16,
    members: BTreeMap<Slot, Member>,
    /// Where it is on Kubernetes, and not in a swarm.
    cluster: Option<Cluster>,
    engine: Arc<Allegrograph>,
    mind: Mind,
    pub limits: Limits,
    begun: Instant,
    /// What each server is started with, besides the usual.
    pub arguments: Vec<String>,
    pub wishes: Wishes,
    /// Whether each pass is made by a worker that remembers nothing.
    pub forgetful: bool,
    /// Whom the name server leaves out, although it is there.
    pub unlisted: BTreeSet<Slot>,
    /// What was asked, of whom, and what came of it.
    pub story: Vec<String>,
}

impl Fleet {
    pub fn new() -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        std::fs::write(folder.path().join("hosts"), "").unwrap();
        let engine = Arc::new(Fleet::engine(&folder));
        Fleet {
            block: Loopback::claim().unwrap(),
            next: 0,
            members: BTreeMap::new(),
            cluster: None,
            engine,
            mind: Mind::default(),
            limits: Limits {
                removal_hold: Duration::from_millis(500),
                leave_hold: Duration::from_millis(100),
                retry_first: Duration::from_millis(300),
                retry_most: Duration::from_secs(1),
                first_words: Duration::ZERO,
                first_hearing: Duration::ZERO,
                ..quick_limits()
            },
            begun: Instant::now(),
            arguments: Vec::new(),
            wishes: Wishes::none(),
            forgetful: false,
            unlisted: BTreeSet::new(),
            story: Vec::new(),
            folder,
        }
    }

    /// The same on Kubernetes.
    pub async fn on_kubernetes() -> Fleet {
        let cluster = Cluster::start().await;
        cluster.api.world.statefulset(CONTROLLING.0, 1);
        Fleet {
            cluster: Some(cluster),
            ..Fleet::new()
        }
    }

    fn engine(folder: &TempDir) -> Allegrograph {
        let options = [("controlling-host".to_owned(), "agraph".to_owned())];
        Allegrograph::new(Access {
            port: PORT,
            service_port: PORT,
            cluster_name: None,
            user: Some(USER.into()),
            password: Some(SecretFile::new(folder.path().join("password"))),
            tls: None,
            deadline: Duration::from_millis(700),
            options: Allegrograph::DESCRIPTOR.complete(&options.into()).unwrap(),
        })
    }

    /// A worker that knows nothing takes over.
    pub fn new_worker(&mut self) {
        self.engine = Arc::new(Fleet::engine(&self.folder));
        self.mind = Mind::default();
    }

    /// One controlling replica, and so many copies.
    pub fn scale(&mut self, copies: u64) {
        let slots = [CONTROLLING].into_iter().chain((1..=copies).map(copy));
        for slot in slots {
            if !self.members.contains_key(&slot) {
                self.come_up(slot);
            }
        }
        let goes = |slot: &Slot| slot.0 == "copy" && slot.1 > copies;
        let going = self.members.iter_mut().filter(|(slot, _)| goes(slot));
        going.for_each(|(_, member)| member.presence = Presence::Leaving);
        if let Some(Cluster { api, .. }) = &self.cluster {
            api.world.statefulset("copy", copies);
            for slot in self.members.keys().filter(|slot| goes(slot)) {
                api.world.delete(&Cluster::pod(*slot));
            }
        }
    }

    /// A pod is deleted, or its node drained: it is meant to come back.
    pub fn evict(&mut self, slot: Slot) {
        if let Some(member) = self.members.get_mut(&slot) {
            member.presence = Presence::Leaving;
        }
        if let Some(Cluster { api, .. }) = &self.cluster {
            api.world.delete(&Cluster::pod(slot));
        }
    }

    /// A new container with another address: the controlling one finds its volumes, copies
    /// find nothing.
    pub fn come_up(&mut self, slot: Slot) {
        let life = self
            .members
            .remove(&slot)
            .map_or(1, |before| before.life + 1);
        let folder = self.data(slot);
        if slot != CONTROLLING && folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let address = self.block.address(self.next);
        self.next += 1;
        if let Some(Cluster { api, .. }) = &self.cluster {
            let (name, uid) = (Cluster::pod(slot), Fleet::task(slot, life));
            api.world.pod_of(
                &uid,
                &name,
                &address.to_string(),
                &format!("node-of-{name}"),
            );
        }
        if slot == CONTROLLING {
            let hosts = self.folder.path().join("hosts");
            std::fs::write(hosts, format!("{address} agraph\n")).unwrap();
        }
        let member = Member {
            process: Some(self.start(slot, address)),
            address,
            life,
            presence: Presence::Present,
        };
        self.members.insert(slot, member);
    }

    fn data(&self, slot: Slot) -> PathBuf {
        self.folder.path().join(format!("{}-{}", slot.0, slot.1))
    }

    fn start(&self, slot: Slot, address: IpAddr) -> Process {
        let folder = self.data(slot);
        let program = env!("CARGO_BIN_EXE_allegrograph-sim");
        let options = |command: &mut Command| {
            command.arg("--data").arg(folder.join("rootcatalog"));
            command.arg("--settings").arg(folder.join("settings"));
        };
        let mut install = Command::new(program);
        options(&mut install);
        install
            .arg("--install")
            .arg(self.folder.path().join("password"));
        assert!(install.status().unwrap().success());
        let hosts = self.folder.path().join("hosts");
        let started = Process::start(program, |command| {
            options(command);
            command.arg("--listen").arg(format!("{address}:{PORT}"));
            command.arg("--hosts").arg(hosts);
            command.args(&self.arguments);
            command.stdin(Stdio::null());
        });
        started.unwrap()
    }

    /// Its process is killed, and its supervisor with it; its pod, if it has one, is gone.
    pub fn kill(&mut self, slot: Slot) {
        self.members.get_mut(&slot).unwrap().process = None;
        if let Some(Cluster { api, .. }) = &self.cluster {
            api.world.gone(&Cluster::pod(slot));
        }
        self.tell(format!("{slot:?} is killed"));
    }

    /// The node of this pod is not heard of any more, and what ran there has ended.
    pub fn lose_node(&mut self, slot: Slot) {
        self.members.get_mut(&slot).unwrap().process = None;
        if let Some(Cluster { api, .. }) = &self.cluster {
            api.world
                .lose_node(&format!("node-of-{}", Cluster::pod(slot)));
        }
        self.tell(format!("the node of {slot:?} is lost"));
    }

    /// The volumes of this replica are lost.
    pub fn lose(&mut self, slot: Slot) {
        std::fs::remove_dir_all(self.data(slot)).unwrap();
    }

    pub fn at(&self, slot: Slot) -> IpAddr {
        self.members[&slot].address
    }

    /// Who runs, and is not meant to go.
    pub fn running(&self) -> Vec<Slot> {
        let stays = |member: &Member| member.presence == Presence::Present;
        let running = self.members.iter().filter(|(_, member)| stays(member));
        running.map(|(slot, _)| *slot).collect()
    }

    pub fn is_there(&self, slot: Slot) -> bool {
        self.members.contains_key(&slot)
    }

    fn tell(&mut self, what: String) {
        let now = self.begun.elapsed().as_secs_f64();
        self.story.push(format!("{now:7.3} s {what}"));
    }

    fn place(member: &Member) -> Place {
        Place::at(member.address)
    }

    /// Its task, or its pod's uid.
    fn task(slot: Slot, life: u64) -> String {
        format!("{life}{}{}", slot.1, slot.0)
    }

    fn sighting(&self, slot: &Slot, member: &Member, presence: Presence) -> Sighting {
        let (service, number) = match self.cluster {
            Some(_) => (slot.0.to_owned(), slot.1 - 1),
            None => (format!("db_{}", slot.0), slot.1),
        };
        Sighting {
            member: Some(MemberId::Slot {
                service,
                slot: number,
            }),
            task: Some(Fleet::task(*slot, member.life)),
            presence,
            ..Sighting::at(Fleet::place(member))
        }
    }

    async fn reports(&self) -> Vec<Report> {
        let there = |member: &&Member| member.process.is_some();
        let of = |part: &'static str, witness| {
            // A pod that goes is published until it is gone.
            let listed = |one: &Member| self.cluster.is_some() || one.presence == Presence::Present;
            let own = self.members.iter();
            let own = own.filter(move |(slot, member)| slot.0 == part && listed(member));
            let own = own.filter(|(slot, _)| !self.unlisted.contains(*slot));
            let sightings: Vec<Sighting> = own
                .map(|(slot, member)| match witness {
                    Witness::Docker => self.sighting(slot, member, Presence::Present),
                    _ => Sighting::at(Fleet::place(member)),
                })
                .collect();
            let report = Report {
                desired: (witness == Witness::Docker).then_some(sightings.len()),
                sightings,
                ..Report::unknown(witness, Grade::Answer)
            };
            report.of_part(part)
        };
        let together = |witness| {
            let parts = ["controlling", "copy"].map(|part| of(part, witness));
            Report::together(witness, parts.into())
        };
        let said = self.members.iter().filter(|(_, member)| there(member));
        let said = said.map(|(slot, one)| self.sighting(slot, one, one.presence.clone()));
        let announced = Report {
            sightings: said.collect(),
            ..Report::unknown(Witness::Announce, Grade::Answer)
        };
        let tasks = match &self.cluster {
            Some(cluster) => cluster.report().await,
            None => together(Witness::Docker),
        };
        vec![together(Witness::Dns), tasks, announced]
    }

    async fn answers(&self) -> BTreeMap<Place, Answer<Detail>> {
        let looks = self.members.values().map(|member| async move {
            let place = Fleet::place(member);
            let answer = timeout(PULSE, self.engine.observe(place)).await;
            (place, answer.unwrap_or(Err(Unanswered::Timeout)))
        });
        join_all(looks).await.into_iter().collect()
    }

    /// Looks and decides, and does nothing.
    pub async fn plan(&mut self) -> Plan<AllegrographRequest> {
        if self.forgetful {
            self.new_worker();
        }
        loop {
            let answers = self.answers().await;
            let observed = Observation::of(self.reports().await, answers);
            let orders = Orders {
                wishes: self.wishes.clone(),
                ..Orders::default()
            };
            let now = Moment(self.begun.elapsed());
            let mut context = Context::alone(now, &self.limits);
            context.orders = &orders;
            let thought = self.mind.consider(&*self.engine, &context, &observed, true);
            if let Thought::Decided(plan) = thought {
                return plan;
            }
        }
    }

    /// Looks, decides, does.
    pub async fn pass(&mut self) -> Plan<AllegrographRequest> {
        let plan = self.plan().await;
        for done in perform(&self.engine, &plan.steps, &Alone).await {
            let reply = done.reply.unwrap_or_else(|failure| failure.to_string());
            self.tell(format!("{} => {reply}", done.step));
        }
        for leaver in plan.leavers.iter().filter(|one| one.release.is_granted()) {
            let mut members = self.members.iter();
            let gone = members.find(|(_, member)| Fleet::place(member) == leaver.address);
            let slot = *gone.unwrap().0;
            self.members.remove(&slot);
            if let Some(Cluster { api, .. }) = &self.cluster {
                api.world.gone(&Cluster::pod(slot));
            }
            self.tell(format!("{slot:?} is let go"));
        }
        plan
    }

    /// Passes until `wished` says so.
    pub async fn until(
        &mut self,
        what: &str,
        mut wished: impl AsyncFnMut(&Fleet, &Plan<AllegrographRequest>) -> bool,
    ) -> Plan<AllegrographRequest> {
        let begun = Instant::now();
        loop {
            let plan = self.pass().await;
            if wished(self, &plan).await {
                return plan;
            }
            let refusals: Vec<String> = plan.refusals.iter().map(ToString::to_string).collect();
            assert!(
                begun.elapsed() < PATIENCE,
                "waited for: {what}\n{}\n{}\n{}",
                plan.unity,
                refusals.join("\n"),
                self.story.join("\n")
            );
            sleep(REST).await;
        }
    }

    /// Until all replicas, and nobody else, are one cluster by the controlling server's word.
    pub async fn until_one_of(&mut self, members: usize) {
        let what = format!("one cluster of {members}");
        self.until(&what, async |fleet, plan| {
            plan.unity == Unity::One { size: members }
                && plan.steps.is_empty()
                && fleet.instances().await == members
        })
        .await;
    }

    /// How many instances the server lists that controls the others, dead ones too.
    pub async fn instances(&self) -> usize {
        for slot in self.running() {
            let status = client::get(self.at(slot), "/repositories/main/repl/status").await;
            if let Some((200, text)) = status {
                return text.matches("instanceName").count();
            }
        }
        0
    }

    /// Whether a refusal of this plan has these words.
    pub fn refuses(plan: &Plan<AllegrographRequest>, words: &str) -> bool {
        let mut told = plan.refusals.iter().map(ToString::to_string);
        told.any(|refusal| refusal.contains(words))
    }

    /// How often the like of this was asked for.
    pub fn asked(&self, what: &str) -> usize {
        self.story.iter().filter(|line| line.contains(what)).count()
    }

    /// Writes so many statements, each to another replica; returns those acknowledged.
    pub async fn write(&self, from: usize, count: usize) -> Vec<String> {
        let mut acknowledged = Vec::new();
        let slots = self.running();
        for number in from..from + count {
            let text = format!("<s{number}> <p> \"{number}\" .");
            let at = self.at(slots[number % slots.len()]);
            let path = "/repositories/main/statements";
            if let Some((204, _)) = client::ask(at, "POST", path, &text).await {
                acknowledged.push(text);
            }
        }
        acknowledged
    }

    /// Waits until each replica has each of these.
    pub async fn all_have(&mut self, acknowledged: &[String]) {
        for slot in self.running() {
            let at = self.at(slot);
            self.until(&format!("all statements at {slot:?}"), async |_, _| {
                let read = client::get(at, "/repositories/main/statements").await;
                let (_, text) = read.unwrap_or_default();
                let have: BTreeSet<&str> = text.lines().collect();
                acknowledged.iter().all(|one| have.contains(one.as_str()))
            })
            .await;
        }
    }
}
