//! How long a connection may live, and in whose place.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

/// A connection is cut after this time, whatever it is doing: an answer takes
/// milliseconds, and a client that sends half of a head or a body, or does not
/// read, is not to keep a place for ever.
const DEADLINE: Duration = Duration::from_secs(5);

/// A stream is cut when its reader has taken nothing for so long, although
/// something is sent to it every few seconds.
const STALLED: Duration = Duration::from_secs(60);

/// How long a connection may live, and in whose place. A handler that answers
/// with a stream gives the place back for one among the streams.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The place among the connections, until it becomes a stream.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    /// When the reader of the stream took something last; none while it is none.
    taken: Mutex<Option<Instant>>,
    became_stream: Notify,
}

impl Lease {
    /// A lease on this place.
    pub fn on(place: Option<OwnedSemaphorePermit>) -> Lease {
        Lease(Arc::new(Inner {
            place: Mutex::new(place),
            taken: Mutex::default(),
            became_stream: Notify::new(),
        }))
    }

    /// Makes it a stream's, which lives for as long as its reader takes what
    /// is sent.
    pub fn stream(&self) {
        self.taken();
        drop(lock(&self.0.place).take());
        self.0.became_stream.notify_one();
    }

    /// Notes that the reader is ready for more.
    pub fn taken(&self) {
        *lock(&self.0.taken) = Some(Instant::now());
    }

    /// Resolves when the connection has lived long enough.
    pub async fn over(&self) {
        tokio::select! {
            () = sleep(DEADLINE) => return,
            () = self.0.became_stream.notified() => {}
        }
        loop {
            let taken = *lock(&self.0.taken);
            let end = taken.unwrap_or_else(Instant::now) + STALLED;
            sleep_until(end).await;
            if *lock(&self.0.taken) == taken {
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_five_seconds_and_a_stream_as_long_as_it_is_read() {
        let began = Instant::now();
        Lease::on(None).over().await;
        assert_eq!(began.elapsed(), DEADLINE);

        let lease = Lease::on(None);
        let (began, reader) = (Instant::now(), lease.clone());
        reader.stream();
        tokio::spawn(async move {
            for _ in 0..10 {
                sleep(STALLED / 2).await;
                reader.taken();
            }
        });
        lease.over().await;
        assert_eq!(began.elapsed(), STALLED * 6);
    }
}
