//! What waits to be said to one other router.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

/// So many words wait for one router.
const WORDS: usize = 4096;

/// And so many bytes, or one longer word.
pub(in crate::gossip) const BYTES: usize = 4 << 20;

/// What waits to be said to one other router. When it is dropped the line ends, and is begun
/// anew: whoever missed something is told all of it.
#[derive(Debug)]
pub(in crate::gossip) struct Post {
    words: mpsc::Sender<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// Where it is taken from.
#[derive(Debug)]
pub(in crate::gossip) struct Taker {
    words: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Post {
    pub(in crate::gossip) fn new() -> (Post, Taker) {
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
}

impl Taker {
    /// What is next; nothing when nobody will say anything more here. May be cancelled.
    pub(in crate::gossip) async fn next(&mut self) -> Option<Bytes> {
        let bytes = self.words.recv().await?;
        self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever ran the line had a sender of its own, and waited for ever.
    #[tokio::test]
    async fn a_line_that_took_too_little_was_never_told_anything_again() {
        let (post, mut taker) = Post::new();
        let word = Bytes::from(vec![0; 64 << 10]);
        let taken = (0..1000).take_while(|_| post.send(word.clone())).count();
        assert_eq!(taken, BYTES / word.len());
        drop(post);
        for _ in 0..taken {
            assert_eq!(taker.next().await.as_ref(), Some(&word));
        }
        assert_eq!(taker.next().await, None);
    }
}
