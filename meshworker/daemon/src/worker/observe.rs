//! Observe: ask the witnesses, then every node that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use meshworker_core::{Answer, Grade, Member, Observation, Presence, Report, Roster, Unanswered};
use meshworker_engines::Engine;
use tokio::time::{Instant, timeout, timeout_at};

use crate::witness::Source;

use super::pass::Requests;
use super::patience::Patience;

/// How many nodes are asked at once. A thousand members are asked in a few
/// rounds, with few sockets open at a time.
const AT_ONCE: usize = 128;

/// Once one witness has answered, the others get this long in a hurry: the
/// engine forwards names that it does not know, which takes seconds, and a
/// member that the task list names is not to wait for that.
const HURRY: Duration = Duration::from_millis(100);

/// Announcements come at once, and need not name everybody: every so many looks
/// in a hurry the others are waited for although members announced themselves.
const PATIENT_LOOK: u32 = 5;

/// A node may take two requests' time in all, and never more than this, so that
/// a pass is bounded whatever the engine does and whatever was configured.
const NODE_DEADLINE: Duration = Duration::from_secs(10);

/// Asks the witnesses, then every node that they name.
pub struct Observer<E> {
    engine: Arc<E>,
    node_deadline: Duration,
    patience: Patience,
    /// How many looks in a row have been in a hurry, this one included.
    hurry: u32,
}

impl<E: Engine> Observer<E> {
    /// An observer that has asked nobody yet. One request to a node may take
    /// `deadline`.
    pub fn new(engine: Arc<E>, deadline: Duration) -> Observer<E> {
        Observer {
            engine,
            node_deadline: deadline.saturating_mul(2).min(NODE_DEADLINE),
            patience: Patience::default(),
            hurry: 0,
        }
    }

    /// Looks at the whole world once.
    pub async fn observe(
        &mut self,
        sources: &[Arc<dyn Source>],
    ) -> (Observation<E::Detail>, Requests) {
        let reports = self.reports(sources).await;
        let named: BTreeSet<IpAddr> = reports
            .iter()
            .flat_map(|report| &report.sightings)
            .filter(|sighting| sighting.presence != Presence::OutOfSight)
            .map(|sighting| sighting.address)
            .collect();
        // Whoever is named by nobody else may be anybody.
        let roster = Roster::merge(&reports, &BTreeSet::new());
        let known = |node: &IpAddr| roster.at(*node).is_some_and(Member::is_named);
        let answers = self.ask(&named, &known).await;
        let mut observed = Observation { reports, answers };
        // Members that no witness lists, because they are not healthy yet or a
        // record is missing, are known to the others.
        let unlisted = observed.alive().difference(&named).copied().collect();
        observed.answers.extend(self.ask(&unlisted, &known).await);
        self.patience.note(
            observed
                .answers
                .iter()
                .map(|(node, answer)| (*node, matches!(answer, Err(Unanswered::Timeout)))),
        );
        // While somebody does not answer yet, the next look must come soon.
        let hurry = observed.answers.values().any(Result::is_err);
        self.hurry = if hurry { self.hurry.wrapping_add(1) } else { 0 };
        let requests = Requests {
            witnesses: sources.len(),
            views: observed.answers.len(),
            steps: 0,
        };
        (observed, requests)
    }

    async fn reports(&self, sources: &[Arc<dyn Source>]) -> Vec<Report> {
        let mut pending: FuturesUnordered<_> = sources
            .iter()
            .cloned()
            .enumerate()
            .map(|(position, source)| async move { (position, source.report().await) })
            .collect();
        let mut reports: BTreeMap<usize, Report> = BTreeMap::new();
        let mut deadline = None;
        while !pending.is_empty() {
            let next = match deadline {
                Some(deadline) => match timeout_at(deadline, pending.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
                None => pending.next().await,
            };
            let Some((position, report)) = next else {
                break;
            };
            if is_enough(&report, self.hurry) {
                deadline = Some(Instant::now() + HURRY);
            }
            reports.insert(position, report);
        }
        drop(pending);
        for (position, source) in sources.iter().enumerate() {
            reports
                .entry(position)
                .or_insert_with(|| Report::unknown(source.witness(), Grade::Timeout));
        }
        reports.into_values().collect()
    }

    async fn ask(
        &self,
        nodes: &BTreeSet<IpAddr>,
        known: &impl Fn(&IpAddr) -> bool,
    ) -> BTreeMap<IpAddr, Answer<E::Detail>> {
        let questions: Vec<_> = nodes
            .iter()
            .map(|node| {
                let wait = self.patience.with(*node, self.node_deadline);
                ask_one(Arc::clone(&self.engine), *node, known(node), wait).boxed()
            })
            .collect();
        stream::iter(questions)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }
}

/// Whether, with this report, the other witnesses are not waited for any longer:
/// not unless in a hurry, and here is how many looks that has lasted.
fn is_enough(report: &Report, hurry: u32) -> bool {
    let names_all = report.witness.lists_everybody();
    let in_a_hurry = hurry > 0 && (names_all || !hurry.is_multiple_of(PATIENT_LOOK));
    in_a_hurry && report.grade.is_complete()
}

async fn ask_one<E: Engine>(
    engine: Arc<E>,
    node: IpAddr,
    known: bool,
    wait: Duration,
) -> (IpAddr, Answer<E::Detail>) {
    let answer = match known {
        true => timeout(wait, engine.observe(node)).await,
        false => timeout(wait, engine.observe_unlisted(node)).await,
    };
    (node, answer.unwrap_or(Err(Unanswered::Timeout)))
}

#[cfg(test)]
mod known;

#[cfg(test)]
mod tests {
    use super::*;
    use meshworker_core::Witness;

    fn enough(witness: Witness, members: usize) -> String {
        let addresses = (1..=members).map(|n| IpAddr::from([10, 0, 0, n as u8]));
        let report = Report::addresses(witness, addresses);
        let looks = (0..=10).map(|hurry| is_enough(&report, hurry));
        looks.map(|enough| if enough { '1' } else { '0' }).collect()
    }

    #[test]
    fn in_a_hurry_one_witness_is_enough_that_names_somebody() {
        assert_eq!(enough(Witness::Docker, 3), "01111111111");
        assert_eq!(enough(Witness::Docker, 0), "00000000000");
    }

    /// Whoever is without a supervisor is known to the name server alone.
    #[test]
    fn announcements_are_enough_for_most_looks_and_nothing_when_there_are_none() {
        assert_eq!(enough(Witness::Announce, 3), "01111011110");
        assert_eq!(enough(Witness::Announce, 0), "00000000000");
    }
}
