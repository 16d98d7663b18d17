//! Copies over loopback, made by `tar`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use meshworker_core::Start;
use tokio::net::TcpListener;

use super::fetch::Copy;
use super::give::Gives;
use super::*;
use crate::proof::{Call, Door};
use crate::token_file::TokenFile;

const TOKEN: &str = "a token of sixteen bytes and more";

fn words(words: &[&str]) -> Start {
    Start {
        arguments: words.iter().map(|&word| word.to_owned()).collect(),
        ..Start::default()
    }
}

fn token(folder: &Path, text: &str) -> TokenFile {
    let file = folder.join("token");
    fs::write(&file, text).unwrap();
    TokenFile::new(file)
}

/// A member with data that gives copies by this program; where.
async fn gives(folder: &Path, send: &'static [&'static str]) -> SocketAddr {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let at = taken.local_addr().unwrap();
    drop(taken);
    let door = Arc::new(Door::of(token(folder, TOKEN)).unwrap());
    let gives = Gives {
        cluster: "db".into(),
        send: Box::new(move || words(send)),
        directory: folder.to_owned(),
        children: Children::default(),
    };
    tokio::spawn(give(at, door, gives));
    at
}

/// A member with an empty disk that fetches from there.
fn fetches(folder: &Path, from: SocketAddr) -> Copy {
    Copy {
        from,
        call: Call::new(token(folder, TOKEN), None),
        cluster: "db".into(),
        unpack: words(&["tar", "-x"]),
        finish: words(&["sh", "-c", "echo usable > finished"]),
        data: "data",
        directory: folder.to_owned(),
    }
}

/// What it said, once the other one listens.
async fn fetched(copy: &Copy) -> Result<(), String> {
    loop {
        match copy.fetch().await.map_err(|why| why.to_string()) {
            Err(why) if why.contains("Connection refused") => tokio::task::yield_now().await,
            said => return said,
        }
    }
}

/// Two folders: one with data that is longer than a frame and a pipe, one that is empty.
fn folders() -> [tempfile::TempDir; 2] {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    fs::create_dir(folders[0].path().join("data")).unwrap();
    let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    fs::write(folders[0].path().join("data/table"), long).unwrap();
    folders
}

const TAR: &[&str] = &["tar", "-c", "-C", "data", "table"];

#[tokio::test]
async fn a_copy_is_the_same_and_has_its_name_once_it_is_usable() {
    let [from, to] = folders();
    let at = gives(from.path(), TAR).await;
    // Half of an earlier one, and what a start left behind.
    fs::create_dir_all(to.path().join("data.fetched/half")).unwrap();
    fs::create_dir_all(to.path().join("data/left")).unwrap();
    let copy = fetches(to.path(), at);
    fetched(&copy).await.unwrap();
    let read = |folder: &Path| fs::read(folder.join("data/table")).unwrap();
    assert_eq!(read(from.path()), read(to.path()));
    assert!(to.path().join("data/finished").exists());
    assert!(to.path().join("data.aside-1/left").exists());
    assert!(!to.path().join("data.fetched").exists() && !to.path().join("data/half").exists());
    // The next one gets its own.
    fetched(&copy).await.unwrap();
}

/// Its database crashed in the middle, and what there was looked like all of it.
#[tokio::test]
async fn half_a_copy_is_none() {
    let [from, to] = folders();
    let half = "tar -c -C data table | head -c 600000; exit 3";
    let half: &'static [&'static str] = Vec::leak(vec!["sh", "-c", half]);
    let copy = fetches(to.path(), gives(from.path(), half).await);
    let said = fetched(&copy).await.unwrap_err();
    assert_eq!(said, "it says: sh ended with exit code 3");
    assert!(!to.path().join("data").exists());

    // The connection breaks between two frames.
    let door = Door::of(token(from.path(), TOKEN)).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let copy = fetches(to.path(), listener.local_addr().unwrap());
    let breaks = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = door.acceptor().unwrap().accept(stream).await.unwrap();
        assert_eq!(hear(&mut stream).await.unwrap(), "db");
        stream.write_u32(3).await.unwrap();
        stream.write_all(b"abc").await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let (said, ()) = tokio::join!(copy.fetch(), breaks);
    assert!(said.is_err() && !to.path().join("data").exists());
}

#[tokio::test]
async fn a_copy_that_cannot_be_unpacked_or_made_usable_is_none() {
    let [from, to] = folders();
    let at = gives(from.path(), TAR).await;
    for (unpack, finish) in [("exit 4", "true"), ("tar -x", "exit 4")] {
        let copy = Copy {
            unpack: words(&["sh", "-c", unpack]),
            finish: words(&["sh", "-c", finish]),
            ..fetches(to.path(), at)
        };
        fetched(&copy).await.unwrap_err();
        assert!(!to.path().join("data").exists());
    }
}

#[tokio::test]
async fn who_does_not_know_the_token_or_is_of_another_cluster_gets_nothing() {
    let [from, to] = folders();
    let at = gives(from.path(), TAR).await;
    let strangers = tempfile::tempdir().unwrap();
    let stranger = Copy {
        call: Call::new(
            token(strangers.path(), "another token, of someone else"),
            None,
        ),
        ..fetches(to.path(), at)
    };
    fetched(&stranger).await.unwrap_err();
    let other = Copy {
        cluster: "another".into(),
        ..fetches(to.path(), at)
    };
    let said = fetched(&other).await.unwrap_err();
    assert_eq!(said, "it says: this is a member of db");
    assert!(!to.path().join("data").exists());
    fetched(&fetches(to.path(), at)).await.unwrap();
}

#[tokio::test]
async fn a_part_that_is_longer_than_allowed_is_not_read() {
    let [from, to] = folders();
    let door = Door::of(token(from.path(), TOKEN)).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let copy = fetches(to.path(), listener.local_addr().unwrap());
    let lies = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = door.acceptor().unwrap().accept(stream).await.unwrap();
        hear(&mut stream).await.unwrap();
        stream.write_u32(u32::MAX).await.unwrap();
        stream.flush().await.unwrap();
    };
    let (said, ()) = tokio::join!(copy.fetch(), lies);
    let said = said.unwrap_err().to_string();
    assert_eq!(said, "found a part of 4294967295 bytes; allowed: 65536");
}
