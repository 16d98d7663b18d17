//! The only thing that is ever asked for: that a row goes.

use std::fmt;

use meshworker_core::{Place, Request, StepKind};
use serde::Serialize;

use super::rows::Row;

/// A row of a coordinator that is dead goes, if it is still the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JgroupsRequest {
    /// As it was read.
    pub row: Row,
}

impl fmt::Display for JgroupsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            store,
            key,
            coordinator,
            ..
        } = &self.row;
        write!(f, "remove {store} '{key}' of {}", coordinator.name)
    }
}

impl Request for JgroupsRequest {
    fn kind(&self) -> StepKind {
        StepKind::Forget
    }

    fn introduces(&self) -> Option<Place> {
        None
    }
}
