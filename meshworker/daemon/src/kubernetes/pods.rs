//! The pods of one StatefulSet, as a list and a watch have told. Pure.

use std::collections::BTreeMap;

use super::model::{Event, Pod, PodList, PodState};

/// So many pods are kept: twice as many as any of the databases can have members.
pub(crate) const MOST: usize = 2048;

/// What one of them takes at the most, in bytes: its texts, one of them twice, and addresses,
/// and what stands around them.
const A_POD: usize = size_of::<Pod>() + 4 * (253 + 32) + 4 * 17 + 96;

/// What all of them take at the most, in bytes.
pub(super) const KEPT: usize = MOST * A_POD;

/// The pods of one StatefulSet, by their numbers, and up to which version that is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pods {
    set: String,
    known: BTreeMap<u64, Pod>,
    version: String,
    /// Whether there were more than are kept.
    pub(crate) too_many: bool,
}

impl Pods {
    /// None yet, of the StatefulSet of this name.
    pub(crate) fn of(set: &str) -> Pods {
        Pods {
            set: set.to_owned(),
            ..Pods::default()
        }
    }

    /// From which version on a watch goes on.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Those that are there, by their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Pod)> {
        self.known.iter().map(|(ordinal, pod)| (*ordinal, pod))
    }

    /// The one of this number.
    pub(crate) fn get(&self, ordinal: u64) -> Option<&Pod> {
        self.known.get(&ordinal)
    }

    /// Notes a pod that is so now.
    pub(crate) fn note(&mut self, pod: Pod) {
        let Some(ordinal) = pod.ordinal(&self.set) else {
            return;
        };
        if pod.state == PodState::Over {
            self.forget(ordinal, &pod);
        } else if self.known.len() < MOST || self.known.contains_key(&ordinal) {
            self.known.insert(ordinal, pod);
        } else {
            self.too_many = true;
        }
    }

    /// Notes what a watch says.
    pub(crate) fn heed(&mut self, event: Event) {
        let version = match event {
            Event::Is(pod, version) => {
                self.note(pod);
                version
            }
            Event::Gone(pod, version) => {
                if let Some(ordinal) = pod.ordinal(&self.set) {
                    self.forget(ordinal, &pod);
                }
                version
            }
            Event::Bookmark(version) => version,
            Event::Error(..) => return,
        };
        self.version = version;
    }

    /// That one is gone is no word on its successor.
    fn forget(&mut self, ordinal: u64, gone: &Pod) {
        if self
            .known
            .get(&ordinal)
            .is_some_and(|pod| pod.uid == gone.uid)
        {
            self.known.remove(&ordinal);
        }
    }
}

/// So many pods are in a page: each takes some ten kilobytes of it.
const PAGE: usize = 50;

/// A list of pods that is being read, page by page.
#[derive(Debug)]
pub(crate) struct Listing {
    pods: Pods,
    /// Where the next page begins.
    pub(super) next: String,
    /// How many pods are asked for at once.
    pub(super) limit: usize,
}

impl Listing {
    /// Of the pods of this StatefulSet; nothing is read yet.
    pub(crate) fn of(set: &str) -> Listing {
        Listing {
            pods: Pods::of(set),
            next: String::new(),
            limit: PAGE,
        }
    }

    /// Takes a page, and says whether it was the last.
    pub(super) fn take(&mut self, page: PodList) -> bool {
        page.items.into_iter().for_each(|pod| self.pods.note(pod));
        self.pods.version = page.metadata.resource_version;
        self.next = page.metadata.next;
        self.next.is_empty()
    }

    /// What was read.
    pub(crate) fn pods(self) -> Pods {
        self.pods
    }
}
