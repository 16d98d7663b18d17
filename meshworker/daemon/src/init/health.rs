//! What the container's health check is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshworker_core::Unanswered;
use tokio::time::Instant;

use super::course::Round;
use super::probe::{Local, Probe};
use crate::announce::Phase;

/// The database is asked at most this often, however often the check runs.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the member is healthy, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) healthy: bool,
    pub(super) why: String,
}

/// The rule.
///
/// Unhealthy until a worker has found the member in its place, with the
/// database at rest: so Swarm's rolling update goes on only then. From then on
/// healthy as long as the database answers, whatever it answers and whatever the
/// cluster is like: Swarm kills unhealthy tasks, and a cluster in trouble is not
/// helped by killing its members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Latch {
    /// Whether the member has ever been in its place, as a member or as a spare.
    was_in_place: bool,
    /// What a worker said last of its place, and of the cluster.
    in_place: bool,
    cluster: Option<String>,
    /// Why no worker answers, if none does.
    silence: Option<String>,
    /// Whether it is on its way out.
    going: bool,
    /// Why the database is not started yet.
    waits: Option<String>,
    /// Whether that may take for ever: nobody has told it how.
    spare: bool,
}

impl Latch {
    /// Notes what the workers said. Their silence changes nothing that is so,
    /// and makes nothing so.
    pub(super) fn heard(&mut self, round: &Round) {
        self.in_place = round.in_place();
        let said = round.answers.iter();
        let said = said.max_by_key(|(_, answer)| answer.in_place);
        self.cluster = said.map(|(_, answer)| answer.cluster.clone());
        self.silence = round.failures.first().cloned();
    }

    /// Notes the phase that the member is in.
    pub(super) fn entered(&mut self, phase: Phase) {
        self.going = matches!(phase, Phase::Leaving | Phase::Stopping | Phase::Ended);
        if phase == Phase::Present {
            (self.waits, self.in_place, self.spare) = (None, false, false);
        }
    }

    /// Notes why the database is not started yet. Unhealthy, and nothing worse:
    /// that is what a health check's `start_period` is for, and a member that is
    /// healthy would let an update take the next one.
    pub(super) fn waits(&mut self, why: String) {
        self.waits = Some(why);
    }

    /// Notes that the database is started when a worker says how. Where it may be a spare and
    /// the others were one cluster at rest without it, nobody misses it, and it waits in good
    /// order: that may take for ever.
    pub(super) fn waits_to_be_told(&mut self, may_be_spare: bool) {
        self.spare = may_be_spare;
        self.waits("a worker is to say how".to_owned());
    }

    /// What follows when the database answers this.
    fn judge(&mut self, local: &Local) -> Health {
        let health = |healthy, why: String| Health { healthy, why };
        if self.going {
            // Swarm would kill what is on its way out in good order.
            return health(true, "on its way out".into());
        }
        if let Some(why) = &self.waits {
            self.was_in_place |= self.spare && self.in_place;
            let spare = self.spare && self.was_in_place;
            return health(spare, format!("waits to start: {why}"));
        }
        let working = match local {
            Ok(working) => working.as_deref(),
            Err(Unanswered::Starting(why)) => Some(why.as_str()),
            // It lives. What it has to do, the worker knows that finds it in its place.
            Err(Unanswered::Denied(_)) => None,
            Err(why) => return health(false, format!("the database: {why}")),
        };
        self.was_in_place |= self.in_place && working.is_none();
        let cluster = self.cluster.as_deref();
        if self.was_in_place {
            return health(true, cluster.unwrap_or("the database answers").to_owned());
        }
        let why = match (cluster, working) {
            (None, _) => match &self.silence {
                Some(why) => format!("no worker answers: {why}"),
                None => "no worker answers".into(),
            },
            (Some(cluster), _) if !self.in_place => format!("not in its place yet: {cluster}"),
            (Some(_), Some(work)) => format!("still at work: {work}"),
            (Some(cluster), None) => cluster.to_owned(),
        };
        health(false, why)
    }
}

/// Answers health checks.
pub(super) struct Checker {
    latch: Mutex<Latch>,
    probe: Arc<dyn Probe>,
    last: tokio::sync::Mutex<Option<(Instant, Local)>>,
}

impl Checker {
    pub(super) fn new(probe: Arc<dyn Probe>) -> Checker {
        Checker {
            latch: Mutex::default(),
            probe,
            last: tokio::sync::Mutex::new(None),
        }
    }

    pub(super) fn latch(&self) -> MutexGuard<'_, Latch> {
        // Each change is whole in itself: nothing can be half done.
        self.latch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the database unless that was just done, and judges.
    pub(super) async fn check(&self) -> Health {
        if self.latch().waits.is_some() {
            // Who answers there now is another one.
            return self.latch().judge(&Err(Unanswered::Timeout));
        }
        let mut last = self.last.lock().await;
        let local = match &*last {
            Some((at, local)) if at.elapsed() < FRESH => local.clone(),
            _ => {
                let local = self.probe.look().await;
                *last = Some((Instant::now(), local.clone()));
                local
            }
        };
        self.latch().judge(&local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announce::Answer;

    fn round(in_place: Option<bool>) -> Round {
        let answers = in_place.map(|in_place| {
            let answer = Answer {
                generation: 1,
                in_place,
                cluster: "a cluster".into(),
                verdict: None,
                tell: None,
                siblings: Vec::new(),
                fence: None,
                mark: None,
            };
            ("127.0.0.1:1".parse().unwrap(), answer)
        });
        Round {
            answers: answers.into_iter().collect(),
            failures: Vec::new(),
        }
    }

    #[test]
    fn in_place_and_at_rest_at_the_same_time_and_then_only_alive() {
        let mut latch = Latch::default();
        let dead: Local = Err(Unanswered::Timeout);
        let busy: Local = Ok(Some("5 partitions".into()));
        let idle: Local = Ok(None);
        let judged = |latch: &mut Latch, local: &Local| {
            let Health { healthy, why } = latch.judge(local);
            format!("{healthy}: {why}")
        };
        assert_eq!(judged(&mut latch, &idle), "false: no worker answers");
        latch.heard(&round(Some(false)));
        assert_eq!(
            judged(&mut latch, &idle),
            "false: not in its place yet: a cluster"
        );
        latch.heard(&round(Some(true)));
        assert_eq!(
            judged(&mut latch, &busy),
            "false: still at work: 5 partitions"
        );
        assert!(judged(&mut latch, &dead).starts_with("false: the database: no answer"));
        // At rest only once nobody says so any more: not yet.
        latch.heard(&round(None));
        assert_eq!(judged(&mut latch, &idle), "false: no worker answers");
        latch.heard(&round(Some(true)));
        assert_eq!(judged(&mut latch, &idle), "true: a cluster");
        // A cluster in trouble does not make its members unhealthy.
        latch.heard(&round(None));
        assert_eq!(judged(&mut latch, &busy), "true: the database answers");
        assert!(judged(&mut latch, &dead).starts_with("false: "));
        assert_eq!(judged(&mut latch, &idle), "true: the database answers");
    }

    #[test]
    fn before_its_database_is_started_it_is_not_healthy_and_says_why() {
        let mut latch = Latch::default();
        latch.entered(Phase::Waiting);
        latch.waits("slot-2 is still used by task a".into());
        latch.heard(&round(Some(true)));
        let Health { healthy, why } = latch.judge(&Ok(None));
        assert!(!healthy);
        assert_eq!(why, "waits to start: slot-2 is still used by task a");
        // What was heard while another one had the place says nothing of this one.
        latch.entered(Phase::Present);
        assert!(!latch.judge(&Ok(None)).healthy);
        latch.heard(&round(Some(true)));
        assert!(latch.judge(&Ok(None)).healthy);
    }

    /// Login was switched on, and Swarm killed all members: each one's supervisor was refused.
    #[test]
    fn a_database_that_answered_and_refused_the_login_was_taken_for_dead() {
        let mut latch = Latch::default();
        let refused: Local = Err(Unanswered::Denied("user name is empty".into()));
        let loads: Local = Err(Unanswered::Starting("it loads its data".into()));
        // Alive is not enough before a worker has found it in its place.
        assert!(!latch.judge(&refused).healthy);
        latch.heard(&round(Some(true)));
        assert!(!latch.judge(&loads).healthy);
        assert!(latch.judge(&refused).healthy);
        latch.heard(&round(None));
        assert!(latch.judge(&refused).healthy);
        assert!(latch.judge(&loads).healthy);
        assert!(
            !latch
                .judge(&Err(Unanswered::Unreachable("refused".into())))
                .healthy
        );
    }

    /// While no worker answered for 10 s, and while the cluster was unsettled, Swarm killed all
    /// spares; and a spare that became a member, before it had all data.
    #[test]
    fn a_spare_was_healthy_only_while_the_others_were_at_rest() {
        let mut latch = Latch::default();
        let nobody: Local = Err(Unanswered::Timeout);
        latch.waits_to_be_told(true);
        assert!(!latch.judge(&nobody).healthy);
        latch.heard(&round(Some(true)));
        assert!(latch.judge(&nobody).healthy);
        for unsettled in [Some(false), None] {
            latch.heard(&round(unsettled));
            assert!(latch.judge(&nobody).healthy);
        }
        latch.entered(Phase::Present);
        assert!(latch.judge(&Ok(Some("a learner".into()))).healthy);
        // Whoever cannot be a spare is missed as long as it waits.
        latch.waits_to_be_told(false);
        assert!(!latch.judge(&nobody).healthy);
    }

    #[test]
    fn on_its_way_out_it_stays_healthy() {
        let mut latch = Latch::default();
        latch.entered(Phase::Leaving);
        assert!(latch.judge(&Err(Unanswered::Timeout)).healthy);
    }
}
