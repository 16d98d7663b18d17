//! Every parser of bytes from outside, by name.
//!
//! Whoever writes another one adds it to a list: `tests/fuzz` holds them all to the
//! same promises. No bytes make one panic, wait for more than there is, or take more
//! memory than in proportion; and what it passes on is fit to stand before people.

/// A parser of bytes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    /// Its name: letters, digits and hyphens.
    pub name: &'static str,
    /// Reads these bytes.
    pub read: fn(&[u8]) -> Words,
}

/// What a parser passes on that comes to stand before people: ids, names, reasons.
pub type Words = Vec<String>;

/// The parser of this name: all that a list needs of it.
pub const fn parser(name: &'static str, read: fn(&[u8]) -> Words) -> Parser {
    Parser { name, read }
}

/// The parts of what one question after another is answered by, for parsers of
/// several texts: parted by bytes that stand in none of them.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0)
}
