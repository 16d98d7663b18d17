//! A cluster that takes only so many nodes: who is taken in, and who is not.

use meshworker_core::{MemberId, Place};

use super::super::crowd::STUCK_AFTER;
use super::*;

impl Seen {
    /// The members announce themselves, each with its slot.
    fn announced(mut self, members: &[u32]) -> Seen {
        let sightings = members.iter().map(|n| Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot: u64::from(*n),
            }),
            ..Sighting::at(at(*n))
        });
        self.reports = vec![Report {
            sightings: sightings.collect(),
            ..Report::addresses(Witness::Announce, members.iter().map(|n| at(*n)))
        }];
        self
    }

    fn tipped(&self) -> Vec<Place> {
        let steps = self.proposal().steps.into_iter();
        steps.map(|step| step.to).collect()
    }
}

fn refuse(seen: &Seen, n: u32) -> Refusal {
    Refusal {
        what: format!("join {}", at(n)),
        reason: Reason::LimitReached {
            limit: 8,
            source: "Aerospike Community Edition".into(),
        },
        evidence: vec![seen.says(n)],
    }
}

const NINE: [u32; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

#[test]
fn community_edition_is_not_asked_for_a_ninth_node() {
    let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 6], &[7], &[8], &[9], &[10]])
        .each(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], |view| {
            view.detail.edition = Edition::Community
        });
    let refuse = |n: u32| Refusal {
        what: format!("join {}", at(n)),
        reason: Reason::LimitReached {
            limit: 8,
            source: "Aerospike Community Edition".into(),
        },
        evidence: vec![seen.says(n)],
    };
    let expected = Proposal {
        steps: vec![seen.tip(7, 1), seen.tip(8, 1)],
        refusals: vec![refuse(9), refuse(10)],
        ..nothing(Unity::apart("5 clusters instead of one"))
    };
    assert_eq!(seen.proposal(), expected);
}

/// The limit counts the nodes that the members see, also those that are silent.
#[test]
fn a_full_cluster_with_silent_members_is_full() {
    let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 6, 7, 8], &[9]])
        .each(&[1, 2, 3, 4, 5, 6, 7, 8, 9], |view| {
            view.detail.edition = Edition::Community;
        })
        .silent(7)
        .silent(8);
    let proposal = seen.proposal();
    assert_eq!(proposal.steps, []);
    assert!(matches!(
        proposal.refusals[..],
        [Refusal {
            reason: Reason::LimitReached { limit: 8, .. },
            ..
        }]
    ));
}

/// Recorded: the ninth was tipped first, because it answered first, then 4 to 8
/// as well; a cluster of seven formed.
#[test]
fn whoever_was_tipped_counts_although_no_list_shows_it_yet() {
    let all: [&[u32]; 7] = [&[1, 2, 3], &[4], &[5], &[6], &[7], &[8], &[9]];
    let mut seen = Seen::clusters(&all).community(&NINE);
    seen.joining = BTreeMap::from([(at(9), 1), (at(1), 1)]);
    let proposal = seen.proposal();
    assert_eq!(seen.tipped(), [9, 4, 5, 6, 7].map(at));
    assert_eq!(proposal.refusals, [refuse(&seen, 8)]);
}

#[test]
fn those_that_do_not_answer_yet_have_their_place_before_higher_ones() {
    let mut seen = Seen::clusters(&[&[1, 2, 3], &[9]]).community(&[1, 2, 3, 9]);
    for n in 4..=8 {
        seen.answers.insert(at(n), Err(Unanswered::Timeout));
    }
    let seen = seen.dns_lists_who_answers();
    let proposal = seen.proposal();
    assert_eq!(proposal.steps, []);
    assert_eq!(proposal.refusals, [refuse(&seen, 9)]);

    // What is no database takes nobody's place.
    let mut seen = seen;
    let garbage = Unanswered::Garbage("HTTP".into());
    seen.answers.insert(at(4), Err(garbage));
    assert_eq!(seen.tipped(), [at(9)]);
}

/// A member in a slot above the limit comes up first: the others exist, though
/// nobody has told of them.
#[test]
fn a_slot_above_the_limit_waits_for_the_lower_ones_for_a_moment() {
    let young = |seen: Seen| seen.each(&[9], |view| view.detail.uptime = 1);
    let seen = Seen::clusters(&[&[1, 2, 3], &[9]]).community(&[1, 2, 3, 9]);
    let seen = young(seen).announced(&[1, 2, 3, 9]);
    assert_eq!(seen.proposal().refusals, [refuse(&seen, 9)]);
    // A service with gaps: it has been there for long enough.
    let seen = seen.each(&[9], |view| view.detail.uptime = 10);
    assert_eq!(seen.tipped(), [at(9)]);
    // Where slots begin at 0, the ninth has the number 8.
    let seen = Seen::clusters(&[&[1, 2, 3], &[8]]).community(&[1, 2, 3, 8]);
    let mut seen = seen.each(&[8], |view| view.detail.uptime = 1);
    seen = seen.announced(&[1, 2, 3, 8]);
    assert_eq!(seen.tipped(), [at(8)]);
    let first = &mut seen.reports[0].sightings[0];
    first.member = Some(MemberId::Slot {
        service: "db".into(),
        slot: 0,
    });
    assert_eq!(seen.proposal().refusals, [refuse(&seen, 8)]);
    // Known by its address alone, 9 is no number of a slot.
    let seen = Seen::clusters(&[&[1, 2, 3], &[9]]).community(&[1, 2, 3, 9]);
    assert_eq!(young(seen).tipped(), [at(9)]);
}

/// Recorded: nine nodes had met, a cluster of seven formed, and two were in none.
#[test]
fn a_mesh_of_nine_is_thinned_out_until_eight_are_one() {
    let stranded = |view: &mut View<Detail>| {
        not_started(view);
        view.detail.uptime = STUCK_AFTER;
    };
    let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 7, 9], &[6], &[8]]).community(&NINE);
    let seen = seen.each(&[6, 8], stranded);
    let others = [1, 2, 3, 4, 5, 7, 9, 6].map(port);
    let aside = Step::new(
        at(8),
        Request::StandAside {
            seeds: others.to_vec(),
        },
        vec![seen.says(6), seen.says(8)],
    );
    let expected = Proposal {
        steps: vec![seen.tip(6, 1), aside],
        refusals: vec![refuse(&seen, 8)],
        ..nothing(Unity::apart("3 clusters instead of one"))
    };
    assert_eq!(seen.proposal(), expected);

    // A moment after the start everybody is in no cluster.
    let seen = seen.each(&[6, 8], |view| view.detail.uptime = 2);
    assert_eq!(seen.tipped(), [at(6)]);
}

#[test]
fn an_empty_ninth_is_an_outsider_and_one_with_records_is_not() {
    let empty = |said| {
        move |view: &mut View<Detail>| {
            view.detail.namespaces = Some(Arc::from([crate::aerospike::Namespace {
                name: "test".into(),
                empty: said,
                ..Default::default()
            }]));
        }
    };
    let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 6, 7, 8], &[9]]).community(&NINE);
    let seen = seen.each(&[9], empty(Some(true)));
    assert_eq!(seen.proposal().outsiders, BTreeSet::from([at(9)]));
    for said in [Some(false), None] {
        let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 6, 7, 8], &[9]]).community(&NINE);
        let seen = seen.each(&[9], empty(said));
        assert_eq!(seen.proposal().outsiders, BTreeSet::new(), "{said:?}");
    }
    // It is on its way out, nobody refuses it any more, and it holds nothing all the same.
    let seen = Seen::clusters(&[&[1, 2, 3, 4, 5, 6, 7, 8], &[9]]).community(&NINE);
    let seen = seen.each(&[9], empty(Some(true)));
    let seen = seen.docker(9, Presence::Leaving);
    assert_eq!(seen.proposal().outsiders, BTreeSet::from([at(9)]));
}

/// With the vendor's own fabric section 8.1 never forms a cluster; 8.0 needed 13 s.
#[test]
fn members_that_hear_each_other_and_form_nothing_are_told_what_to_write() {
    let none = |uptime| {
        move |view: &mut View<Detail>| {
            not_started(view);
            view.detail.uptime = uptime;
        }
    };
    let three = || Seen::clusters(&[&[5], &[6], &[7]]);
    let seen = three().each(&[5, 6, 7], none(STUCK_AFTER));
    let proposal = seen.proposal();
    let [refusal] = &proposal.refusals[..] else {
        panic!("{:?}", proposal.refusals);
    };
    assert_eq!(refusal.what, "make one cluster of 3 members");
    assert_eq!(refusal.evidence, [5, 6, 7].map(|n| seen.says(n)));
    let said = refusal.reason.to_string();
    assert!(said.contains("fabric { address eth0"), "{said}");
    assert_eq!(proposal.unity, Unity::apart(said));
    // They are still told about each other: the cause may be another.
    assert_eq!(proposal.steps, [seen.tip(6, 5), seen.tip(7, 5)]);

    for seen in [
        three().each(&[5, 6, 7], none(STUCK_AFTER - 1)),
        three().each(&[6, 7], none(STUCK_AFTER)),
        Seen::clusters(&[&[5]]).each(&[5], none(STUCK_AFTER)),
    ] {
        assert_eq!(seen.proposal().refusals, []);
    }
}
