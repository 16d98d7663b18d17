//! Texts that trip programs up.

/// The longest is far beyond what any field allows, and small enough for a head.
const LENGTHS: [usize; 2] = [254, 6_000];

/// Texts for any field.
pub fn texts() -> Vec<String> {
    let short = [
        "",
        " ",
        "..",
        "'",
        "\"",
        "\\",
        "a/b",
        "%",
        "null",
        "-1",
        "1.5",
        "\0",
        "a\nb",
        "\t",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "\u{1f600}",
        "{cluster}",
    ];
    let long = LENGTHS.iter().map(|length| "x".repeat(*length));
    short.into_iter().map(str::to_owned).chain(long).collect()
}

/// Texts for whatever is a number.
pub fn numbers() -> Vec<String> {
    let numbers = [
        "",
        "x",
        "-",
        "-1",
        "0",
        "1",
        "1.5",
        "1e3",
        "0x10",
        "NaN",
        "true",
        "[]",
        "1 0",
        "1\n",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
    ];
    numbers.map(str::to_owned).into()
}

/// Everything that is one slip away from this text.
pub fn slips(text: &str) -> Vec<String> {
    const SLIPS: [&str; 3] = ["0", "+", "\n"];
    let chars: Vec<char> = text.chars().collect();
    let with = |from: usize, to: usize, between: &str| {
        let (before, after) = (&chars[..from], &chars[to..]);
        before
            .iter()
            .copied()
            .chain(between.chars())
            .chain(after.iter().copied())
            .collect()
    };
    let mut all = Vec::new();
    for at in 0..=chars.len() {
        all.extend(SLIPS.map(|slip| with(at, at, slip)));
        if at < chars.len() {
            all.push(with(at, at + 1, ""));
        }
    }
    all
}

/// As it stands in a path or a query.
pub fn encoded(text: &str) -> String {
    let bytes = text.bytes();
    bytes
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02x}"),
        })
        .collect()
}
