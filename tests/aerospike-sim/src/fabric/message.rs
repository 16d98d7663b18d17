//! What nodes ask of each other over the fabric.

use serde::{Deserialize, Serialize};

use crate::NodeId;
use crate::cluster::ClusterKey;
use crate::data::{Entry, Offer, Parcel, Record};

/// A request. Every one may be repeated without harm.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// To the master: take these in and have them copied.
    Write {
        namespace: String,
        records: Vec<(String, String)>,
    },
    /// From the master, to every one of the `informed`: keep copies of these.
    Replicate {
        namespace: String,
        entries: Vec<Entry>,
        informed: Vec<NodeId>,
    },
    /// What do you have under this key?
    Get { namespace: String, key: String },
    /// Which of these keys do you have?
    Have {
        namespace: String,
        keys: Vec<String>,
    },
    /// How many records do you have, by partition?
    Count { namespace: String },
    /// Which of these partitions are the same at yours?
    Offer {
        namespace: String,
        from: NodeId,
        cluster: ClusterKey,
        offers: Vec<Offer>,
    },
    /// Take these partitions in.
    Push {
        namespace: String,
        from: NodeId,
        cluster: ClusterKey,
        parcels: Vec<Parcel>,
    },
}

/// The answer to a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Positions of the records that were not written, or not copied.
    Failed(Vec<usize>),
    Done,
    Value(Option<Record>),
    /// Positions of the keys that are here.
    Found(Vec<usize>),
    Counts(Vec<(u16, usize)>),
    Same(Vec<u16>),
    /// The two nodes are not of the same cluster at this moment: try again when they agree.
    OtherCluster,
}
