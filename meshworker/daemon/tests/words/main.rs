//! Others' words, through every way in and looked for at every way out.
//!
//! One list of nasty words ([`meshworker_core::NASTY`]). Whatever comes in by any of
//! the ways is harmless by the time it is shown, and whatever is shown by any of the
//! ways is harmless even if nothing had stopped it on its way in: so each way that
//! is added to one of the two tables is tried with all of the other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod node;
mod ways_in;
mod ways_out;
mod web;

use meshworker_core::{NASTY, is_harmful};

/// What was shown, and by which way.
pub(crate) struct Shown {
    pub(crate) way: &'static str,
    pub(crate) text: String,
    pub(crate) form: Form,
}

/// How it is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines, each of which begins with words of ours.
    Lines,
    /// JSON, in whose texts there is nothing either.
    Json,
}

impl Shown {
    pub(crate) fn lines(way: &'static str, text: impl Into<String>) -> Shown {
        let text = text.into();
        let form = Form::Lines;
        Shown { way, text, form }
    }

    pub(crate) fn json(way: &'static str, text: impl Into<String>) -> Shown {
        let text = text.into();
        let form = Form::Json;
        Shown { way, text, form }
    }

    /// That nothing in it does something else than stand there.
    fn is_plain(&self, nasty: &str) {
        let Shown { way, text, form } = self;
        let bad = text.chars().find(|c| is_harmful(*c) && *c != '\n');
        assert_eq!(bad, None, "{way}, of {nasty:?}: {text:?}");
        // What came after a line's end in the word begins no line of its own.
        if let Some((_, after)) = nasty.split_once(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            let forged = text.lines().find(|line| line.starts_with(after));
            assert_eq!(forged, None, "{way}, of {nasty:?}: {text}");
        }
        if *form == Form::Json {
            // Events come one after another.
            for value in serde_json::Deserializer::from_str(text).into_iter() {
                let value = value.expect(way);
                texts(&value, &mut |text| {
                    let bad = text.chars().find(|c| is_harmful(*c));
                    assert_eq!(bad, None, "{way}, of {nasty:?}: {text:?}");
                });
            }
        }
    }
}

fn texts(value: &serde_json::Value, look: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => look(text),
        serde_json::Value::Array(list) => list.iter().for_each(|value| texts(value, look)),
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            look(key);
            texts(value, look);
        }),
        _ => {}
    }
}

#[test]
fn others_words_began_lines_moved_cursors_and_turned_texts_round() {
    let together = NASTY.join(" ");
    let words = NASTY.into_iter().chain([together.as_str()]);
    for nasty in words {
        for (way, begins_processes, come_in) in ways_in::ALL {
            // Processes take their time: two words alone, and all of them together.
            let alone = [NASTY[0], NASTY[7]];
            if begins_processes && !alone.contains(&nasty) && nasty != together {
                continue;
            }
            let all = come_in(nasty);
            assert!(!all.is_empty(), "{way} shows nothing");
            for one in all {
                one.is_plain(nasty);
            }
        }
    }
}

#[test]
fn what_came_in_unseen_is_stopped_on_its_way_out() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for nasty in NASTY {
        let ways = runtime.block_on(ways_out::all(nasty));
        assert!(ways.len() > 15, "{}", ways.len());
        for one in ways {
            one.is_plain(nasty);
        }
    }
}
