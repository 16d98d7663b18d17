//! An operator's order that a member is to leave, told to all workers.

use std::net::SocketAddr;

use futures_util::future::join_all;
use meshworker_core::{MemberId, Sighting};

use super::Workers;
use crate::announce::client::{Client, Unheard};
use crate::announce::{Order, Verdict};

/// Tells the workers that a member is to leave.
pub struct Wish {
    /// The cluster's name, as the workers know it.
    pub cluster: String,
    /// Where the workers are.
    pub workers: Workers,
    /// How it speaks to them.
    pub client: Client,
}

impl Wish {
    /// Says once that this member is to leave, or to be free of data and no more. It is forgotten a few seconds
    /// later unless it is said again.
    ///
    /// # Errors
    ///
    /// It may not go yet, or nobody could say: why, for people.
    pub async fn ask(&self, victim: &Sighting, drain: bool) -> Result<(), String> {
        let Some(MemberId::Slot { service, slot }) = &victim.member else {
            return Err(format!("{} has no slot", victim.address));
        };
        let order = Order {
            cluster: self.cluster.clone(),
            service: service.clone(),
            slot: *slot,
            address: victim.address.address,
            drain,
        };
        let workers = self.workers.find().await?;
        let told = workers
            .iter()
            .map(|worker| self.client.order(*worker, &order));
        let answers = join_all(told).await;
        agreed(&order.member(), workers.iter().zip(answers))
    }
}

/// Whether that member may go, by what these workers answered.
fn agreed<'w>(
    member: &MemberId,
    answers: impl Iterator<Item = (&'w SocketAddr, Result<Option<Verdict>, Unheard>)>,
) -> Result<(), String> {
    let mut granted = false;
    let mut silent = Vec::new();
    for (worker, answer) in answers {
        match answer {
            Ok(Some(verdict)) if verdict.granted => granted = true,
            Ok(Some(verdict)) => {
                let left = verdict.progress.map(|left| format!(", {left}"));
                let left = left.unwrap_or_default();
                return Err(format!("{member} may not go yet: {}{left}", verdict.why));
            }
            Ok(None) => return Err(format!("{worker} has not looked yet")),
            // It gives the member what the others take from it.
            Err(Unheard::Refused { status: 404, .. }) => {
                return Err(format!(
                    "{worker} is of a version that knows no orders: update the workers first"
                ));
            }
            // A dead worker does not hold the others up.
            Err(why) => silent.push(format!("{worker}: {why}")),
        }
    }
    match granted {
        true => Ok(()),
        false => Err(format!("no worker answers: {}", silent.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_worker_of_an_older_version_counted_as_dead() {
        let member = MemberId::Slot {
            service: "db".into(),
            slot: 3,
        };
        let workers: [SocketAddr; 2] = [1, 2].map(|last| ([10, 0, 0, last], 4747).into());
        let after = |second| {
            let granted = Verdict {
                granted: true,
                place: 1,
                why: "may stop".into(),
                going: String::new(),
                progress: None,
                fence: None,
            };
            agreed(
                &member,
                workers.iter().zip([Ok(Some(granted)), Err(second)]),
            )
        };
        assert_eq!(after(Unheard::Timeout(Duration::from_secs(1))), Ok(()));
        let older = after(Unheard::Refused {
            status: 404,
            why: "path: found '/v1/orders'".into(),
        });
        let told = "10.0.0.2:4747 is of a version that knows no orders: update the workers first";
        assert_eq!(older, Err(told.to_owned()));
    }
}
