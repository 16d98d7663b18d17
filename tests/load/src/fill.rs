//! `fill`: the base records.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::try_join_all;

use crate::client::Client;
use crate::persist::persist;
use crate::{Options, record};

/// Clients side by side: enough to hide the round trips.
const CLIENTS: u64 = 8;
/// A database that acknowledges nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the base records, and returns how many were acknowledged: all.
///
/// # Errors
///
/// The setback that lasted a minute.
pub async fn fill(options: &Options) -> anyhow::Result<u64> {
    let clients = (1..=CLIENTS).map(|first| async move {
        let mut client = Client::new(options);
        let mut number = first;
        while number <= options.records {
            let (key, value) = record::base(number);
            persist(PATIENCE, async || client.put(&key, &value).await)
                .await
                .map_err(|setback| anyhow!("{key} cannot be written: {setback}"))?;
            number += CLIENTS;
        }
        Ok::<_, anyhow::Error>(())
    });
    try_join_all(clients).await?;
    Ok(options.records)
}
