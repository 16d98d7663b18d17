//! What is done goes on beside the looks.

use std::sync::Arc;

use meshworker_core::Reason;
use tokio::sync::Notify;

use crate::second_look::worker;

/// Nobody was seen, let go or joined while one node took its time.
#[tokio::test]
async fn a_slow_act_blinded_the_worker() {
    let gone: &[&str] = &["a"];
    let (toy, mut worker) = worker(&[gone; 8]).await;
    let slow = Arc::new(Notify::new());
    toy.state().slow = Some(Arc::clone(&slow));
    let pass = worker.pass().await;
    assert_eq!((pass.plan.steps.len(), pass.done.len()), (1, 0));
    // It looks on, and asks nothing more of a node that is not done.
    for number in 2..=3 {
        let pass = worker.pass().await;
        assert_eq!((pass.number, pass.plan.steps.len()), (number, 0));
        let reasons = pass.plan.refusals.iter().map(|refusal| &refusal.reason);
        assert!(
            reasons.into_iter().any(|why| *why == Reason::UnderWay),
            "{:?}",
            pass.plan.refusals
        );
        assert!(pass.done.is_empty() && toy.state().forgotten.is_empty());
    }
    // What came of it is told with the pass that comes after.
    slow.notify_one();
    toy.state().slow = None;
    toy.state().gone.clear();
    let mut told = Vec::new();
    while told.is_empty() {
        told = worker.pass().await.done;
    }
    assert_eq!(told.len(), 1);
    assert_eq!(toy.state().forgotten, ["a"]);
}
