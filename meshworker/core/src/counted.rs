//! Numbers with their nouns.

use std::fmt::Display;

/// So many of them, in words: `counted(1, "slots")` is "1 slot".
pub fn counted(count: impl Display, many: &str) -> String {
    let count = count.to_string();
    let noun = match count.as_str() {
        "1" => many.strip_suffix('s').unwrap_or(many),
        _ => many,
    };
    format!("{count} {noun}")
}
