//! How far a long piece of work has come, in a line.

use super::{Style, ago, clean, cut_end};
use crate::status::LeaverStatus;

/// How wide the bar itself is.
const BAR: usize = 20;

/// How far it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// How many members are done.
    pub done: u64,
    /// How many there are to do.
    pub total: u64,
    /// What is being done now, for people.
    pub now: String,
    /// How much of the member whose turn it is is done, from 0 to 1.
    pub part: f64,
}

/// Watches how far a member on its way out has come.
#[derive(Debug, Clone, Default)]
pub struct Bar {
    /// Who, and how much it had to hand over at first.
    whole: Option<(String, u64)>,
    told: String,
}

impl Bar {
    /// What the one whose turn it is does now.
    pub fn count(&mut self, done: u64, total: u64, leaver: Option<&LeaverStatus>) -> Counted {
        let Some(leaver) = leaver else {
            self.whole = None;
            return Counted {
                done,
                total,
                ..Counted::default()
            };
        };
        let left = leaver.left.unwrap_or_default();
        let whole = match &self.whole {
            Some((member, whole)) if *member == leaver.member => left.max(*whole),
            _ => left,
        };
        self.whole = Some((leaver.member.clone(), whole));
        let part = match whole {
            0 => 0.0,
            whole => 1.0 - left as f64 / whole as f64,
        };
        let mut now = leaver.member.clone();
        if leaver.released {
            now += " may stop";
        } else {
            if let (Some(left), Some(unit)) = (leaver.left, &leaver.unit) {
                now += &format!(", {left} {unit} left");
            }
            if let Some(seconds) = leaver.estimate_seconds {
                now += &format!(", about {}", ago(seconds));
            }
            if let Some(why) = &leaver.waits_for {
                now += &format!(": {why}");
            }
        }
        Counted {
            done,
            total,
            now,
            part: if leaver.released { 1.0 } else { part },
        }
    }

    /// The line for a log; none when it says nothing new but numbers.
    pub fn news(&mut self, counted: &Counted) -> Option<String> {
        let line = format!(
            "{} of {}{}",
            counted.done,
            counted.total,
            behind(&counted.now)
        );
        let now: String = counted
            .now
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .collect();
        let said = format!("{} {} {now}", counted.done, counted.total);
        (std::mem::replace(&mut self.told, said.clone()) != said).then(|| clean(&line))
    }
}

impl Counted {
    /// The line for a terminal.
    pub fn line(&self, style: &Style) -> String {
        let whole = self.total.max(1) as f64;
        let share = ((self.done as f64 + self.part.clamp(0.0, 1.0)) / whole).clamp(0.0, 1.0);
        let full = (share * BAR as f64) as usize;
        let bar = format!("{}{}", "#".repeat(full), "-".repeat(BAR - full));
        let line = format!(
            "[{bar}] {} of {}{}",
            self.done,
            self.total,
            behind(&self.now)
        );
        cut_end(&clean(&line), style.width)
    }
}

fn behind(now: &str) -> String {
    if now.is_empty() {
        return String::new();
    }
    format!("; {now}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaver(left: u64, released: bool) -> LeaverStatus {
        LeaverStatus {
            member: "db.4".into(),
            address: "10.0.0.4".into(),
            node: "n".into(),
            going: "gone for good".into(),
            place: 1,
            left: Some(left),
            unit: Some("slots".into()),
            estimate_seconds: Some(left as f64 / 100.0),
            released,
            waits_for: None,
        }
    }

    #[test]
    fn a_bar_counts_members_and_what_the_first_of_them_hands_over() {
        let mut bar = Bar::default();
        let mut shown = |done, leaver: Option<LeaverStatus>| {
            let counted = bar.count(done, 2, leaver.as_ref());
            counted.line(&Style::PLAIN)
        };
        let lines = [
            shown(0, Some(leaver(4000, false))),
            shown(0, Some(leaver(1000, false))),
            shown(0, Some(leaver(0, true))),
            shown(1, None),
            shown(2, None),
        ];
        assert_eq!(
            lines,
            [
                "[--------------------] 0 of 2; db.4, 4000 slots left, about 40 s",
                "[#######-------------] 0 of 2; db.4, 1000 slots left, about 10 s",
                "[##########----------] 0 of 2; db.4 may stop",
                "[##########----------] 1 of 2",
                "[####################] 2 of 2",
            ]
        );
    }

    #[test]
    fn a_log_is_told_what_is_new_and_not_each_number() {
        let mut bar = Bar::default();
        let mut told = |leaver: LeaverStatus| {
            let counted = bar.count(0, 2, Some(&leaver));
            bar.news(&counted)
        };
        assert_eq!(
            told(leaver(4000, false)).as_deref(),
            Some("0 of 2; db.4, 4000 slots left, about 40 s")
        );
        assert_eq!(told(leaver(1000, false)), None);
        assert_eq!(
            told(leaver(0, true)).as_deref(),
            Some("0 of 2; db.4 may stop")
        );
        assert_eq!(told(leaver(0, true)), None);
    }
}
