//! What Kubernetes does otherwise than Swarm: replicas count from 0, a dead node's addresses
//! stay published, and its list of pods is one that whoever deploys may forbid to read.

use meshworker_core::{
    Closed, Gate, Grade, MemberId, Plan, Presence, Reason, Report, Standing, Step, Witness,
};

use Presence::{Ended, Leaving, OutOfSight, Present};

use crate::leaving::{after_the_hold, leaving, queue};
use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, ip, says, seen, step, tasks,
};

fn pods(members: &[(u8, Presence)], desired: usize) -> Report {
    says(Witness::Kubernetes, members, Some(desired))
}

/// A database that remembers member 4 and cannot reach it.
fn remembers_4() -> Toy {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    toy
}

/// What is done, and what keeps the rest, after this many seconds of looks.
fn later(clock: &mut Clock, seconds: u64, reports: &[Report]) -> (Vec<Step<Ask>>, Vec<String>) {
    let observed = seen(reports.to_vec(), &[1, 2, 3]);
    let mut steps = Vec::new();
    let mut plan: Plan<Ask> = clock.after(1, &remembers_4(), &observed);
    for _ in 0..seconds {
        steps.extend(plan.steps);
        plan = clock.after(1, &remembers_4(), &observed);
    }
    let closed = plan
        .refusals
        .iter()
        .filter_map(|refusal| match &refusal.reason {
            Reason::Closed(Closed { gate, seen, .. }) => Some(format!("{gate:?}: {seen}")),
            _ => None,
        });
    (steps, closed.collect())
}

/// The endpoints of a node that died stay in DNS where a service publishes those that are not
/// ready, and an operator's word that it is gone for good was held against theirs.
#[test]
fn a_dead_nodes_members_were_never_forgotten_while_dns_published_them() {
    let published = dns(&[1, 2, 3, 4]);
    let all = [(1, Present), (2, Present), (3, Present), (4, OutOfSight)];
    let lost = [published.clone(), pods(&all, 4)];
    let mut clock = Clock::start();
    let (steps, closed) = later(&mut clock, 60, &lost);
    let why = "WitnessesAgree: kubernetes: out of sight, its node is down";
    assert_eq!((steps.len(), closed), (0, vec![why.to_owned()]));
    // An operator knows that it does not come back.
    clock.orders.forget.insert(ip(4).to_string());
    let (steps, _) = later(&mut clock, 60, &lost);
    assert!(!steps.is_empty());
    // Nobody's word stands against a list that sees it, nor against DNS where none does.
    let there = [1, 2, 3, 4].map(|last| (last, Present));
    for sees in [vec![published], vec![dns(&[1, 2, 3]), pods(&there, 4)]] {
        let mut clock = Clock::start();
        clock.orders.forget.insert(ip(4).to_string());
        assert_eq!(later(&mut clock, 60, &sees).0, []);
    }
    // Deleted by force it is in no list any more.
    let gone = [dns(&[1, 2, 3]), pods(&all[..3], 3)];
    let (steps, closed) = later(&mut Clock::start(), 60, &gone);
    assert!(!steps.is_empty() && closed.is_empty(), "{closed:?}");
}

#[test]
fn a_list_that_may_not_be_read_is_no_witness() {
    let forbidden = Report::unknown(Witness::Kubernetes, Grade::Refused);
    let (steps, _) = later(
        &mut Clock::start(),
        60,
        &[dns(&[1, 2, 3]), forbidden.clone()],
    );
    assert!(!steps.is_empty(), "all goes by DNS");
    let observed = seen(vec![dns(&[1, 2, 3]), forbidden], &[1, 2, 3]);
    assert!(!observed.roster().census().lists_tasks());
    let roster = observed.roster();
    let spoke = roster.members()[0].seen.contains_key(&Witness::Kubernetes);
    assert!(!spoke);
    // One that has to be a witness, and cannot speak, keeps everybody.
    let silent = Report::unknown(Witness::Kubernetes, Grade::Timeout);
    let (steps, closed) = later(&mut Clock::start(), 60, &[dns(&[1, 2, 3]), silent]);
    let why = "WitnessesComplete: kubernetes: time-out".to_owned();
    assert_eq!((steps.len(), closed), (0, vec![why]));
}

/// A restarted worker heard of the second and the third alone, which were to go; the first
/// was to stay, beyond a cut: its number was not counted.
#[test]
fn member_0_was_not_missed() {
    let says = announced(&[(1, Leaving), (2, Leaving)]);
    let silent = Report::unknown(Witness::Dns, Grade::Timeout);
    let observed = seen(vec![silent.clone(), says], &[1, 2]);
    let mut clock = Clock::start();
    clock.limits.first_slot = 0;
    let plan = after_the_hold(&mut clock, &leaving(&[1, 2]), &observed);
    assert_eq!(
        queue(&plan),
        [1, 2].map(|last| (last, Some(Gate::MembersAnswer)))
    );
    let all = announced(&[(0, Leaving), (1, Leaving), (2, Leaving)]);
    let observed = seen(vec![silent, all], &[0, 1, 2]);
    let mut clock = Clock::start();
    clock.limits.first_slot = 0;
    let plan = after_the_hold(&mut clock, &leaving(&[0, 1, 2]), &observed);
    assert_eq!(queue(&plan), [0, 1, 2].map(|last| (last, None)));
}

#[test]
fn the_pods_outrank_the_name_server_as_the_task_list_does() {
    let going = [(1, Present), (2, Leaving), (3, Present)];
    let observed = seen(vec![dns(&[1, 2, 3, 4]), pods(&going, 2)], &[1, 2, 3]);
    let roster = observed.roster();
    let standing = |last| roster.at(ip(last)).map(|member| member.standing());
    assert_eq!(standing(1), Some(Standing::Wanted));
    assert_eq!(standing(2), Some(Standing::Leaving));
    assert_eq!(standing(4), Some(Standing::Disowned));
}

/// On Swarm a node may be cut off from the managers and from nobody else: its name server goes
/// by the network itself, and what it says stands against an operator's word.
#[test]
fn a_member_that_swarms_name_server_lists_was_forgotten_by_an_order() {
    let all = [(1, Present), (2, Present), (3, Present), (4, OutOfSight)];
    let mut clock = Clock::start();
    clock.orders.forget.insert(ip(4).to_string());
    let cut_off = [dns(&[1, 2, 3, 4]), tasks(&all, 4)];
    let (steps, closed) = later(&mut clock, 60, &cut_off);
    let why = "WitnessesAgree: dns: present".to_owned();
    assert_eq!((steps.len(), closed), (0, vec![why]));
    // Gone from there too, his word does.
    let (steps, _) = later(&mut clock, 60, &[dns(&[1, 2, 3]), tasks(&all, 4)]);
    assert!(!steps.is_empty());
}

/// On Swarm too: a task without an address counts as one that is there, so nothing was to be
/// filled, and whoever was updated was forgotten and kept out for its return.
#[test]
fn who_has_ended_was_forgotten_at_once_while_its_successor_was_on_its_way() {
    let there = [(1, Present), (2, Present), (3, Present)];
    let forget = [step(1, Ask::Forget("n4".into()))];
    let ends = |coming: bool| {
        let mut list = tasks(&there, if coming { 4 } else { 3 });
        list.coming.extend(coming.then(|| MemberId::Slot {
            service: "db".into(),
            slot: 4,
        }));
        let said = [&there[..], &[(4, Ended)]].concat();
        vec![dns(&[1, 2, 3]), list, announced(&said)]
    };
    let after = |coming: bool| {
        let mut clock = Clock::start();
        let all = [&there[..], &[(4, Present)]].concat();
        let before = vec![dns(&[1, 2, 3, 4]), tasks(&all, 4)];
        clock.after(1, &content(), &seen(before, &[1, 2, 3, 4]));
        clock
            .after(1, &remembers_4(), &seen(ends(coming), &[1, 2, 3]))
            .steps
    };
    assert_eq!(after(false), forget);
    assert_eq!(after(true), []);
}
