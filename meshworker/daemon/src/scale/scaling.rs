//! Scaling and draining on an operator's order, inside a worker.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use meshworker_core::MemberId;
use meshworker_group::Order;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::{Orchestrator, PAUSE, Scale, Wish, Workers};
use crate::announce::client::Client;
use crate::board::{Fact, NotGiven, Sheet};
use crate::docker::DockerClient;
use crate::kubernetes::KubernetesClient;
use crate::status::EventKind;
use crate::token_file::TokenFile;

/// How long an order may take in all: whoever still wants it then says so again.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// What an operator wants of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// So many replicas.
    Replicas(u64),
    /// This member is to go.
    Without(MemberId),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::Replicas(replicas) => write!(f, "scale to {replicas}"),
            Goal::Without(member) => write!(f, "drain {member}"),
        }
    }
}

/// An order that is under way.
struct Running {
    goal: Goal,
    /// All that the workers can do is done: it only lasts.
    freed: Arc<AtomicBool>,
    task: Option<AbortHandle>,
}

/// How an order begins beside these, in words.
fn beside(orders: &[Running], goal: &Goal) -> Result<String, String> {
    if orders.iter().any(|other| other.goal == *goal) {
        return Err(format!("cluster: found '{goal}' under way already"));
    }
    let busy = orders.iter().rfind(|other| other.is_busy());
    match (goal, busy.map(|other| &other.goal)) {
        (_, None) => Ok(format!("{goal} begins")),
        // One drain waits for another.
        (Goal::Without(_), Some(other @ Goal::Without(_))) => {
            Ok(format!("{goal} begins after '{other}'"))
        }
        (_, Some(other)) => {
            let first = match other {
                Goal::Without(member) => format!(", or `meshworker resume {member}` first"),
                Goal::Replicas(_) => String::new(),
            };
            Err(format!(
                "cluster: found '{other}' under way; allowed: one order at a time{first}"
            ))
        }
    }
}

impl Running {
    /// Who is free of data and goes on running keeps nobody waiting.
    fn is_busy(&self) -> bool {
        !self.freed.load(Ordering::Relaxed)
    }
}

/// What it takes to scale and drain on an operator's order.
pub struct Scaling {
    client: Arc<DockerClient>,
    workers: String,
    port: u16,
    token: TokenFile,
    /// What is under way, by the cluster's name.
    running: Mutex<BTreeMap<String, Vec<Running>>>,
}

impl Scaling {
    /// A way to scale through this engine, asking the workers at this name and
    /// port with the token that members have.
    ///
    /// # Errors
    ///
    /// The name can be none.
    pub fn new(
        client: Arc<DockerClient>,
        workers: &str,
        port: u16,
        token: TokenFile,
    ) -> Result<Arc<Scaling>, String> {
        Workers::new(workers, port).map_err(|why| why.to_string())?;
        Ok(Arc::new(Scaling {
            client,
            workers: workers.to_owned(),
            port,
            token,
            running: Mutex::default(),
        }))
    }

    /// Begins, in a task of its own, once the drains before it are done; what happens is told
    /// on the sheet. `by` says who ordered it, and why.
    ///
    /// # Errors
    ///
    /// No orchestrator's API is a witness of this cluster, something like it is under way, or the
    /// workers do not agree on it.
    pub async fn begin(
        self: &Arc<Scaling>,
        sheet: &Arc<Sheet>,
        goal: Goal,
        by: Option<String>,
    ) -> Result<String, String> {
        let (through, services) = self.orchestrator(sheet)?;
        let [service] = services else {
            return Err(format!(
                "cluster: found '{}' with {} services; allowed: `docker service scale` or \
                 `kubectl scale` of one of them",
                sheet.name(),
                services.len()
            ));
        };
        let workers =
            Workers::new(&self.workers, self.port).map_err(|why| format!("workers: {why}"))?;
        let wish = Wish {
            cluster: sheet.name().to_owned(),
            workers,
            client: Client::new(self.token.clone(), None),
        };
        let freed = Arc::new(AtomicBool::new(false));
        let begun = {
            let mut running = self.lock();
            let orders = running.entry(sheet.name().to_owned()).or_default();
            let begun = beside(orders, &goal)?;
            orders.push(Running {
                goal: goal.clone(),
                freed: Arc::clone(&freed),
                task: None,
            });
            match &by {
                Some(by) => format!("{begun}, ordered by {by}"),
                None => begun,
            }
        };
        if let Goal::Without(member) = &goal {
            sheet.orders().note_drain(&member.to_string(), by);
        }
        if let Goal::Without(member) = &goal
            && let Err(why) = drain(sheet, &member.to_string(), true).await
        {
            self.end(sheet, &goal).await;
            return Err(format!("member: {why}"));
        }
        let ear = Arc::clone(sheet);
        let service = service.clone();
        let scale = move || {
            Scale::new(&through, &service, wish, TIMEOUT)
                .telling(move |text| tell(&ear, text))
                .freeing(freed)
        };
        tell(sheet, &begun);
        let (scaling, sheet) = (Arc::clone(self), Arc::clone(sheet));
        let (running, name) = (goal.clone(), sheet.name().to_owned());
        let task = tokio::spawn(async move { scaling.finish(scale, goal, &sheet).await });
        let mut orders = self.lock();
        let mut orders = orders.get_mut(&name).into_iter().flatten();
        if let Some(order) = orders.find(|order| order.goal == running) {
            order.task = Some(task.abort_handle());
        }
        Ok(begun)
    }

    /// Through whom this cluster's services are changed, and which they are.
    fn orchestrator<'s>(&self, sheet: &'s Sheet) -> Result<(Orchestrator, &'s [String]), String> {
        if let Some(docker) = sheet.docker() {
            let client = Arc::clone(&self.client);
            let through = Orchestrator::Docker(client, docker.network.clone());
            return Ok((through, &docker.services));
        }
        if let Some(kubernetes) = sheet.kubernetes() {
            let client = KubernetesClient::shared().map_err(|why| format!("cluster: {why}"))?;
            return Ok((Orchestrator::Kubernetes(client), &kubernetes.statefulsets));
        }
        Err(format!(
            "cluster: found '{}' without the API of Docker or Kubernetes; allowed: `docker \
             service scale`, `kubectl scale`",
            sheet.name()
        ))
    }

    async fn finish(&self, scale: impl FnOnce() -> Scale, goal: Goal, sheet: &Sheet) {
        let work = async {
            while self.waits(sheet.name(), &goal) {
                sleep(PAUSE).await;
            }
            let mut scale = scale();
            match &goal {
                Goal::Replicas(replicas) => scale.to(*replicas).await,
                Goal::Without(member) => scale.drain(member).await,
            }
        };
        let done = AssertUnwindSafe(work).catch_unwind().await;
        // However it ended: the next order is not refused because of it.
        self.end(sheet, &goal).await;
        let Ok(done) = done else {
            let fact = Fact::new(
                EventKind::Order,
                format!("{goal}: it broke, which is a bug"),
            );
            sheet.record(fact.warning());
            return;
        };
        match done {
            Ok(()) => tell(sheet, &format!("{goal}: done")),
            Err(stuck) => {
                let fact = Fact::new(EventKind::Order, format!("{goal}: {stuck}"));
                sheet.record(fact.because("scale").warning());
            }
        }
    }

    /// Whether an order that was given before this one is still busy.
    fn waits(&self, cluster: &str, goal: &Goal) -> bool {
        let running = self.lock();
        let orders = running.get(cluster).into_iter().flatten();
        let mut before = orders.take_while(|order| order.goal != *goal);
        before.any(Running::is_busy)
    }

    /// Takes back the order to drain this member: whether there was one. A few seconds
    /// later it is a member like the others.
    pub async fn take_back(&self, sheet: &Sheet, member: &str) -> bool {
        let is = |goal: &Goal| matches!(goal, Goal::Without(id) if id.to_string() == member);
        let goal = {
            let running = self.lock();
            let mut orders = running.get(sheet.name()).into_iter().flatten();
            let found = orders.find(|order| is(&order.goal));
            found.map(|order| {
                if let Some(task) = &order.task {
                    task.abort();
                }
                order.goal.clone()
            })
        };
        if let Some(goal) = &goal {
            self.end(sheet, goal).await;
        }
        goal.is_some()
    }

    async fn end(&self, sheet: &Sheet, goal: &Goal) {
        {
            let mut running = self.lock();
            if let Some(orders) = running.get_mut(sheet.name()) {
                orders.retain(|order| order.goal != *goal);
                if orders.is_empty() {
                    running.remove(sheet.name());
                }
            }
        }
        if let Goal::Without(member) = goal {
            sheet.orders().note_drain(&member.to_string(), None);
            let _ = drain(sheet, &member.to_string(), false).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Running>>> {
        // One call changes one entry.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drain(sheet: &Sheet, member: &str, wanted: bool) -> Result<bool, NotGiven> {
    let member = member.to_owned();
    let order = Order::Drain { member, wanted };
    sheet.orders().give(None, order).await
}

fn tell(sheet: &Sheet, text: &str) {
    sheet.record(Fact::new(EventKind::Order, text).because("scale"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(slot: u64) -> Goal {
        Goal::Without(MemberId::Slot {
            service: "db".into(),
            slot,
        })
    }

    fn running(goal: Goal, free: bool) -> Running {
        Running {
            goal,
            freed: Arc::new(free.into()),
            task: None,
        }
    }

    /// Only what another order does to the data keeps the next one waiting.
    #[test]
    fn a_drain_was_refused_while_another_one_ran_and_one_that_is_free_blocks_nobody() {
        let refused = "cluster: found 'drain db.1' under way; allowed: one order at a time, or \
                       `meshworker resume db.1` first";
        for (free, second, third) in [
            (false, "drain db.2 begins after 'drain db.1'", Err(refused)),
            (true, "drain db.2 begins", Ok("scale to 5 begins")),
        ] {
            let first = [running(drain(1), free)];
            assert_eq!(beside(&first, &drain(2)).as_deref(), Ok(second));
            let scaled = beside(&first, &Goal::Replicas(5));
            assert_eq!(scaled.as_deref().map_err(String::as_str), third);
        }
        let scaled = [running(Goal::Replicas(5), false)];
        assert!(beside(&scaled, &drain(2)).is_err());
    }

    #[test]
    fn drains_run_in_the_order_in_which_they_were_given() {
        let client = DockerClient::shared().unwrap();
        let token = TokenFile::new("/none");
        let scaling = Scaling::new(client, "workers", 4747, token).unwrap();
        let waits = |free: [bool; 3]| -> Vec<bool> {
            let orders = (1..)
                .zip(free)
                .map(|(slot, free)| running(drain(slot), free));
            scaling.lock().insert("db".into(), orders.collect());
            (1..=3)
                .map(|slot| scaling.waits("db", &drain(slot)))
                .collect()
        };
        assert_eq!(waits([false, false, false]), [false, true, true]);
        assert_eq!(waits([true, false, false]), [false, false, true]);
        assert_eq!(waits([true, true, false]), [false, false, false]);
    }
}
