//! What one store's part in the log may not do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use meshworker_core::Moment;
use meshworker_group::{
    A_LOG, AN_ENTRY, Command, GroupId, Letter, Replica, Save, Saved, Snapshot, Store, StoreFailed,
    StoreId, Tempo, Told,
};

struct Nowhere;

impl Store for Nowhere {
    fn save(&mut self, _: &Save) -> Result<(), StoreFailed> {
        Ok(())
    }
}

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(10_000 + millis))
}

/// These vote.
fn group_of<const N: usize>(voters: [u64; N]) -> Vec<Replica> {
    let voters = voters.map(StoreId);
    let open = |(rank, store): (usize, &StoreId)| {
        let saved = Saved {
            group: Some(GroupId(7)),
            hard: (1, 0, 1),
            snapshot: Snapshot {
                index: 1,
                term: 1,
                voters: voters.to_vec(),
                ..Snapshot::default()
            },
            cut: (1, 1),
            ..Saved::empty(*store)
        };
        Replica::open(saved, rank, Tempo::default(), at(0)).unwrap()
    };
    voters.iter().enumerate().map(open).collect()
}

/// The leader began to hand over, gave that up after 400 ms and acted on; then what it had said
/// arrived after all, and another one was elected while its lease went on.
#[test]
fn a_hand_over_that_arrived_late_made_two_that_act() {
    let mut replicas = group_of([1, 2, 3]);
    let mut mail: Vec<Letter> = Vec::new();
    let (mut late, mut began, mut old): (Vec<Letter>, u64, StoreId) = (Vec::new(), 0, StoreId(0));
    let mut handed = false;
    for now in (0..4_000).step_by(10) {
        for letter in std::mem::take(&mut mail) {
            let to = replicas.iter_mut().find(|one| one.store() == letter.to);
            to.unwrap().hear(&letter, at(now));
        }
        for replica in &mut replicas {
            replica.tick(at(now));
            if began == 0 && now > 2_000 && replica.fence(at(now)).is_some() {
                (began, old) = (now, replica.store());
                mail.extend(replica.settle(&mut Nowhere).unwrap().0);
                let to = replica.voters().iter().find(|one| **one != old).unwrap();
                replica.hand_over(*to, at(now));
                late = replica.settle(&mut Nowhere).unwrap().0;
            }
            let (letters, _) = replica.settle(&mut Nowhere).unwrap();
            // From when what it said arrives, nothing else reaches it or comes from it.
            let cut = began > 0 && now >= began + 460;
            let heard = |letter: &Letter| !cut || (letter.from != old && letter.to != old);
            mail.extend(letters.into_iter().filter(heard));
        }
        if began > 0 && now == began + 460 {
            mail.append(&mut late);
        }
        let acting = replicas.iter().filter(|one| one.fence(at(now)).is_some());
        let acting: Vec<StoreId> = acting.map(Replica::store).collect();
        assert!(
            acting.len() < 2,
            "{acting:?} {} ms after it began",
            now - began
        );
        handed |= began > 0 && acting.iter().any(|store| *store != old);
    }
    assert!(handed, "another one acts in the end");
}

/// A thousand entries were kept behind each snapshot, however long they were.
#[test]
fn a_log_of_long_entries_is_cut_sooner() {
    let mut replicas = group_of([1]);
    let alone = &mut replicas[0];
    let tell = |length: usize| {
        Command::Tell(vec![Told {
            cluster: "db".into(),
            at_ms: 0,
            fact: serde_json::Value::String("x".repeat(length)),
        }])
    };
    for now in 0..200 {
        alone.tick(at(now * 10));
        alone.settle(&mut Nowhere).unwrap();
        if alone.is_leader() {
            alone.propose(&tell(100_000)).unwrap();
        }
        let kept = alone.saved().entries.iter().map(|entry| entry.body.len());
        assert!(kept.sum::<usize>() <= A_LOG + AN_ENTRY);
    }
    assert!(alone.applied() > 100);
    assert!(alone.propose(&tell(AN_ENTRY)).is_err());
}
