//! Work that goes on: told when it begins and when it ends, and not each time.
//!
//! While slots move, a node is asked for the next ones in pass after pass, by the hundred:
//! one line each would flush out of the history what came before.

use std::collections::BTreeMap;
use std::time::Duration;

use meshworker_core::{Request, StepKind};
use meshworker_engines::Done;
use tokio::time::Instant;

use crate::board::Fact;
use crate::status::EventKind;

/// Work of which nothing was done for so long has ended: longer than the longest pause
/// before a request is made again.
const ENDED: Duration = Duration::from_secs(60);

/// Work under way, by what is asked, of whom, without counts.
#[derive(Debug, Default)]
pub struct Work(BTreeMap<String, Ongoing>);

#[derive(Debug)]
struct Ongoing {
    times: u64,
    last: Instant,
    said: String,
    kind: StepKind,
}

impl Work {
    /// What is new of what was done. `over` when nothing is left to do.
    pub fn tell<R: Request>(&mut self, done: &[Done<R>], over: bool, now: Instant) -> Vec<Fact> {
        let mut facts: Vec<Fact> = done.iter().filter_map(|one| self.note(one, now)).collect();
        let ended = self
            .0
            .extract_if(.., |_, work| over || now - work.last >= ENDED);
        facts.extend(ended.filter(|(_, work)| work.times > 1).map(|(_, work)| {
            let Ongoing { times, said, .. } = work;
            let text = format!("asked {times} times in all, lastly: {said}");
            Fact::new(EventKind::Done, text).because(work.kind)
        }));
        facts
    }

    fn note<R: Request>(&mut self, done: &Done<R>, now: Instant) -> Option<Fact> {
        let (step, kind) = (&done.step, done.step.request.kind());
        let fact = match &done.reply {
            Err(failure) => Fact::new(EventKind::Failed, format!("{step} => {failure}")).warning(),
            Ok(reply) => {
                let said = format!("{step} => {reply}");
                let goes_on = matches!(kind, StepKind::Arrange | StepKind::Leave);
                let work = self.0.entry(without_counts(&step.to_string()));
                let work = work.or_insert_with(|| Ongoing {
                    times: 0,
                    last: now,
                    said: String::new(),
                    kind,
                });
                work.times += 1;
                work.last = now;
                if work.times > 1 && goes_on {
                    work.said = said;
                    return None;
                }
                // Each of the others is told: in the end nothing is left to say.
                work.times = 1;
                Fact::new(EventKind::Done, said)
            }
        };
        Some(fact.because(kind).on(&step.evidence))
    }
}

/// A text without its counts and ranges, which change while the matter is the same;
/// addresses and names stay.
pub fn without_counts(text: &str) -> String {
    let is_count = |word: &&str| {
        let bare = word.trim_end_matches([',', ';', ':']);
        let counts = |c: char| c.is_ascii_digit() || matches!(c, '-' | ',' | '/');
        !bare.is_empty() && bare.chars().all(counts)
    };
    let words = text.split(' ').filter(|word| !is_count(word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt;

    use meshworker_core::{Pace, Plan, Step, Unity};
    use meshworker_engines::Failure;
    use serde::Serialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct Move(u16, StepKind);

    impl fmt::Display for Move {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Move(first, kind) = self;
            write!(f, "{kind} slots {first}-{} to 10.0.0.2", first + 9)
        }
    }

    impl Request for Move {
        fn kind(&self) -> StepKind {
            self.1
        }

        fn introduces(&self) -> Option<meshworker_core::Place> {
            None
        }
    }

    fn done(first: u16, kind: StepKind, reply: Result<&str, &str>) -> Done<Move> {
        Done {
            step: Step::new([10, 0, 0, 1].into(), Move(first, kind), Vec::new()),
            reply: match reply {
                Ok(reply) => Ok(reply.to_owned()),
                Err(why) => Err(Failure::Refused(why.to_owned())),
            },
        }
    }

    fn texts(facts: Vec<Fact>) -> Vec<String> {
        facts.into_iter().map(|fact| fact.text).collect()
    }

    #[test]
    fn each_pass_of_a_move_was_an_event_and_flushed_out_what_came_before() {
        let (mut work, now) = (Work::default(), Instant::now());
        let mut told = Vec::new();
        for pass in 0..500 {
            let moved = done(pass * 10, StepKind::Arrange, Ok("OK"));
            told.extend(texts(work.tell(&[moved], false, now)));
        }
        assert_eq!(told, ["10.0.0.1: arrange slots 0-9 to 10.0.0.2 => OK"]);
        let end = texts(work.tell::<Move>(&[], true, now));
        let last = "10.0.0.1: arrange slots 4990-4999 to 10.0.0.2 => OK";
        assert_eq!(end, [format!("asked 500 times in all, lastly: {last}")]);
        assert!(work.tell::<Move>(&[], true, now).is_empty());
        // Anew it is news, and once only has no end of its own.
        let again = [done(0, StepKind::Arrange, Ok("OK"))];
        assert_eq!(texts(work.tell(&again, true, now)), [told[0].as_str()]);
    }

    #[test]
    fn a_cluster_that_got_worse_while_slots_moved_was_told_late() {
        let mut teller = crate::worker::tell::Teller::default();
        let mut told = |missing: &str, there| {
            let plan = Plan {
                steps: vec![done(0, StepKind::Arrange, Ok("OK")).step],
                fence: None,
                leavers: Vec::new(),
                nominees: Vec::new(),
                settled: false,
                together: None,
                refusals: Vec::new(),
                unity: Unity::apart(missing),
                losses: Vec::new(),
                outsiders: BTreeSet::new(),
                pace: Pace::Quick,
                fulfilled: BTreeSet::new(),
                failed_over: None,
                born: None,
            };
            teller.unity(&plan, there).map(|fact| fact.text)
        };
        assert!(told("1 request is to be made: a", 3).is_some());
        assert_eq!(told("1 request is to be made: b", 3), None);
        let worse = told("10.0.0.3: unreachable", 2);
        let said = "not one cluster: 10.0.0.3: unreachable";
        assert_eq!(worse.as_deref(), Some(said));
        assert_eq!(told("10.0.0.3: unreachable", 2), None);
    }

    #[test]
    fn a_worker_that_stopped_left_its_work_without_an_end() {
        let (mut work, now) = (Work::default(), Instant::now());
        let moved = |first| [done(first, StepKind::Leave, Ok("OK"))];
        work.tell(&moved(0), false, now);
        // What it was still doing when it was told to stop is the end.
        let end = texts(work.tell(&moved(10), true, now));
        let last = "10.0.0.1: leave slots 10-19 to 10.0.0.2 => OK";
        assert_eq!(end, [format!("asked 2 times in all, lastly: {last}")]);
    }

    #[test]
    fn what_fails_and_whoever_joins_is_told_each_time() {
        let (mut work, now) = (Work::default(), Instant::now());
        for _ in 0..3 {
            let failed = [done(0, StepKind::Leave, Err("TRYAGAIN"))];
            assert_eq!(work.tell(&failed, false, now).len(), 1);
            let joins = [done(0, StepKind::Join, Ok("OK"))];
            assert_eq!(work.tell(&joins, false, now).len(), 1);
        }
        assert!(work.tell::<Move>(&[], true, now).is_empty());
    }

    #[test]
    fn work_that_rests_for_long_has_ended() {
        let (mut work, now) = (Work::default(), Instant::now());
        let moved = |first| [done(first, StepKind::Leave, Ok("OK"))];
        work.tell(&moved(0), false, now);
        assert!(work.tell(&moved(10), false, now + ENDED / 2).is_empty());
        assert_eq!(work.tell::<Move>(&[], false, now + ENDED * 3 / 2).len(), 1);
    }

    #[test]
    fn counts_go_and_addresses_stay() {
        for (text, same) in [
            ("2 requests are to be made: x", "requests are to be made: x"),
            (
                "10.0.0.1: 12 slots on the move, 7 first",
                "10.0.0.1: slots on the move, first",
            ),
            (
                "move slots 1-5,7-9 to ab at 10.0.0.1",
                "move slots to ab at 10.0.0.1",
            ),
        ] {
            assert_eq!(without_counts(text), same);
        }
    }
}
