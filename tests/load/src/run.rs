//! `run`: one writer and one reader, until there are no more marks to wait for.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::client::Client;
use crate::journal::Journal;
use crate::persist::persist;
use crate::random::Random;
use crate::shared::Shared;
use crate::{Options, Report, record};

/// How long the write under way at the end is still tried.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// How often the journal is written.
const JOURNAL: Duration = Duration::from_secs(1);
/// The pause before a failed read or write is looked at again.
const RETRY: Duration = Duration::from_millis(20);

/// Writes and reads. Each mark that comes is answered by a report to `say`;
/// when their sender is gone, the run ends with a last one. The first report,
/// `begin`, comes after the first acknowledged write.
///
/// # Errors
///
/// When the journal cannot be written, or `say` fails.
pub async fn run(
    options: &Options,
    mut marks: mpsc::Receiver<String>,
    mut say: impl FnMut(&Report) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let journal = Journal::read(&options.out)?;
    let shared = Shared::new(journal.acknowledged);
    let (stop, stopped) = watch::channel(false);
    let (first, begun) = tokio::sync::oneshot::channel();
    let save = || {
        let figures = shared.figures();
        let (acknowledged, unknown) = (figures.acknowledged, figures.unknown);
        drop(figures);
        Journal {
            acknowledged,
            unknown,
        }
        .write(&options.out)
    };
    let answer = async {
        // Owned here, so that both end however this does.
        let stop = stop;
        let mut begun = Some(begun);
        let mut journal = interval(JOURNAL);
        loop {
            let begins = async {
                match begun.as_mut() {
                    Some(begun) => begun.await.is_ok(),
                    None => std::future::pending::<bool>().await,
                }
            };
            tokio::select! {
                name = marks.recv() => match name {
                    Some(name) => {
                        save()?;
                        say(&shared.mark(&name))?;
                    }
                    None => break,
                },
                has_begun = begins => {
                    begun = None;
                    if has_begun {
                        say(&shared.mark("begin"))?;
                    }
                }
                _ = journal.tick() => save()?,
            }
        }
        // Nobody is left to see it when both have ended by themselves.
        let _ = stop.send(true);
        Ok::<_, anyhow::Error>(())
    };
    let writer = write(options, &shared, stopped.clone(), first);
    let reader = read(options, &shared, stopped);
    let (answered, (), ()) = tokio::join!(answer, writer, reader);
    save()?;
    answered?;
    say(&shared.mark("end"))
}

/// Writes new keys, each until it is acknowledged.
async fn write(
    options: &Options,
    shared: &Shared,
    mut stopped: watch::Receiver<bool>,
    first: tokio::sync::oneshot::Sender<()>,
) {
    let mut client = Client::new(options);
    let mut pace = pace(options);
    let mut first = Some(first);
    let mut number = shared.figures().acknowledged;
    while next(&mut pace, &mut stopped).await {
        number += 1;
        let (key, value) = record::written(number);
        shared.figures().unknown = Some(number);
        let mut end = None;
        loop {
            match client.put(&key, &value).await {
                Ok(()) => break,
                Err(setback) => shared.setback(&format!("{key}: {setback}")),
            }
            if has_ended(&stopped) {
                let end = *end.get_or_insert_with(|| Instant::now() + LAST_PATIENCE);
                if Instant::now() >= end {
                    return;
                }
            }
            sleep(RETRY).await;
        }
        let mut figures = shared.figures();
        figures.acknowledged = number;
        figures.unknown = None;
        figures.writes_meter.succeeded(Instant::now());
        drop(figures);
        if let Some(first) = first.take() {
            // Whoever waited for it is gone: the run ends.
            let _ = first.send(());
        }
    }
}

/// Reads base records and acknowledged writes, old and new.
async fn read(options: &Options, shared: &Shared, mut stopped: watch::Receiver<bool>) {
    let mut client = Client::new(options);
    let mut random = Random::new();
    let mut pace = pace(options);
    while next(&mut pace, &mut stopped).await {
        let acknowledged = shared.figures().acknowledged;
        let (key, value) = match random.up_to(2) {
            1 if acknowledged > 0 => record::written(random.up_to(acknowledged)),
            _ => record::base(random.up_to(options.records)),
        };
        // A read is given up at the end, and a setback is counted as it comes.
        let answer = persist(Duration::MAX, async || match client.get(&key).await {
            Err(setback) if !has_ended(&stopped) => {
                shared.setback(&format!("{key}: {setback}"));
                Err(setback)
            }
            answer => Ok(answer),
        });
        let Ok(Ok(read)) = answer.await else { return };
        let mut figures = shared.figures();
        figures.reads += 1;
        figures.reads_meter.succeeded(Instant::now());
        if read.as_ref() != Some(&value) {
            figures.mismatches += 1;
            figures
                .first_mismatch
                .get_or_insert_with(|| format!("{key} is {read:?}"));
        }
    }
}

fn pace(options: &Options) -> tokio::time::Interval {
    let mut pace = interval(Duration::from_secs(1) / options.rate);
    // After a stall there is nothing to catch up with.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

fn has_ended(stopped: &watch::Receiver<bool>) -> bool {
    // A sender that is gone has ended it too.
    *stopped.borrow() || stopped.has_changed().is_err()
}

/// Waits for the next turn; `false` at the end.
async fn next(pace: &mut tokio::time::Interval, stopped: &mut watch::Receiver<bool>) -> bool {
    if has_ended(stopped) {
        return false;
    }
    tokio::select! {
        _ = pace.tick() => true,
        _ = stopped.changed() => false,
    }
}
