//! Members that want to leave are let go by passes that saw them leaving, one
//! after another.

use std::net::IpAddr;
use std::time::Duration;

use meshworker::announce::client::Client;
use meshworker::announce::{Announcement, Answer, Order, Phase, Registry, Verdict};
use meshworker::witness::{DnsOptions, Whereabouts};
use meshworker::worker::Worker;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::log::Log;
use crate::post::{HERE, Post, member};
use crate::support::{World, until};
use crate::toy::Toy;

fn ip(slot: u64) -> IpAddr {
    [127, 0, 7, slot as u8].into()
}

pub fn present(slot: u64) -> Announcement {
    member(slot, ip(slot), Phase::Present, 1)
}

pub fn leaving(slot: u64) -> Announcement {
    member(slot, ip(slot), Phase::Leaving, 2)
}

/// Four members in place, and the worker that looks after them.
pub async fn four() -> (Post, Toy, JoinHandle<()>) {
    four_at(Post::open().await).await
}

async fn four_at(post: Post) -> (Post, Toy, JoinHandle<()>) {
    let stopped = post.stop.subscribe();
    four_until(post, stopped).await
}

/// The same, until that worker is told to stop.
async fn four_until(post: Post, stopped: watch::Receiver<bool>) -> (Post, Toy, JoinHandle<()>) {
    let toy = Toy::default();
    toy.state().nodes = (1..=4).map(|slot| ip(slot).into()).collect();
    let world = World::new().await;
    let mut cluster = world.cluster(&[]);
    cluster.limits.leave_hold = Duration::from_millis(200);
    let open = post.registry.open("db");
    let worker = Worker::new(cluster, toy.clone(), Vec::new());
    let worker = worker.at_desk(open.desk().clone());
    let worker = tokio::spawn(async move {
        let _open = open;
        worker.run(stopped).await;
    });
    let all: Vec<_> = (1..=4).map(present).collect();
    until(
        "all in place",
        async || announce(&post, &all).await,
        |answers| answers.iter().all(|answer| answer.in_place),
    )
    .await;
    (post, toy, worker)
}

/// `docker stack rm` stops the worker together with its members.
#[tokio::test]
async fn members_that_went_together_with_their_worker_got_no_word() {
    let (stop, stopped) = watch::channel(false);
    let (post, _toy, worker) = four_until(Post::open().await, stopped).await;
    stop.send_replace(true);
    let all: Vec<_> = (1..=4).map(leaving).collect();
    until(
        "all let go",
        async || announce(&post, &all).await,
        |answers| {
            let mut verdicts = answers.iter().map(|answer| answer.verdict.as_ref());
            verdicts.all(|verdict| verdict.is_some_and(|verdict| verdict.granted))
        },
    )
    .await;
    worker.await.unwrap();
    post.close().await;
}

/// Whoever leaves waits for the word of every worker that answers.
#[tokio::test]
async fn a_worker_that_only_planned_held_every_other_workers_members() {
    let post = Post::open().await;
    let open = post.registry.open("db");
    open.desk().only_plans(true);
    let (status, _) = post.post(&json!(present(1)).to_string()).await;
    assert_eq!(status, 200);
    let (status, body) = post.post(&json!(leaving(1)).to_string()).await;
    assert_eq!(status, 503);
    assert!(body.to_string().contains("dry-run"), "{body}");
    // It has heard it all the same, and shows what it would do.
    let (announced, waiting) = open.desk().who_waits(tokio::time::Instant::now());
    assert_eq!((announced, waiting), (1, 1));
    post.close().await;
}

/// What an operator orders one worker tells all, and the member's own word stays what it is.
#[tokio::test]
async fn a_member_leaves_by_an_order_and_stays_once_it_is_not_told_again() {
    let workers = Whereabouts::new(&HERE.to_string(), DnsOptions::default()).unwrap();
    let (post, _toy, worker) = four_at(Post::of(Registry::among(workers)).await).await;
    let client = Client::new(post.token(), Some(HERE));
    let order = Order {
        cluster: "db".into(),
        service: "stack_db".into(),
        slot: 2,
        address: ip(2),
        drain: false,
    };
    let all: Vec<_> = (1..=4).map(present).collect();
    let tell = async || {
        announce(&post, &all).await;
        client.order(post.address, &order).await.unwrap()
    };
    let granted = |verdict: &Option<Verdict>| verdict.as_ref().is_some_and(|one| one.granted);
    until("it may stop", tell, granted).await;
    let answers = announce(&post, &all).await;
    let in_place = answers.iter().map(|answer| answer.in_place);
    assert_eq!(in_place.collect::<Vec<_>>(), [true, false, true, true]);
    let in_place = |answers: &Vec<Answer>| answers.iter().all(|answer| answer.in_place);
    until("it stays", async || announce(&post, &all).await, in_place).await;
    // Nobody but a worker orders that.
    let other = Client::new(post.token(), Some(ip(1)));
    let refused = other.order(post.address, &order).await.unwrap_err();
    assert!(
        refused.to_string().contains("stack_db.2 speaks"),
        "{refused}"
    );
    post.close().await;
    worker.await.unwrap();
}

async fn announce(post: &Post, all: &[Announcement]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for said in all {
        answers.push(post.announce(said).await);
    }
    answers
}

/// Whether each of them was told that it may stop.
fn granted(answers: &[Answer]) -> Vec<bool> {
    let granted = |answer: &Answer| answer.verdict.as_ref().is_some_and(|v| v.granted);
    answers.iter().map(granted).collect()
}

fn whys(answers: &[Answer]) -> String {
    let whys = answers
        .iter()
        .filter_map(|answer| Some(answer.verdict.as_ref()?.why.clone()));
    whys.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_member_is_let_go_only_when_the_database_is_at_rest() {
    let (post, toy, worker) = four().await;
    toy.state().working = Some("120 partitions to send".to_owned());
    let all = [present(1), present(2), present(3), leaving(4)];
    let look = async || announce(&post, &all).await;
    until("held", look, |answers| {
        assert_eq!(granted(answers), [false; 4]);
        whys(answers).contains("release gate 6 (the database is at rest)")
    })
    .await;
    assert!(look().await.iter().all(|answer| !answer.in_place));
    toy.state().working = None;
    let mut answers = until("let go", look, |answers| {
        granted(answers) == [false, false, false, true]
    })
    .await;
    let verdict = answers.remove(3).verdict.unwrap();
    assert_eq!(verdict.place, 1);
    assert_eq!(verdict.why, "every release gate is open");
    // It changes its mind, or its service does: nobody leaves any more.
    let back = member(4, ip(4), Phase::Present, 3);
    let answer = post.announce(&back).await;
    assert_eq!((answer.generation, answer.verdict), (3, None));
    post.close().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn two_that_leave_at_once_are_let_go_one_after_another() {
    let (post, toy, worker) = four().await;
    let all = [present(1), present(2), leaving(3), leaving(4)];
    let look = async || announce(&post, &all).await;
    let answers = until("one let go", look, |answers| {
        granted(answers).contains(&true) && whys(answers).contains("one after another")
    })
    .await;
    let first = granted(&answers)
        .iter()
        .position(|granted| *granted)
        .unwrap();
    let second = 5 - first;
    assert_eq!(
        granted(&answers).iter().filter(|granted| **granted).count(),
        1,
        "{}",
        whys(&answers)
    );
    // It stops: says so, answers no more, and then is silent.
    let slot = first as u64 + 1;
    let all = [present(1), present(2), leaving(second as u64 + 1)];
    post.announce(&member(slot, ip(slot), Phase::Stopping, 3))
        .await;
    let held = announce(&post, &all).await;
    assert_eq!(granted(&held), [false; 3], "{}", whys(&held));
    toy.state().nodes.remove(&ip(slot).into());
    let look = async || announce(&post, &all).await;
    until("the other let go", look, |answers| {
        granted(answers) == [false, false, true]
    })
    .await;
    post.close().await;
    worker.await.unwrap();
}

/// All of them go at once: nothing can be saved by waiting for one another.
#[tokio::test]
async fn everybody_is_let_go_at_once() {
    let (post, _toy, worker) = four().await;
    let all: Vec<_> = (1..=4).map(leaving).collect();
    let look = async || announce(&post, &all).await;
    until("all let go", look, |answers| granted(answers) == [true; 4]).await;
    post.close().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn who_leaves_who_may_not_and_who_is_gone_is_logged_once() {
    let (log, _listening) = Log::listen();
    let (post, toy, worker) = four().await;
    toy.state().floor = 5;
    let all = [present(1), present(2), present(3), leaving(4)];
    let look = async || announce(&post, &all).await;
    until("held", look, |answers| whys(answers).contains("gate 4")).await;
    toy.state().floor = 1;
    until("let go", look, |answers| granted(answers)[3]).await;
    toy.state().nodes.remove(&ip(4).into());
    let gone = async || {
        // Whose database has ended does not say for long that it is leaving.
        announce(&post, &all[..3]).await;
        log.lines("is gone")
    };
    until("gone", gone, |lines| !lines.is_empty()).await;
    post.close().await;
    worker.await.unwrap();

    let told = [
        ("INFO", "stack_db.4 at 127.0.7.4 wants to leave"),
        (
            "WARN",
            "replica-reset guard: 3 would stay, the toy asks for 5; not done: let stack_db.4 go",
        ),
        ("INFO", "stack_db.4 at 127.0.7.4 was let go"),
        ("INFO", "stack_db.4 at 127.0.7.4 is gone"),
    ];
    for (level, text) in told {
        let lines = log.lines(text);
        assert_eq!(lines.len(), 1, "{text}: {lines:?}");
        assert!(lines[0].contains(level), "{lines:?}");
    }
}
