//! Under which numbers workers spoke: a lower one than was heard is that of a worker that
//! acts no more.

use std::time::Duration;

use meshworker_core::{Fence, Moment};

use super::course::Round;
use crate::announce::{Answer, Verdict};

/// After so long without a word of any group whoever is alone counts again: what the group
/// had is given up.
const GROUP_GONE: Duration = Duration::from_secs(60);

/// So long no number counts that is further above the highest of before than any could be.
const A_RAISE: Duration = Duration::from_secs(60);

/// The highest numbers that were heard from workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fences {
    /// That under which a worker acts.
    acting: u64,
    /// That of what this member was told to do: each such word has one of its own.
    obeyed: u64,
    /// The highest of all a while ago, and when that was.
    before: (u64, Moment),
    /// When a worker spoke last that acts for a group.
    group: Moment,
}

impl Fences {
    /// The highest of all; none while no worker had one.
    pub(super) fn highest(&self) -> Option<u64> {
        Some(self.acting.max(self.obeyed)).filter(|fence| *fence > 0)
    }

    /// This member did what it was told under this number.
    pub(super) fn obeyed(&mut self, fence: u64) {
        self.obeyed = self.obeyed.max(fence);
        self.before.0 = self.before.0.max(fence);
    }

    /// Notes the numbers of these answers. Whoever acts no more has not answered: why is
    /// among the failures.
    pub(super) fn heed(&mut self, round: &mut Round, now: Moment) {
        if round
            .answers
            .iter()
            .any(|(_, answer)| answer.fence.is_some())
        {
            self.group = now;
        }
        let gone = now.since(self.group) >= GROUP_GONE;
        if now.since(self.before.1) >= A_RAISE {
            self.before = (self.acting.max(self.obeyed), now);
        }
        let Fence(most) = Fence(self.before.0).furthest();
        let acting = round.answers.iter().filter_map(|(_, answer)| answer.fence);
        let acting = acting.map(|fence| fence.min(most));
        self.acting = acting.fold(self.acting, u64::max);
        let Round { answers, failures } = round;
        answers.retain(|(worker, answer)| match self.outdated(answer, gone) {
            None => true,
            Some(why) => {
                failures.push(format!("{worker}: {why}"));
                false
            }
        });
        let told = answers.iter().flat_map(|(_, answer)| told(answer));
        let told = told.map(|fence| fence.min(most));
        self.obeyed = told.fold(self.obeyed, u64::max);
    }

    /// Why whoever says this acts no more, if it does not.
    fn outdated(&self, answer: &Answer, gone: bool) -> Option<String> {
        let acting = answer.fence.map(|fence| (fence, self.acting));
        let latest = self.acting.max(self.obeyed);
        let told = told(answer).filter(|fence| *fence > 0 || !gone);
        let told = told.map(|fence| (fence, latest));
        let mut all = acting.into_iter().chain(told);
        let (fence, heard) = all.find(|(fence, heard)| fence < heard)?;
        Some(format!(
            "a worker that acts no more said so: fence {fence}, and {heard} was heard"
        ))
    }
}

/// The numbers under which a worker tells a member to do something.
fn told(answer: &Answer) -> impl Iterator<Item = u64> {
    let released = |verdict: &Verdict| verdict.fence.filter(|_| verdict.granted);
    let released = answer.verdict.as_ref().and_then(released);
    let told_now = answer.tell.as_ref().map(|tell| tell.fence);
    released.into_iter().chain(told_now)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use meshworker_core::{Start, Tell};

    use super::*;
    use crate::announce::FencedTell;

    /// Says that it may go, as a worker that acts under the first number; the word itself
    /// has the second one.
    fn granted(acting: Option<u64>, fence: Option<u64>) -> Answer {
        Answer {
            generation: 2,
            in_place: true,
            cluster: "one cluster".into(),
            verdict: Some(Verdict {
                granted: true,
                fence,
                why: "may stop".into(),
                going: "gone for good".into(),
                place: 1,
                progress: None,
            }),
            tell: None,
            siblings: Vec::new(),
            fence: acting,
            mark: None,
        }
    }

    /// How many of these answers count, and what is said of the others.
    fn heed(fences: &mut Fences, answers: &[Answer]) -> (usize, Vec<String>) {
        heed_at(fences, answers, Moment::default())
    }

    fn heed_at(fences: &mut Fences, answers: &[Answer], now: Moment) -> (usize, Vec<String>) {
        let at = SocketAddr::from(([10, 0, 0, 1], 4747));
        let answers = answers.iter().map(|answer| (at, answer.clone()));
        let mut round = Round {
            answers: answers.collect(),
            failures: Vec::new(),
        };
        fences.heed(&mut round, now);
        (round.answers.len(), round.failures)
    }

    #[test]
    fn a_worker_that_acts_no_more_let_a_member_go() {
        let mut fences = Fences::default();
        assert_eq!(fences.highest(), None);
        let (old, new) = (granted(Some(7), None), granted(Some(9), Some(12)));
        assert_eq!(heed(&mut fences, std::slice::from_ref(&old)), (1, vec![]));
        assert_eq!(fences.highest(), Some(7));
        let said = "10.0.0.1:4747: a worker that acts no more said so: fence 7, and 9 was heard";
        assert_eq!(
            heed(&mut fences, &[old.clone(), new.clone()]),
            (1, vec![said.to_owned()])
        );
        assert_eq!(heed(&mut fences, &[old]), (0, vec![said.to_owned()]));
        // What it says of itself is lower than what it said to do, and counts.
        assert_eq!(heed(&mut fences, &[new]), (1, vec![]));
        assert_eq!(heed(&mut fences, &[granted(Some(9), None)]), (1, vec![]));
        assert_eq!(fences.highest(), Some(12));
        // An older word of the same worker, that was late.
        let late = "10.0.0.1:4747: a worker that acts no more said so: fence 11, and 12 was heard";
        let answer = granted(Some(9), Some(11));
        assert_eq!(heed(&mut fences, &[answer]), (0, vec![late.to_owned()]));
    }

    /// One worker that names a number which none can have had a member obey no other one, for as
    /// long as its disk lasted.
    #[test]
    fn a_number_that_no_worker_could_have_made_a_member_deaf_for_ever() {
        let second = |seconds| Moment(Duration::from_secs(seconds));
        let mut fences = Fences::default();
        fences.obeyed(9);
        let far = |fences: &mut Fences, now| {
            heed_at(fences, &[granted(Some(u64::MAX), Some(u64::MAX))], now)
        };
        for now in 1..60 {
            far(&mut fences, second(now));
        }
        let Fence(most) = Fence(9).furthest();
        assert_eq!(fences.highest(), Some(most));
        // Members say so, and whoever acts goes on above it.
        assert_eq!(
            heed_at(&mut fences, &[granted(Some(most + 1), None)], second(60)).0,
            1
        );
        far(&mut fences, second(61));
        assert_eq!(fences.highest(), Some(Fence(most).furthest().0));
    }

    #[test]
    fn workers_without_a_group_are_heard_as_before() {
        let mut fences = Fences::default();
        let alone = granted(None, None);
        assert_eq!(
            heed(&mut fences, &[alone.clone(), alone.clone()]),
            (2, vec![])
        );
        assert_eq!(fences.highest(), None);
        heed(&mut fences, &[granted(Some(9), None)]);
        assert_eq!(heed(&mut fences, &[alone]), (1, vec![]));
    }

    /// After a group was given up, one worker alone could never tell anybody anything again.
    #[test]
    fn one_worker_alone_counts_once_no_group_speaks_any_more() {
        let tells = |acting, fence| Answer {
            verdict: None,
            tell: Some(FencedTell {
                fence,
                tell: Tell::Start(Start::default()),
            }),
            ..granted(acting, None)
        };
        let second = |seconds| Moment(Duration::from_secs(seconds));
        let mut fences = Fences::default();
        fences.obeyed(9);
        let alone = [tells(None, 0)];
        assert_eq!(heed_at(&mut fences, &alone, second(59)).0, 0);
        assert_eq!(heed_at(&mut fences, &alone, second(60)).0, 1);
        // What was heard stays: a worker of that group that acts no more is none.
        assert_eq!(fences.highest(), Some(9));
        assert_eq!(heed_at(&mut fences, &[tells(Some(8), 8)], second(90)).0, 0);
        assert_eq!(
            heed_at(&mut fences, &[tells(Some(9), 12)], second(100)).0,
            1
        );
        assert_eq!(heed_at(&mut fences, &alone, second(159)).0, 0);
    }

    #[test]
    fn a_word_that_holds_a_member_back_is_none_that_it_obeys() {
        let mut fences = Fences::default();
        fences.obeyed(20);
        let mut held = granted(Some(9), Some(11));
        held.verdict.as_mut().unwrap().granted = false;
        assert_eq!(heed(&mut fences, &[held]), (1, vec![]));
        assert_eq!(fences.highest(), Some(20));
    }
}
