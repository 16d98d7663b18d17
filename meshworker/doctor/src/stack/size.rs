//! Sizes as stack files write them.

/// Whether a text is so many bytes for Docker: a number, perhaps a space, and
/// perhaps `k`, `m`, `g`, `t` or `p`, alone, with `b` or with `ib`.
///
/// Source: docker/go-units, `RAMInBytes`.
pub fn is_one(text: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ' ');
    let Some((number, unit)) = text.rfind(is_number).map(|at| text.split_at(at + 1)) else {
        return false;
    };
    let number = number.strip_suffix(' ').unwrap_or(number).replace('_', "");
    let unit = unit.to_lowercase();
    let rest = unit.strip_prefix(['k', 'm', 'g', 't', 'p']);
    let known = matches!(unit.as_str(), "" | "b") || matches!(rest, Some("" | "b" | "ib"));
    known && number.parse().is_ok_and(|number: f64| number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::is_one;

    #[test]
    fn sizes_are_those_of_docker() {
        for text in [
            "100", "1b", "1g", "1 GB", "1.5G", ".5G", "1.G", "1KiB", "1e3", "1P", "+1G", "1_000",
        ] {
            assert!(is_one(text), "{text}");
        }
        for text in [
            "", "G", "1Gi", "5X", "1E", "1bb", "1  GB", " 1G", "1G ", "-1G", "1.2.3G", "ägb",
        ] {
            assert!(!is_one(text), "{text}");
        }
    }
}
