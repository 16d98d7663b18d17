//! Logs what the workers say, once per change.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use meshworker_core::Moment;
use tracing::{info, warn};

use super::course::Round;

/// Of so many that do not answer it is told why.
const FEW: usize = 8;

/// What was said before and is said again is news after this long.
const LASTS: Duration = Duration::from_secs(10);

/// More than anybody has to say; what is beyond is told again.
const MOST: usize = 64;

/// What was not said for this long is news when it is said again.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Logs what the workers say, once per change and not each second.
#[derive(Debug, Default)]
pub(super) struct Heard {
    failures: Failures,
    silent: bool,
    places: Places,
}

impl Heard {
    /// Logs what is new in this round. The place of a member that waits to start,
    /// or is on its way out, says nothing: `present` is false then.
    pub(super) fn tell(&mut self, round: &Round, present: bool, now: Moment) {
        let answers = &round.answers;
        let failures = Failures::of(&round.failures);
        let silent = answers.is_empty();
        if failures != self.failures || silent != self.silent {
            match (silent, failures.count) {
                (true, _) => warn!("no worker answers: {failures}"),
                (false, 0) => info!("every worker answers"),
                (false, _) => warn!("some workers do not answer: {failures}"),
            }
            self.failures = failures;
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

/// Why workers do not answer: all of it where they are a few, else some of it. Then it
/// is no news who they are, since it is others in each round.
#[derive(Debug, Default)]
struct Failures {
    count: usize,
    told: Vec<String>,
}

impl Failures {
    fn of(failures: &[String]) -> Failures {
        Failures {
            count: failures.len(),
            told: failures.iter().take(FEW).cloned().collect(),
        }
    }
}

impl PartialEq for Failures {
    fn eq(&self, other: &Failures) -> bool {
        self.count == other.count && (self.count > FEW || self.told == other.told)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told.join("; "))?;
        match self.count.saturating_sub(FEW) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
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

    #[test]
    fn thousands_that_do_not_answer_were_named_in_each_round() {
        let failures = |from: usize, count: usize| {
            let each = (from..from + count).map(|number| format!("w{number}: refused"));
            Failures::of(&each.collect::<Vec<_>>())
        };
        assert_ne!(failures(0, 3), failures(1, 3));
        assert_eq!(failures(0, 2).to_string(), "w0: refused; w1: refused");
        let many = failures(0, 5000);
        assert_eq!(many, failures(32, 5000));
        assert_ne!(many, failures(0, 4999));
        let told = many.to_string();
        assert!(told.ends_with("w7: refused; and 4992 more"), "{told}");
    }
}
