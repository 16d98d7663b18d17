//! What broke elsewhere, played with whole workers: each test is named after where it did.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::{Authority, Moment};
use meshworker_group::{
    Command, GroupId, Hello, Intent, Letter, Listing, Me, Participant, Save, Saved, Seat, Snapshot,
    Store, StoreFailed, StoreId, Tempo,
};

/// Time moves in steps of so many milliseconds.
const STEP: u64 = 10;

#[derive(Debug, Clone)]
struct Disk(Saved);

impl Store for Disk {
    fn save(&mut self, save: &Save) -> Result<(), StoreFailed> {
        self.0.keep(save);
        Ok(())
    }
}

struct Worker {
    slot: u64,
    address: IpAddr,
    disk: Disk,
    /// None while it does not run.
    process: Option<Participant>,
}

/// Workers whose network loses nothing.
struct Workers {
    now: u64,
    /// How many there are meant to be, where somebody says so.
    wanted: Option<usize>,
    /// Whether somebody could say so, and is not reached.
    blind: bool,
    next: u64,
    all: Vec<Worker>,
    mail: Vec<Letter>,
}

impl Workers {
    /// None, with so many to come.
    fn of(slots: u64) -> Workers {
        let mut workers = Workers {
            now: 0,
            wanted: None,
            blind: false,
            next: 0,
            all: Vec::new(),
            mail: Vec::new(),
        };
        for slot in 1..=slots {
            let disk = workers.empty();
            let address = workers.address();
            workers.all.push(Worker {
                slot,
                address,
                disk,
                process: None,
            });
        }
        workers
    }

    /// A group of so many that vote, with somebody who acts.
    fn grown(slots: u64) -> Workers {
        let mut workers = Workers::of(slots);
        workers.start_all();
        workers.settle();
        workers
    }

    /// Until all that run vote, and one acts.
    fn settle(&mut self) {
        self.until(30, |workers| {
            let running: BTreeSet<StoreId> = workers.running().map(|(_, one)| id(one)).collect();
            let mut voters = workers.running().map(|(_, one)| one.replica());
            let vote = voters.all(|one| one.is_some_and(|one| *one.voters() == running));
            vote && workers.acts().is_some()
        });
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn empty(&mut self) -> Disk {
        Disk(Saved::empty(StoreId(self.fresh())))
    }

    fn address(&mut self) -> IpAddr {
        let last = self.fresh();
        IpAddr::from([10, 0, 0, u8::try_from(last).unwrap()])
    }

    fn clock(&self) -> Moment {
        Moment(Duration::from_millis(100_000 + self.now))
    }

    fn start(&mut self, slot: usize) {
        let task = self.fresh();
        let now = self.clock();
        let worker = &mut self.all[slot - 1];
        let me = Me {
            seat: Seat {
                slot: worker.slot,
                node: Some(format!("node-{slot}")),
                task: format!("task-{task}"),
            },
            first: worker.slot == 1,
            kept: true,
            preferred: None,
            tempo: Tempo::default(),
        };
        worker.process = Some(Participant::open(me, worker.disk.0.clone(), now).unwrap());
    }

    fn start_all(&mut self) {
        for slot in 1..=self.all.len() {
            self.start(slot);
        }
    }

    fn kill(&mut self, slot: usize) {
        self.all[slot - 1].process = None;
    }

    /// They are told to end, and have handed over when they do.
    fn end(&mut self, slots: &[usize]) {
        let now = self.clock();
        for slot in slots {
            self.process(*slot).leave(now);
        }
        self.until(30, |workers| {
            let now = workers.clock();
            let leaves = |slot: &usize| workers.all[slot - 1].process.as_ref().unwrap();
            slots.iter().all(|slot| leaves(slot).has_left(now))
        });
        for slot in slots {
            self.kill(*slot);
        }
    }

    fn running(&self) -> impl Iterator<Item = (&Worker, &Participant)> {
        let all = self.all.iter();
        all.filter_map(|worker| Some((worker, worker.process.as_ref()?)))
    }

    fn process(&mut self, slot: usize) -> &mut Participant {
        self.all[slot - 1].process.as_mut().unwrap()
    }

    /// The slot of the only one that may act.
    fn acts(&self) -> Option<usize> {
        let now = self.clock();
        let acts = |(_, one): &(&Worker, &Participant)| one.authority(now).fence().is_some();
        let acting: Vec<usize> = self
            .running()
            .filter(acts)
            .map(|(worker, _)| usize::try_from(worker.slot).unwrap())
            .collect();
        assert!(acting.len() < 2, "{acting:?} act at the same time");
        acting.first().copied()
    }

    fn groups(&self) -> BTreeSet<GroupId> {
        let replicas = self.running().filter_map(|(_, one)| one.replica());
        replicas.map(|replica| replica.group()).collect()
    }

    fn step(&mut self) {
        let now = self.clock();
        if self.now.is_multiple_of(500) {
            let hellos: Vec<_> = self
                .running()
                .map(|(worker, one)| (worker.address, one.hello(now)))
                .collect();
            let (wanted, blind) = (self.wanted, self.blind);
            for worker in &mut self.all {
                let Some(process) = &mut worker.process else {
                    continue;
                };
                let others = hellos.iter().filter(|(at, _)| *at != worker.address);
                let listing = Listing {
                    others: others.clone().map(|(at, _)| *at).collect(),
                    whole: true,
                    wanted,
                    blind,
                };
                process.see(listing, now);
                for (at, hello) in others {
                    process.hear(hello.clone(), Some(*at), now);
                }
            }
        }
        for letter in std::mem::take(&mut self.mail) {
            self.deliver(&letter);
        }
        let next = &mut self.next;
        let names = &mut || {
            *next += 1;
            *next
        };
        for worker in &mut self.all {
            if let Some(process) = &mut worker.process {
                let effects = process.settle(&mut worker.disk, names, now).unwrap();
                self.mail.extend(effects.letters);
                if let Some(bequest) = effects.gives_up {
                    let saved = Saved {
                        bequest,
                        ..Saved::empty(StoreId(names()))
                    };
                    process.reopen(saved, &mut worker.disk, now).unwrap();
                }
            }
        }
        self.now += STEP;
    }

    /// Hands it to whoever has the address where its store was met last.
    fn deliver(&mut self, letter: &Letter) {
        let now = self.clock();
        let sender = self.running().find(|(_, one)| id(one) == letter.from);
        let to = sender.and_then(|(_, sender)| sender.book().address(letter.to));
        let there = self.all.iter_mut();
        for worker in there.filter(|worker| Some(worker.address) == to) {
            if let Some(process) = &mut worker.process {
                process.receive(letter, &mut worker.disk, now).unwrap();
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        let end = self.now + 1_000 * seconds;
        while self.now < end {
            self.step();
            self.acts();
        }
    }

    /// Within so many seconds.
    fn until(&mut self, seconds: u64, is_so: impl Fn(&Workers) -> bool) {
        let end = self.now + 1_000 * seconds;
        while !is_so(self) {
            assert!(self.now < end, "not within {seconds} s");
            self.step();
        }
    }
}

fn id(one: &Participant) -> StoreId {
    one.hello(Moment(Duration::from_secs(1_000))).store
}

fn forget(target: &str) -> Command {
    Command::Intend(Intent {
        cluster: "db".into(),
        change: meshworker_core::Change::Forget,
        target: target.into(),
        what: String::new(),
        for_ms: 2_000,
    })
}

/// The same as hashicorp/nomad 12926 and 11349, where a list of the new ones by hand did
/// not help either, and rqlite/rqlite 1293.
#[test]
fn consul_1580_all_addresses_were_new_and_there_was_no_leader_for_ever() {
    let mut workers = Workers::grown(3);
    let groups = workers.groups();
    for slot in 1..=3 {
        workers.kill(slot);
        workers.all[slot - 1].address = workers.address();
    }
    workers.pass(30);
    workers.start_all();
    workers.until(3, |workers| workers.acts().is_some());
    assert_eq!(workers.groups(), groups);
}

/// And the address that it had before is another one's now.
#[test]
fn orchestrator_593_253_a_name_was_resolved_once_and_the_new_address_ignored() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    let follower = if acts == 1 { 2 } else { 1 };
    let other = 6 - acts - follower;
    let (before, new) = (workers.all[follower - 1].address, workers.address());
    for (slot, address) in [(follower, new), (other, before)] {
        workers.kill(slot);
        workers.all[slot - 1].address = address;
        workers.start(slot);
    }
    workers.until(3, |workers| workers.acts().is_some());
    let command = forget("a");
    let acts = workers.acts().unwrap();
    let ticket = workers.process(acts).propose(&command).unwrap();
    workers.until(1, |workers| {
        let mut all = workers.running().filter_map(|(_, one)| one.replica());
        all.all(|replica| replica.applied() >= ticket.index)
    });
}

/// One fail-over was begun, its leader died with it, and whoever followed refused another one.
#[test]
fn orchestrator_1296_what_a_dead_leader_had_begun_blocked_its_successor() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    workers.process(acts).propose(&forget("a")).unwrap();
    let is_open = |workers: &Workers| {
        let mut machines = workers.running().filter_map(|(_, one)| one.machine());
        machines.any(|machine| !machine.open.is_empty())
    };
    workers.until(1, |workers| {
        let mut machines = workers.running().filter_map(|(_, one)| one.machine());
        machines.all(|machine| !machine.open.is_empty())
    });
    workers.kill(acts);
    // It may still be done for two seconds, and then it is nobody's.
    workers.until(4, |workers| workers.acts().is_some());
    workers.until(1, |workers| !is_open(workers));
    let next = workers.acts().unwrap();
    workers.process(next).propose(&forget("a")).unwrap();
    workers.until(1, is_open);
}

/// The same as etcd-io/etcd 5422: whoever had lost its disk was refused until an operator
/// took it out of the list and put it in again.
#[test]
fn etcd_5422_whoever_lost_its_disk_had_to_be_removed_by_hand() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    let lost = if acts == 1 { 2 } else { 1 };
    workers.kill(lost);
    workers.pass(5);
    workers.all[lost - 1].disk = workers.empty();
    workers.start(lost);
    workers.until(40, |workers| {
        let (_, leader) = workers.running().next().unwrap();
        let running: BTreeSet<StoreId> = workers.running().map(|(_, one)| id(one)).collect();
        leader.replica().is_some_and(|one| *one.voters() == running)
    });
}

/// An address that somebody of another cluster has now was written to: a heartbeat to store 1,
/// of store 77 in term 99.
#[test]
fn etcd_3710_what_another_group_says_changes_nothing() {
    let mut workers = Workers::grown(3);
    let term = |workers: &Workers| {
        let replicas = workers.running().filter_map(|(_, one)| one.replica());
        replicas.map(|one| one.term()).max()
    };
    let before = (term(&workers), workers.groups(), workers.acts());
    let stranger = Letter {
        group: GroupId(999),
        from: StoreId(77),
        to: StoreId(0),
        message: vec![8, 8, 16, 1, 24, 77, 32, 99],
    };
    for slot in 1..=3 {
        for to in [id(workers.process(slot)), StoreId(77)] {
            let letter = Letter {
                to,
                ..stranger.clone()
            };
            let now = workers.clock();
            let worker = &mut workers.all[slot - 1];
            let process = worker.process.as_mut().unwrap();
            process.receive(&letter, &mut worker.disk, now).unwrap();
        }
    }
    workers.pass(2);
    assert_eq!((term(&workers), workers.groups(), workers.acts()), before);
}

/// Five were expected, and three came: nobody ever led.
#[test]
fn nats_server_6403_fewer_than_were_expected_had_no_leader() {
    let mut workers = Workers::of(3);
    workers.wanted = Some(5);
    workers.start_all();
    workers.settle();
    let now = workers.clock();
    let acts = workers.acts().unwrap();
    let why = workers.process(acts).may_not_intend(now);
    assert_eq!(why, None, "three of five are most of them");
}

/// Whoever was left lowered the number that it needed, and so did the others.
#[test]
fn nats_server_8408_whoever_was_left_made_a_majority_of_itself() {
    let mut workers = Workers::grown(3);
    workers.kill(2);
    workers.kill(3);
    workers.pass(1);
    for _ in 0..4 {
        workers.pass(400);
        let now = workers.clock();
        let left = workers.process(1);
        assert!(matches!(left.authority(now), Authority::Yielded(_)));
        assert_eq!(left.replica().unwrap().voters().len(), 3);
    }
}

/// One had met another, which began a group with it; it restarted and began one, too.
#[test]
fn scylladb_9593_whoever_was_in_a_group_and_restarted_founded_another_one() {
    let mut workers = Workers::of(2);
    workers.start(1);
    workers.until(2, |workers| workers.acts() == Some(1));
    workers.start(2);
    workers.until(5, |workers| workers.process_in_group(2));
    let groups = workers.groups();
    workers.kill(1);
    workers.kill(2);
    workers.start(2);
    workers.pass(50);
    assert_eq!((workers.groups(), workers.acts()), (groups.clone(), None));
    workers.start(1);
    workers.until(3, |workers| workers.acts().is_some());
    assert_eq!(workers.groups(), groups);
}

/// Names of a dnsrr service lead to whoever happens to run: some of them, at first, and to
/// those that ended, for a while.
#[test]
fn rqlite_1401_of_a_service_that_starts_its_name_shows_only_some() {
    let mut workers = Workers::of(3);
    workers.start(3);
    workers.pass(2);
    assert_eq!(workers.groups(), [].into(), "it is not the first");
    workers.start(2);
    workers.pass(3);
    assert_eq!(workers.groups(), [].into());
    workers.start(1);
    workers.settle();
    assert_eq!(workers.groups().len(), 1);
}

/// A worker alone let nobody go for as long as the Docker API gave no answer.
#[test]
fn a_docker_api_without_an_answer_held_a_worker_up_for_ever() {
    for known in [None, Some(1)] {
        let mut workers = Workers::of(1);
        (workers.wanted, workers.blind) = (known, known.is_none());
        workers.start(1);
        workers.pass(2);
        let may = |workers: &mut Workers| {
            let now = workers.clock();
            workers.process(1).may_not_intend(now).is_none()
        };
        assert_eq!(may(&mut workers), known == Some(1));
        (workers.wanted, workers.blind) = (None, true);
        workers.pass(9);
        assert!(may(&mut workers), "{known:?}");
        workers.pass(60);
        assert!(may(&mut workers), "{known:?}");
        // Others may have come meanwhile whom it has not met yet.
        (workers.wanted, workers.blind) = (Some(1), false);
        workers.pass(2);
        assert!(!may(&mut workers));
        workers.pass(10);
        assert!(may(&mut workers));
    }
}

impl Workers {
    fn process_in_group(&self, slot: usize) -> bool {
        let process = self.all[slot - 1].process.as_ref();
        process.is_some_and(|one| one.replica().is_some_and(|one| one.applied() > 0))
    }
}

/// Three became one, which was killed, and Swarm started it where another one had left its
/// store: it waited for the store that had the only vote, on the node it was not on any more.
#[test]
fn the_last_one_waited_for_ever_beside_a_store_without_a_vote() {
    let mut workers = Workers::grown(3);
    workers.end(&[2, 3]);
    workers.until(30, |workers| {
        let (_, one) = workers.running().next().unwrap();
        one.replica().unwrap().voters().len() == 1
    });
    workers.pass(1);
    let knew = workers.process(1).hello(Moment::default()).applied;
    workers.kill(1);
    let own = workers.all[0].disk.clone();
    workers.all[0].disk = workers.all[1].disk.clone();
    let groups = {
        workers.start(1);
        workers.pass(1);
        workers.groups()
    };
    workers.pass(49);
    assert_eq!((workers.groups(), workers.acts()), (groups.clone(), None));
    workers.until(30, |workers| workers.acts() == Some(1));
    assert_ne!(workers.groups(), groups);
    assert!(
        workers
            .process(1)
            .replica()
            .unwrap()
            .machine()
            .heir_of
            .is_some()
    );
    assert!(knew > 0);
    workers.pass(20);
    // The one with the vote comes back with another worker: one group.
    workers.all[1].disk = own;
    workers.start(2);
    workers.until(60, |workers| workers.groups().len() == 1);
    workers.pass(5);
    assert!(workers.acts().is_some());
}

/// A worker that had founded its group went on from it, once the only one with a vote was gone,
/// under the same name: two groups of one name, whose letters each took for its own.
#[test]
fn a_group_that_goes_on_from_another_one_never_had_the_name_of_that() {
    let mut workers = Workers::of(2);
    workers.start(1);
    workers.until(2, |workers| workers.acts() == Some(1));
    workers.start(2);
    workers.until(5, |workers| workers.process_in_group(2));
    let founded = workers.groups();
    // The one that founded it has no vote any more: it was put to sleep, and handed over.
    let left = workers.all[1].disk.clone();
    let (first, second) = (id(workers.process(1)), id(workers.process(2)));
    let snapshot = Snapshot {
        voters: vec![second],
        learners: vec![first],
        ..left.0.snapshot.clone()
    };
    let saved = Saved {
        snapshot,
        ..workers.all[0].disk.0.clone()
    };
    workers.kill(2);
    let now = workers.clock();
    let worker = &mut workers.all[0];
    let process = worker.process.as_mut().unwrap();
    process.reopen(saved, &mut worker.disk, now).unwrap();
    assert_eq!(workers.groups(), founded);
    workers.until(90, |workers| workers.acts() == Some(1));
    let heir = workers.process(1).machine().unwrap().heir_of;
    assert!(heir.is_some_and(|of| founded.contains(&of)));
    assert_ne!(workers.groups(), founded);
}

/// A volume that was copied made two workers of one store, each of which voted with it.
#[test]
fn a_copied_store_voted_twice_and_nobody_saw_it() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    let copied = if acts == 1 { 2 } else { 1 };
    let (address, disk) = (workers.address(), workers.all[copied - 1].disk.clone());
    workers.all.push(Worker {
        slot: 4,
        address,
        disk,
        process: None,
    });
    workers.start(4);
    workers.pass(2);
    for slot in [copied, 4] {
        let now = workers.clock();
        let why = workers.process(slot).unsound(now).unwrap();
        assert!(why.contains("stop one of the two and empty its folder"));
        assert_eq!(
            workers.process(slot).authority(now),
            Authority::Yielded(why)
        );
    }
    // The others go on, and without the third neither of the two is a vote for anybody.
    assert_eq!(workers.acts(), Some(acts));
    let third = 6 - acts - copied;
    workers.kill(third);
    workers.pass(3);
    assert_eq!(workers.acts(), None);
    workers.kill(4);
    workers.until(10, |workers| workers.acts().is_some());
}

/// A store that was put back to an earlier state ended its worker by a panic at each heartbeat,
/// again and again.
#[test]
fn a_store_of_before_ended_its_worker_at_each_heartbeat() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    let put_back = if acts == 1 { 2 } else { 1 };
    let before = workers.all[put_back - 1].disk.clone();
    for target in ["a", "b"] {
        workers.process(acts).propose(&forget(target)).unwrap();
        workers.pass(1);
    }
    workers.kill(put_back);
    workers.all[put_back - 1].disk = before;
    workers.start(put_back);
    workers.pass(3);
    let now = workers.clock();
    let why = workers.process(put_back).unsound(now).unwrap();
    assert!(why.contains("put back to an earlier state"));
    assert_eq!(workers.acts(), Some(acts));
    // It is no vote for anybody either.
    workers.kill(6 - acts - put_back);
    workers.pass(3);
    assert_eq!(workers.acts(), None);
}

/// A store of a group that is led no more hid the one that is.
#[test]
fn of_several_other_groups_the_one_that_is_led_counts() {
    let mut workers = Workers::grown(1);
    let now = workers.clock();
    let own = workers.process(1).hello(now);
    for (store, leader) in [(900, None), (901, Some(StoreId(901))), (902, None)] {
        let hello = Hello {
            store: StoreId(store),
            group: Some(GroupId(store)),
            leader,
            voters: [StoreId(store)].into(),
            ..own.clone()
        };
        workers.process(1).hear(hello, None, now);
    }
    assert_eq!(workers.process(1).other_group(now), Some(GroupId(901)));
}

/// One that votes, and was made a group of its own by an operator, was waited for for ever.
#[test]
fn whoever_is_in_another_group_by_now_is_replaced() {
    let mut workers = Workers::grown(3);
    let acts = workers.acts().unwrap();
    let gone = if acts == 1 { 2 } else { 1 };
    let store = id(workers.process(gone));
    let hello = Hello {
        group: Some(GroupId(999)),
        leader: None,
        ..workers.process(gone).hello(Moment::default())
    };
    workers.kill(gone);
    workers.all[gone - 1].disk = workers.empty();
    workers.start(gone);
    let end = workers.now + 60_000;
    while workers.process(acts).is_member(store) {
        assert!(workers.now < end, "it still has its vote");
        let now = workers.clock();
        for slot in [acts, 6 - acts - gone] {
            workers.process(slot).hear(hello.clone(), None, now);
        }
        workers.step();
    }
}
