//! Others' words: bounded, on one line, and nothing in them but what stands there.
//!
//! What a node, a member, a worker, an engine, a file or a client says comes to
//! stand in logs, terminals, tables and pages. There it must not begin a line of
//! its own, move a cursor, turn the direction of what stands around it, or hide.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

/// Stands for what is not shown.
const INSTEAD: char = '\u{fffd}';

/// Others' words: at most so many bytes, on one line, and nothing in them that does
/// something else than stand there. Every way in makes its texts by this type.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Told<const LONGEST: usize>(String);

/// The name of a swarm node, for people: what Linux takes as a host name.
pub type NodeName = Told<64>;

/// Whether a character does something else than stand there: controls, marks of
/// direction, and what takes no room (Unicode 16, `Default_Ignorable_Code_Point`,
/// without the joiner and the selectors of which scripts and emoji are made).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Zero widths and marks of direction.
            '\u{200b}'..='\u{200f}'
            // Line and paragraph separators, embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            | '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180b}'..='\u{180f}' | '\u{feff}'
            // Letters without a shape.
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Annotations, shorthand, music.
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            // Tags, and selectors that carry bytes.
            | '\u{e0000}'..='\u{e0fff}')
}

impl<const LONGEST: usize> Told<LONGEST> {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const LONGEST: usize> From<&str> for Told<LONGEST> {
    fn from(text: &str) -> Told<LONGEST> {
        // What is cut off need not be looked at.
        let whole = text.floor_char_boundary(LONGEST);
        let text = text.get(..whole).unwrap_or_default();
        let mut plain = String::with_capacity(text.len());
        for c in text.chars().map(shown) {
            if plain.len() + c.len_utf8() > LONGEST {
                break;
            }
            plain.push(c);
        }
        Told(plain)
    }
}

impl<const LONGEST: usize> From<String> for Told<LONGEST> {
    fn from(text: String) -> Told<LONGEST> {
        if text.len() <= LONGEST && !text.chars().any(is_harmful) {
            return Told(text);
        }
        Told::from(text.as_str())
    }
}

impl<const LONGEST: usize> From<Told<LONGEST>> for String {
    fn from(told: Told<LONGEST>) -> String {
        told.0
    }
}

impl<const LONGEST: usize> Deref for Told<LONGEST> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const LONGEST: usize> fmt::Display for Told<LONGEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de, const LONGEST: usize> Deserialize<'de> for Told<LONGEST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Told<LONGEST>, D::Error> {
        String::deserialize(from).map(Told::from)
    }
}

/// Texts of several lines, such as a database's table, of which each line is taken
/// apart: the same without what does something else than stand there, but for the
/// ends of lines.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    let is_plain = |line: &str| {
        let end = ["\r\n", "\n"];
        let bare = end.iter().find_map(|end| line.strip_suffix(end));
        !bare.unwrap_or(line).contains(is_harmful)
    };
    if text.split_inclusive('\n').all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Alone it moves the cursor to the line's begin.
        let ends = c == '\n' || (c == '\r' && rest.peek() == Some(&'\n'));
        plain.push(if ends { c } else { shown(c) });
    }
    Cow::Owned(plain)
}

/// A document of JSON, the same without what does something else than stand there
/// in any of its texts, written as it is or escaped. Goes out, and comes in.
pub fn plain_json(document: &str) -> Cow<'_, str> {
    let suspicious = |c: char| c == '\\' || is_harmful(c);
    if !document.contains(suspicious) {
        return Cow::Borrowed(document);
    }
    let mut plain = String::with_capacity(document.len());
    let mut rest = document.chars();
    let mut in_text = false;
    while let Some(c) = rest.next() {
        match c {
            '"' => in_text = !in_text,
            '\\' if in_text => {
                let (length, said) = escaped(rest.as_str());
                let escape = rest.as_str().get(..length).unwrap_or_default();
                if said.is_some_and(is_harmful) {
                    plain.push(INSTEAD);
                } else {
                    plain.push('\\');
                    plain.push_str(escape);
                }
                rest = rest.as_str().get(length..).unwrap_or_default().chars();
                continue;
            }
            // Between texts a document may have lines.
            '\n' | '\r' | '\t' if !in_text => {}
            c if is_harmful(c) => {
                plain.push(INSTEAD);
                continue;
            }
            _ => {}
        }
        plain.push(c);
    }
    Cow::Owned(plain)
}

/// What follows a backslash in JSON (RFC 8259, section 7): its length, and the
/// character that it stands for, where it stands for one.
fn escaped(rest: &str) -> (usize, Option<char>) {
    let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4)?, 16).ok();
    match rest.chars().next() {
        None => (0, None),
        Some('n' | 'r' | 't' | 'b' | 'f') => (1, Some('\n')),
        Some('u') => match unit(1) {
            Some(high @ 0xd800..=0xdbff) if rest.get(5..7) == Some("\\u") => {
                let low = unit(7).filter(|low| (0xdc00..=0xdfff).contains(low));
                let both = low.map(|low| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                match both {
                    Some(both) => (11, char::from_u32(both)),
                    None => (5, None),
                }
            }
            Some(code) => (5, char::from_u32(code)),
            None => (1, None),
        },
        Some(other) => (other.len_utf8(), None),
    }
}

fn shown(c: char) -> char {
    if is_harmful(c) { INSTEAD } else { c }
}

/// What every way in and every way out is tried with: a word of each kind that does
/// something else than stand there.
pub const NASTY: [&str; 16] = [
    "one\ntwo",
    "one\rtwo",
    "\u{1b}[2Jcleared",
    "nothing\0",
    "rubbed\u{7f}out",
    "\u{9b}31mC1",
    "next\u{85}line",
    "\u{202e}gnp.exe",
    "\u{2066}isolated",
    "two\u{2028}lines",
    "two\u{2029}paragraphs",
    "zero\u{200b}width",
    "\u{feff}mark",
    "tag\u{e0041}ged",
    "filled\u{3164}up",
    "soft\u{ad}ly",
];
