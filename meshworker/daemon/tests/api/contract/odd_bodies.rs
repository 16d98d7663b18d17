//! Bodies that are derived from what a body must be: those beside its bounds, and those that trip parsers up.

use serde_json::{Map, Value};

use super::odd_text::{slips, texts};
use super::oddities::Verdict;
use super::operation::Body;
use super::samples::Fields;

/// Values of every kind, as they are sent. Some are none that JSON knows.
const VALUES: [&str; 24] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1",
    "3.0",
    "1.5",
    "1e4",
    "1e5",
    "1e400",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "[]",
    "[1]",
    "[\"x\"]",
    "{}",
    "{\"a\":1}",
    "\"\\ud800\"",
    "01",
    "NaN",
    "'x'",
    "",
];

/// JSON may be nested; parsers have a bottom.
const DEEP: usize = 3_000;

/// Every odd body, and the allowed one. What is said twice comes in [`twice`].
pub fn all(body: &Body, sample: &Fields) -> Vec<Vec<u8>> {
    let mut all = broken(&sample.text());
    all.push(sample.text().into());
    all.extend(VALUES.map(|value| value.as_bytes().to_vec()));
    all.extend(deep().map(String::into_bytes));
    for name in body.properties.keys() {
        all.push(sample.without(name).text().into());
        all.push(
            sample
                .without(name)
                .with(&name.to_uppercase(), "\"x\"")
                .text()
                .into(),
        );
    }
    for value in ["null", "\"x\"", "{}"] {
        for name in ["unknown", "", "__proto__"] {
            all.push(sample.with(name, value).text().into());
        }
    }
    for (name, schema) in &body.properties {
        let values = fields(schema, &sample.0[name]).into_iter();
        all.extend(values.map(|value| sample.with(name, value).text().into()));
    }
    all
}

/// Bodies that say one thing twice: JSON leaves open what they mean.
pub fn twice(sample: &Fields) -> Vec<Vec<u8>> {
    let fields = sample.0.iter();
    fields
        .map(|(name, value)| format!("{{\"{name}\":{value},\"{name}\":{value}}}").into_bytes())
        .collect()
}

/// What the document says of these bytes.
pub fn said(body: &Body, bytes: &[u8]) -> Verdict {
    let value = serde_json::from_slice::<Value>(bytes);
    Verdict::of(value.is_ok_and(|value| body.validator.is_valid(&value)))
}

/// What is no JSON, or more than that.
fn broken(text: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..text.len())
        .step_by(3)
        .map(|end| text.as_bytes()[..end].to_vec())
        .collect();
    all.extend(["x", "{}", ",", "]", "}", "\0"].map(|more| format!("{text}{more}").into_bytes()));
    all.extend(
        [" ", "\u{feff}", "[", "\0", "//\n"].map(|before| format!("{before}{text}").into_bytes()),
    );
    all.push([text.as_bytes(), b"\xff"].concat());
    all.push(text.replacen('"', "\"\u{fffd}", 2).into());
    let mut no_text = text.as_bytes().to_vec();
    no_text[1] = 0xff;
    all.push(no_text);
    all
}

fn deep() -> [String; 3] {
    [
        "[".repeat(DEEP) + &"]".repeat(DEEP),
        "{\"a\":".repeat(DEEP) + "1" + &"}".repeat(DEEP),
        "[".repeat(DEEP),
    ]
}

/// Odd values of a field that could be this, as they are sent.
fn fields(schema: &Map<String, Value>, sample: &str) -> Vec<String> {
    let mut all: Vec<String> = VALUES.map(str::to_owned).into();
    all.extend(deep());
    for bound in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
        if let Some(bound) = schema.get(bound).and_then(Value::as_i64) {
            let around = bound.saturating_sub(1)..=bound.saturating_add(1);
            all.extend(around.map(|number| number.to_string()));
        }
    }
    let mut strings = texts();
    for bound in ["minLength", "maxLength"] {
        if let Some(bound) = schema.get(bound).and_then(Value::as_u64) {
            let lengths = bound.saturating_sub(1)..=bound + 1;
            strings
                .extend(lengths.flat_map(|length| ["x", "é"].map(|c| c.repeat(length as usize))));
        }
    }
    let values = schema.get("enum").and_then(Value::as_array);
    for value in values.into_iter().flatten().filter_map(Value::as_str) {
        strings.extend([value.to_owned(), value.to_uppercase(), format!("{value} ")]);
    }
    if schema.contains_key("pattern")
        && let Ok(sample) = serde_json::from_str::<String>(sample)
    {
        strings.extend(slips(&sample));
    }
    all.extend(
        strings
            .into_iter()
            .map(|text| Value::from(text).to_string()),
    );
    all
}
