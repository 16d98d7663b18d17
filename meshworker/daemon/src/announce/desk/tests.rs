//! Who is heard, reported and dropped.

mod answers;
mod claims;
mod held;
mod orders;

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use meshworker_core::{
    Authority, Fence, Gate, Going, Grade, Leaver, MemberId, Observation, Pace, Peer, Place, Plan,
    Presence, Progress, Release, Unity, View,
};

use super::entry::LAST_WORD;
use super::start::EVERYBODY;
use super::*;
use crate::announce::Verdict;

impl Desk {
    /// What a member says of itself, from its own address.
    fn heard(&self, said: &Announcement, now: Instant) -> Result<(), Refused> {
        self.hear(said, Speaker::Itself, now)
    }
}

/// One task of one slot of a service, at its own address.
fn member(slot: u64, phase: Phase, generation: u64) -> Announcement {
    Announcement {
        cluster: "db".to_owned(),
        service: "stack_db".to_owned(),
        slot,
        task: format!("task{slot}"),
        node: "node".to_owned(),
        address: ip(slot).address,
        port: None,
        phase,
        generation,
        node_name: None,
        disk: None,
        known_as: None,
        fence: None,
    }
}

fn present(slot: u64) -> Announcement {
    member(slot, Phase::Present, 1)
}

fn leaving(slot: u64) -> Announcement {
    member(slot, Phase::Leaving, 2)
}

fn ip(slot: u64) -> Place {
    [10, 0, 0, slot as u8].into()
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1000.0) as u64)
}

/// Who is reported, with the phase.
fn reported(desk: &Desk, now: Instant) -> Vec<(Place, Presence)> {
    let (report, _) = desk.report(now);
    let sightings = report.sightings.into_iter();
    sightings.map(|s| (s.address, s.presence)).collect()
}

fn leaver(slot: u64, place: usize, release: Release) -> Leaver {
    Leaver {
        member: leaving(slot).member(),
        address: ip(slot),
        node: format!("n{slot}"),
        going: Going::ForGood,
        place,
        progress: Some(Progress {
            unit: "slots",
            left: 5461,
        }),
        estimate: None,
        patient: true,
        release,
    }
}

fn held(gate: Gate) -> Release {
    Release::Held {
        gate,
        seen: "something".to_owned(),
    }
}

/// What a pass finds that sees everybody who announced itself answering, and
/// these on their way out.
fn findings(desk: &Desk, began: Instant, settled: bool, leavers: Vec<Leaver>) -> Findings {
    let size = desk.report(began).0.sightings.len();
    all_found(desk, began, settled, Unity::One { size }, leavers)
}

/// What a pass found that saw no one cluster.
fn found(desk: &Desk, began: Instant, unity: Unity, leavers: Vec<Leaver>) -> Findings {
    all_found(desk, began, false, unity, leavers)
}

fn all_found(
    desk: &Desk,
    began: Instant,
    settled: bool,
    unity: Unity,
    leavers: Vec<Leaver>,
) -> Findings {
    let (report, _) = desk.report(began);
    let addresses: Vec<Place> = report.sightings.iter().map(|s| s.address).collect();
    let peers: Vec<Peer> = addresses
        .iter()
        .map(|address| Peer {
            node: address.to_string(),
            address: Some(*address),
            alive: true,
        })
        .collect();
    let answers: BTreeMap<_, _> = addresses
        .iter()
        .map(|address| {
            let view = View {
                node: address.to_string(),
                cluster_name: None,
                role: None,
                size: peers.len(),
                peers: peers.clone().into(),
                working: None,
                holdings: Default::default(),
                detail: (),
            };
            (*address, Ok(view))
        })
        .collect();
    let observed = Observation::of(vec![report], answers);
    let plan: Plan<()> = Plan {
        fence: Authority::alone().fence(),
        steps: Vec::new(),
        nominees: Vec::new(),
        leavers,
        settled,
        refusals: Vec::new(),
        together: Some(observed.answers.len()),
        unity,
        outsiders: BTreeSet::new(),
        pace: Pace::Calm,
        losses: Vec::new(),
        fulfilled: BTreeSet::new(),
        failed_over: None,
        born: None,
    };
    let roster = observed.roster();
    let all = plan.leavers.iter();
    let permits = all.map(|one| ((one.address, one.member.clone()), Ok(Fence(0))));
    Findings::of(began, seconds(0.01), &observed, &roster, &plan).permitted(permits.collect())
}

#[test]
fn whoever_named_the_clusters_own_port_was_a_second_member_at_its_address() {
    let desk = Desk::default();
    desk.usual_port(6379);
    let named = |port| Announcement {
        port,
        ..member(1, Phase::Present, 1)
    };
    assert_eq!(desk.placed(named(Some(6379))), named(None));
    assert_eq!(desk.placed(named(Some(6380))), named(Some(6380)));
    assert_eq!(desk.placed(named(None)), named(None));
}

#[test]
fn whoever_announces_itself_is_reported_with_its_identity_and_phase() {
    let (desk, now) = (Desk::default(), Instant::now());
    assert_eq!(desk.report(now).0.grade, Grade::Empty);
    desk.heard(&present(1), now).unwrap();
    desk.heard(&leaving(2), now).unwrap();
    desk.heard(&member(3, Phase::Stopping, 3), now).unwrap();
    let (report, _) = desk.report(now);
    assert_eq!(report.grade, Grade::Answer);
    assert_eq!(report.witness, Witness::Announce);
    let first = &report.sightings[0];
    assert_eq!(
        first.member,
        Some(MemberId::Slot {
            service: "stack_db".to_owned(),
            slot: 1
        })
    );
    assert_eq!(first.node.as_deref(), Some("node"));
    assert_eq!(first.task.as_deref(), Some("task1"));
    let expected = [Presence::Present, Presence::Leaving, Presence::Stopping];
    let expected: Vec<_> = (1..).map(ip).zip(expected).collect();
    assert_eq!(reported(&desk, now), expected);
}

#[test]
fn whoever_is_silent_for_five_seconds_is_dropped_a_stopping_one_no_sooner() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    desk.heard(&member(2, Phase::Stopping, 3), start).unwrap();
    desk.heard(&present(1), start + seconds(3.0)).unwrap();
    assert_eq!(reported(&desk, start + seconds(4.9)).len(), 2);
    assert_eq!(
        reported(&desk, start + seconds(5.0)),
        [(ip(1), Presence::Present)]
    );
    assert_eq!(reported(&desk, start + seconds(8.0)), []);
}

#[test]
fn what_comes_late_is_not_heard() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), now).unwrap();
    desk.heard(&present(1), now + seconds(1.0)).unwrap();
    assert_eq!(
        reported(&desk, now + seconds(1.0)),
        [(ip(1), Presence::Leaving)]
    );
    // Nor does it renew anything.
    assert_eq!(reported(&desk, now + seconds(5.0)), []);
}

#[test]
fn one_member_too_many_is_refused_and_the_others_still_renew() {
    let (desk, now) = (Desk::default(), Instant::now());
    for slot in 1..=MOST_MEMBERS as u64 {
        let said = Announcement {
            address: (0x0a00_0000 + slot as u32).to_be_bytes().into(),
            ..present(slot)
        };
        desk.heard(&said, now).unwrap();
    }
    let late = Announcement {
        address: [10, 1, 0, 1].into(),
        ..present(9999)
    };
    assert_eq!(desk.heard(&late, now), Err(Refused::Full(MOST_MEMBERS)));
    assert_eq!(desk.report(now).0.sightings.len(), MOST_MEMBERS);
    // Once the others are gone there is place again.
    desk.heard(&late, now + seconds(5.0)).unwrap();
}

/// Whoever had the token and as many addresses was everybody.
#[test]
fn members_that_nobody_lists_took_every_place() {
    let (desk, now) = (Desk::default(), Instant::now());
    let own = |number: u32| Announcement {
        address: (0x0a00_0000 + number).to_be_bytes().into(),
        ..present(number.into())
    };
    for number in 1..=MOST_MEMBERS as u32 {
        desk.heard(&own(number), now).unwrap();
    }
    let (listed, other) = (own(9_001), own(9_002));
    let full = Err(Refused::Full(MOST_MEMBERS));
    assert_eq!(desk.heard(&listed, now), full);
    let dns = Report::addresses(
        Witness::Dns,
        [listed.place(), own(MOST_MEMBERS as u32).place()],
    );
    desk.publish(findings(&desk, now, true, Vec::new()).listing(&[dns]));
    assert_eq!(desk.heard(&listed, now), Ok(()));
    assert_eq!(desk.heard(&other, now), full);
    let there: Vec<Place> = reported(&desk, now).into_iter().map(|(at, _)| at).collect();
    assert_eq!(there.len(), MOST_MEMBERS);
    // The last one that nobody lists is gone, and who is listed stays.
    assert!(!there.contains(&own(MOST_MEMBERS as u32 - 1).place()));
    assert!(there.contains(&own(MOST_MEMBERS as u32).place()));
}

#[tokio::test(start_paused = true)]
async fn news_are_a_new_member_a_new_phase_and_a_silent_one_not_a_renewal() {
    use futures_util::FutureExt;
    let desk = Desk::default();
    let now = Instant::now();
    let news = |number: u64| desk.news_since(number).now_or_never().is_some();
    let number = || desk.report(Instant::now()).1;
    let none = number();
    assert!(!news(none));
    desk.heard(&present(1), now).unwrap();
    assert!(news(none));
    let one = number();
    desk.heard(&present(1), now).unwrap();
    assert!(!news(one));
    desk.heard(&leaving(1), now).unwrap();
    assert!(news(one));
    // Silence is news by itself: nobody has to come for it.
    let last = number();
    let silent = now.checked_sub(EXPIRES - seconds(0.2)).unwrap();
    desk.heard(&present(2), silent).unwrap();
    let with_both = number();
    assert_ne!(last, with_both);
    let waited = tokio::time::timeout(seconds(60.0), desk.news_since(with_both));
    waited.await.unwrap();
    assert_eq!(
        reported(&desk, Instant::now()),
        [(ip(1), Presence::Leaving)]
    );
}

/// The others of its cluster had not even noticed by then.
#[test]
fn that_a_member_had_ended_was_forgotten_before_the_member_was() {
    let (desk, now) = (Desk::default(), Instant::now());
    for (slot, phase) in [(1, Phase::Ended), (2, Phase::Stopping)] {
        desk.heard(&member(slot, phase, 3), now).unwrap();
    }
    let ended = [(ip(1), Presence::Ended)];
    assert_eq!(reported(&desk, now + EXPIRES), ended);
    let last = now + LAST_WORD;
    assert_eq!(reported(&desk, last - seconds(0.1)), ended);
    assert_eq!(reported(&desk, last), []);
}
