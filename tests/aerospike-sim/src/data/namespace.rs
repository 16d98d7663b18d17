//! A namespace on one node: its partitions, and what its peers still lack.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::{Entry, Partition, partition_of};
use crate::{Cluster, NodeId};

/// A partition's fingerprint, sent to ask whether the other side holds the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub partition: u16,
    pub count: usize,
    pub digest: u64,
}

/// A partition's records, sent because the other side does not.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub partition: u16,
    pub entries: Vec<Entry>,
}

/// A namespace on one node. Partitions without records take no room.
#[derive(Debug)]
pub(crate) struct Namespace {
    copies: usize,
    partitions: BTreeMap<u16, Partition>,
    journal: Option<Journal>,
}

impl Namespace {
    pub fn new(copies: usize) -> Self {
        Self {
            copies,
            partitions: BTreeMap::new(),
            journal: None,
        }
    }

    /// Keeps its records in this file from now on, and takes in those that are there.
    pub fn keep_in(&mut self, file: &Path) -> io::Result<()> {
        let (journal, entries) = Journal::open(file)?;
        for entry in entries {
            self.partition(partition_of(&entry.key)).merge(entry);
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// Notes a record that is about to be taken in.
    pub fn note(&mut self, entry: &Entry) {
        let noted = self.journal.as_mut().map(|journal| journal.add(entry));
        if let Some(Err(error)) = noted {
            tracing::error!(%error, "cannot write to the namespace's file");
        }
    }

    /// Whether its records outlive the process.
    pub fn is_on_disk(&self) -> bool {
        self.journal.is_some()
    }

    /// The configured replication factor.
    pub fn copies(&self) -> usize {
        self.copies
    }

    pub fn partitions(&self) -> impl Iterator<Item = (u16, &Partition)> {
        self.partitions
            .iter()
            .map(|(number, partition)| (*number, partition))
    }

    pub fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.partitions.values_mut()
    }

    pub fn partition(&mut self, number: u16) -> &mut Partition {
        self.partitions.entry(number).or_default()
    }

    pub fn existing(&mut self, number: u16) -> Option<&mut Partition> {
        self.partitions.get_mut(&number)
    }

    pub fn get(&self, key: &str) -> Option<&super::Record> {
        self.partitions.get(&partition_of(key))?.get(key)
    }

    /// How many records this node holds.
    pub fn objects(&self) -> usize {
        self.partitions.values().map(Partition::len).sum()
    }

    /// Of those, how many it is the master of.
    pub fn master_objects(&self, cluster: &Cluster, me: NodeId) -> usize {
        self.partitions()
            .filter(|(number, _)| cluster.owners(*number, 1).any(|owner| owner.id == me))
            .map(|(_, partition)| partition.len())
            .sum()
    }

    /// Lets a partition go when it belongs to others and every one of them holds all of it.
    pub fn drop_if_handed_over(&mut self, number: u16, cluster: &Cluster, me: NodeId) {
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        let handed_over = cluster
            .owners(number, self.copies)
            .all(|owner| owner.id != me && partition.is_synced(owner.id));
        if handed_over {
            self.partitions.remove(&number);
        }
    }

    /// Answers offers: which of these partitions are the same here. What is the same is then known on this side as well.
    pub fn compare(
        &mut self,
        offers: &[Offer],
        from: NodeId,
        cluster: &Cluster,
        me: NodeId,
    ) -> Vec<u16> {
        let mut same = Vec::new();
        for offer in offers {
            if let Some(partition) = self.partitions.get_mut(&offer.partition)
                && (partition.len(), partition.digest()) == (offer.count, offer.digest)
            {
                partition.mark_synced(from);
                same.push(offer.partition);
                self.drop_if_handed_over(offer.partition, cluster, me);
            }
        }
        same
    }

    /// Takes parcels in. Who is not the sender may lack what was new in them.
    pub fn accept(&mut self, parcels: Vec<Parcel>, from: NodeId) {
        for parcel in parcels {
            let sent = parcel.entries.len();
            parcel.entries.iter().for_each(|entry| self.note(entry));
            let partition = self.partition(parcel.partition);
            let mut taken = 0;
            for entry in parcel.entries {
                taken += usize::from(partition.merge(entry));
            }
            if taken > 0 {
                partition.keep_synced(&[from]);
            }
            // Everything here came from the sender just now: it surely holds the same.
            if taken == sent && partition.len() == sent {
                partition.mark_synced(from);
            }
        }
    }
}
