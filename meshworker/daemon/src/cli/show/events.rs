//! Events, in the order in which they happened.

use super::parts::paint;
use super::{Ink, Style, clean, wrap};
use crate::status::{Event, Severity};

/// Events as lines; a line with the date comes before the first one of a day.
#[derive(Debug, Clone)]
pub struct EventLines {
    style: Style,
    date: String,
    clusters: bool,
}

impl EventLines {
    /// Nothing was shown yet.
    pub fn new(style: Style) -> EventLines {
        EventLines {
            style,
            date: String::new(),
            clusters: false,
        }
    }

    /// Whether each line is to say whose cluster it is.
    pub fn naming_clusters(self, clusters: bool) -> EventLines {
        EventLines { clusters, ..self }
    }

    /// This event's lines.
    pub fn lines(&mut self, event: &Event) -> Vec<String> {
        let time = clean(&event.time);
        let (date, time) = split(&time);
        let mut lines = Vec::new();
        if self.date != date {
            lines.push(self.style.paint(Ink::Dim, &format!("  {date}")));
            date.clone_into(&mut self.date);
        }
        let (mark, ink) = match event.severity {
            Severity::Info => (" ", None),
            Severity::Warning => ("!", Some(Ink::Warn)),
        };
        let text = if self.clusters {
            format!("{}: {}", event.cluster, event.text)
        } else {
            event.text.clone()
        };
        let text = wrap(
            &text,
            self.style.width,
            &format!("{mark} {time} "),
            "           ",
        );
        lines.extend(paint(text, ink, &self.style));
        lines
    }
}

/// The date and the time of day of an RFC 3339 time.
fn split(time: &str) -> (&str, &str) {
    let parts = time.split_once('T');
    let parts = parts.and_then(|(date, time)| Some((date, time.get(..8)?)));
    parts.unwrap_or(("", time))
}
