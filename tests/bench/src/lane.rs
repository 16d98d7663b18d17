//! One cluster that grows: members start one after the other, and the worker
//! finds them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, sleep_until};

use crate::dice::Dice;
use crate::stage::Stage;
use crate::worker::Worker;

/// How many members there are before the first join.
const FOUNDERS: usize = 3;

/// The task list knows a new address this much sooner than DNS.
const LEAD: Duration = Duration::from_millis(400);

/// An event of the service comes this much before the address is known.
const EVENT: Duration = Duration::from_millis(150);

/// A member that DNS hides until it is healthy is healthy this long after its
/// port answers: the interval of a health check and a run of it.
const HEALTHY: Duration = Duration::from_millis(1500);

/// Longer than any join should take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens to a new member, after its address is known.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Its network is up: the address refuses.
    Network,
    /// DNS lists it.
    Listed,
    /// Its port answers.
    Port,
}

/// One cluster that grows, and the worker that looks after it.
#[derive(Debug)]
pub struct Lane {
    stage: Stage,
    worker: Worker,
    dice: Dice,
}

impl Lane {
    /// A cluster of three at addresses that begin so.
    ///
    /// # Errors
    ///
    /// When it does not become one.
    pub async fn start(program: &Path, network: [u8; 2], with_engine: bool) -> Result<Lane> {
        let mut stage = Stage::new(network, with_engine).await?;
        stage.populate(FOUNDERS).await?;
        let mut worker = Worker::start(program, &stage.arguments(), &stage.variables())?;
        worker
            .line(PATIENCE, "the founders are one", |line| line.says_one())
            .await?;
        let [a, b] = network.map(u64::from);
        Ok(Lane {
            stage,
            worker,
            dice: Dice::new(a << 8 | b),
        })
    }

    /// So many joins: for each the time from "the port answers" until the worker
    /// has been told that the join is acknowledged.
    ///
    /// # Errors
    ///
    /// When a member is not joined.
    pub async fn grow(mut self, joins: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for number in 0..joins {
            // Long enough for the worker to be calm, and at no certain point of
            // its calm.
            sleep(self.dice.millis(1000, 4000)).await;
            times.push(self.join(FOUNDERS + number).await?);
        }
        Ok(times)
    }

    async fn join(&mut self, number: usize) -> Result<Duration> {
        let address = self.stage.address(number as u8, 0);
        let text = address.to_string();
        let port_after = self.dice.millis(500, 1500);
        let hidden = self.stage.engine.is_some() && self.dice.coin();
        if let Some(engine) = &self.stage.engine
            && self.dice.coin()
        {
            engine.event();
            sleep(EVENT).await;
        }

        let mut silence = Some(self.stage.silence(address).await?);
        let known = Instant::now();
        self.stage.assign(address);
        let mut acts = [
            (port_after * 3 / 5, Act::Network),
            (
                if hidden { port_after + HEALTHY } else { LEAD },
                Act::Listed,
            ),
            (port_after, Act::Port),
        ];
        acts.sort_by_key(|(after, _)| *after);
        let mut answers = known;
        for (after, act) in acts {
            sleep_until(known + after).await;
            match act {
                Act::Network => drop(silence.take()),
                Act::Listed => self.stage.list(address),
                Act::Port => {
                    answers = Instant::now();
                    self.stage.start(address).await?;
                }
            }
        }
        let acknowledged = self
            .worker
            .line(PATIENCE, &format!("{text} is joined"), |line| {
                line.text("kind") == "done"
                    && line.text("reason") == "join"
                    && line.text("message").ends_with("=> ok")
                    && line.text("message").contains(&text)
            })
            .await?;
        self.stage.formed().await?;
        self.worker
            .line(PATIENCE, "the worker sees it", |line| line.says_one())
            .await?;
        Ok(acknowledged.at - answers)
    }
}
