//! Scaling and draining on an operator's order, inside a worker.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshworker_core::MemberId;

use super::{Scale, Wish, Workers};
use crate::announce::client::Client;
use crate::board::{Fact, Sheet};
use crate::status::EventKind;
use crate::token_file::TokenFile;
use crate::witness::DockerClient;

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

/// What it takes to scale and drain on an operator's order.
pub struct Scaling {
    client: Arc<DockerClient>,
    workers: String,
    port: u16,
    token: TokenFile,
    /// What is under way, by the cluster's name.
    running: Mutex<BTreeMap<String, Goal>>,
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

    /// Begins, in a task of its own; what happens is told on the sheet.
    ///
    /// # Errors
    ///
    /// The Docker API is no witness of this cluster, or something like it is
    /// under way.
    pub fn begin(self: &Arc<Scaling>, sheet: &Arc<Sheet>, goal: Goal) -> Result<String, String> {
        let docker = sheet.docker().ok_or_else(|| {
            format!(
                "cluster: found '{}' without the Docker API; allowed: `docker service scale`",
                sheet.name()
            )
        })?;
        let workers =
            Workers::new(&self.workers, self.port).map_err(|why| format!("workers: {why}"))?;
        let wish = Wish {
            cluster: sheet.name().to_owned(),
            workers,
            client: Client::new(self.token.clone(), None),
        };
        {
            let mut running = self.lock();
            if let Some(other) = running.get(sheet.name()) {
                return Err(format!(
                    "cluster: found '{other}' under way; allowed: one order at a time"
                ));
            }
            running.insert(sheet.name().to_owned(), goal.clone());
        }
        let ear = Arc::clone(sheet);
        let scale = Scale::new(
            Arc::clone(&self.client),
            &docker.service,
            docker.network.clone(),
            wish,
            TIMEOUT,
        )
        .telling(move |text| tell(&ear, text));
        let begun = format!("{goal} begins");
        tell(sheet, &begun);
        let (scaling, sheet) = (Arc::clone(self), Arc::clone(sheet));
        tokio::spawn(async move { scaling.finish(scale, goal, &sheet).await });
        Ok(begun)
    }

    async fn finish(&self, mut scale: Scale, goal: Goal, sheet: &Sheet) {
        let done = match &goal {
            Goal::Replicas(replicas) => scale.to(*replicas).await,
            Goal::Without(member) => scale.drain(member).await,
        };
        self.lock().remove(sheet.name());
        match done {
            Ok(()) => tell(sheet, &format!("{goal}: done")),
            Err(stuck) => {
                let fact = Fact::new(EventKind::Order, format!("{goal}: {stuck}"));
                sheet.record(fact.because("scale").warning());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Goal>> {
        // One call changes one entry.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(sheet: &Sheet, text: &str) {
    sheet.record(Fact::new(EventKind::Order, text).because("scale"));
}
