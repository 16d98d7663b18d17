use std::time::Duration;

use tempfile::TempDir;

use super::*;

const MISSED: Elsewhere = Elsewhere::Nobody { settled: false };

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(seconds))
}

fn search(root: &TempDir, slot: u64, task: &str) -> Search {
    Search::new(root.path().to_owned(), slot, task.to_owned())
}

/// Who stands in the data of a directory that was got.
fn data(directory: &Directory) -> String {
    fs::read_to_string(directory.path.join("data")).unwrap_or_default()
}

#[test]
fn one_slot_has_one_directory_whoever_comes_and_goes() {
    let root = TempDir::new().unwrap();
    let old = search(&root, 2, "old")
        .look(&MISSED, at(0))
        .unwrap()
        .unwrap();
    fs::write(old.path.join("data"), "slot 2").unwrap();
    let mut new = search(&root, 2, "new");
    for second in [0, 1, 100] {
        let why = new.look(&MISSED, at(second)).unwrap().unwrap_err();
        assert_eq!(why.to_string(), "slot-2 is still used by task old");
    }
    drop(old);
    let new = new.look(&MISSED, at(101)).unwrap().unwrap();
    assert_eq!(data(&new), "slot 2");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn what_the_script_left_under_a_hosts_name_is_this_slots_and_nothing_is_thrown_away() {
    let root = TempDir::new().unwrap();
    for (name, text) in [("slot-2", "older"), ("slot-2-0a1b2c", "newer")] {
        let directory = root.path().join(name);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("data"), text).unwrap();
    }
    let past = SystemTime::now() - Duration::from_secs(60);
    for old in ["slot-2", "slot-2/data"] {
        File::open(root.path().join(old))
            .unwrap()
            .set_modified(past)
            .unwrap();
    }
    let got = search(&root, 2, "new")
        .look(&MISSED, at(0))
        .unwrap()
        .unwrap();
    assert_eq!(data(&got), "newer");
    assert_eq!(got.path, root.path().join("slot-2"));
    let kept = root.path().join("before-new-slot-2").join("data");
    assert_eq!(fs::read_to_string(kept).unwrap(), "older");
    // And it stays so.
    drop(got);
    let again = search(&root, 2, "again")
        .look(&MISSED, at(0))
        .unwrap()
        .unwrap();
    assert_eq!(data(&again), "newer");
}

#[test]
fn two_that_found_no_directory_of_their_own_never_wait_for_each_other() {
    let root = TempDir::new().unwrap();
    for slot in [1, 4] {
        let left = search(&root, slot, "before").look(&Elsewhere::SETTLED, at(0));
        fs::write(left.unwrap().unwrap().path.join("data"), slot.to_string()).unwrap();
    }
    // After the power cut Swarm has given this node two other slots.
    let (mut two, mut five) = (search(&root, 2, "b"), search(&root, 5, "c"));
    for second in [0, 29] {
        assert!(two.look(&MISSED, at(second)).unwrap().is_err());
        assert!(five.look(&MISSED, at(second)).unwrap().is_err());
    }
    let two = two.look(&MISSED, at(30)).unwrap().unwrap();
    let five = five.look(&MISSED, at(30)).unwrap().unwrap();
    let mut all = [data(&two), data(&five)];
    all.sort();
    assert_eq!(all, ["1", "4"], "all data has found a member");
    // From now on these are theirs: the former owner begins anew.
    let one = search(&root, 1, "d")
        .look(&MISSED, at(31))
        .unwrap()
        .unwrap();
    assert_eq!(data(&one), "");
    drop((one, two, five));
    for (slot, expected) in [(2, &all), (5, &all)] {
        let again = search(&root, slot, "e")
            .look(&MISSED, at(0))
            .unwrap()
            .unwrap();
        assert!(expected.contains(&data(&again)), "slot {slot}");
    }
}

#[test]
fn a_directory_that_was_renamed_while_its_lock_was_waited_for_is_not_taken() {
    let root = TempDir::new().unwrap();
    let got = search(&root, 3, "a").look(&MISSED, at(0)).unwrap().unwrap();
    drop(got);
    let opened = lock(&root.path().join("slot-3")).unwrap().unwrap();
    fs::rename(root.path().join("slot-3"), root.path().join("slot-7")).unwrap();
    fs::create_dir(root.path().join("slot-3")).unwrap();
    drop(opened);
    // Its owner is slot 7 now, slot 3's is the new one.
    let new = search(&root, 3, "b").look(&MISSED, at(0)).unwrap().unwrap();
    assert_eq!(new.path, root.path().join("slot-3"));
    assert!(search(&root, 7, "c").look(&MISSED, at(0)).unwrap().is_ok());
}

#[test]
fn a_volume_that_is_not_there_is_an_error_and_no_fresh_start() {
    let root = TempDir::new().unwrap();
    let mut search = Search::new(root.path().join("missing"), 1, "a".to_owned());
    assert!(search.look(&MISSED, at(0)).is_err());
}
