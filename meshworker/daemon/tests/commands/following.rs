//! The stream of events, through breaks.

use std::time::Duration;

use meshworker::client::{Client, Follow, News};
use meshworker::status::{EventKind, Events};
use tokio::time::timeout;

use crate::client::access;
use crate::server::Server;
use crate::story::{self, event};

/// Longer than any of it takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

async fn follow(list: &str) -> Follow {
    let access = access(list);
    let client = Client::find(&access).await.unwrap();
    let limit = [("limit", "2".to_owned())];
    let history: Events = client.get(&["v1", "events"], &limit).await.unwrap();
    assert_eq!(history.events, story::history()[3..]);
    Follow::after(access, client, None, &history)
}

async fn next(follow: &mut Follow) -> News {
    timeout(LONG, follow.next())
        .await
        .expect("no news")
        .unwrap()
}

async fn fact(follow: &mut Follow) -> u64 {
    match next(follow).await {
        News::Fact(event) => event.id,
        other => panic!("{other:?}"),
    }
}

fn later(id: u64, second: u32) -> meshworker::status::Event {
    event(
        id,
        &format!("21T03:11:{second:02}"),
        EventKind::Done,
        None,
        "something was done",
    )
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_was() {
    let server = Server::of(vec![story::calm()]);
    let mut follow = follow(&server.url()).await;
    server.world(|world| world.history.push(later(6, 1)));
    assert_eq!(fact(&mut follow).await, 6);

    server.world(|world| {
        world.cut = 1;
        world.history.push(later(7, 2));
        world.history.push(later(8, 3));
    });
    assert!(matches!(next(&mut follow).await, News::Broken(_)));
    assert_eq!(next(&mut follow).await, News::Again(server.url()));
    assert_eq!(fact(&mut follow).await, 7);
    assert_eq!(fact(&mut follow).await, 8);
    let resumed = server.world(|world| world.resumed.clone());
    assert_eq!(resumed, [Some("5".to_owned()), Some("6".to_owned())]);
}

#[tokio::test]
async fn a_worker_that_counts_anew_repeats_nothing_and_loses_nothing() {
    let server = Server::of(vec![story::calm()]);
    let mut follow = follow(&server.url()).await;
    server.world(|world| world.history.push(later(6, 1)));
    assert_eq!(fact(&mut follow).await, 6);

    server.world(|world| {
        world.cut = 1;
        world.history = vec![later(1, 1), later(2, 5)];
    });
    assert!(matches!(next(&mut follow).await, News::Broken(_)));
    assert!(matches!(next(&mut follow).await, News::Again(_)));
    assert_eq!(fact(&mut follow).await, 2);
    let resumed = server.world(|world| world.resumed.last().cloned());
    assert_eq!(resumed, Some(Some("0".to_owned())));
}

#[tokio::test]
async fn another_worker_takes_over() {
    let (first, second) = (
        Server::of(vec![story::calm()]),
        Server::of(vec![story::calm()]),
    );
    let mut follow = follow(&format!("{},{}", first.url(), second.url())).await;
    first.world(|world| world.history.push(later(6, 1)));
    assert_eq!(fact(&mut follow).await, 6);
    second.world(|world| world.history = vec![later(40, 1), later(41, 9)]);
    drop(first);
    assert!(matches!(next(&mut follow).await, News::Broken(_)));
    assert_eq!(next(&mut follow).await, News::Again(second.url()));
    assert_eq!(fact(&mut follow).await, 41);
}
