//! Others' words, made harmless.
//!
//! What a node, a member, a worker or a client says comes to stand in logs,
//! terminals, tables and pages. There it must not begin a line of its own, move a
//! cursor, turn the direction of what stands around it, or hide.

/// Stands for what is not shown.
const INSTEAD: char = '\u{fffd}';

/// Whether a character does something else than stand there.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Zero widths and marks of direction.
            '\u{200b}'..='\u{200f}'
            // Line and paragraph separators, embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            | '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{feff}'
            // Annotations.
            | '\u{fff9}'..='\u{fffb}')
}

/// At most so many characters of a text, on one line, and nothing in it that does
/// something else than stand there.
pub fn harmless(text: &str, longest: usize) -> String {
    let plain = text
        .chars()
        .map(|c| if is_harmful(c) { INSTEAD } else { c });
    plain.take(longest).collect()
}

/// What every way in is tried with.
#[cfg(test)]
pub const NASTY: [&str; 11] = [
    "one\ntwo",
    "one\rtwo",
    "\u{1b}[2Jcleared",
    "nothing\0",
    "\u{9b}31mC1",
    "\u{202e}gnp.exe",
    "\u{2066}isolated",
    "two\u{2028}lines",
    "two\u{2029}paragraphs",
    "zero\u{200b}width",
    "\u{feff}mark",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_what_stands_there_is_left() {
        for nasty in NASTY {
            let plain = harmless(nasty, 100);
            assert!(!plain.chars().any(is_harmful), "{plain:?}");
            assert_eq!(plain.chars().count(), nasty.chars().count());
        }
        for good in ["stack_db.3", "größer als 5 %", "日本語", "a\u{301}", "👍🏽"] {
            assert_eq!(harmless(good, 100), good);
        }
        assert_eq!(harmless("\u{1b}abc", 2), "\u{fffd}a");
    }
}
