//! The API of Kubernetes as a witness: the pods of a StatefulSet. It leads DNS in both
//! directions, knows numbers, pods and nodes, which of them are lost, and who comes back.
//!
//! ```text
//! list of all pods ──> watch ──> event, event ... ──> what is known ──┐
//!    ^                   │ too old, broken, silent                    ├──> report
//!    └───────────────────┘            the StatefulSet, asked each time┘
//! ```
//!
//! Each report asks for the StatefulSet itself: so it is of this moment, and whoever does not
//! reach the API says so, whatever was known before.

mod sightings;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Grade, Report, Witness};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::Source;
use crate::clock::jittered;
use crate::kubernetes::{Event, KubernetesClient, KubernetesError, Pods, StatefulSet, Watch};

/// A watch gives a bookmark each minute; one that says nothing for longer is dead.
///
/// Source: Kubernetes, `staging/src/k8s.io/apiserver/pkg/storage/cacher`, bookmarks.
const SILENCE: Duration = Duration::from_secs(90);

/// One command makes a bundle of events: those that come in this time make one look.
const BUNDLE: Duration = Duration::from_millis(20);

/// Which pods are asked for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesOptions {
    /// The StatefulSet's name.
    pub statefulset: String,
    /// Whether it has to be a witness: one that may not be asked keeps everybody then.
    pub required: bool,
    /// For how long one report may take, all requests together.
    pub deadline: Duration,
    /// How often [`Source::changed`] looks for itself, give or take a fifth: how many there
    /// are meant to be, and that the API answers, comes with no event.
    pub watch_interval: Duration,
}

impl KubernetesOptions {
    /// The pods of this StatefulSet, with the usual times.
    pub fn of(statefulset: impl Into<String>) -> KubernetesOptions {
        KubernetesOptions {
            statefulset: statefulset.into(),
            required: true,
            // A thousand pods are twenty pages.
            deadline: Duration::from_secs(4),
            watch_interval: Duration::from_secs(2),
        }
    }
}

/// The pods of one StatefulSet as a witness.
pub struct KubernetesSource {
    client: Arc<KubernetesClient>,
    options: KubernetesOptions,
    followed: tokio::sync::Mutex<Followed>,
    /// What was reported last, so that a change can be noticed.
    last: Mutex<Option<Report>>,
    /// What was told of a missing right.
    told: Mutex<String>,
}

/// What is known of the pods, and the watch by which it stays so.
#[derive(Default)]
struct Followed {
    pods: Pods,
    set: Option<StatefulSet>,
    watch: Option<Watch>,
    /// Whether the last watch ended as each does, so that another one goes on from there.
    ended: bool,
}

impl KubernetesSource {
    /// A witness that asks this client. Nothing is sent yet.
    pub fn new(client: Arc<KubernetesClient>, options: KubernetesOptions) -> KubernetesSource {
        KubernetesSource {
            client,
            options,
            followed: tokio::sync::Mutex::default(),
            last: Mutex::new(None),
            told: Mutex::default(),
        }
    }

    async fn look(&self) -> Report {
        let mut followed = self.followed.lock().await;
        let seeing = self.see(&mut followed);
        let seen = timeout(self.options.deadline, seeing).await;
        let why = match seen.unwrap_or(Err(KubernetesError::Timeout)) {
            Ok(report) => return report,
            Err(why) => why,
        };
        // What was missed meanwhile nobody knows: all is listed anew.
        (followed.watch, followed.ended) = (None, false);
        self.client.begin_anew().await;
        let grade = match why.is_forbidden() && !self.options.required {
            true => {
                self.tell(&why);
                Grade::Refused
            }
            false => why.grade(),
        };
        Report::unknown(Witness::Kubernetes, grade)
    }

    async fn see(&self, followed: &mut Followed) -> Result<Report, KubernetesError> {
        let name = &self.options.statefulset;
        let set = self.client.statefulset(name).await?;
        followed.catch_up(&self.client, name, &set).await?;
        Ok(sightings::report(&followed.pods, name, &set))
    }

    /// A right that is missing is told once.
    fn tell(&self, why: &KubernetesError) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let why = why.to_string();
        if *told != why {
            warn!("{why}: all goes without the API of Kubernetes; see `kubernetes` in the options");
            *told = why;
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Report>> {
        // A whole value is put in or read: nothing can be half done.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// Heeds all events that have come; lists all where there is no watch to go on with.
    async fn catch_up(
        &mut self,
        client: &KubernetesClient,
        name: &str,
        set: &StatefulSet,
    ) -> Result<(), KubernetesError> {
        let same = |known: &StatefulSet| known.spec.selector == set.spec.selector;
        if !self.set.as_ref().is_some_and(same) {
            (self.watch, self.ended) = (None, false);
        }
        self.drain();
        if self.watch.is_none() && std::mem::take(&mut self.ended) {
            match client.watch(set, &self.pods).await {
                Ok(watch) => self.watch = Some(watch),
                Err(why) if why.is_too_old() => {}
                Err(why) => return Err(why),
            }
            self.drain();
        }
        if self.watch.is_none() {
            self.pods = client.pods(name, set).await?;
            self.watch = Some(client.watch(set, &self.pods).await?);
        }
        self.set = Some(set.clone());
        Ok(())
    }

    /// Heeds what has come. A watch that has ended, as it does every few minutes, or broke,
    /// or that says nothing any more is none.
    fn drain(&mut self) {
        while let Some(watch) = &mut self.watch {
            match watch.waiting() {
                None if watch.heard.elapsed() < SILENCE => return,
                None => self.watch = None,
                Some(said) => self.heed(said),
            }
        }
    }

    fn heed(&mut self, said: Result<Option<Event>, KubernetesError>) {
        match said {
            Ok(Some(event)) if !matches!(event, Event::Error(..)) => self.pods.heed(event),
            said => (self.watch, self.ended) = (None, said == Ok(None)),
        }
    }

    /// Resolves once an event has come, and heeds it; never where there is no watch. May be
    /// cancelled.
    async fn hear(&mut self) {
        match &mut self.watch {
            Some(watch) => {
                let said = watch.next().await;
                self.heed(said);
            }
            None => std::future::pending().await,
        }
    }
}

impl Source for KubernetesSource {
    fn witness(&self) -> Witness {
        Witness::Kubernetes
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        async {
            let report = self.look().await;
            *self.last() = Some(report.clone());
            report
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            loop {
                let hear = async { self.followed.lock().await.hear().await };
                let pause = jittered(self.options.watch_interval, 5);
                if timeout(pause, hear).await.is_ok() {
                    sleep(BUNDLE).await;
                }
                let report = self.look().await;
                if self.last().as_ref() != Some(&report) {
                    return;
                }
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
