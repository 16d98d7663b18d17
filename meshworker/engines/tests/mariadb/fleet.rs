//! Members with supervisors that do what they are told, and workers without a daemon that
//! tell them: what the real ones say to each other, without the network between.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aerospike_sim::testing::Loopback;
use futures_util::future::join_all;
use meshworker_conformance::{Witnessed, quick_limits, reports};
use meshworker_core::{
    Answer, Context, Limits, Mind, Moment, Observation, Orders, Place, Plan, Presence, Report,
    Step, Tell, Thought, Unity,
};
use meshworker_engines::mariadb::{Detail, Mariadb, MariadbRequest};
use meshworker_engines::{Access, Alone, Engine, SecretFile, Starts, perform};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::program::{PASSWORD, Program};
use crate::server::{PORT, Server, slot_of};

/// Far more than anything takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const REST: Duration = Duration::from_millis(20);

/// Members, and a worker that tells them what to do.
pub struct Fleet {
    program: Program,
    folder: TempDir,
    block: Loopback,
    members: BTreeMap<u64, Member>,
    /// How many replicas are wished for.
    pub replicas: usize,
    /// The worker that acts.
    pub worker: Worker,
    /// A second one that acts too, as none should: it knows nothing of the first.
    pub rival: Option<Worker>,
    /// After how many more acts the worker ends, and another one begins, which makes one more.
    pub lives: Option<(usize, usize)>,
    /// All that was done, for whoever looks for what went wrong.
    pub story: Vec<String>,
    begun: Instant,
}

/// A worker: what it knows, and nothing else.
pub struct Worker {
    engine: Arc<Mariadb>,
    mind: Mind,
    limits: Limits,
    begun: Instant,
}

/// A slot, its disk, and the supervisor's state.
struct Member {
    directory: PathBuf,
    server: Option<Server>,
    task: u32,
    asides: usize,
    presence: Presence,
    arguments: Vec<String>,
}

impl Worker {
    fn new(password: PathBuf) -> Worker {
        let access = Access {
            port: PORT,
            service_port: PORT,
            cluster_name: None,
            user: Some("root".into()),
            password: Some(SecretFile::new(password)),
            tls: None,
            deadline: Duration::from_secs(2),
            options: Mariadb::DESCRIPTOR.complete(&BTreeMap::new()).unwrap(),
        };
        Worker {
            engine: Arc::new(Mariadb::new(access)),
            mind: Mind::default(),
            limits: Limits {
                succession_pause: Duration::ZERO,
                succession_window: Duration::ZERO,
                retry_first: Duration::from_millis(300),
                ..quick_limits()
            },
            begun: Instant::now(),
        }
    }

    async fn answers(&self, nodes: &[Place]) -> BTreeMap<Place, Answer<Detail>> {
        let looks = nodes.iter().map(|place| async move {
            // What is broken off loses its connection: on a busy machine no look ever ended.
            (*place, self.engine.observe(*place).await)
        });
        join_all(looks).await.into_iter().collect()
    }
}

impl Fleet {
    /// Nobody is there yet; none where there is no server.
    pub fn new() -> Option<Fleet> {
        let program = Program::find()?;
        Some(Fleet::of(program))
    }

    fn of(program: Program) -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        Fleet {
            program,
            block: Loopback::claim().unwrap(),
            members: BTreeMap::new(),
            replicas: 0,
            worker: Worker::new(password),
            rival: None,
            lives: None,
            folder,
            story: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// One that knows nothing.
    pub fn new_worker(&self) -> Worker {
        Worker::new(self.folder.path().join("password"))
    }

    /// So many replicas from now on: new ones come up.
    pub fn scale(&mut self, replicas: usize) {
        self.replicas = replicas;
        for slot in 1..=replicas as u64 {
            if !self.members.contains_key(&slot) {
                self.come_up(slot);
            }
        }
        for (_, member) in self.members.range_mut(replicas as u64 + 1..) {
            member.presence = match member.server {
                Some(_) => Presence::Leaving,
                None => Presence::Ended,
            };
        }
    }

    /// A supervisor comes up in a slot whose disk is as it is.
    pub fn come_up(&mut self, slot: u64) {
        let directory = slot_of(self.folder.path(), slot);
        std::fs::create_dir_all(&directory).unwrap();
        let before = self.members.remove(&slot);
        let member = Member {
            directory,
            server: None,
            task: before.as_ref().map_or(1, |member| member.task + 1),
            asides: before.map_or(0, |member| member.asides),
            presence: Presence::Spare,
            arguments: Vec::new(),
        };
        self.members.insert(slot, member);
    }

    /// The supervisor of this member is asked to stop it.
    pub fn leave(&mut self, slot: u64) {
        self.members.get_mut(&slot).unwrap().presence = Presence::Leaving;
    }

    /// This member's server is killed; its supervisor says so, and waits.
    pub fn kill(&mut self, slot: u64) {
        let member = self.members.get_mut(&slot).unwrap();
        member.server = None;
        member.presence = Presence::Spare;
        self.tell(format!("{slot} is killed"));
    }

    /// This member's whole machine is gone, and nobody says so.
    pub fn vanish(&mut self, slot: u64) {
        let member = self.members.get_mut(&slot).unwrap();
        member.server = None;
        self.tell(format!("{slot} vanishes"));
    }

    /// The server of this member.
    pub fn server(&self, slot: u64) -> &Server {
        self.members[&slot].server.as_ref().unwrap()
    }

    /// This member's server is started again as it was, by whomever.
    pub fn restart(&mut self, slot: u64) {
        let arguments = self.members[&slot].arguments.clone();
        self.start(slot, &arguments);
    }

    /// Where clients reach the server of this slot.
    pub fn at(&self, slot: u64) -> SocketAddr {
        self.place(slot).socket(PORT)
    }

    /// Whose servers run.
    pub fn running(&self) -> Vec<u64> {
        let running = self
            .members
            .iter()
            .filter(|(_, member)| member.server.is_some());
        running.map(|(slot, _)| *slot).collect()
    }

    /// How often this member put data aside.
    pub fn asides(&self, slot: u64) -> usize {
        self.members[&slot].asides
    }

    fn tell(&mut self, what: String) {
        let now = self.begun.elapsed().as_secs_f64();
        self.story.push(format!("{now:7.3} s {what}"));
    }

    fn place(&self, slot: u64) -> Place {
        Place::new(self.block.address(slot as u16 - 1), PORT, PORT)
    }

    fn slot_at(&self, place: Place) -> u64 {
        let mut slots = self.members.keys();
        *slots.find(|slot| self.place(**slot) == place).unwrap()
    }

    fn start(&mut self, slot: u64, arguments: &[String]) {
        let address = self.place(slot).address;
        let directory = self.members[&slot].directory.clone();
        if !directory.join("mysql").exists() {
            self.program.install(&directory.join("mysql"));
        }
        let server = Server::start(&self.program, &directory, address, arguments);
        let member = self.members.get_mut(&slot).unwrap();
        member.server = Some(server);
        member.arguments = arguments.to_vec();
        member.presence = Presence::Present;
        let role = arguments.iter().find(|one| one.contains("rpl-role"));
        self.tell(format!("{slot} starts: {role:?}"));
    }

    /// Whose process has ended by itself waits anew, or is gone where it was to go.
    fn reap(&mut self) {
        let mut ended = Vec::new();
        for (slot, member) in &mut self.members {
            if member.server.as_mut().is_some_and(Server::has_ended) {
                member.server = None;
                ended.push(*slot);
                let leaves = member.presence == Presence::Leaving;
                member.presence = if leaves {
                    Presence::Ended
                } else {
                    Presence::Spare
                };
            }
        }
        for slot in ended {
            self.tell(format!("{slot} has ended"));
        }
    }

    fn reports(&self) -> Vec<Report> {
        let Starts::WhenNominated(way) = Mariadb::DESCRIPTOR.starts else {
            panic!("MariaDB starts when nominated");
        };
        let members = self.members.iter().map(|(slot, member)| Witnessed {
            slot: *slot,
            task: member.task,
            place: self.place(*slot),
            presence: member.presence.clone(),
            disk: (member.presence == Presence::Spare).then(|| (way.disk)(&member.directory)),
        });
        reports(self.replicas, members.collect())
    }

    /// Looks and decides, by this worker.
    pub async fn plan(&self, worker: &mut Worker) -> (Plan<MariadbRequest>, Observation<Detail>) {
        loop {
            let running = self.members.iter().filter(|(_, member)| {
                !matches!(member.presence, Presence::Spare | Presence::Ended)
            });
            let running: Vec<Place> = running.map(|(slot, _)| self.place(*slot)).collect();
            let answers = worker.answers(&running).await;
            let observed = Observation::of(self.reports(), answers);
            let orders = Orders::default();
            let mut context = Context::alone(Moment(worker.begun.elapsed()), &worker.limits);
            context.orders = &orders;
            let thought = worker
                .mind
                .consider(&*worker.engine, &context, &observed, true);
            if let Thought::Decided(plan) = thought {
                return (plan, observed);
            }
        }
    }

    /// Makes these steps, by this worker.
    pub async fn act(&mut self, worker: &Worker, steps: &[Step<MariadbRequest>]) {
        for done in perform(&worker.engine, steps, &Alone).await {
            let reply = done.reply.unwrap_or_else(|failure| failure.to_string());
            self.tell(format!("{} => {reply}", done.step));
        }
    }

    /// Looks, decides, tells; and where writes go now.
    pub async fn pass(&mut self) -> (Plan<MariadbRequest>, Option<SocketAddr>) {
        self.reap();
        let fresh = self.new_worker();
        let mut worker = std::mem::replace(&mut self.worker, fresh);
        let (plan, observed) = self.plan(&mut worker).await;
        // Both decide from what was so before either acts.
        let rival = self.rival.take();
        let rivals = match rival {
            Some(mut rival) => Some((self.plan(&mut rival).await.0, rival)),
            None => None,
        };
        let last = match (&rivals, self.lives) {
            (None, None) => {
                self.act(&worker, &plan.steps).await;
                0
            }
            (_, Some((left, _))) => left,
            (Some(_), None) => plan.steps.len(),
        };
        for (step, rivals) in zip_longest(&plan.steps[..last.min(plan.steps.len())], &rivals) {
            if let Some(step) = step {
                self.act(&worker, std::slice::from_ref(step)).await;
            }
            if let Some((step, rival)) = rivals {
                self.act(rival, std::slice::from_ref(step)).await;
            }
        }
        self.rival = rivals.map(|(_, rival)| rival);
        self.worker = worker;
        if let Some((left, whole)) = self.lives {
            let left = left.saturating_sub(plan.steps.len());
            self.lives = Some((left, whole));
            if left == 0 {
                self.tell("the worker ends".into());
                self.worker = self.new_worker();
                self.lives = Some((whole + 1, whole + 1));
            }
        }
        for nominee in plan.nominees.iter().filter(|one| one.closed.is_none()) {
            let slot = self.slot_at(nominee.address);
            self.obey(slot, &nominee.tell);
        }
        for leaver in plan.leavers.iter().filter(|one| one.release.is_granted()) {
            let slot = self.slot_at(leaver.address);
            if let Some(server) = &self.members[&slot].server {
                server.terminate();
            }
        }
        let open = observed.answers.iter().filter_map(|(at, answer)| {
            let view = answer.as_ref().ok()?;
            view.role.filter(|role| role.primary)?;
            Some((view.detail.mark().term, at.socket(PORT)))
        });
        let open = open.max().map(|(_, at)| at);
        (plan, open)
    }

    fn obey(&mut self, slot: u64, tell: &Tell) {
        match tell {
            Tell::Aside { why } => {
                let member = self.members.get_mut(&slot).unwrap();
                member.asides += 1;
                let aside = format!("mysql.aside-{}", member.asides);
                let (from, to) = (member.directory.join("mysql"), member.directory.join(aside));
                std::fs::rename(from, to).unwrap();
                self.tell(format!("{slot} puts its data aside: {why}"));
            }
            Tell::Start(start) => self.start(slot, &start.arguments),
            Tell::Kill { .. } => self.kill(slot),
            other => panic!("{other:?}"),
        }
    }

    /// Passes until `wished` says so of where writes go and what was planned.
    pub async fn until(
        &mut self,
        what: &str,
        mut wished: impl FnMut(&Fleet, &Plan<MariadbRequest>, Option<SocketAddr>) -> bool,
    ) -> Duration {
        let begun = Instant::now();
        loop {
            let (plan, open) = self.pass().await;
            if wished(self, &plan, open) {
                return begun.elapsed();
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

    /// Passes until the cluster is whole and has so many members; tells whoever asks where
    /// writes go.
    pub async fn until_one_of(
        &mut self,
        members: usize,
        mut told: impl FnMut(Option<SocketAddr>),
    ) -> SocketAddr {
        let mut primary = None;
        let what = format!("one cluster of {members}");
        self.until(&what, |_, plan, open| {
            told(open);
            primary = open;
            plan.unity == Unity::One { size: members } && plan.steps.is_empty() && open.is_some()
        })
        .await;
        primary.unwrap()
    }

    /// Whose server is at this address.
    pub fn slot_of(&self, at: SocketAddr) -> u64 {
        let mut slots = self.members.keys();
        *slots
            .find(|slot| self.place(**slot).address == at.ip())
            .unwrap()
    }
}

type Rivals = Option<(Plan<MariadbRequest>, Worker)>;

type Ask = Step<MariadbRequest>;

/// The steps of both, one of each in turn.
fn zip_longest<'a>(
    own: &'a [Ask],
    rivals: &'a Rivals,
) -> impl Iterator<Item = (Option<&'a Ask>, Option<(&'a Ask, &'a Worker)>)> {
    let theirs = rivals.as_ref();
    let theirs: &[Ask] = theirs.map_or(&[], |(plan, _)| &plan.steps);
    let longest = own.len().max(theirs.len());
    (0..longest).map(move |at| {
        let rival = rivals.as_ref().map(|(_, rival)| rival);
        (own.get(at), theirs.get(at).zip(rival))
    })
}
