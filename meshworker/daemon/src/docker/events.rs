//! The engine's events, as wake-ups only.
//!
//! There are no events of tasks, and none at all when a node dies; a
//! subscription may also fall silent without ending. So whoever waits looks for
//! itself from time to time, and an event only makes it look sooner.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hyper::body::Bytes;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

use super::client::Filters;
use super::{DockerClient, DockerError};
use crate::clock::jittered;

/// The pause before the subscription is renewed: at first, and at most.
const RENEW_FIRST: Duration = Duration::from_millis(100);
const RENEW_MOST: Duration = Duration::from_secs(5);

/// One command makes a bundle of events: those that come in this time make
/// one look.
const BUNDLE: Duration = Duration::from_millis(20);

/// An event comes before the tasks that follow from it: for this long after it
/// looks are frequent.
const AFTERMATH: Duration = Duration::from_secs(1);
const FREQUENT: Duration = Duration::from_millis(100);

/// An event is a line of less than a kilobyte. What is longer is none, and whoever
/// sends it is not listened to any longer.
const LONGEST_EVENT: usize = 64 * 1024;

/// A subscription, of which nothing is kept: each line is an event.
struct Stream {
    parts: BoxStream<'static, Result<Bytes, DockerError>>,
    /// The length of the line that has begun.
    begun: usize,
}

impl Stream {
    /// Resolves with an event; none when the subscription is over.
    async fn next(&mut self) -> Option<()> {
        loop {
            let part = self.parts.next().await?.ok()?;
            match part.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => {
                    self.begun = part.len() - end - 1;
                    return Some(());
                }
                None => self.begun += part.len(),
            }
            if self.begun > LONGEST_EVENT {
                return None;
            }
        }
    }
}

/// The one subscription of a client. Nobody owns it: whoever waits reads it on
/// behalf of all.
pub(super) struct Events {
    stream: Mutex<Option<Stream>>,
    /// Counts events and new subscriptions.
    count: watch::Sender<u64>,
}

impl Events {
    pub(super) fn new() -> Events {
        Events {
            stream: Mutex::new(None),
            count: watch::Sender::new(0),
        }
    }

    /// Reads the subscription for as long as it is polled, and renews it when
    /// it ends.
    async fn read(&self, client: &DockerClient) {
        let mut stream = self.stream.lock().await;
        let mut pause = RENEW_FIRST;
        loop {
            let next = match stream.as_mut() {
                Some(stream) => stream.next().await,
                None => match client.parts("/events", &wanted()).await {
                    Ok(parts) => {
                        *stream = Some(Stream { parts, begun: 0 });
                        // What happened without a subscription was missed.
                        self.count.send_modify(|count| *count += 1);
                        continue;
                    }
                    Err(_) => None,
                },
            };
            if next.is_some() {
                pause = RENEW_FIRST;
                self.count.send_modify(|count| *count += 1);
                continue;
            }
            if stream.take().is_some() {
                // Perhaps the engine is gone.
                self.count.send_modify(|count| *count += 1);
            }
            sleep(jittered(pause, 5)).await;
            pause = (pause * 2).min(RENEW_MOST);
        }
    }
}

/// What may move a task. A health check makes three events each time that it
/// runs, which are none of these.
fn wanted() -> Filters<'static> {
    Filters::from([
        ("type", vec!["service", "node", "container"]),
        ("event", vec!["create", "update", "remove", "start", "die"]),
    ])
}

/// When to look again.
pub(crate) struct WakeUps<'a> {
    client: &'a DockerClient,
    count: watch::Receiver<u64>,
    interval: Duration,
    frequent_until: Option<Instant>,
}

impl<'a> WakeUps<'a> {
    /// Wake-ups after each event, and at least this often, give or take a fifth.
    pub(crate) fn new(client: &'a DockerClient, interval: Duration) -> WakeUps<'a> {
        WakeUps {
            client,
            count: client.events.count.subscribe(),
            interval,
            frequent_until: None,
        }
    }

    /// Resolves when it is time to look.
    pub(crate) async fn next(&mut self) {
        let pause = match self.frequent_until {
            Some(until) if Instant::now() < until => FREQUENT.min(self.interval),
            _ => self.interval,
        };
        let WakeUps { client, count, .. } = self;
        tokio::select! {
            () = client.events.read(client) => {}
            _ = count.changed() => {
                sleep(BUNDLE).await;
                self.count.mark_unchanged();
                self.frequent_until = Some(Instant::now() + AFTERMATH);
            }
            () = sleep(jittered(pause, 5)) => {}
        }
    }
}
