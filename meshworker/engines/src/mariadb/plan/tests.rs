//! Whole proposals, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Disk, Grade, Holds, Ids, Limits, MemberId, Mind, Moment, Observation, Office,
    Orders, Place, Plan, Presence, Report, Role, Sighting, Tell, Unanswered, View, Witness,
};

mod handover;
mod orders;
mod say;
mod storm;

use super::*;
use crate::mariadb::NONE;
use crate::mariadb::detail::{Connection, Roll, SemiSync, Source};
use crate::mariadb::fence::{JOINING, Mark, PRIMARY, REPLICA};
use crate::mariadb::gtid::{Position, State};

const OWN: &str = "own";

/// Members, what each says, and what the others' supervisors say.
#[derive(Clone)]
struct Scene {
    views: BTreeMap<u8, Detail>,
    silent: BTreeSet<u8>,
    disks: BTreeMap<u8, Disk>,
    leaving: BTreeSet<u8>,
    wished: Option<usize>,
    initial: Option<usize>,
    orders: Orders,
    /// Whether who is silent has not even refused.
    hangs: bool,
    coming: Vec<u64>,
}

fn at(n: u8) -> Place {
    Place::from([10, 0, 0, n])
}

fn position(sequence: u64) -> Position {
    Position::parse(&format!("0-1-{sequence}")).unwrap()
}

fn mark(role: &str, term: u64) -> Option<Mark> {
    Some(Mark {
        promised: term,
        holder: OWN.into(),
        role: role.into(),
        term,
        cluster: "c".into(),
    })
}

/// One that has come so far in the first term, in which these may acknowledge.
fn server(role: &str, sequence: u64, ackers: &[u32]) -> Detail {
    Detail {
        version: "10.11.19".into(),
        mark: mark(role, 1),
        read_only: role != PRIMARY,
        written: position(sequence),
        state: State::parse(&format!("0-1-{sequence}")).unwrap(),
        applied: position(sequence),
        current: position(sequence),
        source: None,
        semi_sync: SemiSync {
            waits: role == PRIMARY,
            holds: role == PRIMARY,
            acknowledges: true,
            ..SemiSync::default()
        },
        roll: Some(Roll {
            term: 1,
            number: 1,
            ackers: ackers.to_vec(),
        }),
        sends_to: Vec::new(),
        has_account: true,
        has_data: true,
        faults: Vec::new(),
    }
}

fn replica(sequence: u64, ackers: &[u32]) -> Detail {
    Detail {
        source: Some(Source {
            host: "10.0.0.1".into(),
            port: 3306,
            connection: Connection::Up,
            applies: true,
            received: position(sequence),
            ..Source::default()
        }),
        ..server(REPLICA, sequence, ackers)
    }
}

/// Three of them, the first of which is the primary.
fn three() -> Scene {
    let ackers = [2, 3];
    Scene {
        views: [
            (1, server(PRIMARY, 50, &ackers)),
            (2, replica(50, &ackers)),
            (3, replica(50, &ackers)),
        ]
        .into(),
        silent: BTreeSet::new(),
        disks: BTreeMap::new(),
        leaving: BTreeSet::new(),
        wished: None,
        initial: None,
        orders: Orders::default(),
        hangs: false,
        coming: Vec::new(),
    }
}

impl Scene {
    /// The first one says nothing any more, and its replicas have noticed.
    fn without_primary(mut self) -> Scene {
        self.views.remove(&1);
        self.silent.insert(1);
        for n in [2, 3] {
            self.source(n).connection = Connection::Trying;
        }
        self
    }

    /// Both have promised the second term to us, for member 2.
    fn sealed(self) -> Scene {
        self.sealed_for(2)
    }

    /// The same, for this one.
    fn sealed_for(mut self, candidate: u8) -> Scene {
        for n in [2, 3] {
            self.source(n).connection = Connection::Stopped;
            self.mark(n).promised = 2;
            self.mark(n).holder = format!("{OWN}.{candidate}");
        }
        self
    }

    fn source(&mut self, n: u8) -> &mut Source {
        self.views.get_mut(&n).unwrap().source.as_mut().unwrap()
    }

    fn mark(&mut self, n: u8) -> &mut Mark {
        self.views.get_mut(&n).unwrap().mark.as_mut().unwrap()
    }

    fn plan(&self) -> Plan<MariadbRequest> {
        self.plan_of(&mut Mind::default(), 0)
    }

    /// By a worker that has this in mind, so many seconds after it began.
    fn plan_of(&self, mind: &mut Mind, seconds: u64) -> Plan<MariadbRequest> {
        let rules = Rules {
            port: 3306,
            holder: OWN.into(),
            initial: self.initial,
            primary: self.wished,
            preferred: NONE.into(),
            forbidden: NONE.into(),
        };
        let slots = self
            .views
            .keys()
            .chain(&self.silent)
            .chain(self.disks.keys());
        let slots: BTreeSet<u8> = slots.copied().collect();
        let sighting = |n: u8, presence| Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot: n.into(),
            }),
            task: Some(format!("t{n}")),
            presence,
            disk: self.disks.get(&n).cloned().map(Box::new),
            ..Sighting::at(at(n))
        };
        let presence = |n: &u8| match (self.disks.contains_key(n), self.leaving.contains(n)) {
            (true, _) => Presence::Spare,
            (_, true) => Presence::Leaving,
            _ => Presence::Present,
        };
        let said = slots.iter().map(|n| sighting(*n, presence(n))).collect();
        let listed = slots.iter().filter(|n| !self.leaving.contains(n));
        let listed = listed.map(|n| Sighting {
            disk: None,
            ..sighting(*n, Presence::Present)
        });
        let docker = Report {
            sightings: listed.collect(),
            coming: (self.coming.iter())
                .map(|slot| MemberId::Slot {
                    service: "db".into(),
                    slot: *slot,
                })
                .collect(),
            desired: Some(slots.len()),
            ..Report::unknown(Witness::Docker, Grade::Answer)
        };
        let announced = Report {
            sightings: said,
            ..Report::unknown(Witness::Announce, Grade::Answer)
        };
        let views = self
            .views
            .iter()
            .map(|(n, detail)| (at(*n), Ok(view(*n, detail))));
        let refused = || match self.hangs {
            true => Err(Unanswered::Timeout),
            false => Err(Unanswered::Unreachable("refused".into())),
        };
        let silent = self.silent.iter().map(|n| (at(*n), refused()));
        let answers: BTreeMap<Place, Answer<Detail>> = views.chain(silent).collect();
        let limits = Limits {
            first_words: Duration::ZERO,
            ..Limits::default()
        };
        let context = Context {
            orders: &self.orders,
            ..Context::alone(Moment(Duration::from_secs(seconds)), &limits)
        };
        let observed = Observation::of(vec![docker, announced], answers);
        mind.decide(&rules, &context, &observed)
    }

    /// All that is done, and all that is not.
    fn told(&self) -> Vec<String> {
        self.told_by(&mut Mind::default(), 0)
    }

    /// The same, as [`Scene::plan_of`] has it.
    fn told_by(&self, mind: &mut Mind, seconds: u64) -> Vec<String> {
        let plan = self.plan_of(mind, seconds);
        let steps = plan.steps.iter().map(ToString::to_string);
        let tells = plan.nominees.iter().map(|one| {
            let role = match &one.tell {
                Tell::Start(start) => start.arguments.get(2).cloned().unwrap_or_default(),
                _ => String::new(),
            };
            format!("{}: {} {role}", one.member, one.tell.what())
        });
        let refusals = plan.refusals.iter();
        let refusals = refusals.filter(|refusal| !refusal.what.starts_with("join"));
        steps
            .chain(tells)
            .chain(refusals.map(ToString::to_string))
            .collect()
    }
}

fn view(n: u8, detail: &Detail) -> View<Detail> {
    View {
        node: slot::server_of(n.into()).unwrap().to_string(),
        cluster_name: None,
        role: detail.is_open().then(|| {
            let role = Role::primary(PRIMARY);
            role.in_term(detail.mark().term)
        }),
        size: 1,
        peers: [].into(),
        working: None,
        holdings: Default::default(),
        detail: detail.clone(),
    }
}

fn disk(role: &str, term: u64) -> Disk {
    Disk::Holds(Holds {
        ids: Some(Ids {
            node: "".into(),
            cluster: "c".into(),
        }),
        role: Some(Office {
            role: role.into(),
            term,
        }),
        ..Holds::default()
    })
}

fn closed(what: &str, gate: &str) -> String {
    format!("not done: {what}: succession gate {gate}")
}

#[test]
fn nothing_is_done_to_a_cluster_that_is_well() {
    assert_eq!(three().told(), Vec::<String>::new());
    assert!(three().plan().unity.is_one());
}

#[test]
fn a_silent_primary_is_sealed_off_and_then_replaced() {
    let scene = three().without_primary();
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
    assert_eq!(
        scene.sealed().told(),
        ["10.0.0.2: take writes in term 2, from 0-1-50 on"]
    );
}

/// A worker that is cut off from a primary which is well changes nothing.
#[test]
fn while_one_replica_hears_it_nothing_is_done() {
    let mut scene = three().without_primary();
    scene.source(3).connection = Connection::Up;
    scene.source(3).silent_ms = 100;
    let heard = "2 (nobody hears the primary) is closed: db.3 hears it";
    assert_eq!(scene.told(), [closed("promote db.2 in term 2", heard)]);
    // It is connected, and nothing comes: the primary hangs.
    scene.source(3).silent_ms = 600;
    assert_eq!(scene.plan().steps.len(), 2);
}

#[test]
fn whoever_may_have_acknowledged_must_answer() {
    let mut scene = three().without_primary();
    scene.views.remove(&3);
    scene.silent.insert(3);
    let silent = "3 (whoever may have acknowledged answers) is closed: db.3 may have \
                  acknowledged a write: unreachable: refused";
    assert_eq!(scene.told(), [closed("promote db.2 in term 2", silent)]);
}

#[test]
fn the_one_that_has_most_takes_the_place_once_it_has_applied_it() {
    let mut scene = three().without_primary().sealed_for(3);
    scene.source(3).received = position(52);
    let behind = "10 (it has applied everything) is closed: db.3 has applied 0-1-50, and 0-1-52 was received";
    assert_eq!(scene.told(), [closed("promote db.3 in term 2", behind)]);
    scene.views.get_mut(&3).unwrap().current = position(52);
    assert_eq!(
        scene.told(),
        ["10.0.0.3: take writes in term 2, from 0-1-52 on"]
    );
}

#[test]
fn a_relay_log_that_may_be_thrown_away_keeps_everybody_from_the_place() {
    let mut scene = three().without_primary().sealed();
    scene.source(3).applies = false;
    let broken = "7 (nothing received was thrown away) is closed: db.3 has thrown away what it \
                  had received, or does not apply it: it was restarted, or stopped, and may have \
                  had what nobody else has";
    assert_eq!(scene.told(), [closed("promote db.2 in term 2", broken)]);
}

/// Somebody else's promise is no promise to us; and it is waited for what comes of it.
#[test]
fn a_term_that_another_worker_has_is_not_ours() {
    let mut scene = three().without_primary().sealed();
    scene.mark(2).holder = "other".into();
    let told = scene.told();
    assert!(
        told.iter().all(|line| !line.contains("take writes")),
        "{told:?}"
    );
    let bids = |line: &String| line.contains("promise term 3 to own.2");
    assert!(told.iter().any(bids), "{told:?}");
    assert_eq!(scene.plan().steps, [], "not at first sight");
}

/// A false alarm: the primary answers after all, and stays what it is, in a term of its own:
/// what was promised for another one may still be on its way there.
#[test]
fn a_primary_that_was_sealed_off_and_answers_stays_the_primary() {
    let scene = three().sealed();
    let plan = scene.plan();
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "10.0.0.2: promise term 3 to own.1, and stop receiving",
            "10.0.0.3: promise term 3 to own.1, and stop receiving",
        ]
    );
    assert_eq!(
        three().sealed_for(1).told(),
        ["10.0.0.1: take writes in term 2"]
    );
}

/// It goes on receiving, and keeps what it has not applied.
#[test]
fn whoever_was_only_told_to_stop_receiving_receives_again_and_loses_nothing() {
    let mut scene = three();
    scene.source(3).connection = Connection::Stopped;
    assert_eq!(scene.told(), ["10.0.0.3: receive again in term 1"]);
    // One that was restarted has thrown away what it had: until it has it again it vouches
    // for nothing, and nobody takes the place.
    scene.source(3).connection = Connection::Up;
    scene.mark(3).role = JOINING.into();
    assert_eq!(scene.told(), ["10.0.0.3: vouch for what it has in term 1"]);
    let told = scene.without_primary().sealed().told();
    assert!(told[0].contains("succession gate 7"), "{told:?}");
}

/// What was acknowledged meanwhile only this one has: nobody takes its place before one of the
/// others has it.
#[test]
fn a_primary_that_was_told_to_wait_for_nobody_alone_has_everything() {
    let mut scene = three();
    scene.views.get_mut(&1).unwrap().semi_sync.waits = false;
    assert_eq!(
        scene.told(),
        ["10.0.0.1: have acknowledged by [] in term 1"]
    );
    for detail in scene.views.values_mut() {
        detail.roll = Some(Roll {
            term: 1,
            number: 2,
            ackers: Vec::new(),
        });
    }
    assert_eq!(
        scene.told(),
        ["10.0.0.1: have acknowledged by [2, 3] in term 1"]
    );
    let scene = scene.without_primary();
    assert_eq!(scene.plan().steps, [], "{:?}", scene.told());
}

/// One that still receives still acknowledges: it stays on the roll until it does not.
#[test]
fn one_that_cannot_apply_is_told_to_stop_receiving_before_it_is_off_the_roll() {
    let mut scene = three();
    let source = scene.source(3);
    source.applies = false;
    source.error = Some((1950, "out of order".into()));
    let told = scene.told();
    assert!(
        told.contains(&"10.0.0.3: stop receiving in term 1".to_owned()),
        "{told:?}"
    );
    assert!(
        told.iter()
            .all(|line| !line.contains("have acknowledged by")),
        "{told:?}"
    );
    scene.source(3).connection = Connection::Stopped;
    let told = scene.told();
    assert!(
        told.contains(&"10.0.0.1: have acknowledged by [2] in term 1".to_owned()),
        "{told:?}"
    );
}

/// The last primary has everything itself: one of the others that has promised nobody else is
/// enough.
#[test]
fn the_last_primary_takes_writes_again_although_one_of_the_others_is_gone() {
    let mut scene = three();
    scene.views.get_mut(&1).unwrap().read_only = true;
    scene.views.remove(&3);
    scene.silent.insert(3);
    let told = scene.told();
    assert_eq!(
        told[0],
        "10.0.0.2: promise term 2 to own.1, and stop receiving"
    );
    scene.source(2).connection = Connection::Stopped;
    *scene.mark(2) = Mark {
        promised: 2,
        holder: format!("{OWN}.1"),
        ..mark(REPLICA, 1).unwrap()
    };
    assert_eq!(scene.told()[0], "10.0.0.1: take writes in term 2");
    // It had promised somebody else before: he may have been opened.
    scene.mark(2).holder = "other.3".into();
    assert_eq!(scene.plan().steps, [], "{:?}", scene.told());
}

/// Of two that take writes in one term nobody knows which is right.
#[test]
fn two_that_take_writes_in_one_term_are_named_and_nothing_is_done() {
    let mut scene = three();
    let other = scene.views.get_mut(&3).unwrap();
    other.read_only = false;
    other.mark = mark(PRIMARY, 1);
    let told = scene.told();
    assert!(
        told.iter()
            .any(|line| line.contains("db.1 and db.3 take writes in one term"))
    );
    assert_eq!(scene.plan().steps, []);
}

/// It still takes writes, and another one was opened since: its supervisor ends it.
#[test]
fn who_takes_writes_under_a_lower_term_is_ended() {
    let mut scene = three().sealed();
    let opened = scene.views.get_mut(&2).unwrap();
    opened.source = None;
    opened.read_only = false;
    opened.mark = mark(PRIMARY, 2);
    opened.semi_sync.waits = true;
    let told = scene.told();
    assert!(
        told.iter()
            .any(|line| line.starts_with("db.1: end its database")),
        "{told:?}"
    );
    assert!(
        told.iter().all(|line| !line.contains("10.0.0.1: ")),
        "{told:?}"
    );
}

/// An empty disk beside a cluster that runs has another one's data brought, of a replica.
#[test]
fn an_empty_disk_fetches_what_a_replica_has() {
    let mut scene = three();
    scene.disks.insert(4, Disk::Nothing);
    let told = scene.told();
    assert_eq!(told, ["db.4: fetch another one's data "]);
}

#[test]
fn after_a_promotion_the_others_follow_and_it_is_written_down_who_acknowledges() {
    let mut scene = three().without_primary().sealed();
    let opened = scene.views.get_mut(&2).unwrap();
    opened.source = None;
    opened.read_only = false;
    opened.mark = mark(PRIMARY, 2);
    opened.semi_sync.waits = true;
    opened.semi_sync.holds = true;
    let told = scene.told();
    assert_eq!(
        told,
        [
            "10.0.0.3: follow 10.0.0.2:3306 in term 2",
            "10.0.0.2: have acknowledged by [3] in term 2",
        ]
    );
    // Its supervisor says that it does not run: its last write, which nobody acknowledged, is
    // cut off.
    scene.silent.clear();
    scene.disks.insert(1, disk(PRIMARY, 1));
    let told = scene.told();
    assert_eq!(told[1], "10.0.0.2: have acknowledged by [3] in term 2");
    assert_eq!(told[2], "db.1: start --init-rpl-role=SLAVE");
}

/// Of those that crash together the last primary has everything: it keeps its last write.
#[test]
fn whoever_was_primary_last_starts_as_what_it_was_when_nobody_is_there() {
    let mut scene = three();
    scene.views.clear();
    scene.disks = [
        (1, disk(PRIMARY, 4)),
        (2, disk(REPLICA, 4)),
        (3, disk(REPLICA, 4)),
    ]
    .into();
    let told = scene.told();
    let starts: Vec<&String> = told.iter().filter(|line| line.contains("start")).collect();
    assert_eq!(
        starts,
        [
            "db.1: start --init-rpl-role=MASTER",
            "db.2: start --init-rpl-role=MASTER",
            "db.3: start --init-rpl-role=MASTER",
        ]
    );
    // One that was primary before is none.
    scene.disks.insert(3, disk(PRIMARY, 3));
    assert!(
        scene
            .told()
            .contains(&"db.3: start --init-rpl-role=SLAVE".to_owned())
    );
}

/// While another one takes its place it waits: to start it would only take time.
#[test]
fn a_dead_primary_is_not_started_while_another_one_takes_its_place() {
    let mut scene = three().without_primary();
    scene.silent.clear();
    scene.disks.insert(1, disk(PRIMARY, 1));
    let told = scene.told();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].contains("promise term 2"), "{told:?}");
    let waits = |line: &String| line.ends_with("another member takes its place");
    assert!(told.iter().any(waits), "{told:?}");
    assert!(told.iter().all(|line| !line.contains("MASTER")), "{told:?}");
}

#[test]
fn the_primary_hands_over_before_it_goes() {
    let mut scene = three();
    scene.leaving.insert(1);
    assert_eq!(scene.told()[0], "10.0.0.1: take no more writes in term 1");
    // It takes no more, and the others are sealed: one of them takes its place.
    scene.views.get_mut(&1).unwrap().read_only = true;
    assert_eq!(
        scene.sealed().told()[0],
        "10.0.0.2: take writes in term 2, from 0-1-50 on"
    );
}

#[test]
fn the_one_that_is_wished_for_takes_the_place_of_one_that_is_well() {
    let mut scene = three();
    scene.wished = Some(3);
    assert_eq!(scene.told(), ["10.0.0.1: take no more writes in term 1"]);
    scene.views.get_mut(&1).unwrap().read_only = true;
    assert_eq!(
        scene.sealed_for(3).told(),
        ["10.0.0.3: take writes in term 2, from 0-1-50 on"]
    );
}

/// What it has, and the primary has not, following cannot take back.
#[test]
fn one_with_writes_of_its_own_is_named_and_does_not_follow() {
    let mut scene = three();
    let errant = scene.views.get_mut(&3).unwrap();
    errant.source = None;
    errant.state = State::parse("0-1-50,0-3-51").unwrap();
    let told = scene.told();
    assert!(
        told.iter()
            .any(|line| line.contains("it has transaction 0-3-51")),
        "{told:?}"
    );
    assert!(
        told.iter().all(|line| !line.contains("follow 10")),
        "{told:?}"
    );
}

#[test]
fn a_cluster_begins_with_the_lowest_slot_once_all_have_promised() {
    let mut scene = three();
    for n in 1..=3 {
        let blank = Detail {
            read_only: true,
            ..Detail::default()
        };
        scene.views.insert(n, blank);
    }
    let fences = scene.told();
    assert_eq!(fences[0], "10.0.0.1: keep a fence");
    for n in 1..=3 {
        scene.views.get_mut(&n).unwrap().mark = Some(Mark::default());
    }
    assert_eq!(scene.plan().steps.len(), 3, "{:?}", scene.told());
    for n in 1..=3 {
        *scene.mark(n) = Mark {
            promised: 1,
            holder: format!("{OWN}.1"),
            ..Mark::default()
        };
    }
    assert_eq!(scene.told(), ["10.0.0.1: take writes in term 1"]);
    // One of them has data: nobody begins beside it.
    scene.views.get_mut(&3).unwrap().has_data = true;
    assert_eq!(scene.plan().steps, []);
}
