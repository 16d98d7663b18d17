//! Tells all workers, again and again, who this member is.

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
        loop {
            let (now, generation) = *phase.borrow_and_update();
            let known = workers.borrow_and_update().clone();
            let round = tokio::select! {
                round = self.round(now, generation, &known) => round,
                // A new phase does not wait for a slow worker's answer to the old.
                changed = phase.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
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

    /// Tells every worker once, all at the same time.
    async fn round(&self, phase: Phase, generation: u64, workers: &Workers) -> Round {
        let mut round = Round::default();
        if workers.addresses.is_empty() {
            round.failures.push(format!("DNS: {}", workers.why));
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
        let posts = workers.addresses.iter().map(async |worker: &SocketAddr| {
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
