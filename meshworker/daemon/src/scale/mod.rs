//! Shrinks a service step by step, for members without a supervisor: asks the
//! workers to let one member go, and only then tells Swarm, or Kubernetes.
//!
//! ```text
//! task list ──> next ──> ask: "slot 5 is to leave" ──> workers move its data
//!                 │      <── "it may"
//!                 └────> Swarm: one replica fewer
//! ```
//!
//! The gates are the workers' own; nothing is decided here but whose turn it is.

mod next;
mod orchestrator;
mod scaling;
mod wish;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use meshworker_core::{MemberId, Report, Sighting};
use tokio::time::{Instant, sleep};
use tracing::info;

use crate::witness::Source;
use orchestrator::{Replicas, Wanted};

pub use next::{Next, next, next_for};
pub use orchestrator::Orchestrator;
pub use scaling::{Goal, Scaling};
pub use wish::Wish;
pub use workers::Workers;

/// Between two looks at the task list, and two requests to the workers.
const PAUSE: Duration = Duration::from_millis(500);

/// No slot has more digits: the pattern of [`crate::status::Drain`] has as many.
const LAST_SLOT: u64 = 999_999_999_999_999_999;

/// The member that `SERVICE.SLOT` names; the slot as orchestrators write it.
pub fn member_in_slot(text: &str) -> Option<MemberId> {
    let (service, written) = text.rsplit_once('.')?;
    let slot: u64 = written.parse().ok()?;
    let is_slot = slot <= LAST_SLOT && slot.to_string() == written;
    (is_slot && !service.is_empty()).then(|| MemberId::Slot {
        service: service.to_owned(),
        slot,
    })
}

/// Whether this names a member by its slot's number or its address alone.
pub fn is_short(member: &str) -> bool {
    member.parse::<std::net::IpAddr>().is_ok() || member.parse::<u64>().is_ok()
}

/// Why a service was not shrunk.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// Waiting does not help, only the operator can: there is no such service, or whoever
    /// could change it does not listen, or refuses.
    #[error("{0}")]
    InVain(String),
    /// There is no such member; only the operator can help.
    #[error("member: found '{found}'; allowed: {allowed}")]
    NoMember {
        /// Who was asked for.
        found: String,
        /// Who is there.
        allowed: String,
    },
    /// The time is over, and this is what was still in the way.
    #[error("not done in time: {0}")]
    TimedOut(String),
}

/// Whoever is told what is in the way, besides the log.
type Ear = Box<dyn Fn(&str) + Send + Sync>;

/// Shrinks one service.
pub struct Scale {
    service: String,
    replicas: Replicas,
    tasks: Arc<dyn Source>,
    wish: Wish,
    deadline: Instant,
    told: String,
    ear: Option<Ear>,
    /// Whether the member that is drained holds nothing alone.
    freed: Arc<AtomicBool>,
}

impl Scale {
    /// A way to shrink this service through this orchestrator, asking these workers, within
    /// `timeout`.
    pub fn new(through: &Orchestrator, service: &str, wish: Wish, timeout: Duration) -> Scale {
        let (replicas, tasks) = through.of(service);
        Scale {
            service: service.to_owned(),
            replicas,
            tasks,
            wish,
            deadline: Instant::now() + timeout,
            told: String::new(),
            ear: None,
            freed: Arc::default(),
        }
    }

    /// The same, which tells this ear, instead of the log, what it does and what
    /// is in the way.
    pub fn telling(self, ear: impl Fn(&str) + Send + Sync + 'static) -> Scale {
        Scale {
            ear: Some(Box::new(ear)),
            ..self
        }
    }

    /// The same, which notes here whether the member that it drains is free of data.
    fn freeing(self, freed: Arc<AtomicBool>) -> Scale {
        Scale { freed, ..self }
    }

    /// Makes it so many replicas: at once when there are to be more, else one
    /// by one, each when the workers let it go.
    ///
    /// # Errors
    ///
    /// There is no such service, or the time is over.
    pub async fn to(&mut self, goal: u64) -> Result<(), Stuck> {
        loop {
            let Some(found) = self.read().await? else {
                self.pause().await?;
                continue;
            };
            let report = self.tasks.report().await;
            match next(goal, found.replicas(), &report) {
                Next::Done => {
                    self.say(&format!("{} has {goal} replicas", self.service));
                    return Ok(());
                }
                Next::Set(replicas) => self.set(&found, replicas).await?,
                Next::Wait(why) => self.tell(why),
                Next::Ask(victim) => {
                    if self.may_go(&victim, false).await {
                        self.set(&found, found.replicas().saturating_sub(1)).await?;
                    }
                }
            }
            self.pause().await?;
        }
    }

    /// Lets one member go: the service becomes smaller by it when it is the one
    /// that would be taken; otherwise it is kept free of data until somebody
    /// has stopped it.
    ///
    /// # Errors
    ///
    /// There is no such service or member, or the time is over.
    pub async fn drain(&mut self, member: &MemberId) -> Result<(), Stuck> {
        // Whoever was never there is not gone.
        let mut seen = false;
        // At most once: should another one be taken after all, no more go.
        let mut shrunk = false;
        loop {
            let Some(found) = self.read().await? else {
                self.pause().await?;
                continue;
            };
            let report = self.tasks.report().await;
            seen |= report
                .sightings
                .iter()
                .any(|s| s.member.as_ref() == Some(member));
            match next_for(member, found.replicas(), &report) {
                Next::Done if !seen => return Err(self.unknown(member, &report)),
                Next::Done => {
                    self.say(&format!("{member} is gone"));
                    return Ok(());
                }
                Next::Set(replicas) if !shrunk => {
                    let mut listed = report.sightings.iter();
                    if let Some(victim) = listed.find(|s| s.member.as_ref() == Some(member))
                        && self.may_go(victim, true).await
                    {
                        self.set(&found, replicas).await?;
                        shrunk = true;
                    }
                }
                Next::Set(_) => self.tell(format!("{member} is still there")),
                Next::Wait(why) => self.tell(why),
                Next::Ask(victim) => {
                    let free = self.may_go(&victim, true).await;
                    self.freed.store(free, Ordering::Relaxed);
                    if free {
                        let node = victim.node_name.as_deref().or(victim.node.as_deref());
                        let node = node.unwrap_or("its node");
                        self.tell(format!(
                            "{member} holds nothing alone, and is kept so: stop its container on \
                             {node}, or drain that node"
                        ));
                    }
                }
            }
            self.pause().await?;
        }
    }

    fn unknown(&self, member: &MemberId, report: &Report) -> Stuck {
        let members = report.sightings.iter().filter_map(|s| s.member.as_ref());
        let mut members: Vec<String> = members.map(ToString::to_string).collect();
        members.sort();
        members.dedup();
        Stuck::NoMember {
            found: member.to_string(),
            allowed: members.join(", "),
        }
    }

    async fn may_go(&mut self, victim: &Sighting, drain: bool) -> bool {
        match self.wish.ask(victim, drain).await {
            Ok(()) => true,
            Err(why) => {
                self.tell(why);
                false
            }
        }
    }

    /// The service as it is now; none when the orchestrator could not say.
    async fn read(&mut self) -> Result<Option<Wanted>, Stuck> {
        match self.replicas.read().await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_final => Err(Stuck::InVain(error.words)),
            Err(error) => {
                self.tell(error.words);
                Ok(None)
            }
        }
    }

    /// Somebody else may have changed the service: that is no end, and the next look will
    /// see.
    async fn set(&mut self, found: &Wanted, replicas: u64) -> Result<(), Stuck> {
        let from = found.replicas();
        self.say(&format!(
            "replicas of {}: {from} => {replicas}",
            self.service
        ));
        match self.replicas.set(found, replicas).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_final => Err(Stuck::InVain(error.words)),
            Err(error) => {
                self.tell(error.words);
                Ok(())
            }
        }
    }

    /// Says what is in the way, once.
    fn tell(&mut self, why: String) {
        if self.told != why {
            self.say(&why);
            self.told = why;
        }
    }

    fn say(&self, text: &str) {
        match &self.ear {
            Some(ear) => ear(text),
            None => info!(service = self.service, "{text}"),
        }
    }

    async fn pause(&self) -> Result<(), Stuck> {
        if Instant::now() >= self.deadline {
            return Err(Stuck::TimedOut(self.told.clone()));
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
