//! `verify`: reads everything back.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::journal::Journal;
use crate::persist::persist;
use crate::{Options, Verified, record, report};

/// Clients side by side: enough to hide the round trips.
const CLIENTS: u64 = 8;
/// A database that answers nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is not there is looked for again so long before it counts as lost: a
/// loss is for ever, a reader that came to the wrong member is not.
const SECOND_LOOKS: Duration = Duration::from_secs(10);
/// How many of the lost are named.
const NAMED: usize = 20;

/// Reads back every base record and every acknowledged write.
///
/// # Errors
///
/// The setback that lasted a minute, or a journal that cannot be read.
pub async fn verify(options: &Options) -> anyhow::Result<Verified> {
    let acknowledged = Journal::read(&options.out)?.acknowledged;
    let base = missing(options, options.records, record::base).await?;
    let written = missing(options, acknowledged, record::written).await?;
    let numbers: Vec<u64> = written.iter().map(|(number, _)| *number).collect();
    let lost = base.iter().chain(&written);
    Ok(Verified {
        records: options.records,
        found: options.records - base.len() as u64,
        lost: lost.take(NAMED).map(|(_, what)| what.clone()).collect(),
        acknowledged,
        acknowledged_lost: written.len() as u64,
        acknowledged_lost_ranges: report::ranges(&numbers),
    })
}

/// Key and value of a number.
type Naming = fn(u64) -> (String, String);

/// What of 1 to `last` is missing or has another value, sorted.
async fn missing(
    options: &Options,
    last: u64,
    naming: Naming,
) -> anyhow::Result<Vec<(u64, String)>> {
    let all: Vec<u64> = (1..=last).collect();
    let mut missing = look(options, &all, naming).await?;
    let begin = Instant::now();
    while !missing.is_empty() && begin.elapsed() < SECOND_LOOKS {
        sleep(Duration::from_millis(500)).await;
        let numbers: Vec<u64> = missing.iter().map(|(number, _)| *number).collect();
        missing = look(options, &numbers, naming).await?;
    }
    Ok(missing)
}

async fn look(
    options: &Options,
    numbers: &[u64],
    naming: Naming,
) -> anyhow::Result<Vec<(u64, String)>> {
    let clients = (0..CLIENTS).map(|share| async move {
        let mut client = Client::new(options);
        let mut missing = Vec::new();
        for number in numbers.iter().filter(|number| *number % CLIENTS == share) {
            let (key, value) = naming(*number);
            let read = persist(PATIENCE, async || client.get(&key).await)
                .await
                .map_err(|setback| anyhow!("{key} cannot be read: {setback}"))?;
            match read {
                Some(read) if read == value => {}
                Some(other) => missing.push((*number, format!("{key} is {other}"))),
                None => missing.push((*number, format!("{key} is missing"))),
            }
        }
        Ok::<_, anyhow::Error>(missing)
    });
    let mut missing: Vec<_> = try_join_all(clients).await?.into_iter().flatten().collect();
    missing.sort_unstable();
    Ok(missing)
}
