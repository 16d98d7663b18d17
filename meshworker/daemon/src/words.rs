//! Others' words: the ways out. Whatever came in unseen is stopped here.

use std::borrow::Cow;

use meshworker_core::is_harmful;
use serde::Serialize;

pub use meshworker_core::plain_json;

/// A value as one line of JSON, with nothing in its texts but what stands there.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(plain)
}

/// The same in lines, for people.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(plain)
}

fn plain(document: String) -> String {
    match plain_json(&document) {
        Cow::Owned(plain) => plain,
        // Most documents are as they should be, and are not copied.
        Cow::Borrowed(_) => document,
    }
}

/// A line for people: what a terminal would obey, or what would begin a line of its
/// own, becomes a space.
pub fn dull(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let plain = text.chars().map(|c| if is_harmful(c) { ' ' } else { c });
    Cow::Owned(plain.collect())
}

#[cfg(test)]
mod tests {
    use meshworker_core::{NASTY, Told, plain_lines};

    use super::*;

    #[test]
    fn nothing_but_what_stands_there_is_left() {
        for nasty in NASTY {
            let plain = Told::<100>::from(nasty);
            assert!(!plain.chars().any(is_harmful), "{plain:?}");
            assert_eq!(plain.chars().count(), nasty.chars().count());
            assert!(!dull(nasty).chars().any(is_harmful), "{nasty:?}");
        }
        for good in [
            "stack_db.3",
            "größer als 5 %",
            "日本語",
            "a\u{301}",
            "👍🏽",
            "❤\u{fe0f}",
        ] {
            assert_eq!(&*Told::<100>::from(good), good);
        }
        assert_eq!(plain_lines("a\r\n b\u{1b}\n"), "a\r\n b\u{fffd}\n");
    }

    #[test]
    fn words_are_cut_where_a_character_ends_and_never_grow() {
        assert_eq!(&*Told::<2>::from("\u{1b}abc"), "");
        assert_eq!(&*Told::<4>::from("\u{1b}abc"), "\u{fffd}a");
        assert_eq!(&*Told::<3>::from("äöü"), "ä");
        let controls = "\n".repeat(1000);
        assert!(Told::<100>::from(controls).len() <= 100);
    }

    #[test]
    fn what_is_escaped_in_json_was_printed_raw_once_it_was_read() {
        let text = r#"{"a": "x\u009b\u202e\udb40\udc41\n\"\\n\u00e4\ud83d\ude00", "b\u200b": 1}"#;
        let read: serde_json::Value = serde_json::from_str(&plain_json(text)).unwrap();
        let expected = serde_json::json!({
            "a": "x\u{fffd}\u{fffd}\u{fffd}\u{fffd}\"\\nä😀",
            "b\u{fffd}": 1,
        });
        assert_eq!(read, expected);
        // What is no JSON stays no JSON, and breaks nothing.
        for odd in [
            "\\",
            "\"\\",
            "\"\\u",
            "\"\\u12",
            "\"\\ud800",
            "\"\\ud800\\u0041\"",
            "\"\\é",
        ] {
            let plain = plain_json(odd);
            assert!(serde_json::from_str::<String>(&plain).is_err(), "{odd}");
        }
    }

    #[test]
    fn json_in_lines_keeps_them() {
        let value = serde_json::json!({ "a": ["one\ntwo", "\u{9b}"] });
        let shown = pretty_json(&value).unwrap();
        assert_eq!(
            shown,
            "{\n  \"a\": [\n    \"one\u{fffd}two\",\n    \"\u{fffd}\"\n  ]\n}"
        );
        assert_eq!(
            json(&value).unwrap(),
            "{\"a\":[\"one\u{fffd}two\",\"\u{fffd}\"]}"
        );
    }
}
