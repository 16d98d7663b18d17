//! A text in which `*` stands for anything.

use std::fmt;

/// A text in which `*` stands for anything, also for nothing: `eth*`, `10.0.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// This pattern; none where it is empty, or longer than any name.
    pub fn parse(text: &str) -> Option<Pattern> {
        let fits = (1..=100).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        fits.then(|| Pattern(text.to_owned()))
    }

    /// Whether all of this text is so.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything() {
        let cases = [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth01", true),
            ("eth*", "veth0", false),
            ("10.*.5", "10.0.1.5", true),
            ("10.*.5", "10.0.1.50", false),
            ("*.1.*", "10.0.1.5", true),
            ("*ab*ab", "ab", false),
            ("*", "", true),
        ];
        for (pattern, text, expected) in cases {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(text), expected, "{pattern} {text}");
        }
        assert_eq!(Pattern::parse(""), None);
    }
}
