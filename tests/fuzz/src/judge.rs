//! What every parser promises, whatever the bytes.

use meshworker_core::is_harmful;
use meshworker_engines::outside::Parser;

use crate::MEMORY;

/// So many bytes of memory for each byte of input, at the most: a value of one
/// letter takes a hundred or two.
const MEMORY_PER_BYTE: usize = 512;

/// And so many whatever the input.
const MEMORY_AT_LEAST: usize = 2 << 20;

/// A name server's answer is read by others, who make room for as many records as
/// its head claims, at the most so much. Room that is not used is no memory.
const MEMORY_OF_DNS: usize = 24 << 20;

/// The first request of all opens the server that answers it, with each of its routes.
const MEMORY_OF_A_SERVER: usize = 4 << 20;

/// So many bytes of words for each byte of input, and whatever the input.
const WORDS_PER_BYTE: usize = 64;
const WORDS_AT_LEAST: usize = 256 << 10;

/// Has the parser read these bytes.
///
/// # Errors
///
/// It broke a promise, in words. One that panics does so here.
pub fn judge(parser: &Parser, bytes: &[u8]) -> Result<(), String> {
    let (name, length) = (parser.name, bytes.len());
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let words = (parser.read)(bytes);
    let took = MEMORY.peak_usage().saturating_sub(before);
    let at_least = match name {
        "dns-answer" => MEMORY_OF_DNS,
        "http-request" => MEMORY_OF_A_SERVER,
        _ => MEMORY_AT_LEAST,
    };
    let most = at_least + MEMORY_PER_BYTE * length;
    if took > most {
        return Err(format!(
            "{name}: {length} bytes took {took} bytes of memory; allowed: {most}"
        ));
    }
    let said: usize = words.iter().map(String::len).sum();
    let most = WORDS_AT_LEAST + WORDS_PER_BYTE * length;
    if said > most {
        return Err(format!(
            "{name}: of {length} bytes {said} bytes of words came; allowed: {most}"
        ));
    }
    match words.iter().find(|word| word.chars().any(is_harmful)) {
        Some(word) => Err(format!("{name}: passes on {word:?}")),
        None => Ok(()),
    }
}
