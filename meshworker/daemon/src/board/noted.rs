//! An event as it is kept.

use std::ops::Deref;
use std::sync::Arc;

use crate::status::Event;
use crate::words;

/// An event, and what it is on the wire: written once, however many read it however
/// often.
#[derive(Debug)]
pub struct Noted {
    event: Event,
    json: String,
}

impl Noted {
    /// With its JSON.
    pub(super) fn new(event: Event) -> Noted {
        // No event has keys that are no texts, which alone cannot be written.
        let json = words::json(&event).unwrap_or_default();
        Noted { event, json }
    }

    /// One line of JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// How many bytes it takes, as far as anybody's words make them more.
    pub(super) fn weight(&self) -> usize {
        let evidence = self.evidence.iter().map(String::len).sum::<usize>();
        let others = [self.member.as_ref(), self.reason.as_ref()];
        let others = others.into_iter().flatten().map(String::len).sum::<usize>();
        self.text.len() + evidence + others + self.json.len()
    }
}

impl Deref for Noted {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

/// A part of the history: what [`crate::status::Events`] is on the wire.
#[derive(Debug)]
pub struct Page {
    /// Oldest first.
    pub events: Vec<Arc<Noted>>,
    /// The id of the oldest event that is still remembered; 0 when there is none.
    pub oldest: u64,
    /// The id of the newest event that there is; 0 when there is none.
    pub newest: u64,
}

impl Page {
    /// One line of JSON, put together from what is written already.
    pub fn json(&self) -> String {
        let events: Vec<&str> = self.events.iter().map(|event| event.json()).collect();
        let (events, oldest, newest) = (events.join(","), self.oldest, self.newest);
        format!(r#"{{"events":[{events}],"oldest":{oldest},"newest":{newest}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Chronicle, Fact};
    use crate::status::{EventKind, Events};

    #[test]
    fn a_page_is_what_its_document_says() {
        let chronicle = Chronicle::default();
        for text in ["one \"two\"", "größer", "\u{202e}x"] {
            chronicle.record("db", Fact::new(EventKind::Member, text).about("db.1"));
        }
        for limit in [0, 1, 3] {
            let page = chronicle.events(0, limit, |_| true);
            let read: Events = serde_json::from_str(&page.json()).unwrap();
            assert_eq!((read.oldest, read.newest), (1, 3));
            let kept: Vec<Event> = page
                .events
                .iter()
                .map(|event| Event::clone(event))
                .collect();
            assert_eq!(read.events, kept);
            assert_eq!(words::json(&read).unwrap(), page.json());
        }
    }
}
