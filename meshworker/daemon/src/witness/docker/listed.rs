//! Lists and maps of the engine's, bounded while they are read: small entries take many
//! times what they take in the answer.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A list of at most so many entries; null is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed<T, const MOST: usize>(pub(super) Vec<T>);

impl<T, const MOST: usize> Default for Listed<T, MOST> {
    fn default() -> Listed<T, MOST> {
        Listed(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Listed<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Listed<T, MOST>, D::Error> {
        from.deserialize_any(Entries(PhantomData))
    }
}

struct Entries<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Entries<T, MOST> {
    type Value = Listed<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST} entries")
    }

    fn visit_unit<E: Error>(self) -> Result<Listed<T, MOST>, E> {
        Ok(Listed(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Listed<T, MOST>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = from.next_element()? {
            if entries.len() >= MOST {
                return Err(A::Error::invalid_length(MOST + 1, &self));
            }
            entries.push(entry);
        }
        Ok(Listed(entries))
    }
}

/// The labels that may be ours, as far as they are `wanted`: a service may have any
/// number of others. Null is none.
pub(super) fn labels<'de, D: Deserializer<'de>>(
    from: D,
    wanted: fn(&str, &str) -> bool,
) -> Result<BTreeMap<String, String>, D::Error> {
    from.deserialize_any(Labels(wanted))
}

/// So many labels of ours are read of one service: twice as many as there are settings.
const MOST_LABELS: usize = 128;

struct Labels(fn(&str, &str) -> bool);

impl<'de> Visitor<'de> for Labels {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "labels, at most {MOST_LABELS} of them ours")
    }

    fn visit_unit<E: Error>(self) -> Result<BTreeMap<String, String>, E> {
        Ok(BTreeMap::new())
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut from: A,
    ) -> Result<BTreeMap<String, String>, A::Error> {
        let mut own = BTreeMap::new();
        while let Some(name) = from.next_key::<String>()? {
            if !name.starts_with("meshworker.") {
                from.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: String = from.next_value()?;
            if (self.0)(&name, &value) {
                own.insert(name, value);
            }
            if own.len() > MOST_LABELS {
                return Err(A::Error::invalid_length(own.len(), &self));
            }
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two million numbers in an answer of four megabytes took a hundred.
    #[test]
    fn small_entries_of_a_long_list_filled_the_memory() {
        let list = |entries: usize| format!("[{}]", vec!["{}"; entries].join(","));
        let read = |text: &str| serde_json::from_str::<Listed<IgnoredAny, 9>>(text);
        assert_eq!(read(&list(9)).unwrap().0.len(), 9);
        assert!(read("null").unwrap().0.is_empty());
        let refused = read(&list(2_000_000)).unwrap_err().to_string();
        assert!(refused.contains("a list of at most 9 entries"), "{refused}");
    }

    #[test]
    fn labels_of_others_are_passed_over_and_ours_have_a_bound() {
        let read = |text: &str| {
            let mut from = serde_json::Deserializer::from_str(text);
            labels(&mut from, |_, value| value != "no")
        };
        let text = r#"{"a": ["of", "others"], "meshworker.b": "yes", "meshworker.c": "no"}"#;
        let own = read(text).unwrap();
        assert_eq!(own.into_keys().collect::<Vec<_>>(), ["meshworker.b"]);
        let many = (0..200).map(|number| format!("\"meshworker.{number}\": \"\""));
        let many = format!("{{{}}}", many.collect::<Vec<_>>().join(","));
        assert!(read(&many).unwrap_err().to_string().contains("at most 128"));
    }
}
