//! Who has no say: strangers that only databases know, members that were never in,
//! addresses at which nobody ever was.

use std::collections::BTreeSet;

use meshworker_core::{
    Capabilities, Departure, Evidence, Floor, Gate, Going, Observation, Planner, Presence,
    Proposal, Reason, Refusal, Release, Report, Roster, Situation, Unanswered, Unity, View,
    Witness,
};

use Presence::{Leaving, Present, Stopping, Waiting};
use Unanswered::{Timeout, Unreachable};

use crate::leaving::{after_the_hold, five, leaving, queue};
use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, docker, ip, replica, seen, step, tasks,
    view,
};

const ALL: [u8; 5] = [1, 2, 3, 4, 5];
const WITH_9: [u8; 6] = [1, 2, 3, 4, 5, 9];

/// Five members, of which the last is meant to go, and that list a ninth node.
fn met_by_a_stranger() -> Observation<()> {
    let mut observed = five(&[(5, Leaving)]);
    for last in ALL {
        observed.answers.insert(ip(last), view(last, &WITH_9));
    }
    observed.answers.insert(ip(9), Err(Timeout));
    observed
}

/// A database in which member 5 is meant to go and node 9 owns nothing.
fn with_a_bystander() -> Toy {
    let mut toy = leaving(&[5]);
    toy.0.bystanders = vec![departed(9)];
    toy
}

fn remark(node: &str, others: usize) -> Refusal {
    let absent = |witness| Evidence::Sighting {
        witness,
        member: meshworker_core::MemberId::Address(ip(9)),
        presence: Presence::Absent,
    };
    let present = Evidence::Sighting {
        witness: Witness::Database,
        member: meshworker_core::MemberId::Address(ip(9)),
        presence: Present,
    };
    Refusal {
        what: "count 10.0.0.9".into(),
        reason: Reason::Stranger {
            node: node.into(),
            others,
        },
        evidence: vec![absent(Witness::Dns), present],
    }
}

#[test]
fn a_stranger_that_the_members_met_kept_every_member_from_being_released() {
    let observed = met_by_a_stranger();
    let plan = after_the_hold(&mut Clock::start(), &with_a_bystander(), &observed);
    assert_eq!(queue(&plan), [(5, None)], "{:?}", plan.leavers);
    assert!(plan.settled);
    assert_eq!(plan.refusals, [remark("n9", 0)]);
    assert_eq!(plan.outsiders, BTreeSet::from([ip(9)]));
    // It answers, and says that it works, for ever.
    let mut busy = observed;
    let mut says = view(9, &WITH_9);
    if let Ok(View { working, .. }) = &mut says {
        *working = Some("7 slots on the move".into());
    }
    busy.answers.insert(ip(9), says);
    let plan = after_the_hold(&mut Clock::start(), &with_a_bystander(), &busy);
    assert_eq!(queue(&plan), [(5, None)], "{:?}", plan.leavers);
}

#[test]
fn whoever_may_be_a_member_counts() {
    let held = |reports: Vec<Report>, toy: &Toy| {
        let mut observed = met_by_a_stranger();
        observed.reports = reports;
        let plan = after_the_hold(&mut Clock::start(), toy, &observed);
        assert_eq!(queue(&plan).pop(), Some((5, Some(Gate::MembersAnswer))));
        assert!(!plan.settled);
    };
    let says = announced(&[(5, Leaving)]);
    // It owns something.
    held(vec![dns(&ALL), says.clone()], &leaving(&[5]));
    // A witness names it, or could not speak.
    let toy = with_a_bystander();
    held(vec![dns(&WITH_9), says.clone()], &toy);
    held(
        vec![dns(&ALL), announced(&[(5, Leaving), (9, Present)])],
        &toy,
    );
    let mut cut = dns(&ALL);
    cut.grade = meshworker_core::Grade::Truncated;
    held(vec![cut.clone(), says.clone()], &toy);
    // The task list knows all, whatever the name server does.
    let listed = ALL.map(|last| (last, if last < 5 { Present } else { Leaving }));
    let mut observed = met_by_a_stranger();
    observed.reports = vec![cut, tasks(&listed, 5), says.clone()];
    let plan = after_the_hold(&mut Clock::start(), &toy, &observed);
    assert_eq!(queue(&plan), [(5, None)]);
    // It was a member a short while ago.
    let mut clock = Clock::start();
    clock.after(0, &content(), &seen(vec![dns(&WITH_9), says], &WITH_9));
    let plan = after_the_hold(&mut clock, &toy, &met_by_a_stranger());
    assert_eq!(queue(&plan), [(5, Some(Gate::MembersAnswer))]);
}

#[test]
fn an_operator_has_a_stranger_forgotten() {
    let (mut toy, observed) = (with_a_bystander(), met_by_a_stranger());
    toy.0.leaves.clear();
    let mut clock = Clock::start();
    assert_eq!(clock.after(60, &toy, &observed).steps, []);
    clock.orders.forget.insert("n9".into());
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n9".into()))]);
}

/// It said of 8000 nodes that they live.
#[test]
fn what_only_an_unlisted_node_says_was_evidence() {
    let mut observed = met_by_a_stranger();
    let crowd: Vec<u8> = (1..=200).collect();
    observed.answers.insert(ip(9), view(9, &crowd));
    let alive: BTreeSet<_> = WITH_9.map(ip).into();
    assert_eq!(observed.alive(), alive);
    assert_eq!(observed.roster().members().len(), 6);
    // Members may list any number as well: the roster is bounded, the remark one.
    let crowd: BTreeSet<_> = (0..=255u8)
        .flat_map(|high| (0..32u8).map(move |low| [10, 1, high, low].into()))
        .collect();
    assert_eq!(crowd.len(), 8192);
    let roster = Roster::merge(&[dns(&ALL)], &crowd);
    assert_eq!(roster.members().len(), 5 + 1024);
    let mut toy = with_a_bystander();
    for last in 10..=59 {
        toy.0.bystanders.push(departed(last));
    }
    let plan = Clock::start().after(0, &toy, &met_by_a_stranger());
    let told: Vec<_> = plan
        .refusals
        .iter()
        .filter(|r| r.reason.kind() == "stranger")
        .collect();
    assert_eq!(told, [&remark("n9", 50)]);
}

/// Member 9 is refused: it was never in.
struct Refusing(Toy, fn(&mut Proposal<Ask>));

impl Planner for Refusing {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let mut proposal = self.0.propose(situation);
        if situation.answers.contains_key(&ip(9)) {
            (self.1)(&mut proposal);
            proposal.unity = Unity::apart("9 has not joined");
        }
        proposal
    }
}

#[test]
fn a_refused_member_held_its_neighbours_up_and_could_not_go_itself() {
    let ways: [fn(&mut Proposal<Ask>); 2] = [
        |proposal| proposal.strangers.extend([ip(9)]),
        |proposal| proposal.outsiders.extend([ip(9)]),
    ];
    for way in ways {
        let listed = WITH_9.map(|last| (last, Present));
        let mut says = vec![(9, Present), (5, Leaving)];
        let mut observed = seen(vec![tasks(&listed, 5), announced(&says)], &ALL);
        let mut alone = view(9, &[9]);
        if let Ok(View { working, .. }) = &mut alone {
            *working = Some("cluster_state is 'fail'".into());
        }
        observed.answers.insert(ip(9), alone);
        let toy = Refusing(leaving(&[5]), way);
        let mut clock = Clock::start();
        let plan = after_the_hold(&mut clock, &toy, &observed);
        assert_eq!(queue(&plan), [(5, None)]);
        assert!(plan.settled, "the others are in their places");
        assert_eq!(plan.outsiders, BTreeSet::from([ip(9)]));
        assert_eq!(plan.unity, Unity::apart("9 has not joined"));
        // It is meant to go: at once.
        says[0].1 = Leaving;
        observed.reports[1] = announced(&says);
        let plan = Clock::start().after(0, &toy, &observed);
        assert_eq!(queue(&plan), [(5, Some(Gate::Settled)), (9, None)]);
        let mut dry = Clock::start();
        dry.orders.dry_run = true;
        let plan = dry.after(0, &toy, &observed);
        assert!(
            plan.leavers
                .iter()
                .all(|leaver| leaver.release != Release::Granted)
        );
    }
}

/// A service became smaller by several, of which one had never joined: the other was taken
/// for one that is updated and comes back, though an update takes one after another.
#[test]
fn one_that_went_for_good_beside_an_outsider_was_counted_in() {
    let way: fn(&mut Proposal<Ask>) = |proposal| proposal.outsiders.extend([ip(9)]);
    let mut toy = leaving(&[5]);
    toy.0.floor = Floor {
        members: 5,
        because: "replication factor 5".into(),
    };
    let mut observed = five(&[(5, Leaving), (9, Leaving)]);
    observed.answers.insert(ip(9), view(9, &[9]));
    let toy = Refusing(toy, way);
    let plan = after_the_hold(&mut Clock::start(), &toy, &observed);
    assert_eq!(queue(&plan), [(5, Some(Gate::Floor)), (9, None)]);
    // It is gone: one alone is an update again.
    let alone = five(&[(5, Leaving)]);
    let plan = after_the_hold(&mut Clock::start(), &toy, &alone);
    assert_eq!(queue(&plan), [(5, None)]);
}

/// Members 1 to 3, and an address that the name server lists besides.
fn former_virtual_address() -> Observation<()> {
    let mut observed = seen(vec![dns(&[1, 2, 3, 9])], &[1, 2, 3]);
    let why = Unreachable("no connection within 125ms".into());
    observed.answers.insert(ip(9), Err(why));
    observed
}

#[test]
fn an_address_where_nobody_ever_was_kept_a_cluster_from_being_one_for_ever() {
    let observed = former_virtual_address();
    let mut clock = Clock::start();
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    for _ in 0..clock.limits.unheard_patience.as_secs() / 10 {
        let plan = clock.after(10, &toy, &observed);
        assert!(!plan.unity.is_one() && plan.outsiders.is_empty());
        assert_eq!(plan.steps, []);
    }
    let plan = clock.after(10, &toy, &observed);
    assert_eq!(plan.unity, Unity::One { size: 3 });
    assert_eq!(plan.outsiders, BTreeSet::from([ip(9)]));
    let told: Vec<_> = plan.refusals.iter().map(|r| r.reason.kind()).collect();
    assert_eq!(told, ["never_there", "gate_8_hold"]);
    // Somebody answers there after all.
    let all = seen(vec![dns(&[1, 2, 3, 9])], &[1, 2, 3, 9]);
    assert!(clock.after(1, &toy, &all).outsiders.is_empty());
    for _ in 0..60 {
        let plan = clock.after(10, &toy, &observed);
        assert!(!plan.unity.is_one(), "it was there");
    }
}

/// The stack is removed, and a name server that answers to every name lists a stranger.
#[test]
fn a_stranger_that_a_name_server_lists_kept_all_from_leaving() {
    let mut observed = seen(vec![dns(&[9])], &[1, 2, 3]);
    let why = Unreachable("no connection within 125ms".into());
    observed.answers.insert(ip(9), Err(why));
    let says = [1, 2, 3].map(|n| (n, Leaving));
    observed.reports.push(announced(&says));
    let mut clock = Clock::start();
    let toy = leaving(&[1, 2, 3]);
    for _ in 0..clock.limits.unheard_patience.as_secs() / 10 {
        let plan = clock.after(10, &toy, &observed);
        assert!(plan.leavers.iter().all(|l| l.release != Release::Granted));
    }
    clock.after(10, &toy, &observed);
    let plan = clock.after(10, &toy, &observed);
    let all = plan
        .leavers
        .iter()
        .map(|l| (l.address, l.going, l.release.clone()));
    let granted = [1, 2, 3].map(|n| (ip(n), Going::Everybody, Release::Granted));
    assert_eq!(all.collect::<Vec<_>>(), granted);
}

#[test]
fn an_address_that_somebody_knows_is_waited_for() {
    let mut known = former_virtual_address();
    known.answers.insert(ip(1), view(1, &[1, 2, 3, 9]));
    let mut announced_too = former_virtual_address();
    announced_too.reports.push(announced(&[(9, Present)]));
    let mut listed = former_virtual_address();
    listed.reports.push(docker(&[1, 2, 3, 9], 4));
    let mut starting = former_virtual_address();
    let why = Unanswered::Starting("LOADING".into());
    starting.answers.insert(ip(9), Err(why));
    let mut nobody = former_virtual_address();
    for last in [1, 2, 3] {
        nobody.answers.insert(ip(last), Err(Timeout));
    }
    for observed in [known, announced_too, listed, starting, nobody] {
        let mut clock = Clock::start();
        for _ in 0..60 {
            let plan = clock.after(10, &content(), &observed);
            assert!(
                !plan.unity.is_one() && plan.outsiders.is_empty(),
                "{plan:?}"
            );
        }
    }
}

#[test]
fn a_successor_that_waits_for_its_slot_was_called_silent() {
    let leaves = [(1, Present), (2, Present), (3, Leaving)];
    let mut list = tasks(&leaves, 3);
    list.sightings.push(replica(3, 9, Present));
    let mut by_itself = announced(&[(3, Leaving)]);
    by_itself.sightings.push(replica(3, 9, Waiting));
    for reports in [
        vec![list, announced(&[(3, Leaving)])],
        vec![dns(&[1, 2]), by_itself],
    ] {
        let mut observed = seen(reports, &[1, 2, 3]);
        let why = Unreachable("refused".into());
        observed.answers.insert(ip(9), Err(why));
        let mut clock = Clock::start();
        let mut toy = content();
        toy.0.departures = vec![departed(8)];
        clock.after(0, &toy, &observed);
        let plan = clock.after(10, &toy, &observed);
        assert_eq!(plan.unity, Unity::One { size: 3 });
        assert_eq!(plan.refusals[0].what, "join 10.0.0.9");
        let behind = "10.0.0.3".to_owned();
        assert_eq!(plan.refusals[0].reason, Reason::Waiting { behind });
        assert_eq!(plan.steps, [step(1, Ask::Forget("n8".into()))]);
        // Its slot is free, and it does not come.
        let mut gone = observed.clone();
        gone.answers.remove(&ip(3));
        for report in &mut gone.reports {
            report
                .sightings
                .retain(|sighting| sighting.address != ip(3));
        }
        let plan = clock.after(1, &content(), &gone);
        assert!(!plan.unity.is_one());
    }
}

/// Whoever answers at 20 and above is another cluster's.
struct SharedName(Toy);

impl Planner for SharedName {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let mut proposal = self.0.propose(situation);
        let answers = situation.answers.iter();
        let answers = answers.filter(|(at, answer)| **at >= ip(20) && answer.is_ok());
        proposal.strangers = answers.map(|(at, _)| *at).collect();
        proposal
    }
}

/// Another cluster's members under our name, seen so by these passes: none of them answers
/// at first, then some do, then they are killed, and others come in their places.
fn another_clusters_members_come_and_go(clock: &mut Clock, toy: &SharedName) {
    let ours = seen(vec![dns(&[1, 2, 3]), announced(&[])], &[1, 2, 3]);
    let theirs = |answers: &[u8]| {
        let mut observed = ours.clone();
        observed.reports[0] = dns(&[1, 2, 3, 20, 21, 22, 23]);
        for last in [20, 21, 22, 23] {
            let silent = Err(Unreachable("refused".into()));
            let answer = match answers.contains(&last) {
                true => view(last, answers),
                false => silent,
            };
            observed.answers.insert(ip(last), answer);
        }
        observed
    };
    clock.after(1, toy, &theirs(&[]));
    clock.after(1, toy, &theirs(&[20, 21, 22]));
    clock.after(1, toy, &theirs(&[20, 21, 22, 23]));
    clock.after(1, toy, &theirs(&[21, 22, 23]));
    let mut others = ours.clone();
    others.reports[0] = dns(&[1, 2, 3, 30, 31]);
    for last in [30, 31] {
        others.answers.insert(ip(last), Err(Timeout));
    }
    clock.after(1, toy, &others);
}

/// Two stacks on one network: nobody was forgotten for ten minutes after the other one's
/// members had been replaced.
#[test]
fn strangers_that_came_and_went_had_vanished_from_among_us() {
    let mut toy = SharedName(content());
    let mut clock = Clock::start();
    another_clusters_members_come_and_go(&mut clock, &toy);
    toy.0.0.departures = vec![departed(4)];
    let ours = seen(vec![dns(&[1, 2, 3]), announced(&[])], &[1, 2, 3]);
    clock.after(1, &toy, &ours);
    let held = clock.limits.removal_hold.as_secs();
    let plan = clock.after(held, &toy, &ours);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
}

/// And when our stack was removed, its members waited for them.
#[test]
fn strangers_that_came_and_went_kept_a_removed_stack_waiting() {
    let mut toy = SharedName(leaving(&[1, 2, 3]));
    for leave in &mut toy.0.0.leaves {
        leave.holds = vec!["slots".into()];
    }
    let mut clock = Clock::start();
    another_clusters_members_come_and_go(&mut clock, &toy);
    let nobody = Report::unknown(Witness::Dns, meshworker_core::Grade::NxDomain);
    let says = announced(&[(1, Leaving), (2, Leaving), (3, Leaving)]);
    let plan = after_the_hold(&mut clock, &toy, &seen(vec![nobody, says], &[1, 2, 3]));
    assert_eq!(queue(&plan), [(1, None), (2, None), (3, None)]);
    assert!(plan.leavers.iter().all(|l| l.going == Going::Everybody));
}

/// Where strangers are under our name, an address that is only listed may be another of
/// them. The only member to stay had told of itself, and was cut off before it answered:
/// the others were let go as if the stack was removed.
#[test]
fn one_that_had_told_of_itself_was_not_missed_beside_a_stranger() {
    let beside = |listed: &[u8], says| {
        let mut observed = seen(vec![dns(listed), announced(says)], &[2, 3]);
        observed.answers.insert(ip(20), view(20, &[20]));
        observed
    };
    let mut all = beside(&[1, 2, 3, 20], &[(1, Present), (2, Present), (3, Present)]);
    all.answers.insert(ip(1), Err(Timeout));
    let cut = beside(&[2, 3, 20], &[(2, Leaving), (3, Leaving)]);
    let mut clock = Clock::start();
    clock.after(1, &SharedName(content()), &all);
    let toy = SharedName(leaving(&[2, 3]));
    for _ in 1..clock.limits.release_patience.as_secs() {
        let plan = clock.after(1, &toy, &cut);
        let mut goings = plan.leavers.iter().map(|leaver| leaver.going);
        assert!(goings.all(|going| going != Going::Everybody));
    }
    // Whoever is not heard of for so long is not there: all go together.
    let plan = after_the_hold(&mut clock, &toy, &cut);
    assert_eq!(queue(&plan), [2, 3].map(|last| (last, None)));
}

/// Under a name that is ours alone, whom only a name server has listed may be behind a cut.
#[test]
fn whoever_was_listed_and_is_not_any_more_has_vanished_where_no_stranger_was_found() {
    let mut clock = Clock::start();
    let mut all = seen(vec![dns(&ALL), announced(&[])], &[1, 2]);
    for last in [3, 4, 5] {
        all.answers.insert(ip(last), Err(Timeout));
    }
    let mut toy = content();
    clock.after(1, &toy, &all);
    toy.0.departures = vec![departed(6)];
    let two = seen(vec![dns(&[1, 2]), announced(&[])], &[1, 2]);
    for _ in 0..3 {
        let plan = clock.after(20, &toy, &two);
        assert_eq!(plan.steps, []);
        assert!(plan.refusals.iter().any(|refusal| {
            let why = refusal.reason.to_string();
            why.contains("gate 7") && why.contains("4 of 6 are gone")
        }));
    }
}

/// Of members that were let go the database knew no address any more.
#[test]
fn whoever_was_let_go_had_vanished_once_a_stranger_had_its_address() {
    let mut toy = SharedName(content());
    let mut clock = Clock::start();
    let stops = announced(&[(4, Stopping), (5, Stopping)]);
    clock.after(1, &toy, &seen(vec![dns(&ALL), stops], &ALL));
    let ours = seen(vec![dns(&[1, 2]), announced(&[])], &[1, 2]);
    let nowhere = |last| Departure {
        address: None,
        ..departed(last)
    };
    toy.0.0.departures = vec![nowhere(4), nowhere(5)];
    clock.after(1, &toy, &ours);
    let held = clock.limits.removal_hold.as_secs();
    let plan = clock.after(held, &toy, &ours);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    // And those of whom nobody has heard so.
    let mut clock = Clock::start();
    clock.after(1, &toy, &ours);
    assert_eq!(clock.after(held, &toy, &ours).steps, []);
}
