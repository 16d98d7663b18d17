//! Members that are meant to go.

use meshworker_core::{Copies, Floor, Leave, MemberId, Place, Progress, Standing, StepKind, Stock};

use super::super::super::detail::Namespace;
use super::*;

/// A namespace that keeps two copies, all of it there and at rest.
fn test() -> Namespace {
    Namespace {
        name: "test".into(),
        replication_factor: Some(2),
        copies: Some(2),
        unavailable: Some(0),
        dead: Some(0),
        quiesce_pending: Some(false),
        quiesced: Some(false),
        empty: Some(false),
        volatile: None,
    }
}

impl Seen {
    /// What these members say of their namespace.
    fn holding(self, members: &[u32], change: impl Fn(&mut Namespace)) -> Seen {
        self.each(members, |view| {
            let mut namespace = test();
            change(&mut namespace);
            view.detail.namespaces = Some(Arc::from([namespace]));
            view.detail.to_send = Some(0);
        })
    }

    /// One cluster of these members that holds records.
    fn full(members: &[u32]) -> Seen {
        Seen::clusters(&[members]).holding(members, |_| {})
    }

    pub(super) fn community(self, members: &[u32]) -> Seen {
        self.each(members, |view| view.detail.edition = Edition::Community)
    }

    /// What these members announce; the name server lists everybody else.
    fn announcing(mut self, members: &[u32], presence: Presence) -> Seen {
        let sightings = members.iter().map(|n| Sighting {
            member: Some(MemberId::Slot {
                service: "db".into(),
                slot: u64::from(*n),
            }),
            presence: presence.clone(),
            ..Sighting::at(at(*n))
        });
        let mut report = Report::addresses(Witness::Announce, members.iter().map(|n| at(*n)));
        report.sightings = sightings.collect();
        self.reports.push(report);
        if presence == Presence::Leaving {
            let gone: Vec<Place> = members.iter().map(|n| at(*n)).collect();
            self.reports[0]
                .sightings
                .retain(|sighting| !gone.contains(&sighting.address));
        }
        self
    }

    fn leaving(self, members: &[u32]) -> Seen {
        self.announcing(members, Presence::Leaving)
    }

    /// What holds the first in the queue back; nothing when it may go.
    fn holds(&self) -> Vec<String> {
        self.proposal().leaves[0].holds.clone()
    }

    fn recluster(&self, by: u32, because: u32, purpose: StepKind) -> Step<Request> {
        Step {
            request: Request::Recluster { purpose },
            to: at(by),
            ..self.asked(because, Request::Quiesce)
        }
    }

    /// A request to a member because of what it says itself.
    fn asked(&self, n: u32, request: Request) -> Step<Request> {
        let view = self.answers[&at(n)].as_ref().unwrap();
        let space = &view.detail.namespaces.as_ref().unwrap()[0];
        let (pending, quiesced) = (space.quiesce_pending, space.quiesced);
        let said = format!(
            "pending_quiesce={};effective_is_quiesced={}",
            pending.unwrap(),
            quiesced.unwrap()
        );
        Step::new(at(n), request, vec![Evidence::view(id(n), said)])
    }
}

fn leave(n: u32, holds: &[&str]) -> Leave<Request> {
    Leave {
        holds: holds.iter().map(|hold| (*hold).to_owned()).collect(),
        ..Leave::of(at(n), &id(n))
    }
}

/// What these nodes keep, all of it made.
fn kept(nodes: &[u32]) -> Copies {
    let stock = Stock {
        what: "namespace test".into(),
        pieces: 4096,
        unit: "partitions",
        copies: 2,
        nodes: nodes.iter().map(|n| (id(*n), None)).collect(),
    };
    Copies {
        stocks: vec![stock],
        made: true,
        ..Copies::default()
    }
}

fn floor() -> Floor {
    Floor {
        members: 2,
        because: "replication factor 2".into(),
    }
}

const QUIESCED: fn(&mut Namespace) = |space| {
    space.quiesce_pending = Some(true);
    space.quiesced = Some(true);
};

/// All that a restarted worker heard of wanted to go, and one that stays was beyond a cut:
/// only they remembered it, nobody asked them, and they were let go with everybody.
#[test]
fn whom_those_that_go_remember_is_named_though_nobody_stays() {
    let seen = Seen::full(&[5, 6])
        .remembering(&[5, 6], &[7])
        .leaving(&[5, 6]);
    let departed: Vec<_> = (seen.proposal().departures.iter())
        .map(|departure| departure.address)
        .collect();
    assert_eq!(departed, [Some(at(7))]);
}

#[test]
fn members_of_community_edition_go_in_turn_the_highest_slot_first() {
    let all = [5, 6, 7, 8, 10];
    let seen = Seen::full(&all).community(&all).leaving(&[6, 8, 10]);
    let expected = Proposal {
        leaves: vec![leave(10, &[]), leave(8, &[]), leave(6, &[])],
        floor: floor(),
        copies: kept(&all),
        ..nothing(Unity::One { size: 2 })
    };
    assert_eq!(seen.proposal(), expected);
}

#[test]
fn a_member_of_enterprise_edition_is_quiesced_then_waits_for_its_partitions() {
    // Of these ids, that of 8 is the highest.
    let all = [5, 6, 7, 8];
    let of = |leave: Leave<Request>| Proposal {
        leaves: vec![leave],
        floor: floor(),
        copies: kept(&all),
        ..nothing(Unity::One { size: 3 })
    };
    let seen = Seen::full(&all).leaving(&[7]);
    let told = Leave {
        steps: vec![seen.asked(7, Request::Quiesce)],
        ..leave(7, &["not quiesced yet"])
    };
    assert_eq!(seen.proposal(), of(told));

    let seen = Seen::full(&all).leaving(&[7]);
    let seen = seen.holding(&[7], |space| space.quiesce_pending = Some(true));
    let formed_anew = Leave {
        steps: vec![seen.recluster(8, 7, StepKind::Leave)],
        ..leave(7, &["not quiesced yet"])
    };
    assert_eq!(seen.proposal(), of(formed_anew));

    let seen = Seen::full(&all).leaving(&[7]).holding(&[7], QUIESCED);
    let left = |left| {
        Some(Progress {
            unit: "partitions",
            left,
        })
    };
    let waiting = seen.each(&[7], |view| view.detail.to_send = Some(1638));
    let expected = Leave {
        progress: left(1638),
        ..leave(7, &["1638 partitions to send"])
    };
    let mut expected = of(expected);
    expected.copies.made = false;
    assert_eq!(waiting.proposal(), expected);
    let free = waiting.each(&[7], |view| view.detail.to_send = Some(0));
    let expected = Leave {
        progress: left(0),
        ..leave(7, &[])
    };
    assert_eq!(free.proposal(), of(expected));
}

/// The principal may be the one that goes, or another that does, and only it
/// can form the cluster anew.
#[test]
fn a_cluster_is_formed_anew_by_its_principal_alone() {
    let pending: fn(&mut Namespace) = |space| space.quiesce_pending = Some(true);
    let seen = Seen::full(&[5, 6, 8])
        .leaving(&[8, 6])
        .holding(&[8], pending);
    let steps = &seen.proposal().leaves[0].steps;
    assert_eq!(*steps, [seen.recluster(8, 8, StepKind::Leave)]);

    let mut seen = Seen::full(&[5, 6, 8]).leaving(&[6]).holding(&[6], pending);
    seen.answers.insert(at(8), Err(Unanswered::Timeout));
    let leave = &seen.proposal().leaves[0];
    assert_eq!(leave.steps, []);
    assert_eq!(leave.holds, ["not quiesced yet"]);
}

#[test]
fn nobody_goes_who_holds_something_alone_or_may() {
    type Change = fn(&mut Namespace);
    let cases: [(Change, Option<&str>); 9] = [
        (|_| {}, None),
        (
            |space| space.copies = Some(1),
            Some("replication factor 1: its records in 'test' have no second copy"),
        ),
        (
            |space| (space.copies, space.replication_factor) = (None, Some(1)),
            Some("replication factor 1: its records in 'test' have no second copy"),
        ),
        (
            |space| (space.copies, space.empty) = (Some(1), None),
            Some("replication factor 1: its records in 'test' have no second copy"),
        ),
        (
            |space| (space.copies, space.empty) = (Some(1), Some(true)),
            None,
        ),
        (|space| space.copies = None, None),
        (
            |space| (space.copies, space.replication_factor) = (None, None),
            Some("it does not say how many copies of 'test' are kept"),
        ),
        (
            |space| space.dead = Some(3),
            Some("BB907000A4202: 0 partitions of 'test' are unavailable, 3 are dead"),
        ),
        (
            |space| space.unavailable = None,
            Some("BB907000A4202 does not say whether partitions of 'test' are missing"),
        ),
    ];
    for (change, hold) in cases {
        let seen = Seen::full(&[5, 6, 7]).holding(&[7], change);
        let seen = seen.community(&[5, 6, 7]).leaving(&[7]);
        let expected: Vec<String> = hold.into_iter().map(Into::into).collect();
        let named = expected.iter().map(|s| s.replace("BB907000A4202", &id(7)));
        assert_eq!(seen.holds(), named.collect::<Vec<_>>());
    }
}

#[test]
fn what_is_missing_anywhere_holds_everybody() {
    let full = || Seen::full(&[5, 6, 7]).community(&[5, 6, 7]).leaving(&[7]);
    let seen = full().holding(&[5], |space| space.unavailable = Some(12));
    let missing = "partitions of 'test' are unavailable, 0 are dead";
    assert_eq!(seen.holds(), [format!("{}: 12 {missing}", id(5))]);
    let seen = full().each(&[6], |view| view.detail.namespaces = None);
    let unsaid = "does not say what its namespaces hold";
    assert_eq!(seen.holds(), [format!("{} {unsaid}", id(6))]);
    let seen = full().each(&[7], |view| view.detail.namespaces = None);
    assert_eq!(seen.holds(), [format!("it {unsaid}")]);
    let seen = full().each(&[7], |view| view.detail.key = key(0xBB));
    let apart = "it does not agree with those that stay on who is in";
    assert_eq!(seen.holds(), [apart]);
}

#[test]
fn a_server_that_does_not_speak_of_quiescing_is_not_quiesced() {
    let seen = Seen::full(&[5, 6, 7])
        .holding(&[7], |space| space.quiesced = None)
        .leaving(&[7]);
    let leaves = seen.proposal().leaves;
    assert_eq!(leaves, [leave(7, &[])]);
}

#[test]
fn a_member_outside_the_cluster_holds_only_what_it_has() {
    let empty: fn(&mut Namespace) = |space| space.empty = Some(true);
    let apart = |clusters: &[&[u32]]| {
        let seen = Seen::clusters(clusters).holding(&[5, 6, 7], |_| {});
        seen.leaving(&[7])
    };
    let seen = apart(&[&[5, 6], &[7]]).holding(&[7], empty);
    let proposal = seen.proposal();
    assert_eq!(proposal.leaves, [leave(7, &[])]);
    // It is not joined any more, and nobody waits for it.
    assert_eq!(
        (proposal.steps, proposal.unity),
        (vec![], Unity::One { size: 2 })
    );
    let seen = apart(&[&[5, 6], &[7]]);
    let held = "records in 'test', and it is not in the cluster of those that stay";
    assert_eq!(seen.holds(), [held]);
    let seen = Seen::clusters(&[&[5, 6], &[7, 8]]).holding(&[5, 6, 7, 8], empty);
    let seen = seen.leaving(&[7, 8]);
    let held = "it is in a cluster of 2 without those that stay";
    assert_eq!(seen.holds(), [held]);
}

#[test]
fn as_many_stay_as_copies_are_configured() {
    let of = |factor, copies| {
        let seen = Seen::full(&[5, 6]).holding(&[6], |space| {
            (space.replication_factor, space.copies) = (factor, copies);
        });
        seen.proposal().floor
    };
    assert_eq!(of(Some(2), Some(1)), floor());
    assert_eq!(of(Some(3), Some(2)).members, 3);
    assert_eq!(of(None, Some(3)).members, 3);
    let seen = Seen::clusters(&[&[5, 6]]).holding(&[5, 6], |space| {
        (space.replication_factor, space.copies) = (Some(1), Some(1));
    });
    assert_eq!(seen.proposal().floor, Floor::default());
}

#[test]
fn a_quiesced_member_that_leaves_is_no_flaw() {
    let seen = Seen::full(&[5, 6, 7, 8]).leaving(&[7, 8]);
    let proposal = seen.holding(&[7, 8], QUIESCED).proposal();
    assert_eq!(proposal.unity, Unity::One { size: 2 });
    assert_eq!(proposal.steps, []);
}

#[test]
fn a_quiesced_member_that_stays_after_all_is_brought_back() {
    let seen = |change: fn(&mut Namespace)| Seen::full(&[5, 6, 8]).holding(&[6], change);
    let stays = seen(QUIESCED).announcing(&[6], Presence::Present);
    let steps = stays.proposal().steps;
    assert_eq!(steps, [stays.asked(6, Request::QuiesceUndo)]);
    let stays = seen(|space| space.quiesced = Some(true)).announcing(&[6], Presence::Present);
    let steps = stays.proposal().steps;
    assert_eq!(steps, [stays.recluster(8, 6, StepKind::Arrange)]);
    // A name server knows nothing of leaving: a worker that has just started
    // has not heard the announcement yet.
    assert_eq!(seen(QUIESCED).proposal().steps, []);
}

#[test]
fn when_all_go_they_say_themselves_which_cluster_it_is() {
    let seen = Seen::full(&[5, 6]).leaving(&[5, 6]);
    let proposal = seen.proposal();
    assert_eq!(proposal.strangers, BTreeSet::new());
    let leaves: Vec<_> = proposal.leaves.iter().map(|leave| leave.address).collect();
    assert_eq!(leaves, [at(6), at(5)]);
}

#[test]
fn a_stranger_is_not_led_out() {
    let seen = Seen::full(&[5, 6, 7])
        .each(&[7], |view| view.cluster_name = Some("other".into()))
        .leaving(&[7]);
    let proposal = seen.proposal();
    assert_eq!(proposal.leaves, []);
    assert_eq!(proposal.strangers, BTreeSet::from([at(7)]));
    let roster = Roster::merge(&seen.reports, &BTreeSet::new());
    assert_eq!(
        roster.at(at(7)).map(|member| member.standing()),
        Some(Standing::Leaving)
    );
}

#[test]
fn copies_are_made_when_every_node_says_so() {
    let up = Some(std::time::Duration::from_secs(27));
    let stock = |nodes: &[u32], ends: bool| meshworker_core::Stock {
        what: "namespace test".into(),
        pieces: 4096,
        unit: "partitions",
        copies: 2,
        nodes: nodes
            .iter()
            .map(|n| (id(*n), up.filter(|_| ends)))
            .collect(),
    };
    let copies = |seen: &Seen| {
        let copies = seen.proposal().copies;
        (copies.stocks, copies.made)
    };
    let all = [5, 6, 7];
    assert_eq!(copies(&Seen::full(&all)), (vec![stock(&all, false)], true));
    // A leaver has its part until it has gone.
    let leaves = Seen::full(&all).leaving(&[7]);
    assert_eq!(copies(&leaves), (vec![stock(&all, false)], true));
    let memory = Seen::clusters(&[&all]).holding(&all, |space| space.volatile = Some(true));
    assert_eq!(copies(&memory), (vec![stock(&all, true)], true));
    // One that is held to be alive and does not answer, or has some to send, or to
    // receive, or counts others.
    let silent = Seen::full(&all).silent(7);
    assert_eq!(copies(&silent), (vec![stock(&[5, 6], false)], false));
    let not: [fn(&mut View<Detail>); 4] = [
        |view| view.detail.to_send = Some(1),
        |view| view.working = Some("0 partitions to send, 3 to receive".into()),
        |view| view.detail.to_send = None,
        |view| view.size = 2,
    ];
    for change in not {
        let moving = Seen::full(&all).each(&[6], change);
        assert_eq!(copies(&moving), (vec![stock(&all, false)], false));
    }
    // A ninth that is refused has nothing to do with it.
    let refused = Seen::clusters(&[&all, &[9]]).holding(&all, |_| {});
    assert_eq!(copies(&refused), (vec![stock(&all, false)], true));
    let empty = Seen::clusters(&[&all]).holding(&all, |space| space.empty = Some(true));
    assert_eq!(copies(&empty), (vec![], true));
}
