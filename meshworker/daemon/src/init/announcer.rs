//! Tells all workers, again and again, who this member is.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::course::{Event, Round};
use super::identity::Identity;
use super::names::Workers;
use crate::announce::{Announcement, Phase, client::Client};

/// Between two announcements of a member that is to stay.
const CALM: Duration = Duration::from_secs(1);

/// Between two announcements of one that waits to start, or is on its way out:
/// somebody waits for it.
const LEAVING: Duration = Duration::from_millis(500);

/// So many that did not answer are told in one round, besides those that did: there are
/// a few workers, and a name server can list any number of addresses.
const UNHEARD: usize = 32;

/// Whose turn it is to be told.
#[derive(Debug, Default)]
struct Turns {
    /// Who answered last time.
    answered: BTreeSet<SocketAddr>,
    /// How many of the others have had their turn.
    told: usize,
}

impl Turns {
    /// Whom of these to tell now.
    fn next(&mut self, workers: &[SocketAddr]) -> Vec<SocketAddr> {
        let (mut now, mut others): (Vec<_>, Vec<_>) = workers
            .iter()
            .partition(|worker| self.answered.contains(worker));
        if !others.is_empty() {
            let first = self.told % others.len();
            others.rotate_left(first);
        }
        others.truncate(UNHEARD);
        self.told = self.told.wrapping_add(others.len());
        now.extend(others);
        now
    }

    fn note(&mut self, round: &Round) {
        self.answered = round.answers.iter().map(|(worker, _)| *worker).collect();
    }
}

/// Tells all workers, again and again, who this member is.
pub(super) struct Announcer {
    pub(super) cluster: String,
    pub(super) identity: Identity,
    pub(super) address: IpAddr,
    /// How it speaks to them.
    pub(super) client: Client,
}

impl Announcer {
    /// Announces each phase at once, then repeatedly, until nobody listens for
    /// what the workers say.
    pub(super) async fn run(
        &self,
        mut phase: watch::Receiver<(Phase, u64)>,
        mut workers: watch::Receiver<Workers>,
        events: mpsc::Sender<Event>,
    ) {
        if workers.wait_for(|workers| workers.asked).await.is_err() {
            return;
        }
        let mut turns = Turns::default();
        loop {
            let (now, generation) = *phase.borrow_and_update();
            let known = workers.borrow_and_update().clone();
            let told = turns.next(&known.addresses);
            let round = tokio::select! {
                round = self.round(now, generation, &told, &known.why) => round,
                // A new phase does not wait for a slow worker's answer to the old.
                changed = phase.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            turns.note(&round);
            if events.send(Event::Round(round)).await.is_err() {
                return;
            }
            let pause = if now == Phase::Present { CALM } else { LEAVING };
            tokio::select! {
                () = sleep(pause) => {}
                changed = phase.changed() => if changed.is_err() { return; },
                changed = workers.changed() => if changed.is_err() { return; },
            }
        }
    }

    /// Tells each of these workers once, all at the same time.
    async fn round(
        &self,
        phase: Phase,
        generation: u64,
        workers: &[SocketAddr],
        why_none: &str,
    ) -> Round {
        let mut round = Round::default();
        if workers.is_empty() {
            round.failures.push(format!("DNS: {why_none}"));
            return round;
        }
        let Identity {
            service,
            slot,
            task,
            node,
        } = self.identity.clone();
        let announcement = Announcement {
            cluster: self.cluster.clone(),
            service,
            slot,
            task,
            node,
            address: self.address,
            phase,
            generation,
        };
        let posts = workers.iter().map(async |worker: &SocketAddr| {
            (*worker, self.client.post(*worker, &announcement).await)
        });
        for (worker, answer) in join_all(posts).await {
            match answer {
                Ok(answer) => round.answers.push((worker, answer)),
                Err(why) => round.failures.push(format!("{worker}: {why}")),
            }
        }
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announce::Answer;

    /// A name server that listed thousands had a member call all of them each second.
    #[test]
    fn a_name_that_led_to_thousands_had_all_of_them_called_and_the_worker_is_found() {
        let at = |number: u16| {
            let [third, last] = number.to_be_bytes();
            SocketAddr::from(([10, 9, third, last], 4747))
        };
        let listed: Vec<_> = (0..5000).map(at).collect();
        let worker = at(4321);
        let mut turns = Turns::default();
        let mut rounds = 0;
        loop {
            let told = turns.next(&listed);
            assert!(told.len() <= UNHEARD, "{}", told.len());
            rounds += 1;
            if told.contains(&worker) {
                break;
            }
            assert!(rounds <= 5000 / UNHEARD + 1);
            turns.note(&Round::default());
        }
        let answer = Answer {
            generation: 1,
            in_place: true,
            cluster: String::new(),
            verdict: None,
        };
        let mut round = Round::default();
        round.answers.push((worker, answer));
        // From then on it is told each time, and first.
        for _ in 0..200 {
            turns.note(&round);
            let told = turns.next(&listed);
            assert_eq!((told[0], told.len()), (worker, 1 + UNHEARD));
        }
        // As many as there usually are, are told all of them each time.
        for _ in 0..3 {
            turns.note(&Round::default());
            assert_eq!(turns.next(&listed[..3]).len(), 3);
        }
        assert_eq!(turns.next(&[]), []);
    }
}
