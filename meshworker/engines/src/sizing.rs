//! What is known of a cluster's size before it runs.

use std::collections::BTreeMap;

/// What is known of a cluster's size before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Sizing {
    /// The fewest members that form a cluster.
    pub min_members: usize,
    /// The edition that takes the fewest members; none where no edition has a
    /// limit.
    pub limit: Option<EditionLimit>,
    /// How often each record is to be kept; none when nothing says so.
    pub copies: fn(&Configured<'_>) -> Option<Copies>,
}

/// The most members that an edition takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditionLimit {
    /// The edition, such as `Community Edition`.
    pub edition: &'static str,
    /// The most members.
    pub members: usize,
}

/// How a cluster is configured, as far as it is known before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    /// The engine's own options, complete.
    pub options: &'a BTreeMap<String, String>,
    /// The texts of the members' configuration files that could be read.
    pub files: &'a [String],
    /// The name that the worker expects its members to give, if it expects one.
    pub cluster_name: Option<&'a str>,
    /// The members' image, where it is known.
    pub image: Option<&'a str>,
}

/// A mistake in the members' configuration that shows before they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub what: String,
    /// What comes of it.
    pub why: &'static str,
    /// The lines to write instead.
    pub instead: String,
}

/// How often each record is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copies {
    /// How often, the first one included.
    pub copies: usize,
    /// The fewest members that can keep every record so often.
    pub members: usize,
    /// What says so, such as `replication-factor 2`.
    pub because: String,
}
