//! What becomes of a worker whose disk is full, or cannot be written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::timeout;

use super::world::{DEADLINE, Worker, World, given, hold};

/// One whose disk was full ended again and again, and nobody looked after anything.
#[tokio::test]
async fn a_worker_alone_ended_again_and_again_because_its_disk_was_full() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    let group = world.workers[&1].group.clone();
    group.order(hold("a disk")).await.unwrap();
    assert_eq!(group.status().unkept, None);
    world.full.store(true, Ordering::Relaxed);
    // Nobody knows of this one.
    let _ = group.order(hold("another disk")).await;
    world
        .until("it says so, and acts", |world| {
            let status = world.workers[&1].group.status();
            status.unkept.is_some() && status.acts && world.acting() == [1]
        })
        .await;
    assert_eq!(group.status().own().and_then(|own| own.kept), Some(false));
    assert!(given(&world, 1).hold.is_some(), "what it knew it knows");
    group.order(hold("a third disk")).await.unwrap();
    let held = given(&world, 1).hold;
    assert_eq!(held.map(|held| held.why), Some("a third disk".into()));
    // Where there is room again it keeps what it is told.
    world.kill(1).await;
    world.full.store(false, Ordering::Relaxed);
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    assert_eq!(world.workers[&1].group.status().unkept, None);
    assert!(given(&world, 1).hold.is_some());
}

/// Others count on what it has promised: it ends, and they go on.
#[tokio::test]
async fn one_of_several_whose_disk_is_full_ends() {
    let mut world = World::of_three().await;
    let follower = (1..=3).find(|slot| world.acting() != [*slot]).unwrap();
    world.kill(follower).await;
    world.full = Arc::default();
    world.start(follower, None).await;
    world.list(&[]);
    world
        .until("it is let in", |world| world.voters(follower) >= 2)
        .await;
    world.full.store(true, Ordering::Relaxed);
    let Worker {
        running,
        stop: _stop,
        ..
    } = world.workers.remove(&follower).unwrap();
    let leader = world.acting()[0];
    let group = world.workers[&leader].group.clone();
    group.order(hold("it is heard by all")).await.unwrap();
    let ended = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert!(ended.unwrap_err().contains("no space left"));
    world
        .until("one acts", |world| world.acting().len() == 1)
        .await;
}

/// What cannot be written may be read: what an operator had it hold is held.
#[tokio::test]
async fn a_worker_alone_whose_folder_cannot_be_written_goes_on_with_what_is_there() {
    let mut world = World::new().await;
    let state = world.state.path().to_owned();
    world.start(1, Some(&state)).await;
    world.list(&[]);
    world.until("it acts", |world| world.acting() == [1]).await;
    world.workers[&1].group.order(hold("a disk")).await.unwrap();
    world.kill(1).await;
    // SQLite needs a file of this name to write.
    let own = state.join("meshworker.1");
    std::fs::create_dir(own.join("meshworker.sqlite3-wal")).unwrap();
    let nowhere = own.join("meshworker.sqlite3").join("below");
    for (state, holds) in [(&state, true), (&nowhere, false)] {
        world.start(1, Some(state)).await;
        world.list(&[]);
        world.until("it acts", |world| world.acting() == [1]).await;
        world
            .until("it says so", |world| {
                world.workers[&1].group.status().unkept.is_some()
            })
            .await;
        assert_eq!(given(&world, 1).hold.is_some(), holds);
        world.kill(1).await;
    }
}
