//! How long a connection may live, and in whose place.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::places::Place;

/// For the head of a request, and for the handshake before it.
const HEAD: Duration = Duration::from_secs(1);

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
    place: Mutex<Option<Arc<Place>>>,
    head: Notify,
    /// When the reader of the stream took something last; none while it is none.
    taken: Mutex<Option<Instant>>,
    became_stream: Notify,
    /// What ends the stream when another one needs its place more.
    gives_way: Mutex<Arc<Notify>>,
}

impl Default for Lease {
    /// A lease on no place.
    fn default() -> Lease {
        Lease::on(None)
    }
}

impl Lease {
    /// A lease on this place.
    pub(super) fn on(place: Option<Place>) -> Lease {
        Lease(Arc::new(Inner {
            place: Mutex::new(place.map(Arc::new)),
            head: Notify::new(),
            taken: Mutex::default(),
            became_stream: Notify::new(),
            gives_way: Mutex::default(),
        }))
    }

    /// Makes it a stream's, which lives for as long as its reader takes what
    /// is sent, and until it is to give way.
    pub fn stream(&self, gives_way: Arc<Notify>) {
        self.taken();
        *lock(&self.0.gives_way) = gives_way;
        drop(lock(&self.0.place).take());
        self.0.became_stream.notify_one();
    }

    /// Notes that the head of the request is there.
    pub(super) fn heard(&self) {
        self.0.head.notify_one();
    }

    /// Notes that the client has proved that it knows a token.
    pub fn prove(&self) {
        if let Some(place) = &*lock(&self.0.place) {
            place.prove();
        }
    }

    /// Waits until an answer of so many bytes may be sent. Whether it may.
    pub(super) async fn weigh(&self, bytes: usize) -> bool {
        let place = lock(&self.0.place).clone();
        match place {
            Some(place) => place.weigh(bytes).await,
            None => true,
        }
    }

    /// Notes that the reader is ready for more.
    pub fn taken(&self) {
        *lock(&self.0.taken) = Some(Instant::now());
    }

    /// Resolves when the connection has lived long enough, or another one needs
    /// its place more.
    pub async fn over(&self) {
        let gives_way = lock(&self.0.place).as_ref().map(|place| place.gives_way());
        let needed = async {
            match gives_way {
                Some(gives_way) => gives_way.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = needed => {}
            () = self.old() => {}
        }
    }

    async fn old(&self) {
        let began = Instant::now();
        tokio::select! {
            () = sleep_until(began + HEAD) => return,
            () = self.0.head.notified() => {}
        }
        tokio::select! {
            () = sleep_until(began + DEADLINE) => return,
            () = self.0.became_stream.notified() => {}
        }
        let gives_way = Arc::clone(&lock(&self.0.gives_way));
        loop {
            let taken = *lock(&self.0.taken);
            let end = taken.unwrap_or_else(Instant::now) + STALLED;
            tokio::select! {
                () = sleep_until(end) => {}
                () = gives_way.notified() => return,
            }
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
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_has_one_second_an_answer_five_and_a_stream_as_long_as_it_is_read() {
        let began = Instant::now();
        Lease::on(None).over().await;
        assert_eq!(began.elapsed(), HEAD);

        let (began, lease) = (Instant::now(), Lease::on(None));
        lease.heard();
        lease.over().await;
        assert_eq!(began.elapsed(), DEADLINE);

        let lease = Lease::on(None);
        lease.heard();
        let (began, reader) = (Instant::now(), lease.clone());
        let gives_way = Arc::<Notify>::default();
        reader.stream(Arc::clone(&gives_way));
        tokio::spawn(async move {
            for _ in 0..10 {
                sleep(STALLED / 2).await;
                reader.taken();
            }
        });
        lease.over().await;
        assert_eq!(began.elapsed(), STALLED * 6);

        let lease = Lease::on(None);
        lease.heard();
        lease.stream(Arc::clone(&gives_way));
        let began = Instant::now();
        gives_way.notify_one();
        lease.over().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
