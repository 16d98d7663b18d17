//! Reads settings one by one, from what was given or from the table's defaults, and
//! remembers what came out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use meshworker_core::Told;

use super::raw::{Given, Origin};
use super::setting::Setting;

/// What is allowed for a port, and for a length of time.
pub const PORT: &str = "1 to 65535";
/// See [`seconds`].
pub const SECONDS: &str = "seconds above 0, such as 5 or 0.5, at most a day";

/// A value that is not allowed, or missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} ({origin}): found {found}; allowed: {allowed}")]
pub struct Invalid {
    /// The setting's name.
    pub name: String,
    /// Where the value was given.
    pub origin: Origin,
    /// The value, or "nothing".
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// Reads the settings of one table.
pub struct Reader<'a> {
    table: &'static [Setting],
    given: &'a BTreeMap<String, Given>,
    /// What came out, in the order of reading.
    pub effective: Vec<(String, Given)>,
}

impl<'a> Reader<'a> {
    /// Reads settings of this table from what was given for them.
    pub fn new(table: &'static [Setting], given: &'a BTreeMap<String, Given>) -> Reader<'a> {
        Reader {
            table,
            given,
            effective: Vec::new(),
        }
    }

    /// A setting that has no default and need not be given.
    ///
    /// # Errors
    ///
    /// What was given is not what `parse` takes.
    pub fn optional<T>(
        &mut self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let setting = self.table.iter().find(|setting| setting.name == name);
        let default = setting.and_then(|setting| setting.default);
        let default = default.map(|value| Given {
            value: value.to_owned(),
            origin: Origin::Default,
        });
        let Some(given) = self.given.get(name).cloned().or(default) else {
            return Ok(None);
        };
        let value = parse(given.value.trim()).ok_or_else(|| self.refused(name, allowed))?;
        self.effective.push((name.to_owned(), given));
        Ok(Some(value))
    }

    /// A setting that must be given, unless it has a default.
    ///
    /// # Errors
    ///
    /// It was not, or as above.
    pub fn required<T>(
        &mut self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Invalid> {
        self.optional(name, allowed, parse)?.ok_or_else(|| {
            let allowed = format!("{allowed}, given by --{name} or {}", variable(name));
            self.refused(name, allowed)
        })
    }

    /// A setting whose default depends on another one.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn or<T: fmt::Display>(
        &mut self,
        name: &str,
        default: T,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Invalid> {
        if let Some(value) = self.optional(name, allowed, parse)? {
            return Ok(value);
        }
        let given = Given {
            value: default.to_string(),
            origin: Origin::Default,
        };
        self.effective.push((name.to_owned(), given));
        Ok(default)
    }

    /// Two files, or neither.
    ///
    /// # Errors
    ///
    /// There is only one.
    pub fn both<T>(
        &mut self,
        names: [&str; 2],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<(T, T)>, Invalid> {
        let [one, other] = names;
        match (
            self.optional(one, "a file", &parse)?,
            self.optional(other, "a file", &parse)?,
        ) {
            (Some(first), Some(second)) => Ok(Some((first, second))),
            (None, None) => Ok(None),
            (first, _) => {
                let (given, missing) = if first.is_some() {
                    (one, other)
                } else {
                    (other, one)
                };
                let found = format!("nothing beside {given}");
                Err(self.invalid(missing, found, "both files or none"))
            }
        }
    }

    /// What was given is refused.
    pub fn refused(&self, name: &str, allowed: impl Into<String>) -> Invalid {
        let given = self.given.get(name);
        let found = given.map(|given| format!("'{}'", Told::<300>::from(given.value.as_str())));
        self.invalid(name, found.unwrap_or_else(|| "nothing".into()), allowed)
    }

    /// The same, where more was found than the text that was given.
    pub fn invalid(&self, name: &str, found: String, allowed: impl Into<String>) -> Invalid {
        let given = self.given.get(name);
        Invalid {
            name: name.to_owned(),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
            found,
            allowed: allowed.into(),
        }
    }
}

/// The variable that gives the setting of this name.
pub fn variable(name: &str) -> String {
    format!(
        "MESHWORKER_{}",
        name.to_uppercase().replace(['-', '.'], "_")
    )
}

/// Any text but none.
pub fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What may be a name in DNS, or of a service.
pub fn valid_name(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!text.is_empty() && text.len() <= 253 && text.chars().all(allowed)).then(|| text.to_owned())
}

/// A port.
pub fn port_number(text: &str) -> Option<u16> {
    u16::from_str(text).ok().filter(|port| *port > 0)
}

/// A length of time, at most a day, or none.
pub fn seconds_or_zero(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    let within = (0.0..=86_400.0).contains(&seconds);
    Duration::try_from_secs_f64(seconds).ok().filter(|_| within)
}

/// A length of time. Less than a millisecond would be a busy loop.
pub fn seconds(text: &str) -> Option<Duration> {
    seconds_or_zero(text).filter(|time| *time >= Duration::from_millis(1))
}
