//! Everything that was given: flags, variables, file, labels.

use super::{Cluster, Invalid, Raw, Surroundings};

/// Everything that was given, and how it becomes clusters.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Flags and variables, which apply to every cluster.
    pub shared: Raw,
    /// The file's clusters, if there is a file.
    pub file: Option<Vec<Raw>>,
    /// Whether labelled services are clusters too.
    pub labels: bool,
}

/// The clusters that were given cannot be looked after together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInputs {
    /// One of them is not valid.
    #[error(transparent)]
    Cluster(#[from] Invalid),
    /// Two have one name.
    #[error("name: found '{0}' twice; allowed: a name of its own for each cluster")]
    SameName(String),
}

impl Inputs {
    /// The clusters that do not come from labels, validated.
    ///
    /// # Errors
    ///
    /// A setting is missing or not allowed, or two clusters have one name.
    pub fn clusters(&self) -> Result<Vec<Cluster>, InvalidInputs> {
        let raws = match &self.file {
            Some(clusters) => clusters.clone(),
            None if self.labels => Vec::new(),
            None => vec![Raw::default()],
        };
        let mut clusters: Vec<Cluster> = Vec::new();
        for raw in &raws {
            let cluster = self.cluster(raw)?;
            if clusters.iter().any(|other| other.name == cluster.name) {
                return Err(InvalidInputs::SameName(cluster.name));
            }
            clusters.push(cluster);
        }
        Ok(clusters)
    }

    /// One cluster: what was given for it, under the flags and variables.
    ///
    /// # Errors
    ///
    /// A setting is missing or not allowed.
    pub fn cluster(&self, raw: &Raw) -> Result<Cluster, Invalid> {
        let mut raw = raw.clone();
        raw.merge(&self.shared);
        Cluster::validate(&raw, Surroundings::here())
    }
}
