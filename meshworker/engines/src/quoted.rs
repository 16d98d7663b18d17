//! Texts in URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a path and in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Fit to stand in a path or in a query.
pub fn quoted(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
