//! All namespaces of a node: writes, copies, and what is still to be sent to whom.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{Entry, Namespace, Offer, Record, partition_of};
use crate::{Cluster, ClusterKey, Member, NodeId};

/// A write that the master took in, and who must have it too before it is acknowledged.
#[derive(Debug)]
pub(crate) struct Applied {
    pub entry: Entry,
    pub replicas: Vec<Member>,
}

/// How many partitions of a namespace this node has still to send to a peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Remaining {
    pub namespace: String,
    pub target: NodeId,
    pub partitions: usize,
}

/// One round of migration from this node to one peer.
#[derive(Debug)]
pub(crate) struct Errand {
    pub namespace: String,
    pub target: Member,
    /// Partitions to ask about.
    pub offers: Vec<Offer>,
    /// Their epochs at this moment: what changes later is not covered by the answer.
    pub epochs: HashMap<u16, u64>,
    /// Those among them that may be sent in this round when they turn out to differ.
    pub sendable: Vec<u16>,
}

/// All namespaces of a node.
#[derive(Debug)]
pub(crate) struct Store {
    namespaces: BTreeMap<String, Namespace>,
    last_version: u64,
    /// What was still to be sent when it was last counted, and under which key; nothing when that may have changed. Every heartbeat
    /// asks for it, and to count means to look at every partition.
    counted: RefCell<Option<(ClusterKey, Vec<Remaining>)>>,
}

impl Store {
    pub fn new(namespaces: &[(String, usize)]) -> Self {
        let namespaces = namespaces
            .iter()
            .map(|(name, copies)| (name.clone(), Namespace::new(*copies)))
            .collect();
        Self {
            namespaces,
            last_version: 0,
            counted: RefCell::default(),
        }
    }

    /// Keeps a namespace in this file, and takes in what is there.
    pub fn keep_in(&mut self, name: &str, file: &Path) -> io::Result<()> {
        match self.namespaces.get_mut(name) {
            Some(namespace) => namespace.keep_in(file),
            None => Ok(()),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    pub fn namespace_mut(&mut self, name: &str) -> Option<&mut Namespace> {
        self.counted.take();
        self.namespaces.get_mut(name)
    }

    /// Takes a write in, when this node is the key's master; `None` when it is not.
    pub fn write(
        &mut self,
        cluster: &Cluster,
        me: NodeId,
        name: &str,
        key: String,
        value: String,
    ) -> Option<Applied> {
        let namespace = self.namespaces.get_mut(name)?;
        let number = partition_of(&key);
        let owners: Vec<Member> = cluster
            .owners(number, namespace.copies())
            .copied()
            .collect();
        if owners.first().is_none_or(|master| master.id != me) {
            return None;
        }
        // The clock may stand still or go back; versions must not.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros() as u64);
        self.last_version = now.max(self.last_version + 1);
        let entry = Entry {
            key,
            record: Record {
                value,
                version: self.last_version,
            },
        };
        namespace.note(&entry);
        let partition = namespace.partition(number);
        let informed: Vec<NodeId> = owners.iter().map(|owner| owner.id).collect();
        let first = partition.len() == 0;
        partition.merge(entry.clone());
        if partition.keep_synced(&informed) || first {
            self.counted.take();
        }
        if first {
            partition.begin_synced(&informed);
        }
        Some(Applied {
            entry,
            replicas: owners.into_iter().skip(1).collect(),
        })
    }

    /// Takes copies in that the master sent to all the `informed`.
    pub fn replicate(&mut self, name: &str, entries: Vec<Entry>, informed: &[NodeId]) {
        let Some(namespace) = self.namespaces.get_mut(name) else {
            return;
        };
        for entry in entries {
            namespace.note(&entry);
            let partition = namespace.partition(partition_of(&entry.key));
            let first = partition.len() == 0;
            if partition.merge(entry) && partition.keep_synced(informed) || first {
                self.counted.take();
            }
            if first {
                partition.begin_synced(informed);
            }
        }
    }

    /// A replica did not confirm these writes.
    pub fn not_replicated<'a>(
        &mut self,
        name: &str,
        keys: impl Iterator<Item = &'a str>,
        replica: NodeId,
    ) {
        self.counted.take();
        let Some(namespace) = self.namespaces.get_mut(name) else {
            return;
        };
        for key in keys {
            if let Some(partition) = namespace.existing(partition_of(key)) {
                partition.unsync(replica);
            }
        }
    }

    /// The cluster is another: every copy must be confirmed anew, since a node may drop what belongs to others.
    pub fn new_cluster(&mut self) {
        self.counted.take();
        for namespace in self.namespaces.values_mut() {
            namespace
                .partitions_mut()
                .for_each(super::Partition::forget_copies);
        }
    }

    /// What is still to be sent to whom.
    pub fn remaining(&self, cluster: &Cluster, me: NodeId) -> Vec<Remaining> {
        let mut counted = self.counted.borrow_mut();
        match &*counted {
            Some((key, remaining)) if *key == cluster.key() => remaining.clone(),
            _ => {
                let remaining = self.count_remaining(cluster, me);
                *counted = Some((cluster.key(), remaining.clone()));
                remaining
            }
        }
    }

    fn count_remaining(&self, cluster: &Cluster, me: NodeId) -> Vec<Remaining> {
        let mut all = Vec::new();
        for (name, namespace) in &self.namespaces {
            let mut targets: BTreeMap<NodeId, usize> = BTreeMap::new();
            for (number, partition) in namespace.partitions() {
                for owner in cluster.owners(number, namespace.copies()) {
                    if owner.id != me && !partition.is_synced(owner.id) {
                        *targets.entry(owner.id).or_default() += 1;
                    }
                }
            }
            all.extend(targets.into_iter().map(|(target, partitions)| Remaining {
                namespace: name.clone(),
                target,
                partitions,
            }));
        }
        all
    }

    /// The next round of migration: everything not yet asked about, and at most `budget` partitions to send.
    pub fn errands(&self, cluster: &Cluster, me: NodeId, budget: usize) -> Vec<Errand> {
        if self.remaining(cluster, me).is_empty() {
            return Vec::new();
        }
        let mut budget = budget;
        let mut errands = Vec::new();
        for (name, namespace) in &self.namespaces {
            let mut targets: BTreeMap<NodeId, Errand> = BTreeMap::new();
            for (number, partition) in namespace.partitions() {
                for owner in cluster.owners(number, namespace.copies()) {
                    if owner.id == me || partition.is_synced(owner.id) {
                        continue;
                    }
                    let known_to_differ = partition.is_differing(owner.id);
                    if known_to_differ && budget == 0 {
                        continue;
                    }
                    let errand = targets.entry(owner.id).or_insert_with(|| Errand {
                        namespace: name.clone(),
                        target: *owner,
                        offers: Vec::new(),
                        epochs: HashMap::new(),
                        sendable: Vec::new(),
                    });
                    let (count, digest) = (partition.len(), partition.digest());
                    errand.offers.push(Offer {
                        partition: number,
                        count,
                        digest,
                    });
                    errand.epochs.insert(number, partition.epoch());
                    if known_to_differ {
                        budget -= 1;
                        errand.sendable.push(number);
                    }
                }
            }
            errands.extend(targets.into_values());
        }
        errands
    }
}
