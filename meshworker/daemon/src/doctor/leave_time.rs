//! How long members took to leave, as a worker's events tell. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::status::{Event, EventKind};

/// The longest that a member took from asking to leave until it was gone. None
/// when none of these events tells of a whole leaving.
pub fn longest(events: &[Event]) -> Option<Duration> {
    let mut asked: BTreeMap<(&str, &str), SystemTime> = BTreeMap::new();
    let mut longest = None;
    let leavings = events.iter().filter(|event| event.kind == EventKind::Leave);
    for event in leavings {
        let Ok(time) = humantime::parse_rfc3339(&event.time) else {
            continue;
        };
        let who = (
            event.cluster.as_str(),
            event.member.as_deref().unwrap_or_default(),
        );
        match event.reason.as_deref() {
            Some("wants_to_leave") => {
                asked.insert(who, time);
            }
            Some("gone" | "gone_alone") => {
                let took = asked.remove(&who).map(|since| time.duration_since(since));
                longest = longest.max(took.and_then(Result::ok));
            }
            _ => {}
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Severity;

    fn event(second: u64, member: &str, reason: &str) -> Event {
        Event {
            id: second,
            time: format!("2026-01-01T00:{:02}:{:02}.000Z", second / 60, second % 60),
            cluster: "db".into(),
            kind: EventKind::Leave,
            severity: Severity::Info,
            member: Some(member.into()),
            reason: Some(reason.into()),
            text: String::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn the_longest_whole_leaving_counts() {
        let events = [
            event(1, "db.1", "gone"),
            event(2, "db.2", "wants_to_leave"),
            event(3, "db.3", "wants_to_leave"),
            event(10, "db.3", "let_go"),
            event(12, "db.3", "gone"),
            event(20, "db.4", "wants_to_leave"),
            event(99, "db.2", "gone_alone"),
        ];
        assert_eq!(longest(&events), Some(Duration::from_secs(97)));
        assert_eq!(longest(&events[2..]), Some(Duration::from_secs(9)));
        assert_eq!(longest(&events[..2]), None);
    }
}
