//! Of several workers one acts, and an act is checked right before it is made.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker::announce::Announcement;
use meshworker_core::{Authority, Fence};
use meshworker_engines::{Failure, Intended, Mandate};
use serde_json::json;

use crate::leaving::{leaving, present};
use crate::post::Post;
use crate::second_look::worker;

/// Hands out these words, one each time that it is asked, and the last one for ever.
#[derive(Debug)]
struct Says(Mutex<Vec<Authority>>);

impl Says {
    fn of(words: &[Authority]) -> Arc<Says> {
        let mut words = words.to_vec();
        words.reverse();
        Arc::new(Says(Mutex::new(words)))
    }
}

impl Mandate for Says {
    fn authority(&self) -> Authority {
        let mut words = self.0.lock().unwrap();
        let last = words.len() == 1;
        let word = words.pop().unwrap();
        if last {
            words.push(word.clone());
        }
        word
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn intend(&self, _: Intended) -> BoxFuture<'_, Result<Fence, String>> {
        std::future::ready(Ok(Fence(4))).boxed()
    }

    fn heard(&self, _: Fence) {}

    fn done(&self, _: Fence, _: Result<String, String>) {}
}

fn held(fence: u64) -> Authority {
    Authority::Held(Fence(fence))
}

fn yielded() -> Authority {
    Authority::Yielded("another one".into())
}

/// The two looks that a removal takes, and then the act.
#[tokio::test]
async fn a_worker_that_lost_its_authority_after_it_had_decided_acted() {
    for at_the_act in [yielded(), held(2)] {
        let says = Says::of(&[held(1), held(1), at_the_act.clone(), held(3)]);
        let (toy, one) = worker(&[&["a"], &["a"], &["a"], &["a"]]).await;
        let mut one = one.under(says);
        let pass = one.pass().await;
        assert_eq!(pass.plan.fence, Some(Fence(1)));
        assert_eq!(pass.done.len(), 1);
        let reply = &pass.done[0].reply;
        assert!(matches!(reply, Err(Failure::NotMade(_))), "{reply:?}");
        assert!(toy.state().forgotten.is_empty());
        // It gains it anew, looks twice, and acts.
        let pass = one.pass().await;
        assert_eq!(pass.plan.fence, Some(Fence(3)));
        assert_eq!(toy.state().forgotten, ["a"]);
    }
}

#[tokio::test]
async fn a_worker_that_yields_looks_and_shows_and_does_nothing() {
    let (toy, one) = worker(&[&["a"], &["a"]]).await;
    let pass = one.under(Says::of(&[yielded()])).pass().await;
    assert_eq!((pass.plan.fence, pass.done.len()), (None, 0));
    assert_eq!(pass.plan.steps.len(), 1);
    let said = pass.plan.refusals.iter().map(ToString::to_string);
    let said: Vec<String> = said.collect();
    assert_eq!(said, ["not done: act: another worker acts: another one"]);
    assert!(toy.state().forgotten.is_empty());
}

/// Whoever leaves waits for the word of every worker that answers.
#[tokio::test]
async fn a_worker_that_yields_has_no_word_for_whoever_asks() {
    let post = Post::open().await;
    let open = post.registry.open("db");
    open.desk().under(Says::of(&[yielded()]));
    let (status, _) = post.post(&json!(present(1)).to_string()).await;
    assert_eq!(status, 200);
    let (status, body) = post.post(&json!(leaving(1)).to_string()).await;
    assert_eq!(status, 421);
    assert!(body.to_string().contains("another one"), "{body}");
    post.close().await;
}

#[tokio::test]
async fn a_worker_of_a_group_says_under_which_number_it_acts() {
    let post = Post::open().await;
    let open = post.registry.open("db");
    open.desk().under(Says::of(&[held(9)]));
    let said = Announcement {
        fence: Some(7),
        ..present(1)
    };
    assert_eq!(post.announce(&said).await.fence, Some(9));
    assert_eq!(
        open.desk().fence(),
        Fence(7),
        "what the member heard before"
    );
    open.desk().under(Says::of(&[held(0)]));
    assert_eq!(post.announce(&present(1)).await.fence, None, "one alone");
    post.close().await;
}
