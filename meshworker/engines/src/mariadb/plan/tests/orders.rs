//! What operators wish for and order, and what was found to be lost or to wait for ever.

use meshworker_core::Forced;

use super::*;

impl Scene {
    pub fn wishing(mut self, name: &str, value: &str) -> Scene {
        self.orders.wishes = self.orders.wishes.with(name, value);
        self
    }

    pub fn forced(mut self, lost: &[&str]) -> Scene {
        self.orders.forced = Some(Forced {
            from: Some("db.1".into()),
            term: Some(1),
            lost: lost.iter().map(|id| (*id).to_owned()).collect(),
        });
        self
    }

    fn on_downtime(mut self, n: u8) -> Scene {
        let why = "a new disk".to_owned();
        self.orders.downtime.insert(format!("db.{n}"), why);
        self
    }

    /// It answers, and takes no writes.
    pub fn closed(mut self) -> Scene {
        self.views.get_mut(&1).unwrap().read_only = true;
        self
    }
}

pub fn take_writes(n: u8) -> [String; 1] {
    [format!("10.0.0.{n}: take writes in term 2, from 0-1-50 on")]
}

pub const CLOSE: [&str; 1] = ["10.0.0.1: take no more writes in term 1"];

#[test]
fn a_wish_for_a_primary_is_one_for_a_switchover() {
    assert_eq!(three().wishing("primary", "3").told(), CLOSE);
    assert_eq!(three().wishing("primary", "1").told(), Vec::<String>::new());
    let stopped = three().wishing("primary", "3").closed();
    assert_eq!(stopped.sealed_for(3).told(), take_writes(3));
    // It is not in step: the one that is well goes on.
    let mut behind = three().wishing("primary", "3");
    behind.source(3).connection = Connection::Trying;
    assert_eq!(behind.told(), Vec::<String>::new());
}

#[test]
fn whoever_is_preferred_has_the_place_and_whoever_is_forbidden_never_has() {
    // By a slot's number, whoever is primary.
    assert_eq!(three().wishing("preferred", "4, 3").told(), CLOSE);
    assert_eq!(
        three().wishing("preferred", "1,3").told(),
        Vec::<String>::new()
    );
    let stopped = three().wishing("preferred", "3").closed();
    assert_eq!(stopped.sealed_for(3).told(), take_writes(3));
    // Of those that have the same, whoever is preferred, and nobody who is forbidden.
    let dead = || three().without_primary();
    let preferred = dead().wishing("preferred", "3").sealed_for(3);
    assert_eq!(preferred.told(), take_writes(3));
    let forbidden = dead().wishing("forbidden", "2").sealed_for(3);
    assert_eq!(forbidden.told(), take_writes(3));
    // One that is primary gives its place.
    assert_eq!(three().wishing("forbidden", "1").told(), CLOSE);
    // What only it has nobody else can have: an operator decides.
    let mut alone = dead().wishing("forbidden", "3").sealed_for(3);
    alone.source(3).received = position(52);
    alone.views.get_mut(&3).unwrap().current = position(52);
    let seen = "9 (it may take the place) is closed: db.3: it is forbidden";
    assert_eq!(alone.told(), [closed("promote db.3 in term 2", seen)]);
}

#[test]
fn on_downtime_nobody_becomes_primary_or_loses_its_place() {
    let dead = || three().without_primary();
    assert_eq!(dead().on_downtime(2).sealed_for(3).told(), take_writes(3));
    let seen = "1 (no operator holds it) is closed: db.1 is on downtime";
    assert_eq!(
        dead().on_downtime(1).told(),
        [closed("promote db.2 in term 2", seen)]
    );
    // Preferred ones wait; who asks for one by its name does not.
    let preferred = three().on_downtime(1).wishing("preferred", "3");
    assert_eq!(preferred.told(), Vec::<String>::new());
    assert_eq!(three().on_downtime(1).wishing("primary", "3").told(), CLOSE);
    assert_eq!(
        three().on_downtime(3).wishing("primary", "3").told(),
        Vec::<String>::new()
    );
}

/// It is heard, and answers: an operator knows better. Whoever acknowledges is sealed first.
#[test]
fn a_forced_fail_over_takes_the_place_of_one_that_answers() {
    let scene = three().forced(&[]);
    assert_eq!(
        scene.told(),
        [
            "10.0.0.2: promise term 2 to own.2, and stop receiving",
            "10.0.0.3: promise term 2 to own.2, and stop receiving",
            &closed(
                "promote db.2 in term 2",
                "8 (nobody acknowledges any more) is closed: db.2 has not promised term 2"
            ),
        ]
    );
    let mut sealed = scene.sealed();
    for n in [2, 3] {
        sealed.source(n).silent_ms = 600;
    }
    assert_eq!(sealed.told(), take_writes(2));
    // What was received and not applied is never skipped.
    sealed.source(2).received = position(51);
    let seen = "10 (it has applied everything) is closed: db.2 has applied 0-1-50, and 0-1-51 \
                was received";
    assert_eq!(sealed.told(), [closed("promote db.2 in term 2", seen)]);
}

#[test]
fn only_an_operators_word_stands_for_one_that_may_have_acknowledged() {
    let mut scene = three().without_primary().sealed();
    scene.views.remove(&3);
    scene.silent.insert(3);
    let silent = "3 (whoever may have acknowledged answers) is closed: db.3 may have \
                  acknowledged a write: unreachable: refused";
    let refused = [closed("promote db.2 in term 2", silent)];
    assert_eq!(scene.told(), refused);
    assert_eq!(scene.clone().forced(&[]).told(), refused);
    assert_eq!(scene.forced(&["db.3"]).told(), take_writes(2));
}

/// It was neither asked nor sealed, and went on to acknowledge the old primary's writes beside
/// the new one.
#[test]
fn one_that_was_called_lost_and_answers_was_left_to_acknowledge() {
    let told = three().forced(&["db.3"]).told();
    let sealed = "10.0.0.3: promise term 2 to own.2, and stop receiving".to_owned();
    assert!(told.contains(&sealed), "{told:?}");
}

#[test]
fn a_forced_fail_over_waited_for_the_end_of_the_primarys_downtime() {
    let mut scene = three().on_downtime(1).forced(&[]).sealed();
    for n in [2, 3] {
        scene.source(n).silent_ms = 600;
    }
    assert_eq!(scene.told(), take_writes(2));
}

/// Its disk was whole, and a gate that only time opens was shut: nobody was primary for an hour.
#[test]
fn a_dead_primary_with_a_whole_disk_is_started_where_nobody_may_take_its_place() {
    let mut scene = three().without_primary().on_downtime(1);
    scene.silent.clear();
    scene.disks.insert(1, disk(PRIMARY, 1));
    let seen = "1 (no operator holds it) is closed: db.1 is on downtime";
    assert_eq!(
        scene.told(),
        [
            "db.1: start --init-rpl-role=MASTER".to_owned(),
            "not done: start db.1: it was the primary, and another member takes its place".into(),
            closed("promote db.2 in term 2", seen),
        ]
    );
    // The one that is to take its place is only sealed yet: it waits.
    scene.orders.downtime.clear();
    let starts = |line: &String| line.contains("MASTER");
    assert!(!scene.told().iter().any(starts), "{:?}", scene.told());
}

/// All had other addresses after a restart, and a replica had the dead primary's: whoever
/// followed it heard "the primary" for ever.
#[test]
fn whoever_has_the_dead_primarys_address_by_now_is_not_taken_for_it() {
    let mut scene = three().without_primary();
    // Member 3 is where the primary was, by the word of the other one.
    scene.source(2).host = "10.0.0.3".into();
    scene.source(2).server = Some(3);
    scene.source(2).connection = Connection::Up;
    scene.silent.clear();
    assert_eq!(
        scene.told(),
        [
            "10.0.0.2: promise term 2 to own.2, and stop receiving",
            "10.0.0.3: promise term 2 to own.2, and stop receiving",
            &closed(
                "promote db.2 in term 2",
                "8 (nobody acknowledges any more) is closed: db.2 has not promised term 2"
            ),
        ]
    );
}

/// It has stopped waiting by itself, whatever it was told: only it has what it has acknowledged.
#[test]
fn a_primary_that_has_stopped_waiting_alone_has_everything() {
    let mut scene = three();
    scene.views.get_mut(&1).unwrap().semi_sync.holds = false;
    let remark = "not done: trust db.1 with writes: it has stopped waiting for acknowledgements: \
                  whoever writes there may lose it";
    assert_eq!(
        scene.told(),
        ["10.0.0.1: have acknowledged by [] in term 1", remark]
    );
}

/// Its supervisor said that it does not run; another one of its slot received and acknowledged.
#[test]
fn whom_the_primary_sends_to_is_on_the_roll_whatever_is_said_of_it() {
    let mut scene = three();
    scene.views.remove(&3);
    scene.disks.insert(3, disk(REPLICA, 1));
    let off = "10.0.0.1: have acknowledged by [2] in term 1".to_owned();
    assert!(scene.told().contains(&off), "{:?}", scene.told());
    scene.views.get_mut(&1).unwrap().sends_to = vec![2, 3];
    assert!(!scene.told().contains(&off), "{:?}", scene.told());
}

/// All nodes with data were down, and the first slots came up with empty disks.
#[test]
fn no_cluster_begins_beside_the_data_of_one_that_was() {
    let mut scene = three();
    for n in 1..=3 {
        let blank = Detail {
            read_only: true,
            mark: Some(Mark::default()),
            ..Detail::default()
        };
        scene.views.insert(n, blank);
    }
    scene.orders.born = Some("1-t1-1".into());
    assert_eq!(
        scene.told(),
        [
            "not done: begin a cluster: cluster 1-t1-1 was here, and nobody who has its data is: \
             bring one of its disks back; if it is lost, `meshworker acknowledge` lets a new one \
             begin"
        ]
    );
    scene.orders.born = None;
    assert_eq!(scene.plan().steps.len(), 3);
    // It is told as soon as it takes writes, and once.
    assert_eq!(three().plan().born.as_deref(), Some("c"));
    let mut known = three();
    known.orders.born = Some("c".into());
    assert_eq!(known.plan().born, None);
}

/// Replicas could not connect for want of the account; a time-out that ends was set by hand.
#[test]
fn what_a_primary_lacks_for_its_replicas_comes_with_the_roll() {
    let enrol = ["10.0.0.1: have acknowledged by [2, 3] in term 1".to_owned()];
    let mut scene = three();
    scene.views.get_mut(&1).unwrap().has_account = false;
    assert_eq!(scene.told(), enrol);
    let mut scene = three();
    let fault = "rpl_semi_sync_master_timeout is 10000; allowed: 31536000000";
    scene.views.get_mut(&1).unwrap().faults = vec![fault.into()];
    assert_eq!(scene.told()[0], enrol[0]);
}

/// It had only stalled: nobody takes its place before it was silent for longer.
#[test]
fn a_primary_that_only_stalls_is_waited_for_after_the_seal() {
    let mut scene = three().without_primary().sealed();
    scene.hangs = true;
    for n in [2, 3] {
        scene.source(n).silent_ms = 400;
    }
    let seen = "8 (nobody acknowledges any more) is closed: db.2 has heard it not long ago";
    assert_eq!(scene.told(), [closed("promote db.2 in term 2", seen)]);
    for n in [2, 3] {
        scene.source(n).silent_ms = 500;
    }
    assert_eq!(scene.told(), take_writes(2));
}
