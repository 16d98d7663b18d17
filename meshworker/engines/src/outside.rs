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

/// The engines' own.
pub fn parsers() -> impl Iterator<Item = Parser> {
    let all = [
        crate::redis::PARSERS,
        crate::aerospike::PARSERS,
        &[CERTIFICATES],
    ];
    all.into_iter().flatten().copied()
}

/// The parser of this name: all that a list needs of it.
pub const fn parser(name: &'static str, read: fn(&[u8]) -> Words) -> Parser {
    Parser { name, read }
}

/// A file with certificates and a key.
const CERTIFICATES: Parser = parser("certificates", |bytes| {
    let chain = match crate::tls::certificates_in(bytes) {
        Ok(chain) => chain,
        Err(why) => return vec![why],
    };
    // Whose they are, and until when, is read by hand.
    let order = crate::tls::out_of_order(&chain).map(|number| number.to_string());
    let ends = crate::tls::ends(&chain).map(|ends| format!("{ends:?}"));
    let key = crate::tls::private_key_in(bytes).err();
    order.into_iter().chain(ends).chain(key).collect()
});

/// The parts of what one question after another is answered by, for parsers of
/// several texts: parted by bytes that stand in none of them.
pub fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0)
}
