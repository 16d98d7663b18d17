//! Logs what the workers say, once per change.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::Moment;
use tracing::{info, warn};

use super::course::Round;

/// What was said before and is said again is news after this long.
const LASTS: Duration = Duration::from_secs(10);

/// More than anybody has to say; what is beyond is told again.
const MOST: usize = 64;

/// What was not said for this long is news when it is said again.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Logs what the workers say, once per change and not each second.
#[derive(Debug, Default)]
pub(super) struct Heard {
    failures: Vec<String>,
    silent: bool,
    places: Places,
}

impl Heard {
    /// Logs what is new in this round. The place of a member that waits to start,
    /// or is on its way out, says nothing: `present` is false then.
    pub(super) fn tell(&mut self, round: &Round, present: bool, now: Moment) {
        let Round { answers, failures } = round;
        let silent = answers.is_empty();
        if *failures != self.failures || silent != self.silent {
            match (silent, failures.is_empty()) {
                (true, _) => warn!("no worker answers: {}", failures.join("; ")),
                (false, false) => warn!("some workers do not answer: {}", failures.join("; ")),
                (false, true) => info!("every worker answers"),
            }
            self.failures.clone_from(failures);
            self.silent = silent;
        }
        if !present {
            return;
        }
        let place = answers.iter().map(|(_, answer)| answer);
        let Some(answer) = place.max_by_key(|answer| answer.in_place) else {
            return;
        };
        // What is missing may count seconds; once it is nothing, numbers matter.
        let counts = |c: char| !answer.in_place && (c.is_ascii_digit() || c == '.');
        let text = answer.cluster.chars().filter(|c| !counts(*c)).collect();
        let place = Place {
            in_place: answer.in_place,
            text,
        };
        if self.places.is_news(&place, now) {
            let not = if answer.in_place { "" } else { "not " };
            info!("{not}in its place: {}", answer.cluster);
        }
    }
}

/// What a worker says of this member's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    in_place: bool,
    text: String,
}

/// What was said of this member's place, and when.
#[derive(Debug, Default)]
struct Places {
    /// What was logged last.
    logged: Option<Place>,
    /// Since when this is said, if it is something else.
    now: Option<(Place, Moment)>,
    /// When each was said last.
    seen: BTreeMap<Place, Moment>,
}

impl Places {
    /// Whether this is to be logged: once, when it is new. What was said a while
    /// ago and is said again is news once it has lasted: so two answers in turn,
    /// whoever gives them, fill no log.
    fn is_news(&mut self, place: &Place, now: Moment) -> bool {
        self.seen.retain(|_, seen| now.since(*seen) < FORGOTTEN);
        if self.seen.len() >= MOST {
            self.seen.clear();
        }
        let before = self.seen.insert(place.clone(), now);
        if self.logged.as_ref() == Some(place) {
            self.now = None;
            return false;
        }
        let since = match &self.now {
            Some((same, since)) if same == place => *since,
            _ => now,
        };
        let news = before.is_none() || now.since(since) >= LASTS;
        self.now = (!news).then(|| (place.clone(), since));
        if news {
            self.logged = Some(place.clone());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(said: impl IntoIterator<Item = (u64, &'static str)>) -> Vec<(u64, &'static str)> {
        let mut places = Places::default();
        let said = said.into_iter().filter(|(second, text)| {
            let place = Place {
                in_place: *text == "in",
                text: (*text).to_owned(),
            };
            places.is_news(&place, Moment(Duration::from_secs(*second)))
        });
        said.collect()
    }

    #[test]
    fn two_answers_in_turn_were_logged_every_five_seconds_for_ever() {
        let turns = (0..10_000).map(|second| (second, if second % 5 < 3 { "in" } else { "old" }));
        assert_eq!(logged(turns), [(0, "in"), (3, "old")]);
    }

    #[test]
    fn what_changes_is_logged_at_once_and_what_comes_back_when_it_lasts() {
        let forms = [(0, "nobody"), (1, "one of three"), (2, "in")];
        let falls = [(3, "one of three"), (4, "in")];
        let later = (5..40).map(|second| (second, "one of three"));
        let said = forms.into_iter().chain(falls).chain(later);
        let expected = [
            (0, "nobody"),
            (1, "one of three"),
            (2, "in"),
            (15, "one of three"),
        ];
        assert_eq!(logged(said), expected);
        // After a long time the same is news again.
        let rare = (0..800).map(|second| (second, if second % 700 == 1 { "gone" } else { "in" }));
        let expected = [(0, "in"), (1, "gone"), (12, "in"), (701, "gone")];
        assert_eq!(logged(rare.take(702)), expected);
    }
}
