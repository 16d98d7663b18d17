//! A strict reader of the text format.

use std::collections::{BTreeMap, BTreeSet};

use meshworker::metrics::{Family, registry};

/// One value, with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// The family whose series has this name.
pub fn family(series: &str) -> Option<&'static Family> {
    let mut all = registry::ALL.iter();
    all.find(|family| family.series().iter().any(|name| name == series))
}

/// Reads a page; whatever the format or the registry does not allow fails.
pub fn read(page: &str) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines = page.lines().peekable();
    assert!(page.ends_with('\n'), "the last line has no end");
    while let Some(help) = lines.next() {
        let (name, help) = help
            .strip_prefix("# HELP ")
            .unwrap()
            .split_once(' ')
            .unwrap();
        assert!(seen.insert(name), "{name} stands twice");
        let known = registry::ALL.iter().find(|family| family.name == name);
        assert!(known.is_some(), "{name} is not registered");
        let known = known.unwrap();
        assert_eq!(help, known.help);
        let kind = lines.next().unwrap();
        assert_eq!(kind, format!("# TYPE {name} {}", known.kind.name()));
        let before = samples.len();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line);
            assert_eq!(family(&sample.name), Some(known), "{line}");
            let mut labels: Vec<&str> = sample.labels.keys().map(String::as_str).collect();
            labels.retain(|label| *label != "le");
            let mut expected = known.labels.to_vec();
            expected.sort_unstable();
            assert_eq!(labels, expected, "{line}");
            samples.push(sample);
        }
        assert!(samples.len() > before, "{name} has no series");
    }
    let series: BTreeSet<_> = samples.iter().map(|s| (&s.name, &s.labels)).collect();
    assert_eq!(series.len(), samples.len(), "a series stands twice");
    samples
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, mut rest) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap();
        let end = after.match_indices('"').find(|(at, _)| {
            let before = &after[..*at];
            (before.len() - before.trim_end_matches('\\').len()) % 2 == 0
        });
        let (end, _) = end.unwrap();
        labels.insert(label.to_owned(), after[..end].to_owned());
        rest = after[end + 1..].trim_start_matches(',');
    }
    Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().unwrap(),
    }
}

/// The value of the series with these labels; 0 labels of a sample may be left out.
pub fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut found = samples.iter().filter(|sample| {
        let has =
            |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|v| v == value);
        sample.name == format!("meshworker_{name}") && labels.iter().all(has)
    });
    let value = found.next()?.value;
    assert!(
        found.next().is_none(),
        "{name} {labels:?} names several series"
    );
    Some(value)
}
