//! What an unquoted word of YAML is, as Docker's reader has it.
//!
//! Source: go-yaml v3, `resolve.go`. `yes` and `on` are texts there.

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A text.
    Text,
    /// `true` or `false`.
    Truth,
    /// A whole number.
    Whole,
    /// Another number.
    Number,
}

/// What this unquoted word is.
pub fn word(text: &str) -> Word {
    if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
        return Word::Truth;
    }
    if whole(text).is_some() {
        return Word::Whole;
    }
    let digits = text.trim_start_matches(['+', '-']);
    let special = matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match special || (begins && digits.parse::<f64>().is_ok()) {
        true => Word::Number,
        false => Word::Text,
    }
}

/// The whole number that a word is: decimal, `0x`, `0o`, `0b`, or octal after a
/// zero, with `_` between digits; `3.0` as well, as Docker takes it.
pub fn whole(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (minus, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) => (plain.starts_with('-'), digits),
        None => (false, plain.as_str()),
    };
    let based = |digits: &str, base| u64::from_str_radix(digits, base).ok();
    let two = digits.get(..2).unwrap_or_default().to_lowercase();
    let number = match (two.as_str(), digits.get(2..)) {
        _ if digits.starts_with(['+', '-']) => None,
        ("0x", Some(rest)) => based(rest, 16),
        ("0o", Some(rest)) => based(rest, 8),
        ("0b", Some(rest)) => based(rest, 2),
        _ if digits.len() > 1 && digits.starts_with('0') && !digits.contains('.') => {
            based(digits, 8)
        }
        _ => {
            let decimal = digits.split_once('.');
            let decimal = decimal.filter(|(_, rest)| rest.chars().all(|c| c == '0'));
            based(decimal.map_or(digits, |(digits, _)| digits), 10)
        }
    }?;
    let number = i64::try_from(number).ok()?;
    Some(if minus { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_dockers_reader() {
        let cases = [
            ("3", Some(3)),
            ("0x3", Some(3)),
            ("0b11", Some(3)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("1_000", Some(1000)),
            ("-5", Some(-5)),
            ("+5", Some(5)),
            ("3.0", Some(3)),
            ("0", Some(0)),
            ("3.5", None),
            ("", None),
            ("+-5", None),
            ("0x", None),
            ("three", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(whole(text), expected, "{text}");
        }
        for text in ["3.5", ".5", "1e3", "-1.5", ".inf"] {
            assert_eq!(word(text), Word::Number, "{text}");
        }
        for text in ["yes", "on", "1d", "1.2.3", "inf", "nan", "-", "3 "] {
            assert_eq!(word(text), Word::Text, "{text}");
        }
        assert_eq!(word("True"), Word::Truth);
    }
}
