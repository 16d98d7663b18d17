//! How a database is started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Told;

/// So many arguments, and so many variables.
const MOST: usize = 64;

/// One of them, in bytes: a list of peers is the longest that there is.
const LONGEST: usize = 4096;

/// How a database is started, besides what its stack file says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Start {
    /// What is added to its command line.
    pub arguments: Vec<String>,
    /// What is added to its environment.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The number of the slot under whose name the others look for it; none where that is
    /// its own one. It stays with the data, wherever that comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<u64>,
}

impl Start {
    /// Whether it is bounded, and has no variables but these.
    ///
    /// # Errors
    ///
    /// Names what is not allowed, and what is.
    pub fn check(&self, allowed: &[&str]) -> Result<(), String> {
        let (arguments, variables) = (self.arguments.len(), self.variables.len());
        if arguments.max(variables) > MOST {
            return Err(format!(
                "found {arguments} arguments and {variables} variables; allowed: {MOST} of each"
            ));
        }
        if let Some(name) = self
            .variables
            .keys()
            .find(|name| !allowed.contains(&&***name))
        {
            let allowed = allowed.join(", ");
            let name = Told::<100>::from(name.as_str());
            return Err(format!("variable '{name}': allowed: {allowed}"));
        }
        let values = self.arguments.iter().chain(self.variables.values());
        match values
            .into_iter()
            .find(|text| text.len() > LONGEST || text.contains('\0'))
        {
            Some(text) => Err(format!(
                "found an argument or a value of {} bytes; allowed: {LONGEST}, none of them zero",
                text.len()
            )),
            None => Ok(()),
        }
    }
}
