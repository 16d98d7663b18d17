//! What runs around the database, from before it is started until it has ended.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use meshworker_core::{Disk, Moment};
use meshworker_engines::Copying;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::{info, warn};

use super::announcer::Announcer;
use super::copies::{Children, Gives, give};
use super::course::{Elsewhere, Event};
use super::directory::{Directory, Search};
use super::fences::Fences;
use super::health::Checker;
use super::heard::Heard;
use super::hosts::Hosts;
use super::names::{Known, Names, Workers};
use super::probe::{Probe, probe};
use super::siblings::Siblings;
use super::signals::Signals;
use super::{Settings, socket};
use crate::announce::{Phase, client::Client};
use crate::clock::Clock;
use crate::config::Cluster;
use crate::kept::kept;
use crate::proof::Door;

/// How many events may wait: each task has at most one on its way.
const EVENTS: usize = 8;

/// Between two looks for the slot's directory.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// The tasks that announce this member, ask for names and answer health checks,
/// and what they have in common. They end with the runtime, which ends with this
/// process.
pub(super) struct Around {
    pub(super) cluster: Cluster,
    pub(super) settings: Settings,
    pub(super) address: IpAddr,
    pub(super) checker: Arc<Checker>,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) phase: watch::Sender<(Phase, u64)>,
    disk: watch::Sender<Option<Disk>>,
    fence: watch::Sender<Option<u64>>,
    /// By which number the others know its database.
    pub(super) known_as: watch::Sender<u64>,
    /// Under which numbers workers spoke.
    pub(super) fences: Fences,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) coming: mpsc::Receiver<Event>,
    /// Whom the members' own name has listed lately.
    pub(super) known: watch::Receiver<Known>,
    heard: Heard,
    /// The members of this service, as a worker said last.
    siblings: watch::Sender<Siblings>,
    /// What runs here besides the database.
    pub(super) children: Children,
    clock: Clock,
}

impl Around {
    /// Starts all of them, and announces this phase.
    pub(super) fn start(
        cluster: Cluster,
        settings: Settings,
        address: IpAddr,
        names: Names,
        phase: Phase,
    ) -> Around {
        let (phase, announced) = watch::channel((phase, 1));
        let (has, disk) = watch::channel(None);
        let (highest, fence) = watch::channel(None);
        let (named, known_as) = watch::channel(settings.identity.slot);
        let (found, workers) = watch::channel(Workers::default());
        let (knows, known) = watch::channel(Known::default());
        let (events, coming) = mpsc::channel(EVENTS);
        let probe = probe(&cluster, address);
        let checker = Arc::new(Checker::new(Arc::clone(&probe)));
        let announcer = Announcer {
            cluster: cluster.name.clone(),
            identity: settings.identity.clone(),
            address,
            client: Client::new(settings.token.clone(), Some(address)),
            disk,
            known_as,
            fence,
        };
        let (phases, told) = (announced.clone(), events.clone());
        tokio::spawn(async move {
            let ask = || names.run(&found, &knows, phases.clone(), told.clone());
            kept("asking the name server", ask).await;
        });
        let told = events.clone();
        tokio::spawn(async move {
            let announce = || announcer.run(announced.clone(), workers.clone(), told.clone());
            kept("announcing this member", announce).await;
        });
        match socket::listen() {
            Ok(listener) => {
                let checker = Arc::clone(&checker);
                tokio::spawn(async move {
                    let answer = || socket::serve(&listener, &checker);
                    kept("answering health checks", answer).await;
                });
            }
            // The database comes first, and runs without health checks too.
            Err(why) => warn!("health checks cannot be answered: {why}"),
        }
        Around {
            cluster,
            settings,
            address,
            checker,
            probe,
            phase,
            disk: has,
            fence: highest,
            known_as: named,
            fences: Fences::default(),
            events,
            coming,
            known,
            heard: Heard::default(),
            siblings: watch::Sender::default(),
            children: Children::default(),
            clock: Clock::start(),
        }
    }

    /// The time since all of them were started.
    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Announces, from now on, that it waits with this on its disk: the generation.
    pub(super) fn waits_with(&self, disk: Disk) -> u64 {
        self.disk.send_replace(Some(disk));
        let generation = self.next_generation();
        self.phase.send_replace((Phase::Waiting, generation));
        generation
    }

    /// The members of this service, as a worker said last.
    pub(super) fn siblings(&self) -> watch::Receiver<Siblings> {
        self.siblings.subscribe()
    }

    /// Keeps their names, for a database whose members know each other by name.
    pub(super) fn keep_names(&self) {
        let names = Hosts::new(
            &self.settings.hosts_file,
            self.cluster.engine.descriptor().name,
            (self.settings.identity.slot, self.address),
        );
        tokio::spawn(names.keep(self.siblings(), self.known_as.subscribe()));
    }

    /// Gives copies of the data here to members that wait.
    pub(super) fn give_copies(&self, copying: &Copying, directory: &Path) {
        let (access, address) = (self.cluster.access.clone(), self.address);
        let send = copying.send;
        let gives = Gives {
            cluster: self.cluster.name.clone(),
            send: Box::new(move || send(&access, address)),
            directory: directory.to_owned(),
            children: self.children.clone(),
        };
        let at = SocketAddr::new(address, self.settings.copies_port);
        match Door::of(self.settings.token.clone()) {
            Ok(door) => {
                tokio::spawn(async move {
                    if let Err(why) = give(at, Arc::new(door), gives).await {
                        warn!("gives no copies of its data at {at}: {why}");
                    }
                });
            }
            Err(why) => warn!("gives no copies of its data: token-file: {why}"),
        }
    }

    /// The generation of the next phase.
    pub(super) fn next_generation(&self) -> u64 {
        self.phase.borrow().1 + 1
    }

    /// Notes and logs what the workers said, and takes out of it what is said by those that
    /// act no more.
    pub(super) fn hear(&mut self, event: &mut Event) {
        if let Event::Round(round) = event {
            let now = self.now();
            self.fences.heed(round, now);
            self.fence.send_replace(self.fences.highest());
            if let Some(said) = Siblings::of(round) {
                self.siblings.send_if_modified(|known| {
                    let news = *known != said;
                    *known = said;
                    news
                });
            }
            let (phase, _) = *self.phase.borrow();
            self.heard.tell(round, phase == Phase::Present, now);
            self.checker.latch().heard(round);
        }
    }

    /// Waits until this slot's directory below `root` is this member's, however
    /// long that takes; or the number of a signal that came before.
    ///
    /// # Errors
    ///
    /// The volume cannot be used.
    pub(super) async fn directory(
        &mut self,
        root: &Path,
        signals: &mut Signals,
    ) -> std::io::Result<Result<Directory, i32>> {
        let identity = &self.settings.identity;
        let (slot, task) = (identity.slot, identity.task.clone());
        let mut search = Search::new(root.to_owned(), slot, task);
        let mut elsewhere = Elsewhere::Unheard;
        let mut heard = self.now();
        let mut told = String::new();
        loop {
            let now = self.now();
            let silent = now.since(heard) >= self.settings.times.alone_after;
            if silent && elsewhere == Elsewhere::Unheard {
                let silence = self.settings.times.alone_after.as_secs_f64();
                warn!("no worker has answered for {silence} s: looks for its directory alone");
                elsewhere = Elsewhere::Nobody { settled: false };
            }
            match search.look(&elsewhere, now)? {
                Ok(directory) => {
                    info!("its data is in {}", directory.path.display());
                    return Ok(Ok(directory));
                }
                Err(why) => {
                    let why = why.to_string();
                    self.checker.latch().waits(why.clone());
                    if why != told {
                        info!("waits to start its database: {why}");
                        told = why;
                    }
                }
            }
            tokio::select! {
                biased;
                signal = signals.end() => return Ok(Err(signal)),
                Some(mut event) = self.coming.recv() => {
                    self.hear(&mut event);
                    if let Event::Round(round) = event && round.answered() {
                        heard = self.now();
                        elsewhere = round.elsewhere();
                    }
                }
                () = sleep(LOOK) => {}
            }
        }
    }
}
