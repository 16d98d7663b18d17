//! The death of a worker in the middle of what it does.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Lets this go on for so many turns, then drops it; says what came of it when
/// it was done before. In turns and not in time: how far it comes in a
/// millisecond depends on the machine.
pub async fn cut_after<F: Future>(turns: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    let cut = poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    cut.await
}
