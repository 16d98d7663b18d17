//! A primary that is well gives its place away: nobody is sealed before somebody can take it,
//! and where nobody can, it takes writes again.

use super::orders::{CLOSE, take_writes};
use super::*;

impl Scene {
    /// It has written so much, and this one has received, and applied, so much of it.
    fn behind(mut self, n: u8, sequence: u64) -> Scene {
        self.source(n).received = position(sequence);
        self.views.get_mut(&n).unwrap().current = position(sequence);
        self
    }

    /// Members 2 and 3 are sealed for this one, and have heard nothing for so long.
    fn sealed_since(self, candidate: u8, silent_ms: u64) -> Scene {
        let mut scene = self.sealed_for(candidate);
        for n in [2, 3] {
            scene.source(n).silent_ms = silent_ms;
        }
        scene
    }
}

fn seal(n: u8, candidate: u8) -> String {
    format!("10.0.0.{n}: promise term 2 to own.{candidate}, and stop receiving")
}

fn waits(candidate: u8, seen: &str) -> String {
    let seen = format!("8 (nobody acknowledges any more) is closed: {seen}");
    closed(&format!("promote db.{candidate} in term 2"), &seen)
}

/// Both were sealed at once, the forbidden one had more, and nobody was primary any more.
#[test]
fn a_switchover_sealed_before_its_successor_had_everything() {
    let ordered = |others: &str| {
        let scene = three().wishing("primary", "3").wishing("forbidden", others);
        scene.closed()
    };
    for others in ["2", NONE] {
        let behind = ordered(others).behind(3, 47);
        let seen = "db.3 has not received everything yet";
        assert_eq!(behind.told(), [waits(3, seen)], "{others}");
        let sealed = "db.2 has not promised term 2";
        let told = ordered(others).told();
        assert_eq!(told, [seal(2, 3), seal(3, 3), waits(3, sealed)], "{others}");
        let done = ordered(others).sealed_for(3);
        assert_eq!(done.told(), take_writes(3), "{others}");
    }
}

/// Whoever may write to a closed primary went on to: no replica ever had what it had.
#[test]
fn a_closed_primary_whose_place_nobody_could_take_stayed_closed() {
    let ordered = || three().wishing("primary", "3");
    let mind = &mut Mind::default();
    assert_eq!(ordered().told_by(mind, 0), CLOSE);
    let mut scene = ordered().closed().sealed_for(3);
    scene.views.get_mut(&1).unwrap().written = position(51);
    let seen = "10 (it has applied everything) is closed: db.3 has applied 0-1-50, and 0-1-51 was \
                received";
    let refused = [closed("promote db.3 in term 2", seen)];
    assert_eq!(scene.told_by(mind, 1), refused);
    assert_eq!(scene.told_by(mind, 4), refused);
    // They have promised the term to another one: the next one is its own.
    let told = scene.told_by(mind, 5);
    assert_eq!(
        told[0],
        "10.0.0.2: promise term 3 to own.1, and stop receiving"
    );
    let mut promised = scene.clone();
    for n in [2, 3] {
        promised.mark(n).promised = 3;
        promised.mark(n).holder = format!("{OWN}.1");
    }
    let opened = ["10.0.0.1: take writes in term 3".to_owned()];
    assert_eq!(promised.told_by(mind, 6), opened);
    // It is not closed again at once, and another worker does not know.
    let mut open = ordered();
    open.views.get_mut(&1).unwrap().mark = mark(PRIMARY, 3);
    for view in open.views.values_mut() {
        view.roll.as_mut().unwrap().term = 3;
    }
    let told = open.told_by(mind, 7);
    let seen = "5 (not again so soon) is closed: nobody could take its place 1 s ago; `meshworker \
                acknowledge` lets it close again";
    let again = "10.0.0.1: take no more writes in term 3";
    assert!(told.contains(&closed(again, seen)), "{told:?}");
    assert!(open.told_by(mind, 70).contains(&again.to_owned()));
}

/// Whoever is ahead and cannot be opened is sealed first; the others catch up with it.
#[test]
fn a_forced_fail_over_sealed_all_where_one_that_is_forbidden_was_ahead() {
    let scene = || three().wishing("forbidden", "2").forced(&[]);
    let behind = scene().behind(3, 49);
    let sealed = "db.2 has not promised term 2";
    assert_eq!(behind.told(), [seal(2, 3), waits(3, sealed)]);
    let mut first = behind.clone();
    first.source(2).connection = Connection::Stopped;
    first.mark(2).promised = 2;
    first.mark(2).holder = format!("{OWN}.3");
    let seen = "db.3 has not received everything yet";
    assert_eq!(first.told(), [waits(3, seen)]);
    let sealed = "db.3 has not promised term 2";
    assert_eq!(first.behind(3, 50).told(), [seal(3, 3), waits(3, sealed)]);
    assert_eq!(scene().sealed_since(3, 600).told(), take_writes(3));
}

/// Nobody could be opened in the end, and nobody took writes for ten minutes.
#[test]
fn a_forced_fail_over_sealed_where_nobody_could_take_the_place() {
    let mut scene = three().wishing("forbidden", "2,3").forced(&[]);
    assert_eq!(scene.told(), [waits(2, "db.2: it is forbidden")]);
    scene.orders.wishes = scene.orders.wishes.with("forbidden", NONE);
    for n in [2, 3] {
        scene.source(n).applies = false;
    }
    let seen = "db.2: it does not apply what it receives";
    assert!(scene.told().contains(&waits(2, seen)), "{:?}", scene.told());
}

/// While it waited at a gate, no member was told anything.
#[test]
fn a_forced_fail_over_that_waits_kept_replicas_from_following() {
    let mut scene = three().forced(&[]);
    scene.views.get_mut(&3).unwrap().source = None;
    scene.views.remove(&2);
    scene.silent.insert(2);
    let follow = "10.0.0.3: follow 10.0.0.1:3306 in term 1".to_owned();
    assert!(scene.told().contains(&follow), "{:?}", scene.told());
}

/// It was sealed, and came to nothing.
#[test]
fn a_forced_fail_over_that_came_to_nothing_left_nobody_primary() {
    let mind = &mut Mind::default();
    let scene = three().forced(&[]);
    scene.told_by(mind, 0);
    let mut stuck = scene.clone().sealed_since(2, 600);
    stuck.source(2).received = position(51);
    let seen = "10 (it has applied everything) is closed: db.2 has applied 0-1-50, and 0-1-51 was \
                received";
    let refused = [closed("promote db.2 in term 2", seen)];
    assert_eq!(stuck.told_by(mind, 4), refused);
    let told = stuck.told_by(mind, 5);
    let keeps = "keep db.1 the primary, in term 3";
    assert!(told.iter().any(|line| line.contains(keeps)), "{told:?}");
    // An order means the primary of one term: in the next one it is carried out, or void.
    let mut kept = three().forced(&[]);
    kept.views.get_mut(&1).unwrap().mark = mark(PRIMARY, 3);
    let told = kept.told_by(mind, 6);
    assert!(
        !told.iter().any(|line| line.contains("promise")),
        "{told:?}"
    );
    // Taken back, it is as if it had not been.
    stuck.orders.forced = None;
    let told = stuck.told();
    assert!(told.iter().any(|line| line.contains(keeps)), "{told:?}");
}

/// It named whoever was primary by its name: whatever that one had acknowledged since, and
/// alone had of what the next primary acknowledged, was not asked for.
#[test]
fn a_forced_fail_over_meant_whoever_had_that_name_in_whatever_term() {
    // Member 1 follows, and member 2, which has taken its place, is dead.
    let mut scene = three().forced(&[]);
    scene.views.remove(&2);
    scene.silent.insert(2);
    for n in [1, 3] {
        let follows = replica(50, &[1, 3]);
        scene.views.insert(n, follows);
        scene.source(n).host = "10.0.0.2".into();
        scene.source(n).connection = Connection::Trying;
        *scene.mark(n) = mark(REPLICA, 2).unwrap();
        scene.views.get_mut(&n).unwrap().roll = Some(Roll {
            term: 2,
            number: 1,
            ackers: vec![1, 3],
        });
    }
    let told = scene.told();
    let asked = "10.0.0.1: promise term 3".to_owned();
    assert!(told.iter().any(|line| line.starts_with(&asked)), "{told:?}");
}

/// Root's password was another one: whoever had to connect anew stayed away until the next
/// fail-over.
#[test]
fn a_replica_that_was_locked_out_by_a_new_password_was_not_told_to_follow_anew() {
    let follow = ["10.0.0.3: follow 10.0.0.1:3306 in term 1".to_owned()];
    let mut scene = three();
    scene.source(3).connection = Connection::Trying;
    assert_eq!(scene.told(), Vec::<String>::new());
    scene.source(3).error = Some((1045, "Access denied".into()));
    assert_eq!(scene.told(), follow);
    // What it was sent it keeps until it has applied it.
    scene.source(3).received = position(51);
    assert_eq!(scene.told(), Vec::<String>::new());
    scene.source(3).received = position(50);
    // The account comes first.
    scene.views.get_mut(&1).unwrap().has_account = false;
    let enrol = ["10.0.0.1: have acknowledged by [2, 3] in term 1".to_owned()];
    assert_eq!(scene.told(), enrol);
}

/// A forbidden one kept its place, and nobody who is preferred had it.
#[test]
fn one_that_is_wished_for_and_away_kept_the_place_from_everybody_else() {
    let scene = three().wishing("primary", "7").wishing("forbidden", "1");
    assert_eq!(scene.told(), CLOSE);
    let preferred = three().wishing("primary", "7").wishing("preferred", "3");
    assert_eq!(preferred.told(), CLOSE);
    let mut unfit = three().wishing("primary", "2").wishing("preferred", "3");
    unfit.views.get_mut(&2).unwrap().faults = vec!["log_bin is OFF".into()];
    assert!(unfit.told().contains(&CLOSE[0].to_owned()));
}

/// It crashed, came back, and had the place again at once, each time.
#[test]
fn one_that_crashes_had_its_place_back_as_soon_as_it_was_there() {
    let mind = &mut Mind::default();
    let dead = three().wishing("primary", "1").without_primary();
    dead.plan_of(mind, 0);
    assert_eq!(dead.sealed().told_by(mind, 1), take_writes(2));
    let mut back = three().wishing("primary", "1");
    back.views.insert(2, server(PRIMARY, 50, &[1, 3]));
    back.views.insert(1, replica(50, &[1, 3]));
    for n in [1, 3] {
        back.views.get_mut(&n).unwrap().mark = mark(REPLICA, 2);
        back.source(n).host = "10.0.0.2".into();
    }
    back.views.get_mut(&2).unwrap().mark = mark(PRIMARY, 2);
    for n in 1..=3 {
        let roll = back.views.get_mut(&n).unwrap().roll.as_mut().unwrap();
        (roll.term, roll.ackers) = (2, vec![1, 3]);
    }
    let close = "10.0.0.2: take no more writes in term 2";
    let seen = "5 (not again so soon) is closed: a fail-over was 0 s ago; `meshworker \
                acknowledge` lets it be at once";
    assert_eq!(back.told_by(mind, 2), [closed(close, seen)]);
    assert_eq!(back.told_by(mind, 62), [close]);
    // One that is to go does not wait.
    back.leaving.insert(2);
    assert!(back.told().contains(&close.to_owned()), "{:?}", back.told());
}
