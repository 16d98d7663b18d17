//! Lists, maps and texts of the engine's, bounded while they are read: small entries take
//! many times what they take in the answer.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use meshworker_core::Told;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The longest entry of a list: Swarm keeps nothing that is longer.
///
/// Source: swarmkit, `manager/state/store/memory.go`, `MaxTransactionBytes`.
pub(super) const LONGEST_ENTRY: usize = 3 << 19;

/// What stands around a text that is kept, in bytes: itself, and the allocator's share.
const TEXT: usize = size_of::<String>() + 32;

/// What stands around an entry of a map, in bytes, its two texts not counted.
const IN_A_MAP: usize = 32;

/// What is kept of the engine's answers beside this, in bytes.
pub(crate) trait Weighs {
    fn beside(&self) -> usize;
}

/// What a text takes.
pub(super) fn text(text: &str) -> usize {
    TEXT + text.len()
}

/// What labels take.
pub(super) fn texts(labels: &BTreeMap<String, String>) -> usize {
    let each = labels.iter();
    each.map(|(name, value)| text(name) + text(value) + IN_A_MAP)
        .sum()
}

/// How many more bytes may be kept of what an engine answers.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    left: usize,
}

impl Budget {
    pub(crate) fn of(most: usize) -> Budget {
        Budget { most, left: most }
    }

    /// The entries of this list, as far as they are to be kept. Null is none.
    ///
    /// # Errors
    ///
    /// It is no list of such entries, or more would be kept of it than may be.
    pub(crate) fn read<'de, T: Deserialize<'de>, U: Weighs>(
        &mut self,
        answer: &'de [u8],
        keep: impl FnMut(T) -> Option<U>,
    ) -> serde_json::Result<Vec<U>> {
        // What is no list is not looked at: an error would repeat it.
        if !matches!(answer.trim_ascii_start().first(), Some(b'[' | b'n')) {
            return Err(serde_json::Error::custom("it is no list"));
        }
        let mut from = serde_json::Deserializer::from_slice(answer);
        let entries = Entries {
            budget: self,
            keep,
            of: PhantomData,
        };
        let read = entries.deserialize(&mut from)?;
        from.end()?;
        Ok(read)
    }

    fn take<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| {
            let most = self.most;
            E::custom(format!("more than {most} bytes would be kept of the list"))
        })?;
        Ok(())
    }
}

struct Entries<'b, T, K> {
    budget: &'b mut Budget,
    keep: K,
    of: PhantomData<T>,
}

impl<'de, T, U, K> DeserializeSeed<'de> for Entries<'_, T, K>
where
    T: Deserialize<'de>,
    U: Weighs,
    K: FnMut(T) -> Option<U>,
{
    type Value = Vec<U>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<U>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T, U, K> Visitor<'de> for Entries<'_, T, K>
where
    T: Deserialize<'de>,
    U: Weighs,
    K: FnMut(T) -> Option<U>,
{
    type Value = Vec<U>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<U>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<Vec<U>, A::Error> {
        let mut kept = Vec::new();
        while let Some(entry) = from.next_element::<&RawValue>()? {
            let Some(entry) = (self.keep)(one(entry.get())?) else {
                continue;
            };
            // A list that grows has room for twice as many.
            self.budget.take(2 * size_of::<U>() + entry.beside())?;
            kept.push(entry);
        }
        Ok(kept)
    }
}

/// One entry of a list. An error may repeat a text of it, and more than once.
fn one<'de, T: Deserialize<'de>, E: Error>(entry: &'de str) -> Result<T, E> {
    let length = entry.len();
    if length > LONGEST_ENTRY {
        return Err(E::custom(format!(
            "an entry of {length} bytes; allowed: at most {LONGEST_ENTRY}"
        )));
    }
    serde_json::from_str(entry).map_err(|why| E::custom(Told::<300>::from(why.to_string())))
}

/// A short list, of at most so many entries; null is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for Listed<T, MOST> {
    fn default() -> Listed<T, MOST> {
        Listed(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Listed<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Listed<T, MOST>, D::Error> {
        from.deserialize_any(Few(PhantomData))
    }
}

struct Few<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Few<T, MOST> {
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

/// A text, or how long it is if that is too long: then it is not copied.
pub(super) struct Short<const MOST: usize>(pub(super) Result<String, usize>);

impl<'de, const MOST: usize> Deserialize<'de> for Short<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Short<MOST>, D::Error> {
        from.deserialize_str(Text::<MOST>)
    }
}

struct Text<const MOST: usize>;

impl<const MOST: usize> Visitor<'_> for Text<MOST> {
    type Value = Short<MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Short<MOST>, E> {
        let length = text.len();
        Ok(Short(match length <= MOST {
            true => Ok(text.to_owned()),
            false => Err(length),
        }))
    }
}

/// An address with the length of its prefix, as in `10.0.1.5/24`; none if it is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prefixed(pub(super) Option<IpAddr>);

impl<'de> Deserialize<'de> for Prefixed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Prefixed, D::Error> {
        let Short(text) = Short::<64>::deserialize(from)?;
        let bare = text.ok();
        let bare = bare.as_deref().and_then(|text| text.split('/').next());
        Ok(Prefixed(bare.and_then(|bare| bare.parse().ok())))
    }
}

/// The longest name of a label, and the longest value that is read as a setting.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 1024;

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
        while let Some(Short(name)) = from.next_key::<Short<LONGEST_NAME>>()? {
            let Some(name) = name.ok().filter(|name| name.starts_with("meshworker.")) else {
                from.next_value::<IgnoredAny>()?;
                continue;
            };
            let Short(value) = from.next_value::<Short<LONGEST_LABEL>>()?;
            if let Some(value) = value.ok().filter(|value| (self.0)(&name, value)) {
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

    impl Weighs for String {
        fn beside(&self) -> usize {
            self.len()
        }
    }

    fn read(most: usize, text: &str, keep: fn(&str) -> bool) -> Result<Vec<String>, String> {
        let keep = |Short(text): Short<100>| text.ok().filter(|text| keep(text));
        let read = Budget::of(most).read(text.as_bytes(), keep);
        read.map_err(|why| why.to_string())
    }

    /// Two million numbers in an answer of four megabytes took a hundred.
    #[test]
    fn small_entries_of_a_long_list_filled_the_memory() {
        let list = |entries: usize| format!("[{}]", vec!["\"\""; entries].join(","));
        let nine = 9 * 2 * size_of::<String>();
        assert_eq!(read(nine, &list(9), |_| true).unwrap().len(), 9);
        assert_eq!(read(0, "null", |_| true), Ok(vec![]));
        let refused = read(nine, &list(2_000_000), |_| true).unwrap_err();
        let expected = format!("more than {nine} bytes would be kept of the list");
        assert!(refused.contains(&expected), "{refused}");
        // What is not kept takes nothing, and texts count.
        assert_eq!(read(0, &list(2_000_000), |text| text == "a"), Ok(vec![]));
        assert!(read(nine, r#"["a", "b"]"#, |_| true).is_ok());
        let long = format!("[\"{}\"]", "x".repeat(99));
        assert!(read(100, &long, |_| true).is_err());
        let list = "[{},{},{}]";
        let refused = serde_json::from_str::<Listed<IgnoredAny, 2>>(list).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("a list of at most 2 entries"), "{refused}");
    }

    /// What was expected was told with what was found, all of it.
    #[test]
    fn a_long_text_where_a_number_belongs_was_repeated_in_the_error() {
        let refused = |text: &str| {
            let read = Budget::of(9).read(text.as_bytes(), |_: u64| None::<String>);
            read.unwrap_err().to_string()
        };
        let long = "x".repeat(LONGEST_ENTRY - 2);
        assert!(refused(&format!("[1, \"{long}\"]")).len() < 400);
        assert_eq!(refused(&format!("\"{long}\"")), "it is no list");
        let more = refused(&format!("[1, \"x{long}\"]"));
        assert!(more.starts_with("an entry of 1572865 bytes"), "{more}");
    }

    #[test]
    fn a_text_that_is_too_long_is_not_copied() {
        let read = |text: &str| serde_json::from_str::<Short<4>>(text).unwrap().0;
        assert_eq!(read("\"ab\\n\""), Ok("ab\n".into()));
        assert_eq!(read("\"abcde\""), Err(5));
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
