//! What `meshworker run` is made of: the clusters, and whom it answers meanwhile.
//!
//! ```text
//! signals ──> Process ──> Services: the fleet          stopped first, after its last pass
//!                    └──> Services: members, operators answered until then
//! ```

mod failed;
mod fleet;
mod members;
mod operators;
mod services;
mod watchdog;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::board::{Board, Powers};
use crate::config::{Cluster, Inputs};
use crate::gossip::{self, Gossip};
use crate::group::{self, Group};
use crate::log_level::LogLevel;

use fleet::Fleet;
use operators::Operators;
use services::Services;

pub use failed::Failed;
pub use members::Listen;
pub use operators::ApiListen;

/// What a process looks after, whom it answers besides, and what it may do.
pub struct Process {
    /// Everything that was given, for clusters that labels declare.
    pub inputs: Inputs,
    /// Those that do not come from labels.
    pub clusters: Vec<Cluster>,
    /// What it may do.
    pub powers: Powers,
    /// Where it listens for members.
    pub listen: Option<Listen>,
    /// Where it listens for operators.
    pub api: Option<ApiListen>,
    /// Where it is a gossip router for JGroups.
    pub gossip: Option<gossip::Settings>,
    /// How it finds the other workers; none for this one alone.
    pub group: Option<group::Settings>,
    /// The name of all workers; none for this one alone.
    pub workers: Option<String>,
    /// What is logged.
    pub log_level: LogLevel,
}

impl Process {
    /// Runs until a signal says to stop and the last pass is over.
    ///
    /// # Errors
    ///
    /// What was given cannot be used; something broke, which is a bug: the process is
    /// to be started anew; or a second signal came.
    pub async fn run(self) -> Result<(), Failed> {
        watchdog::watch_this_runtime()
            .map_err(|error| Failed::Goal(format!("no thread for the watchdog: {error}")))?;
        let board = Board::new(self.powers);
        let mut grouped = Services::new();
        let group = match self.group {
            None => None,
            Some(settings) => {
                let (group, runner) = Group::open(settings, Arc::clone(&board) as _).await?;
                board.agree_in(group.clone());
                grouped.start_aside("group", |stop| async {
                    // It is told there.
                    let _ = runner.run(stop).await;
                })?;
                Some(group)
            }
        };
        let workers = self.workers.unwrap_or_else(|| "127.0.0.1".into());
        let (mut working, mut answering) = (Services::new(), Services::new());
        let (mut announcements, mut registry) = (None, None);
        if let Some(listen) = self.listen {
            let listening = listen.bind(&workers).await?;
            board.watch_door(listening.unproved);
            announcements = Some((
                workers,
                listening.server.address().port(),
                listening.token_file,
            ));
            registry = Some(listening.registry);
            answering.start(|stop| async {
                listening.server.run(stop).await;
                Ok(())
            });
        }
        if let Some(settings) = self.gossip {
            let gossip = Gossip::bind(settings)?;
            board.watch_gossip(gossip.hub());
            answering.start_aside("gossip", |stop| gossip.run(stop))?;
        }
        if let Some(api) = self.api {
            if let Some(certificate) = api.tls.clone() {
                if let Some(why) = certificate.warning(SystemTime::now()) {
                    warn!("{why}");
                }
                board.watch_certificate(certificate);
            }
            let operators = Operators {
                board: Arc::clone(&board),
                announcements,
                log_level: self.log_level,
            };
            let server = operators.listen(api).await?;
            answering.start_aside("operators", |stop| server.run(stop))?;
        }
        let fleet = Fleet::new(self.clusters, self.inputs, board, registry);
        working.start(|stop| fleet.run(stop));
        let done = until_told(&mut working, &mut answering, &mut grouped, group).await;
        // Whoever asks is answered until the last pass is over; what takes longer than
        // a second then is cut.
        done.and(answering.stop().await)
    }
}

/// Until a signal says to stop.
async fn until_told(
    working: &mut Services,
    answering: &mut Services,
    grouped: &mut Services,
    group: Option<Group>,
) -> Result<(), Failed> {
    let signals = |kind| signal(kind).map_err(|error| Failed::Goal(format!("no signals: {error}")));
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    tokio::select! {
        why = working.broken() => return Err(why),
        why = answering.broken() => return Err(why),
        why = grouped.broken() => return Err(why),
        () = either(&mut terminate, &mut interrupt) => info!("stopping after this pass"),
    }
    // Another one acts while this one ends.
    if let Some(group) = group {
        group.leave();
    }
    let ended = async {
        let done = working.stop().await;
        done.and(grouped.stop().await)
    };
    tokio::select! {
        done = ended => done,
        () = either(&mut terminate, &mut interrupt) => Err(Failed::Goal("aborted by a second signal".into())),
    }
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
    }
}

/// One thread is enough: a pass waits for the network, not for the processor.
///
/// # Errors
///
/// The kernel gives none.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| Failed::Goal(format!("no runtime: {error}")))
}
