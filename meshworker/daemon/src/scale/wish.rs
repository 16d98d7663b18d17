//! An operator's order that a member is to leave, told to all workers.

use futures_util::future::join_all;
use meshworker_core::{MemberId, Sighting};

use super::Workers;
use crate::announce::{Order, client::Client};

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
        let mut granted = false;
        let mut silent = Vec::new();
        for (worker, answer) in workers.iter().zip(answers) {
            match answer {
                Ok(Some(verdict)) if verdict.granted => granted = true,
                Ok(Some(verdict)) => {
                    let left = verdict.progress.map(|left| format!(", {left}"));
                    let left = left.unwrap_or_default();
                    return Err(format!(
                        "{service}.{slot} may not go yet: {}{left}",
                        verdict.why
                    ));
                }
                Ok(None) => return Err(format!("{worker} has not looked yet")),
                // A dead worker does not hold the others up.
                Err(why) => silent.push(format!("{worker}: {why}")),
            }
        }
        if granted {
            return Ok(());
        }
        Err(format!("no worker answers: {}", silent.join("; ")))
    }
}
