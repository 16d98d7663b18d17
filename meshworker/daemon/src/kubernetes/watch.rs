//! A watch: one answer without an end, each line of it an event.

use bytes::BytesMut;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::KubernetesError;
use super::model::{Event, event};
use super::wire::Answer;

/// The longest line: Kubernetes keeps no object that is longer than 1.5 MiB.
///
/// Source: etcd, `--max-request-bytes`, which Kubernetes leaves as it is.
pub(super) const LONGEST_LINE: usize = 2 << 20;

/// A watch that is under way.
pub(crate) struct Watch {
    answer: Answer,
    begun: BytesMut,
    /// When it last said anything.
    pub(crate) heard: Instant,
}

impl Watch {
    pub(super) fn of(answer: Answer) -> Watch {
        Watch {
            answer,
            begun: BytesMut::new(),
            heard: Instant::now(),
        }
    }

    /// The next event; none at its end. May be cancelled.
    ///
    /// # Errors
    ///
    /// The connection broke, or this is no watch.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, KubernetesError> {
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line = self.begun.split_to(end + 1);
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return event(&line)
                    .map(Some)
                    .map_err(|why| KubernetesError::odd(&why));
            }
            if self.begun.len() > LONGEST_LINE {
                return Err(KubernetesError::TooLong(LONGEST_LINE));
            }
            let Some(part) = self.answer.next().await? else {
                return Ok(None);
            };
            self.heard = Instant::now();
            self.begun.extend_from_slice(&part);
        }
    }

    /// The next event that has come already.
    ///
    /// # Errors
    ///
    /// As above.
    pub(crate) fn waiting(&mut self) -> Option<Result<Option<Event>, KubernetesError>> {
        self.next().now_or_never()
    }
}
