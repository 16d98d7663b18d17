//! The text that a scrape gets.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Family, registry};
use crate::board::Histogram;
use crate::words::dull;

/// The text that a scrape gets: the series of each family stand together.
#[derive(Debug, Default)]
pub struct Page(BTreeMap<&'static str, String>);

impl Page {
    /// Writes one value; `labels` are the values of the family's labels, in
    /// their order.
    pub fn put(&mut self, family: &Family, labels: &[&str], value: f64) {
        self.line(family, "", labels, None, value);
    }

    /// Writes a number of things.
    pub fn count(&mut self, family: &Family, labels: &[&str], count: usize) {
        self.counter(family, labels, count as u64);
    }

    /// Writes a counter.
    pub fn counter(&mut self, family: &Family, labels: &[&str], count: u64) {
        // Exact up to 2^53, which no worker lives to count.
        self.put(family, labels, count as f64);
    }

    /// Writes 1 or 0.
    pub fn flag(&mut self, family: &Family, labels: &[&str], is: bool) {
        self.put(family, labels, f64::from(u8::from(is)));
    }

    /// Writes a histogram.
    pub fn histogram(&mut self, family: &Family, labels: &[&str], values: &Histogram) {
        for (bound, below) in values.cumulated() {
            let bound = bound.to_string();
            self.line(family, "_bucket", labels, Some(&bound), below as f64);
        }
        let count = values.count() as f64;
        self.line(family, "_bucket", labels, Some("+Inf"), count);
        self.line(family, "_sum", labels, None, values.sum());
        self.line(family, "_count", labels, None, count);
    }

    /// The whole text. A family without series is not mentioned.
    pub fn text(self) -> String {
        let mut text = String::new();
        for family in registry::ALL {
            let Some(lines) = self.0.get(family.name) else {
                continue;
            };
            let (name, kind) = (family.name, family.kind.name());
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {}", family.help);
            let _ = writeln!(text, "# TYPE {name} {kind}");
            text.push_str(lines);
        }
        text
    }

    fn line(
        &mut self,
        family: &Family,
        suffix: &str,
        values: &[&str],
        bound: Option<&str>,
        value: f64,
    ) {
        let labels = family.labels.iter().copied().zip(values.iter().copied());
        let labels = labels.chain(bound.map(|bound| ("le", bound)));
        let labels: Vec<String> = labels
            .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let lines = self.0.entry(family.name).or_default();
        let _ = writeln!(lines, "{}{suffix}{labels} {value}", family.name);
    }
}

/// A label's value as the text format wants it.
fn escape(value: &str) -> String {
    let value = dull(value).replace('\\', "\\\\");
    value.replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn series_stand_with_their_family_and_in_its_order() {
        let mut page = Page::default();
        page.put(&registry::PASSES, &["b"], 2.0);
        page.put(&registry::CLUSTERS, &[], 2.0);
        page.put(&registry::PASSES, &["a \"quoted\\\n name\u{202e}"], 1.0);
        let passes = registry::PASSES.help;
        let clusters = registry::CLUSTERS.help;
        let expected = format!(
            "# HELP meshworker_clusters {clusters}\n\
             # TYPE meshworker_clusters gauge\n\
             meshworker_clusters 2\n\
             # HELP meshworker_passes_total {passes}\n\
             # TYPE meshworker_passes_total counter\n\
             meshworker_passes_total{{cluster=\"b\"}} 2\n\
             meshworker_passes_total{{cluster=\"a \\\"quoted\\\\  name \"}} 1\n"
        );
        assert_eq!(page.text(), expected);
    }

    #[test]
    fn a_histogram_ends_with_all_values_their_sum_and_their_number() {
        let mut values = Histogram::new(&[0.5]);
        values.observe(Duration::from_millis(250));
        values.observe(Duration::from_secs(1));
        let mut page = Page::default();
        page.histogram(&registry::PASS_DURATION, &["db"], &values);
        let text = page.text();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "meshworker_pass_duration_seconds_bucket{cluster=\"db\",le=\"0.5\"} 1",
                "meshworker_pass_duration_seconds_bucket{cluster=\"db\",le=\"+Inf\"} 2",
                "meshworker_pass_duration_seconds_sum{cluster=\"db\"} 1.25",
                "meshworker_pass_duration_seconds_count{cluster=\"db\"} 2",
            ]
        );
    }
}
