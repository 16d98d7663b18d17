//! Logs what the workers say, once per change.

use tracing::{info, warn};

use super::course::Round;

/// Logs what the workers say, once per change and not each second.
#[derive(Debug, Default)]
pub(super) struct Heard {
    failures: Vec<String>,
    silent: bool,
    place: Option<(bool, String)>,
}

impl Heard {
    /// Logs what is new in this round. The place of a member that is `leaving`
    /// says nothing.
    pub(super) fn tell(&mut self, round: &Round, leaving: bool) {
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
        if leaving {
            return;
        }
        let place = answers.iter().map(|(_, answer)| answer);
        let Some(answer) = place.max_by_key(|answer| answer.in_place) else {
            return;
        };
        // What is missing may count seconds; once it is nothing, numbers matter.
        let counts = |c: char| !answer.in_place && (c.is_ascii_digit() || c == '.');
        let text = answer.cluster.chars().filter(|c| !counts(*c)).collect();
        let place = (answer.in_place, text);
        if self.place.as_ref() != Some(&place) {
            let not = if answer.in_place { "" } else { "not " };
            info!("{not}in its place: {}", answer.cluster);
            self.place = Some(place);
        }
    }
}
