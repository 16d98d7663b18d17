//! What a store must keep, whatever happens to its process.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use meshworker_group::{
    Entry, GroupId, Kind, Order, Ordered, Save, Saved, Snapshot, Store, StoreId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{FILE, Sqlite, StoreError};

const FIRST: StoreId = StoreId(0xfeed_0000_0000_0001);
const OTHER: StoreId = StoreId(2);

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn opened(directory: &Path) -> (Sqlite, Saved) {
    Sqlite::open(directory, OTHER).unwrap()
}

fn entry() -> impl Strategy<Value = (u64, Kind, Vec<u8>)> {
    let kind = prop_oneof![Just(Kind::Command), Just(Kind::Voters)];
    (any::<u64>(), kind, vec(any::<u8>(), 0..40))
}

prop_compose! {
    fn entries()(first in 1..30_u64, all in vec(entry(), 0..6)) -> Vec<Entry> {
        let all = (first..).zip(all);
        all.map(|(index, (term, kind, body))| Entry { index, term, kind, body }).collect()
    }
}

prop_compose! {
    fn snapshot()(
        index in any::<u64>(),
        term in any::<u64>(),
        voters in vec(any::<u64>(), 0..4),
        learners in vec(any::<u64>(), 0..3),
        body in vec(any::<u8>(), 0..100),
    ) -> Snapshot {
        let ids = |ids: Vec<u64>| ids.into_iter().map(StoreId).collect();
        Snapshot { index, term, voters: ids(voters), learners: ids(learners), body }
    }
}

prop_compose! {
    fn save()(
        group in option::of(any::<u64>()),
        hard in option::of(any::<(u64, u64, u64)>()),
        snapshot in option::of(snapshot()),
        cut in option::of((0..30_u64, any::<u64>())),
        entries in entries(),
        bequest in option::of(0..3_u64),
    ) -> Save {
        let anew = None;
        let bequest = bequest.map(|number| (0..number).map(ordered).collect());
        Save { anew, group: group.map(GroupId), hard, snapshot, cut, entries, bequest }
    }
}

fn ordered(at_ms: u64) -> Ordered {
    Ordered {
        cluster: "db".into(),
        who: None,
        at_ms,
        order: Order::Resume { member: None },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_back_is_what_was_kept(steps in vec((save(), any::<bool>()), 1..12)) {
        let directory = directory();
        let (mut store, saved) = Sqlite::open(directory.path(), FIRST).unwrap();
        let mut kept = Saved::empty(FIRST);
        prop_assert_eq!(&saved, &kept);
        for (save, reopens) in steps {
            store.save(&save).unwrap();
            kept.keep(&save);
            if reopens {
                drop(store);
                let (again, saved) = opened(directory.path());
                prop_assert_eq!(&saved, &kept);
                store = again;
            }
        }
        drop(store);
        prop_assert_eq!(&opened(directory.path()).1, &kept);
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let directory = directory();
    let (first, _) = opened(directory.path());
    let refused = Sqlite::open(directory.path(), FIRST).unwrap_err();
    assert!(matches!(refused, StoreError::Held(_)), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("another worker has this store")
    );
    drop(first);
    assert_eq!(opened(directory.path()).1.store, OTHER);
}

#[test]
fn what_is_not_ours_is_named_and_left_as_it_is() {
    let directory = directory();
    let file = directory.path().join(FILE);
    let refused = |bytes: &[u8], says: &str| {
        fs::write(&file, bytes).unwrap();
        let refused = Sqlite::open(directory.path(), FIRST)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(says), "{refused}");
        assert!(refused.contains(&file.display().to_string()), "{refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
        assert_eq!(fs::read(&file).unwrap(), bytes);
        fs::remove_file(&file).unwrap();
    };
    refused(b"my diary", "not a store of meshworker");
    refused(&[7; 5_000], "not a store of meshworker");

    let made = |change: &dyn Fn(&Connection)| {
        change(&Connection::open(&file).unwrap());
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        bytes
    };
    let foreign = |other: &Connection| {
        other
            .execute_batch("CREATE TABLE diary (page TEXT)")
            .unwrap()
    };
    refused(&made(&foreign), "another program's SQLite file");

    drop(opened(directory.path()));
    let newer = |store: &Connection| store.pragma_update(None, "user_version", 9).unwrap();
    refused(
        &made(&newer),
        "found version 9 of its tables, and this program knows 1",
    );

    drop(opened(directory.path()));
    let gap = |store: &Connection| store.execute_batch("DROP TABLE entries").unwrap();
    refused(&made(&gap), "damaged");
}

#[test]
fn a_directory_that_nothing_can_be_written_to_is_named() {
    let directory = directory();
    let file = directory.path().join("slot");
    fs::write(&file, "").unwrap();
    let refused = Sqlite::open(&file.join("1"), FIRST).unwrap_err();
    assert!(matches!(refused, StoreError::Unusable { .. }), "{refused}");
}

#[test]
fn a_store_that_cannot_be_written_is_read() {
    let directory = directory();
    assert_eq!(Sqlite::read(directory.path()).unwrap(), None);
    let (mut store, mut kept) = opened(directory.path());
    store.save(&line_saved(1)).unwrap();
    kept.keep(&line_saved(1));
    // As a killed process leaves it: what was written last is not in the file itself.
    assert_eq!(Sqlite::read(directory.path()).unwrap(), Some(kept));
}

#[test]
fn a_group_that_is_given_up_is_kept_once_beside_the_new_store() {
    let directory = directory();
    let (mut store, mut kept) = opened(directory.path());
    for group in [7, 8] {
        let save = Save {
            group: Some(GroupId(group)),
            hard: Some((3, 2, 1)),
            entries: vec![line(group)],
            bequest: Some(vec![ordered(group)]),
            ..Save::default()
        };
        store.save(&save).unwrap();
        kept.keep(&save);
        let fresh = StoreId(group);
        store.save(&anew(fresh)).unwrap();
        let before = directory.path().join("before");
        fs::create_dir(&before).unwrap();
        fs::rename(
            directory.path().join("meshworker.sqlite3.before"),
            before.join(FILE),
        )
        .unwrap();
        assert_eq!(opened(&before).1, kept);
        fs::copy(
            before.join(FILE),
            directory.path().join("meshworker.sqlite3.before"),
        )
        .unwrap();
        fs::remove_dir_all(before).unwrap();
        // What the next group is to be told outlives this one.
        kept = Saved {
            bequest: vec![ordered(group)],
            ..Saved::empty(fresh)
        };
    }
    drop(store);
    assert_eq!(opened(directory.path()).1, kept);
    let files = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 2);
}

fn anew(store: StoreId) -> Save {
    Save {
        anew: Some(store),
        ..Save::default()
    }
}

#[test]
fn nothing_to_keep_writes_nothing() {
    let directory = directory();
    let (mut store, _) = opened(directory.path());
    store.save(&line_saved(1)).unwrap();
    let files = |directory: &Path| -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap());
        files
            .map(|file| {
                let written = file.metadata().unwrap().modified().unwrap();
                let name = file.file_name().to_string_lossy().into_owned();
                (name, (fs::read(file.path()).unwrap(), written))
            })
            .collect()
    };
    let before = files(directory.path());
    store.save(&Save::default()).unwrap();
    assert_eq!(files(directory.path()), before);
}

fn line(index: u64) -> Entry {
    Entry {
        index,
        term: 1,
        kind: Kind::Command,
        body: vec![b'x'; 400],
    }
}

/// What the `number`-th of many saves is: a line more, and from time to time what makes it shorter.
fn line_saved(number: u64) -> Save {
    let cut = number.is_multiple_of(50).then(|| (number - 10, 1));
    Save {
        hard: Some((1, 1, number)),
        cut,
        entries: vec![line(number)],
        ..Save::default()
    }
}

/// Names the directory to the process that is to be killed.
const TO_BE_KILLED: &str = "MESHWORKER_TEST_STORE";

#[test]
fn whoever_is_killed_while_it_writes_has_kept_all_that_it_said() {
    if let Some(directory) = std::env::var_os(TO_BE_KILLED) {
        let (mut store, saved) = opened(Path::new(&directory));
        let said = std::io::stderr();
        for number in saved.hard.2 + 1.. {
            store.save(&line_saved(number)).unwrap();
            writeln!(&said, "kept {number}").unwrap();
        }
    }
    let directory = directory();
    let mut kept = Saved::empty(OTHER);
    for more in [1, 60, 7, 130] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("group::store::tests::whoever_is_killed_while_it_writes_has_kept_all_that_it_said")
            .env(TO_BE_KILLED, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.map_while(Result::ok);
        let mut said = said.filter_map(|line| line.strip_prefix("kept ")?.parse::<u64>().ok());
        let said = said.nth(more - 1).unwrap();
        let refused = Sqlite::open(directory.path(), FIRST).unwrap_err();
        assert!(matches!(refused, StoreError::Held(_)), "{refused}");
        child.kill().unwrap();
        child.wait().unwrap();
        let (_, saved) = opened(directory.path());
        assert!(saved.hard.2 >= said, "{} of {said}", saved.hard.2);
        for number in kept.hard.2 + 1..=saved.hard.2 {
            kept.keep(&line_saved(number));
        }
        assert_eq!(saved, kept);
    }
}

#[test]
fn tells_how_long_a_commit_takes() {
    let directory = directory();
    let (mut store, _) = opened(directory.path());
    let mut times: Vec<_> = (1..=300)
        .map(|number| {
            #[expect(clippy::disallowed_types, reason = "tells how long it really took")]
            let began = std::time::Instant::now();
            store.save(&line_saved(number)).unwrap();
            began.elapsed()
        })
        .collect();
    times.sort();
    eprintln!(
        "a commit: p50 {:?}, p99 {:?}, most {:?}",
        times[150], times[297], times[299]
    );
}
