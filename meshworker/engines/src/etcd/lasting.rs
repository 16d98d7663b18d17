//! For how long each member has listed the same members, and whom it listed in vain.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::Place;
use tokio::time::Instant;

use super::detail::Listed;

/// For so long one that was let in may take to come up, and one more voter is waited for.
const LONG: Duration = Duration::from_secs(60);

/// For so long one that runs may take to get in step, and twice as long each further time.
const IN_STEP: Duration = Duration::from_secs(600);

/// No more often is that doubled: ten hours.
const DOUBLED: u32 = 6;

/// More places than a cluster has.
const MOST: usize = 1024;

/// What each member has listed, as far as looks tell: forgotten, it only delays.
#[derive(Debug, Default)]
pub struct Lasting(Mutex<HashMap<Place, Story>>);

/// What a list has been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lasted {
    /// Whether it has been the same for a minute.
    pub long: bool,
    /// Whether it has been the same for longer than one that runs may take to get in step.
    pub overdue: bool,
    /// Where those were to be that it had for a minute and that got no vote, the last one
    /// last.
    pub in_vain: Vec<String>,
}

#[derive(Debug)]
struct Story {
    /// Who is listed, and whether without a vote; where those are to be, and whether each was started.
    listed: BTreeMap<String, (bool, bool, Vec<String>)>,
    since: Instant,
    in_vain: Vec<String>,
    /// How often each of those was.
    times: BTreeMap<String, u32>,
}

impl Story {
    /// How long one without a vote may take that runs.
    fn patience(&self) -> Duration {
        let learners = self.listed.values().filter(|(learner, ..)| *learner);
        let urls = learners.flat_map(|(.., urls)| urls);
        let times = urls.filter_map(|url| self.times.get(url)).max();
        IN_STEP * 2_u32.pow(times.map_or(0, |times| DOUBLED.min(*times)))
    }
}

impl Lasting {
    /// Notes whom the member here lists now.
    pub fn note(&self, at: Place, now: &[Listed]) -> Lasted {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        let listed = now.iter().map(|one| {
            let learner = (one.learner, one.is_started(), one.peer_urls.clone());
            (one.id.clone(), learner)
        });
        let listed: BTreeMap<_, _> = listed.collect();
        let story = all.entry(at).or_insert_with(|| Story {
            listed: listed.clone(),
            since: Instant::now(),
            in_vain: Vec::new(),
            times: BTreeMap::new(),
        });
        let lasts = story.since.elapsed();
        let long = lasts >= LONG;
        if story.listed == listed {
            return Lasted {
                long,
                overdue: lasts >= story.patience(),
                in_vain: story.in_vain.clone(),
            };
        }
        let before = std::mem::replace(&mut story.listed, listed);
        let gone = before
            .into_iter()
            .filter(|(id, (learner, ..))| *learner && !story.listed.contains_key(id));
        for (_, (_, _, urls)) in gone.filter(|_| long) {
            story.in_vain.retain(|url| !urls.contains(url));
            for url in urls {
                *story.times.entry(url.clone()).or_default() += 1;
                story.in_vain.push(url);
            }
        }
        let voters = story.listed.values().filter(|(learner, ..)| !learner);
        let voters: Vec<&String> = voters.flat_map(|(_, _, urls)| urls).collect();
        story.in_vain.retain(|url| !voters.contains(&url));
        story.in_vain.truncate(MOST);
        story.times.retain(|url, _| story.in_vain.contains(url));
        story.since = Instant::now();
        Lasted {
            long: false,
            overdue: false,
            in_vain: story.in_vain.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn listed(id: &str, learner: bool) -> Listed {
        Listed {
            id: id.into(),
            peer_urls: vec![format!("http://{id}:2380")],
            learner,
            ..Listed::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_learner_that_is_listed_for_a_minute_and_gets_no_vote_was_let_in_in_vain() {
        let (lasting, at) = (Lasting::default(), Place::from([10, 0, 0, 1]));
        let one = [listed("a", false)];
        let two = [listed("a", false), listed("b", true)];
        let lasted = |long, in_vain: &[&str]| Lasted {
            long,
            overdue: false,
            in_vain: in_vain.iter().map(|url| (*url).to_owned()).collect(),
        };
        assert_eq!(lasting.note(at, &two), lasted(false, &[]));
        advance(LONG - Duration::from_secs(1)).await;
        assert_eq!(lasting.note(at, &two), lasted(false, &[]));
        // One that is not needed any more was not let in in vain.
        assert_eq!(lasting.note(at, &one), lasted(false, &[]));
        assert_eq!(lasting.note(at, &two), lasted(false, &[]));
        advance(LONG).await;
        assert_eq!(lasting.note(at, &two), lasted(true, &[]));
        let vain = ["http://b:2380"];
        assert_eq!(lasting.note(at, &one), lasted(false, &vain));
        // Tried again, it has its minute again, and a vote in the end.
        assert_eq!(lasting.note(at, &two), lasted(false, &vain));
        let both = [listed("a", false), listed("b", false)];
        assert_eq!(lasting.note(at, &both), lasted(false, &[]));
        assert_eq!(
            lasting.note(Place::from([10, 0, 0, 2]), &two),
            lasted(false, &[])
        );
    }

    /// It ran, was never in step, and nobody else was let in for ever.
    #[tokio::test(start_paused = true)]
    async fn one_that_runs_and_is_never_in_step_may_take_twice_as_long_each_time() {
        let (lasting, at) = (Lasting::default(), Place::from([10, 0, 0, 1]));
        let one = [listed("a", false)];
        let two = [listed("a", false), listed("b", true)];
        for patience in [IN_STEP, 2 * IN_STEP, 4 * IN_STEP] {
            lasting.note(at, &two);
            advance(patience - Duration::from_secs(1)).await;
            assert!(!lasting.note(at, &two).overdue, "{patience:?}");
            advance(Duration::from_secs(1)).await;
            assert!(lasting.note(at, &two).overdue, "{patience:?}");
            assert_eq!(lasting.note(at, &one).in_vain, ["http://b:2380"]);
        }
    }
}
