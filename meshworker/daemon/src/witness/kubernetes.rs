//! The API of Kubernetes as a witness: the pods of a StatefulSet. It leads DNS in both
//! directions, knows numbers, pods and nodes, which of them are lost, and who comes back.
//!
//! ```text
//! list of all pods ──> watch ──> event, event ... ──> what is known ──┐
//!    ^                   │ too old, broken, silent                    ├──> report
//!    └───────────────────┘            the StatefulSet, asked each time┘
//! ```
//!
//! Each report asks for the StatefulSet itself, so whoever does not reach the API says so,
//! whatever was known before. It counts its pods, and is of another version after each of their
//! changes: a watch that does not speak of any then is not believed any more.

mod endings;
mod sightings;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Grade, Report, Witness};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use self::endings::Endings;
use super::Source;
use super::last::Last;
use crate::clock::jittered;
use crate::kubernetes::{
    Event, KubernetesClient, KubernetesError, Listing, Pods, StatefulSet, Watch,
};

/// A watch gives a bookmark each minute; one that says nothing for longer is dead.
///
/// Source: Kubernetes, `staging/src/k8s.io/apiserver/pkg/storage/cacher`, bookmarks.
const SILENCE: Duration = Duration::from_secs(90);

/// A StatefulSet's controller and a watch tell of one change within this time.
const TOGETHER: Duration = Duration::from_secs(2);

/// One command makes a bundle of events: those that come in this time make one look.
const BUNDLE: Duration = Duration::from_millis(20);

/// Which pods are asked for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesOptions {
    /// The StatefulSet's name.
    pub statefulset: String,
    /// Whether it has to be a witness: one that may not be asked keeps everybody then.
    pub required: bool,
    /// For how long one report may take, all requests together. A list that takes longer goes
    /// on with the next.
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
    last: Last<Report>,
    /// What was told of a missing right.
    told: Mutex<String>,
}

/// What is known of the pods, and the watch by which it stays so.
#[derive(Default)]
struct Followed {
    pods: Pods,
    set: Option<StatefulSet>,
    watch: Option<Watch>,
    /// What is read of a list that is under way.
    list: Option<Listing>,
    /// Since when the StatefulSet is of another version, as far as nothing follows from it yet.
    moved: Option<Instant>,
    /// Since when pods have been going.
    endings: Endings,
    /// Whether all pods were ever listed.
    was_whole: bool,
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
            last: Last::default(),
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
        followed.mistrust();
        match why {
            // A list that is under way goes on.
            KubernetesError::Timeout => self.client.begin_anew().await,
            _ => followed.list = None,
        }
        // Who could read it once goes on by it: whoever is out of its sight would be
        // forgotten by what DNS says alone, for a right that somebody takes back for a minute.
        let grade = match why.is_forbidden() && !self.options.required {
            true if !followed.was_whole => {
                self.tell(&why, "all goes without the API of Kubernetes");
                Grade::Refused
            }
            true => {
                self.tell(&why, "nobody is forgotten until that is allowed again");
                why.grade()
            }
            false => why.grade(),
        };
        Report::unknown(Witness::Kubernetes, grade)
    }

    async fn see(&self, followed: &mut Followed) -> Result<Report, KubernetesError> {
        let name = &self.options.statefulset;
        let set = self.client.statefulset(name).await?;
        followed.catch_up(&self.client, name, &set).await?;
        let Followed { pods, endings, .. } = followed;
        let overdue = endings.overdue(pods, Instant::now());
        Ok(sightings::report(pods, name, &set, &overdue))
    }

    /// A right that is missing is told once.
    fn tell(&self, why: &KubernetesError, so: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let why = format!("{why}: {so}; see `kubernetes` in the options");
        if *told != why {
            warn!("{why}");
            *told = why;
        }
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
        if let Some(known) = self.set.replace(set.clone()) {
            if known.spec.selector != set.spec.selector {
                self.mistrust();
                self.list = None;
            }
            if known.version() != set.version() {
                self.moved.get_or_insert_with(Instant::now);
            }
        }
        self.drain();
        if self.is_behind(Instant::now()) {
            self.mistrust();
        }
        if self.watch.is_none() && std::mem::take(&mut self.ended) {
            match client.watch(set, &self.pods).await {
                Ok(watch) => self.watch = Some(watch),
                Err(why) if why.is_too_old() => {}
                Err(why) => return Err(why),
            }
            self.drain();
        }
        if self.watch.is_none() {
            self.pods = Pods::default();
            let list = self.list.get_or_insert_with(|| Listing::of(name));
            while !client.read_on(set, list).await? {}
            self.pods = self.list.take().map(Listing::pods).unwrap_or_default();
            self.watch = Some(client.watch(set, &self.pods).await?);
            (self.moved, self.was_whole) = (None, true);
        }
        Ok(())
    }

    /// Has all pods listed anew.
    fn mistrust(&mut self) {
        (self.watch, self.ended) = (None, false);
    }

    /// Whether the StatefulSet has told of a change and the watch has not.
    fn is_behind(&mut self, now: Instant) -> bool {
        let told = self.moved.take_if(|moved| now - *moved >= TOGETHER);
        told.zip(self.watch.as_ref())
            .is_some_and(|(moved, watch)| watch.heard + TOGETHER < moved)
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
        self.look().map(|report| self.last.now(report)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            loop {
                let hear = async { self.followed.lock().await.hear().await };
                let pause = jittered(self.options.watch_interval, 5);
                if timeout(pause, hear).await.is_ok() {
                    sleep(BUNDLE).await;
                }
                if !self.last.is(&self.look().await) {
                    return;
                }
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
