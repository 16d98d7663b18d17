//! A member that waits is told how to start by the worker that acts, once a pass has seen
//! what is on its disk.

use meshworker::announce::{Announcement, Answer, FencedTell, Phase};
use meshworker_core::{Disk, Start, Tell};
use serde_json::{Value, json};

use crate::leaving::four;
use crate::post::{Post, member};
use crate::support::until;

fn start() -> Start {
    Start {
        arguments: vec!["--name=m5".to_owned(), "--state=existing".to_owned()],
        variables: [("TOY_TOKEN".to_owned(), "t".to_owned())].into(),
        known_as: None,
    }
}

fn waits(disk: Option<Disk>) -> Announcement {
    Announcement {
        disk,
        ..member(5, [127, 0, 7, 5].into(), Phase::Waiting, 2)
    }
}

/// What it is answered once it may start, as far as its slot is concerned.
async fn free(post: &Post, said: &Announcement) -> Answer {
    let look = async || post.announce(said).await;
    let granted = |answer: &Answer| answer.verdict.as_ref().is_some_and(|one| one.granted);
    until("its slot is free", look, granted).await
}

#[tokio::test]
async fn who_waits_is_started_as_the_planner_says_and_nobody_else() {
    let (post, toy, worker) = four().await;
    // Nobody is nominated.
    let said = waits(Some(Disk::Nothing));
    assert_eq!(free(&post, &said).await.tell, None);
    toy.state().start = Some(start());
    let look = async || post.announce(&said).await;
    let answer = until("started", look, |answer| answer.tell.is_some()).await;
    let told = FencedTell {
        fence: 0,
        tell: Tell::Start(start()),
    };
    assert_eq!((answer.generation, answer.tell), (2, Some(told)));
    // What another generation said is another matter, until a pass has seen it.
    let again = Announcement {
        generation: 3,
        ..said.clone()
    };
    assert_eq!(post.announce(&again).await.tell, None);
    // One that runs is told nothing, though it says what it has.
    let runs = Announcement {
        phase: Phase::Present,
        generation: 4,
        ..said
    };
    for _ in 0..3 {
        assert_eq!(post.announce(&runs).await.tell, None);
    }
    post.close().await;
    worker.await.unwrap();
}

/// A supervisor of another version waits for its slot alone.
#[tokio::test]
async fn who_says_nothing_of_its_disk_is_not_told_how_to_start() {
    let (post, toy, worker) = four().await;
    toy.state().start = Some(start());
    let said = json!(waits(None));
    assert_eq!(said.get("disk"), None);
    assert_eq!(free(&post, &waits(None)).await.tell, None);
    let (status, answer): (u16, Value) = post.post(&said.to_string()).await;
    assert_eq!((status, answer.get("tell")), (200, None));
    post.close().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn who_runs_is_told_to_end_its_database_and_nobody_else_is() {
    let (post, toy, worker) = four().await;
    let runs = member(2, [127, 0, 7, 2].into(), Phase::Present, 2);
    toy.state().outranked = Some([127, 0, 7, 2].into());
    let look = async || post.announce(&runs).await;
    let answer = until("told", look, |answer| answer.tell.is_some()).await;
    let told = answer.tell.map(|told| told.tell);
    assert_eq!(told, Some(Tell::Kill { term: 1 }));
    let other = member(3, [127, 0, 7, 3].into(), Phase::Present, 2);
    assert_eq!(post.announce(&other).await.tell, None);
    post.close().await;
    worker.await.unwrap();
}
