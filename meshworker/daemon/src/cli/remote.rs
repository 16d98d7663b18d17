//! `meshworker scale` and `meshworker drain` by a worker: give the order, and
//! watch what comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::Failed;
use super::api_args::{Api, names};
use super::goal::Goal;
use super::screen::Screen;
use super::show::{Bar, Counted, clean, wrap};
use super::status::latest;
use crate::client::Client;
use crate::scale::{is_short, member_in_slot};
use crate::status::{ClusterStatus, Drain, EventKind, Events, Scale, Severity, Summary, Why};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// The worker that took an order may be silent for so long: it alone goes on
/// with it.
const SILENCE: Duration = Duration::from_secs(15);

/// What it takes to give an order.
pub struct Remote {
    /// Whom to ask.
    pub api: Api,
    /// The service, as it was typed.
    pub service: String,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether nobody waits for it.
    pub detach: bool,
}

impl Remote {
    /// Makes the service so many replicas.
    ///
    /// # Errors
    ///
    /// The order was refused, or its goal not reached.
    pub fn scale(self, goal: u64) -> Result<(), Failed> {
        let order = Scale { replicas: goal };
        super::runtime()?.block_on(self.give("scale", &order, Goal::Replicas { goal, start: None }))
    }

    /// Frees one member.
    ///
    /// # Errors
    ///
    /// The order was refused, or its goal not reached.
    pub fn drain(
        mut self,
        member: String,
        who: Option<String>,
        why: Option<String>,
    ) -> Result<(), Failed> {
        super::runtime()?.block_on(async {
            let member = match is_short(&member) {
                true => self.named(&member).await?,
                false => member,
            };
            let order = Drain {
                member: member.clone(),
                who,
                why,
            };
            self.give("drain", &order, Goal::Drained(member)).await
        })
    }

    /// The member in a slot, or at an address, as `why` finds it.
    async fn named(&mut self, member: &str) -> Result<String, Failed> {
        let client = self.api.client().await?;
        let cluster = self.api.one_cluster(&client).await?;
        let path = ["v1", "clusters", &cluster.name, "members", member];
        let why: Why = client.get(&path, &[]).await?;
        let found = why.members.into_iter().map(|one| one.id);
        let found: BTreeSet<String> = found.filter(|id| member_in_slot(id).is_some()).collect();
        let mut ids = found.iter();
        let (Some(id), None) = (ids.next(), ids.next()) else {
            let allowed = match found.len() {
                0 => "one whose service and slot are known".to_owned(),
                _ => Vec::from_iter(found).join(", "),
            };
            let why = format!("MEMBER: found '{member}'; allowed: {allowed}");
            return Err(Failed::Input(why));
        };
        let service = id.rsplit_once('.').map_or("", |(service, _)| service);
        self.service = service.to_owned();
        Ok(id.clone())
    }

    async fn give(self, what: &str, order: &impl Serialize, mut goal: Goal) -> Result<(), Failed> {
        let client = self.api.client().await?;
        let cluster = self.cluster(&client).await?;
        if let Some(status) = latest(&client, &cluster).await? {
            self.is_its_service(&status)?;
            goal.look(&status);
        }
        let before: Events = client
            .get(&["v1", "events"], &[("limit", "1".to_owned())])
            .await?;
        let path = ["v1", "clusters", &cluster.name, what];
        let (worker, done) = client.tell_one(&path, order).await?;
        let mut screen = Screen::new();
        screen.print(&format!("{worker}: {}", clean(&done.done)))?;
        if self.detach {
            return Ok(());
        }
        let watched = Watch {
            // Only the worker that took the order knows how far it has come.
            client: client.only_that_one(),
            worker,
            cluster: cluster.name,
            after: before.newest,
            bar: Bar::default(),
            said: String::new(),
        };
        let result = watched.until(goal, self.timeout, &mut screen).await;
        screen.end()?;
        screen.print(&result?)
    }

    /// The cluster that is meant: the named one, the one called as the service
    /// is, or the only one; whether the service is its own is seen next.
    async fn cluster(&self, client: &Client) -> Result<Summary, Failed> {
        if self.api.cluster.is_some() {
            return self.api.one_cluster(client).await;
        }
        let mut all = self.api.clusters(client).await?;
        let alone = all.len() == 1;
        if let Some(only) = all.pop_if(|_| alone) {
            return Ok(only);
        }
        let allowed = names(&all);
        let named = all.into_iter().find(|cluster| cluster.name == self.service);
        named.ok_or_else(|| {
            Failed::Input(format!(
                "cluster: found none called '{}'; allowed: one of these by --cluster: {allowed}",
                self.service
            ))
        })
    }

    /// A service that was mistyped is not to stand for the cluster's own.
    fn is_its_service(&self, status: &ClusterStatus) -> Result<(), Failed> {
        let ids = status.members.iter().map(|member| member.id.as_str());
        let services = ids.filter_map(|id| {
            let (service, slot) = id.rsplit_once('.')?;
            // An address is nobody's slot.
            (slot.parse::<u64>().is_ok() && id.parse::<std::net::IpAddr>().is_err())
                .then_some(service)
        });
        let mut services: Vec<&str> = services.collect();
        services.sort_unstable();
        services.dedup();
        if services.is_empty() || services.contains(&self.service.as_str()) {
            return Ok(());
        }
        Err(Failed::Input(format!(
            "SERVICE: found '{}'; allowed: {}, whose members are in cluster {}",
            self.service,
            services.join(", "),
            status.name
        )))
    }
}

/// Follows an order.
struct Watch {
    client: Client,
    worker: String,
    cluster: String,
    /// The last event that was seen.
    after: u64,
    bar: Bar,
    said: String,
}

impl Watch {
    /// Shows how far it has come until it is done, and says how it ended.
    async fn until(
        mut self,
        mut goal: Goal,
        timeout: Duration,
        screen: &mut Screen,
    ) -> Result<String, Failed> {
        let deadline = Instant::now() + timeout;
        let mut heard = Instant::now();
        loop {
            match self.look(&mut goal, screen).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => heard = Instant::now(),
                Err(failed) if heard.elapsed() >= SILENCE => {
                    return Err(Failed::Goal(format!(
                        "{failed}; the order ended with its worker: give it again"
                    )));
                }
                Err(Lost::Silent(_)) => {}
                Err(Lost::Over(failed)) => return Err(failed),
            }
            if Instant::now() >= deadline {
                let said = if self.said.is_empty() {
                    "no pass yet"
                } else {
                    &self.said
                };
                return Err(Failed::Goal(format!(
                    "not done in time, and {} goes on: {said}",
                    self.worker
                )));
            }
            sleep(PAUSE).await;
        }
    }

    async fn look(&mut self, goal: &mut Goal, screen: &mut Screen) -> Result<Option<String>, Lost> {
        let query = [
            ("cluster", self.cluster.clone()),
            ("after", self.after.to_string()),
            ("limit", "1000".to_owned()),
        ];
        let events: Events = self.client.get(&["v1", "events"], &query).await?;
        if events.newest < self.after {
            return Err(Lost::Over(Failed::Goal(format!(
                "{} has started anew, and the order ended with it: give it again",
                self.worker
            ))));
        }
        self.after = events.newest;
        for event in &events.events {
            let bad = event.severity == Severity::Warning;
            if bad && event.kind == EventKind::Order {
                return Err(Lost::Over(Failed::Goal(clean(&event.text))));
            }
            if bad {
                screen.end().map_err(Lost::Over)?;
                let lines = wrap(&event.text, screen.style.width, "! ", "  ");
                screen.print(&lines.join("\n")).map_err(Lost::Over)?;
            }
        }
        let status: ClusterStatus = self
            .client
            .get(&["v1", "clusters", &self.cluster], &[])
            .await?;
        let (done, total, reached) = goal.look(&status);
        let leaver = match goal {
            Goal::Drained(member) => status
                .leavers
                .iter()
                .find(|leaver| leaver.member == *member),
            Goal::Replicas { .. } => status.leavers.first(),
        };
        let counted = self.bar.count(done, total, leaver);
        self.show(&counted, &status, screen).map_err(Lost::Over)?;
        Ok(reached.then(|| goal.reached(&status)))
    }

    fn show(
        &mut self,
        counted: &Counted,
        status: &ClusterStatus,
        screen: &mut Screen,
    ) -> Result<(), Failed> {
        let mut counted = counted.clone();
        if counted.now.is_empty() && !status.one {
            counted.now.clone_from(&status.unity);
        }
        self.said.clone_from(&counted.now);
        if screen.terminal {
            return screen.redraw(&counted.line(&screen.style));
        }
        match self.bar.news(&counted) {
            Some(line) => screen.print(&wrap(&line, screen.style.width, "", "  ").join("\n")),
            None => Ok(()),
        }
    }
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum Lost {
    /// The worker may answer the next time.
    #[error("{0}")]
    Silent(crate::client::Unanswered),
    /// There is no next time.
    #[error("{0}")]
    Over(Failed),
}

impl From<crate::client::Unanswered> for Lost {
    fn from(error: crate::client::Unanswered) -> Lost {
        if error.is_input() {
            return Lost::Over(error.into());
        }
        Lost::Silent(error)
    }
}
