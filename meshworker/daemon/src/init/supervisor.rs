//! The I/O around the course.

use std::ffi::OsString;
use std::time::Duration;

use meshworker_core::{Start, Unanswered};
use meshworker_engines::{Placed, Starts};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::around::Around;
use super::course::{Action, Course, Event, Note, Own};
use super::database::{Database, NotStarted};
use super::names::Names;
use super::peers::Mine;
use super::probe::Probe;
use super::signals::{Came, Signals};
use super::{Settings, address, alone, papers};
use crate::announce::Phase;
use crate::config::Cluster;
use crate::kept::{kept, unless_it_breaks};

/// How often time itself is an event while the member is on its way out.
const TICK: Duration = Duration::from_millis(100);

/// Between two questions to a database that is on its way out, whether it
/// answers at all.
const OWN_LOOK: Duration = Duration::from_secs(5);

/// What a shell adds to the number of a signal.
const BY_SIGNAL: i32 = 128;

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
    let starts = cluster.engine.descriptor().starts;
    run_started(cluster, settings, command, starts).await
}

/// The same for a database that is started so.
///
/// # Errors
///
/// As [`run`].
pub async fn run_started(
    cluster: Cluster,
    settings: Settings,
    command: Vec<OsString>,
    starts: Starts,
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
        signal = signals.end() => return Ok(stopped_before(signal)),
    };
    let data_dir = settings.data_dir.clone();
    let phase = match &data_dir {
        Some(_) => Phase::Waiting,
        None => Phase::Present,
    };
    let mut around = Around::start(cluster, settings, address, names, phase);
    let directory = match &data_dir {
        None => None,
        Some(root) => match around.directory(root, &mut signals).await {
            Ok(Ok(directory)) => Some(directory),
            Ok(Err(signal)) => return Ok(stopped_before(signal)),
            Err(why) => {
                let root = root.display();
                let input = format!("data-dir: found {root}: {why}; allowed: one that can be used");
                return Err(Refused::Input(input));
            }
        },
    };
    if let Some(folder) = &around.settings.certificates {
        papers::write(folder, &around.settings.token).map_err(|why| input(&why))?;
    }
    let path = directory.as_ref().map(|directory| directory.path.as_path());
    for restore in &around.settings.restore {
        let why = |why: std::io::Error| input(&format!("restore: {why}"));
        if restore.run().map_err(why)? {
            info!(
                "{} was empty, and has what the image brings",
                restore.to.display()
            );
        }
    }
    let told = matches!(starts, Starts::WhenNominated(_));
    if told {
        around.keep_names();
    }
    if let (Starts::WhenNominated(way), Some(path)) = (starts, path)
        && let Some(copying) = &way.copying
    {
        around.give_copies(copying, path);
    }
    let mut taken_out = false;
    // The directory is held until the last database has ended.
    loop {
        let start = match (starts, path) {
            (Starts::AtOnce, _) => Start::default(),
            (Starts::WhenNominated(way), Some(path)) => {
                match around.nominated(&way, path, taken_out, &mut signals).await {
                    Ok(Ok(start)) => start,
                    Ok(Err(signal)) => return Ok(stopped_before(signal)),
                    Err(why) => return Err(input(&format!("data-dir: {why}"))),
                }
            }
            (Starts::WhenNominated(_), None) => {
                return Err(input(
                    &"data-dir: found nothing; allowed: a directory, since this database starts \
                      when it is told, and what was told last is kept there",
                ));
            }
        };
        let arguments = start.arguments.iter().map(OsString::from);
        let whole: Vec<OsString> = command.iter().cloned().chain(arguments).collect();
        let pid_file = around.settings.pid_file.as_deref();
        let given = |name: &str| std::env::var(name).ok();
        let placed = Placed {
            address,
            external: around.settings.external.as_ref(),
            given: &given,
        };
        let mut variables = around.cluster.engine.placed(&placed);
        variables.extend(start.variables);
        let database = Database::start(&whole, &variables, path, pid_file)?;
        info!(
            "{} of cluster {} at {address}: the database is started",
            around.settings.identity, around.cluster.name
        );
        let generation = match phase {
            Phase::Waiting => around.next_generation(),
            _ => 1,
        };
        let in_place = matches!(starts, Starts::WhenNominated(way) if way.in_place);
        let course = Course::new(around.settings.times, generation);
        let course = course.told(told).in_place(in_place);
        around.checker.latch().entered(Phase::Present);
        around.phase.send_replace(course.phase());
        let mut supervisor = Supervisor {
            around,
            database,
            course,
            alone: None,
        };
        // The database outlives whatever breaks here.
        let end = loop {
            let ended = supervisor.run(&mut signals);
            if let Some(end) = unless_it_breaks("the supervisor", ended).await {
                break end;
            }
        };
        match end {
            End::Exit(code) => return Ok(code),
            End::WaitAnew => (around, taken_out) = (supervisor.around, true),
        }
    }
}

/// How a database's life has ended.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The container ends with it, with this exit code.
    Exit(u8),
    /// Another one may begin.
    WaitAnew,
}

/// The exit code of a member that was asked to stop by this signal before its
/// database was started.
fn stopped_before(signal: i32) -> u8 {
    info!("asked to stop before the database was started");
    (BY_SIGNAL + signal) as u8
}

struct Supervisor {
    around: Around,
    database: Database,
    course: Course,
    /// The own look, while there is one.
    alone: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Until the database has ended and that was told.
    async fn run(&mut self, signals: &mut Signals) -> End {
        loop {
            // Signals first: a worker that talks without pause must not keep
            // anybody from stopping this member.
            let event = tokio::select! {
                biased;
                came = signals.next() => match came {
                    Came::Terminate(_) => Some(Event::Terminate),
                    Came::Interrupt => Some(Event::Interrupt),
                    Came::Child => self.database.reap(&self.around.children).map(|code| Event::Ended { code }),
                    Came::PassOn(signal) => {
                        self.database.signal(signal);
                        None
                    }
                },
                Some(event) = self.around.coming.recv() => Some(event),
                () = sleep(TICK), if self.course.is_timed() => Some(Event::Tick),
            };
            let Some(mut event) = event else {
                continue;
            };
            self.around.hear(&mut event);
            let now = self.around.now();
            for action in self.course.on(event, now) {
                if let Some(end) = self.perform(action) {
                    return end;
                }
            }
        }
    }

    /// Does it; how all ends when it does.
    fn perform(&mut self, action: Action) -> Option<End> {
        match action {
            Action::Announce { phase, generation } => {
                self.around.checker.latch().entered(phase);
                self.around.phase.send_replace((phase, generation));
            }
            Action::Ask => self.ask(),
            Action::LookAlone(true) => self.alone = Some(self.look_alone()),
            Action::LookAlone(false) => {
                if let Some(look) = self.alone.take() {
                    look.abort();
                }
            }
            Action::Interrupt => self.database.signal(Signal::INT),
            Action::Terminate => self.database.signal(Signal::TERM),
            Action::Kill => self.database.signal(Signal::KILL),
            Action::Say(note) => say(&note),
            Action::Exit(code) => return Some(End::Exit(code)),
            Action::WaitAnew => return Some(End::WaitAnew),
        }
        None
    }

    /// What this member says of itself to the others.
    fn mine(&self) -> Mine {
        let Around {
            cluster,
            settings,
            address,
            ..
        } = &self.around;
        let identity = &settings.identity;
        Mine {
            said: identity.says(&cluster.name, *address, self.course.phase()),
            port: settings.workers_port,
            token: settings.token.clone(),
        }
    }

    fn ask(&self) {
        let Around { probe, events, .. } = &self.around;
        let (probe, events) = (std::sync::Arc::clone(probe), events.clone());
        tokio::spawn(async move {
            let ask = || own_looks(&*probe, &events);
            kept("asking the own database", ask).await;
        });
    }

    fn look_alone(&self) -> JoinHandle<()> {
        let Around {
            cluster,
            events,
            known,
            ..
        } = &self.around;
        let (cluster, mine, events) = (cluster.clone(), self.mine(), events.clone());
        let known = known.clone();
        tokio::spawn(async move {
            let look = || alone::look(cluster.clone(), mine.clone(), known.clone(), events.clone());
            kept("the own look", look).await;
        })
    }
}

/// Asks the own database again and again whether it answers, until nobody
/// listens any more.
async fn own_looks(probe: &dyn Probe, events: &mpsc::Sender<Event>) {
    loop {
        let own = match probe.look().await {
            Ok(_) => Own::Answers,
            Err(Unanswered::Unreachable(_)) => Own::Deaf,
            Err(why @ Unanswered::Starting(_)) => Own::Starts(why.to_string()),
            Err(why) => Own::Mute(why.to_string()),
        };
        if events.send(Event::Own(own)).await.is_err() {
            return;
        }
        sleep(OWN_LOOK).await;
    }
}

fn say(note: &Note) {
    match note.level() {
        tracing::Level::ERROR => error!("{note}"),
        tracing::Level::WARN => warn!("{note}"),
        _ => info!("{note}"),
    }
}
