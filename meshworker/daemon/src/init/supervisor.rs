//! The I/O around the course.

use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Moment, Unanswered};
use rustix::process::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::announcer::Announcer;
use super::course::{Action, Course, Event, Note};
use super::database::{Database, NotStarted};
use super::health::Checker;
use super::heard::Heard;
use super::names::{Names, Workers};
use super::probe::{Probe, probe};
use super::signals::{Came, Signals};
use super::{Settings, address, alone, socket};
use crate::announce::Phase;
use crate::config::Cluster;

/// How often time itself is an event while the member is on its way out.
const TICK: Duration = Duration::from_millis(100);

/// How many events may wait: each task has at most one on its way.
const EVENTS: usize = 8;

/// The database was not started.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What was given cannot be used.
    #[error("{0}")]
    Input(String),
    /// The command cannot be started.
    #[error(transparent)]
    Command(#[from] NotStarted),
}

impl Refused {
    /// What the process is to exit with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Refused::Input(_) => 2,
            Refused::Command(not_started) => not_started.exit_code(),
        }
    }
}

/// Runs the database and looks after it until it has ended; its exit code.
///
/// # Errors
///
/// The database was not started, and why.
pub async fn run(
    cluster: Cluster,
    settings: Settings,
    command: Vec<OsString>,
) -> Result<u8, Refused> {
    let input = |why: &dyn std::fmt::Display| Refused::Input(why.to_string());
    let mut signals = Signals::listen().map_err(|why| input(&why))?;
    let names = Names::new(&settings.workers, settings.workers_port, &cluster.dns);
    let names = names.map_err(|why| input(&why))?;
    let found = address::find(
        &settings.wish,
        &settings.identity,
        &settings.workers,
        &cluster.dns,
    );
    let address = tokio::select! {
        found = found => found.map_err(Refused::Input)?,
        signal = signals.end() => {
            info!("asked to stop before the database was started");
            return Ok(128 + signal.as_raw() as u8);
        }
    };
    let database = Database::start(&command)?;
    info!(
        "{} of cluster {} at {address}: the database is started",
        settings.identity, cluster.name
    );
    let supervisor = Supervisor::new(cluster, settings, address, names, database);
    Ok(supervisor.run(signals).await)
}

struct Supervisor {
    cluster: Cluster,
    settings: Settings,
    address: IpAddr,
    database: Database,
    started: Instant,
    course: Course,
    heard: Heard,
    checker: Arc<Checker>,
    probe: Arc<dyn Probe>,
    phase: watch::Sender<(Phase, u64)>,
    events: mpsc::Sender<Event>,
    coming: mpsc::Receiver<Event>,
    /// The own look, while there is one.
    alone: Option<JoinHandle<()>>,
}

impl Supervisor {
    fn new(
        cluster: Cluster,
        settings: Settings,
        address: IpAddr,
        names: Names,
        database: Database,
    ) -> Supervisor {
        let course = Course::new(settings.times);
        let (phase, announced) = watch::channel(course.phase());
        let (found, workers) = watch::channel(Workers::default());
        let (events, coming) = mpsc::channel(EVENTS);
        let probe = probe(&cluster, address);
        let checker = Arc::new(Checker::new(Arc::clone(&probe)));
        let announcer = Announcer {
            cluster: cluster.name.clone(),
            identity: settings.identity.clone(),
            address,
            token: settings.token.clone(),
        };
        // These tasks end with the runtime, which ends with this process.
        tokio::spawn(names.run(found, announced.clone(), events.clone()));
        tokio::spawn(announcer.run(announced, workers, events.clone()));
        match socket::listen() {
            Ok(listener) => {
                tokio::spawn(socket::serve(listener, Arc::clone(&checker)));
            }
            // The database comes first, and runs without health checks too.
            Err(why) => warn!("health checks cannot be answered: {why}"),
        }
        Supervisor {
            cluster,
            settings,
            address,
            database,
            started: Instant::now(),
            course,
            heard: Heard::default(),
            checker,
            probe,
            phase,
            events,
            coming,
            alone: None,
        }
    }

    async fn run(mut self, mut signals: Signals) -> u8 {
        loop {
            // Signals first: a worker that talks without pause must not keep
            // anybody from stopping this member.
            let event = tokio::select! {
                biased;
                came = signals.next() => match came {
                    Came::Terminate => Some(Event::Terminate),
                    Came::Interrupt => Some(Event::Interrupt),
                    Came::Child => self.database.reap().map(|code| Event::Ended { code }),
                    Came::PassOn(signal) => {
                        self.database.signal(signal);
                        None
                    }
                },
                Some(event) = self.coming.recv() => Some(event),
                () = sleep(TICK), if self.course.is_timed() => Some(Event::Tick),
            };
            let Some(event) = event else {
                continue;
            };
            if let Event::Round(round) = &event {
                let (phase, _) = self.course.phase();
                self.heard.tell(round, phase != Phase::Present);
                self.checker.latch().heard(round);
            }
            let now = Moment(self.started.elapsed());
            for action in self.course.on(event, now) {
                if let Some(code) = self.perform(action) {
                    return code;
                }
            }
        }
    }

    /// Does it; the exit code when it is to exit.
    fn perform(&mut self, action: Action) -> Option<u8> {
        match action {
            Action::Announce { phase, generation } => {
                self.checker.latch().entered(phase);
                self.phase.send_replace((phase, generation));
            }
            Action::Ask => self.ask(),
            Action::LookAlone(true) => {
                let look = alone::look(
                    self.cluster.clone(),
                    &self.settings.identity,
                    self.address,
                    self.events.clone(),
                );
                self.alone = Some(tokio::spawn(look));
            }
            Action::LookAlone(false) => {
                if let Some(look) = self.alone.take() {
                    look.abort();
                }
            }
            Action::Interrupt => self.database.signal(Signal::INT),
            Action::Terminate => self.database.signal(Signal::TERM),
            Action::Kill => self.database.signal(Signal::KILL),
            Action::Say(note) => say(&note),
            Action::Exit(code) => return Some(code),
        }
        None
    }

    fn ask(&self) {
        let (probe, events) = (Arc::clone(&self.probe), self.events.clone());
        tokio::spawn(async move {
            let deaf = matches!(probe.look().await, Err(Unanswered::Unreachable(_)));
            // Nobody listens any more only when this process ends.
            let _ = events.send(Event::Deaf(deaf)).await;
        });
    }
}

fn say(note: &Note) {
    match note.level() {
        tracing::Level::ERROR => error!("{note}"),
        tracing::Level::WARN => warn!("{note}"),
        _ => info!("{note}"),
    }
}
