//! Whoever says which answer it has hears of the next one as soon as there is one.

use std::net::IpAddr;

use futures_util::FutureExt;
use futures_util::future::join_all;
use meshworker::announce::client::Client;
use meshworker::announce::{Announcement, Answer, HELD, PATH, Phase};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::leaving::four;
use crate::post::{Post, member};
use crate::support::until;

fn leaving() -> Announcement {
    member(4, [127, 0, 7, 4].into(), Phase::Leaving, 2)
}

fn client(post: &Post, said: &Announcement) -> Client {
    Client::new(post.token(), Some(said.address))
}

fn granted(answer: &Answer) -> bool {
    let verdict = answer.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.granted)
}

/// Each question but the last is answered because something else is known by then, and
/// none is asked before the last answer has come.
#[tokio::test]
async fn a_member_is_told_of_its_release_by_the_answer_to_a_question_that_was_asked_before() {
    let (post, toy, worker) = four().await;
    toy.state().working = Some("120 partitions to send".to_owned());
    let (said, me) = (leaving(), client(&post, &leaving()));
    let held = |answer: &Answer| answer.verdict.is_some() && !granted(answer);
    let look = async || me.post(post.address, &said).await.unwrap();
    let first = until("held", look, held).await;
    let pushed = async {
        let mut answer = first;
        while !granted(&answer) {
            let mark = answer.mark.unwrap();
            answer = me.post_again(post.address, &said, mark).await.unwrap();
        }
    };
    let mut pushed = Box::pin(pushed);
    assert!((&mut pushed).now_or_never().is_none());
    toy.state().working = None;
    pushed.await;
    post.close().await;
    worker.await.unwrap();
}

/// Supervisors of the last version know nothing of marks.
#[tokio::test]
async fn who_does_not_say_what_it_knows_is_answered_at_once() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let said = json!(leaving()).to_string();
    let began = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(post.post(&said).await);
    }
    // Three that are held take three times as long.
    assert!(began.elapsed() < 3 * HELD);
    assert!(answers.iter().all(|(status, _)| *status == 200));
    post.close().await;
}

/// One address keeps its share of what is held, and of connections.
#[tokio::test]
async fn more_questions_of_one_address_than_are_held_are_answered_and_others_are_held() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let said = leaving();
    let me = client(&post, &said);
    let mark = me.post(post.address, &said).await.unwrap().mark.unwrap();
    let all = (0..40).map(|_| me.post_again(post.address, &said, mark));
    let answers = join_all(all).await;
    let held = answers.iter().filter(|answer| {
        let answer = answer.as_ref().unwrap();
        answer.mark.is_some()
    });
    let held = held.count();
    assert!((1..40).contains(&held), "{held}");
    post.close().await;
}

/// A new phase does not wait: the supervisor hangs up, and its place is free.
#[tokio::test]
async fn who_hangs_up_leaves_its_place() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let said = leaving();
    let me = client(&post, &said);
    let mark = me.post(post.address, &said).await.unwrap().mark.unwrap();
    for _ in 0..100 {
        let mut waits = Box::pin(me.post_again(post.address, &said, mark));
        // Until it is on its way.
        tokio::select! {
            answer = &mut waits => panic!("{answer:?}"),
            () = tokio::time::sleep(std::time::Duration::from_millis(3)) => {}
        }
    }
    let look = async || me.post_again(post.address, &said, mark).await.unwrap();
    until("a place", look, |answer| answer.mark.is_some()).await;
    post.close().await;
}

/// What is no mark is none, and takes nobody's place.
#[tokio::test]
async fn a_mark_that_is_none_is_no_question() {
    let post = Post::open().await;
    let _open = post.registry.open("db");
    let said = leaving();
    let body = json!(said).to_string();
    let long = "9".repeat(4000);
    for mark in ["", "x", "-1", "1.5", long.as_str()] {
        let length = body.len();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\nmeshworker-has: {mark}\r\ncontent-length: {length}\r\n\r\n"
        );
        let request = format!("{head}{body}");
        let from: IpAddr = said.address;
        let (status, answer): (u16, Value) = post.exchange(from, request.as_bytes()).await;
        assert_eq!(status, 200, "{mark}: {answer}");
        assert!(answer["mark"].is_u64(), "{answer}");
    }
    post.close().await;
}
