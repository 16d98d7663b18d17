//! What waits to be sent to one member.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::timeout;

/// So many bytes of others' messages wait for one member: what is lost is sent again.
pub(super) const POSTED: usize = 4 << 20;

/// Whoever has more than this to take has others wait, who then send it nothing meanwhile.
const BEHIND: usize = 512 << 10;

/// For so long; once that was in vain nobody waits for it before it has caught up.
const WAITED_FOR: Duration = Duration::from_secs(1);

/// And so many for all of them. One message to a hundred members counts a hundred times,
/// and takes its room once.
pub(super) const POSTED_TO_ALL: usize = 32 << 20;

/// What is shorter is always answered: nobody is asked more before it has taken that.
const SHORT: usize = 4 << 10;

/// What waits to be sent to one member.
#[derive(Debug)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    changed: Notify,
    /// Something was taken.
    taken: Notify,
    /// What waits for all members.
    all: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Waiting>,
    /// Bytes of others' messages.
    posted: usize,
    /// Bytes of answers.
    answers: usize,
    closing: Option<&'static str>,
    /// It was waited for in vain.
    slow: bool,
}

#[derive(Debug)]
struct Waiting {
    bytes: Bytes,
    is_answer: bool,
    /// Whether it is among what waits for all members.
    counts: bool,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Next {
    Send(Sending),
    Close(&'static str),
}

/// What is being sent: it counts until it is.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) bytes: Bytes,
    counts: Option<Arc<AtomicUsize>>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(all) = &self.counts {
            all.fetch_sub(self.bytes.len(), Ordering::Relaxed);
        }
    }
}

impl Outbox {
    /// An empty one, of all those that share this budget.
    pub(super) fn new(all: Arc<AtomicUsize>) -> Outbox {
        Outbox {
            inner: Mutex::default(),
            changed: Notify::new(),
            taken: Notify::new(),
            all,
        }
    }

    /// An answer to what the member asked; it is asked nothing more before it has taken what
    /// waits. Whether there was room: one that is kept for others as well needs none.
    pub(super) fn answer(&self, bytes: Bytes) -> bool {
        let counts = bytes.len() >= SHORT && bytes.is_unique();
        if counts && self.all.load(Ordering::Relaxed) >= POSTED_TO_ALL {
            return false;
        }
        self.lock().answers += bytes.len();
        self.put(bytes, true, counts);
        true
    }

    /// What another member sends it. Whether there was room.
    pub(super) fn post(&self, bytes: Bytes) -> bool {
        if self.all.load(Ordering::Relaxed) >= POSTED_TO_ALL {
            return false;
        }
        {
            let mut inner = self.lock();
            if inner.posted > 0 && inner.posted.saturating_add(bytes.len()) > POSTED {
                return false;
            }
            inner.posted += bytes.len();
        }
        self.put(bytes, false, true);
        true
    }

    fn put(&self, bytes: Bytes, is_answer: bool, counts: bool) {
        if counts {
            self.all.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        let waiting = Waiting {
            bytes,
            is_answer,
            counts,
        };
        self.lock().queue.push_back(waiting);
        self.changed.notify_one();
    }

    /// Whether whoever sends to it should wait: it has much to take, or all together have, and
    /// it some of that.
    pub(super) fn is_behind(&self) -> bool {
        let inner = self.lock();
        let much = match self.all.load(Ordering::Relaxed) > POSTED_TO_ALL / 2 {
            true => inner.posted > 0,
            false => inner.posted > BEHIND,
        };
        much && !inner.slow && inner.closing.is_none()
    }

    /// Waits until it is no longer behind, or is waited for no more. May be cancelled.
    pub(super) async fn catches_up(&self) {
        let catching_up = async {
            loop {
                let mut taken = pin!(self.taken.notified());
                taken.as_mut().enable();
                if !self.is_behind() {
                    return;
                }
                taken.await;
            }
        };
        if timeout(WAITED_FOR, catching_up).await.is_err() {
            self.lock().slow = true;
        }
    }

    /// Its connection ends once what waits is sent.
    pub(super) fn close(&self, why: &'static str) {
        self.lock().closing.get_or_insert(why);
        self.changed.notify_one();
        self.taken.notify_waiters();
    }

    /// So many bytes of answers wait.
    pub(super) fn answers(&self) -> usize {
        self.lock().answers
    }

    /// What is next. May be cancelled.
    pub(super) async fn next(&self) -> Next {
        loop {
            {
                let mut inner = self.lock();
                if let Some(waiting) = inner.queue.pop_front() {
                    let length = waiting.bytes.len();
                    match waiting.is_answer {
                        true => inner.answers = inner.answers.saturating_sub(length),
                        false => inner.posted = inner.posted.saturating_sub(length),
                    }
                    inner.slow &= inner.posted > BEHIND;
                    self.taken.notify_waiters();
                    if inner.queue.is_empty() {
                        // Thousands have nothing that waits.
                        inner.queue = VecDeque::new();
                    }
                    return Next::Send(Sending {
                        counts: waiting.counts.then(|| Arc::clone(&self.all)),
                        bytes: waiting.bytes,
                    });
                }
                if let Some(why) = inner.closing {
                    return Next::Close(why);
                }
            }
            self.changed.notified().await;
        }
    }

    fn uncount(&self, waiting: &Waiting) {
        if waiting.counts {
            self.all.fetch_sub(waiting.bytes.len(), Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole in itself: nothing can be half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        for waiting in &self.lock().queue {
            self.uncount(waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_member_that_takes_nothing_kept_what_others_sent_it() {
        let all = Arc::<AtomicUsize>::default();
        let outbox = Outbox::new(Arc::clone(&all));
        let message = Bytes::from(vec![0; 64 << 10]);
        let taken = (0..100).filter(|_| outbox.post(message.clone()));
        assert_eq!(taken.count(), POSTED / message.len());
        assert_eq!(all.load(Ordering::Relaxed), POSTED);
        // Its own answers come all the same, and then the end.
        assert!(outbox.answer(Bytes::from_static(b"answer")));
        outbox.close("over");
        let mut sent = 0;
        while let Next::Send(_) = outbox.next().await {
            sent += 1;
        }
        assert_eq!(sent, POSTED / message.len() + 1);
        assert!(outbox.post(message.clone()));
        drop(outbox);
        assert_eq!(all.load(Ordering::Relaxed), 0);
        let many: Vec<_> = (0..64).map(|_| Outbox::new(Arc::clone(&all))).collect();
        for outbox in &many {
            while outbox.post(message.clone()) {}
        }
        assert!(all.load(Ordering::Relaxed) <= POSTED_TO_ALL);
    }
}
