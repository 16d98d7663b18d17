//! What waits to be said to one other router.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

/// So many words wait for one router.
const WORDS: usize = 4096;

/// And so many bytes, or one longer word.
pub(in crate::gossip) const BYTES: usize = 4 << 20;

/// What waits to be said to one other router.
#[derive(Debug, Clone)]
pub(in crate::gossip) struct Post {
    words: mpsc::Sender<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// Where it is taken from.
#[derive(Debug)]
pub(super) struct Taker {
    words: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Post {
    pub(super) fn new() -> (Post, Taker) {
        let (sender, words) = mpsc::channel(WORDS);
        let waiting = Arc::<AtomicUsize>::default();
        let post = Post {
            words: sender,
            waiting: Arc::clone(&waiting),
        };
        (post, Taker { words, waiting })
    }

    /// Whether there was room for it.
    pub(in crate::gossip) fn send(&self, bytes: Bytes) -> bool {
        let more = bytes.len();
        let before = self.waiting.fetch_add(more, Ordering::Relaxed);
        let fits = before == 0 || before + more <= BYTES;
        let sent = fits && self.words.try_send(bytes).is_ok();
        if !sent {
            self.waiting.fetch_sub(more, Ordering::Relaxed);
        }
        sent
    }

    /// Whether both lead to one place.
    pub(in crate::gossip) fn is(&self, other: &Post) -> bool {
        self.words.same_channel(&other.words)
    }
}

impl Taker {
    /// What is next; nothing when nobody will say anything more here. May be cancelled.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let bytes = self.words.recv().await?;
        self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        Some(bytes)
    }
}
