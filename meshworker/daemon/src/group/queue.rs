//! What other workers say, until the group's thread hears it.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::event::Event;

/// So many bytes wait for the group's thread; whoever says more waits, too.
pub(super) const WAITING: usize = 4 << 20;

/// What other workers say waits here until the group's thread hears it, however they say it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
}

impl Queue {
    /// In which nothing waits yet.
    pub(super) fn new(events: mpsc::Sender<Event>) -> Queue {
        Queue {
            events,
            room: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Waits until there is room for a frame of so many bytes, and puts it there.
    ///
    /// # Errors
    ///
    /// This worker ends.
    pub(super) async fn put(&self, event: Event, bytes: usize) -> Result<(), String> {
        let ends = || "this worker ends".to_owned();
        let bytes = u32::try_from(bytes.min(WAITING)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.room).acquire_many_owned(bytes).await;
        let event = Event::Said(Box::new(event), place.map_err(|_| ends())?);
        self.events.send(event).await.map_err(|_| ends())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use meshworker_group::Order;

    use super::*;

    /// Only letters were counted: of what else they could say a thousand waited, of four
    /// megabytes each.
    #[tokio::test]
    async fn whatever_workers_say_has_its_place_while_it_waits() {
        let (events, mut heard) = mpsc::channel(1_024);
        let queue = Queue::new(events);
        let say = || {
            let order = meshworker_group::Ordered {
                cluster: "db".into(),
                who: None,
                at_ms: 0,
                order: Order::Resume { member: None },
            };
            let (reply, _) = tokio::sync::oneshot::channel();
            queue.put(Event::Handed(order, reply), WAITING / 4)
        };
        for _ in 0..4 {
            say().await.unwrap();
        }
        assert_eq!(say().now_or_never(), None);
        drop(heard.recv().await);
        say().await.unwrap();
    }
}
