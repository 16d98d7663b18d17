//! What was given for one cluster, wherever it was given, before validation.

use std::collections::BTreeMap;
use std::fmt;

use meshworker_core::Told;

use super::setting;

/// Where a value comes from. The order is that of precedence, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// A label of this Swarm service.
    Label(String),
    /// This configuration file.
    File(String),
    /// A `MESHWORKER_*` variable.
    Variable,
    /// A flag on the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Label(service) => write!(f, "label of {service}"),
            Origin::File(path) => write!(f, "{path}"),
            Origin::Variable => f.write_str("variable"),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// One value, as text, and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

/// Everything that was given for one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// Settings by the name in the table of settings.
    pub settings: BTreeMap<String, Given>,
    /// The engine's own options, by their names.
    pub options: BTreeMap<String, Given>,
}

/// A name that no setting has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: '{name}': there is no such setting; allowed: {allowed}")]
pub struct UnknownSetting {
    name: String,
    origin: Origin,
    allowed: String,
}

impl Raw {
    /// Records a value. `option.NAME` is one of the engine's own options.
    ///
    /// # Errors
    ///
    /// There is no setting of this name.
    pub fn give(
        &mut self,
        name: &str,
        value: impl Into<String>,
        origin: Origin,
    ) -> Result<(), UnknownSetting> {
        let (place, name) = match name.strip_prefix("option.") {
            Some(option) => (&mut self.options, option),
            None if setting::find(name).is_some() => (&mut self.settings, name),
            None => {
                let names = setting::SETTINGS.iter().map(|setting| setting.name);
                return Err(UnknownSetting {
                    name: Told::<100>::from(name).into_string(),
                    origin,
                    allowed: names.chain(["option.NAME"]).collect::<Vec<_>>().join(", "),
                });
            }
        };
        let value = value.into();
        place.insert(name.to_owned(), Given { value, origin });
        Ok(())
    }

    /// Adds what `other` gave, where it takes precedence or nothing was given.
    pub fn merge(&mut self, other: &Raw) {
        merge(&mut self.settings, &other.settings);
        merge(&mut self.options, &other.options);
    }
}

fn merge(mine: &mut BTreeMap<String, Given>, other: &BTreeMap<String, Given>) {
    for (name, given) in other {
        match mine.get(name) {
            Some(present) if present.origin >= given.origin => {}
            _ => {
                mine.insert(name.clone(), given.clone());
            }
        }
    }
}
