//! A slot that is somewhere else now: one event, not a loss and a gain. And
//! what announcements and strangers have to say about a removal.

use meshworker_core::{
    Change, Gate, Limits, Observation, Plan, Presence, Reason, Unanswered, Unity, View,
};

use Presence::{Leaving, Present};

use crate::support::{
    Ask, Clock, Toy, announced, content, departed, dns, ip, replica, seen, step, tasks,
};

fn gates(plan: &Plan<Ask>) -> Vec<Gate> {
    let refusals = plan.refusals.iter();
    refusals
        .filter_map(|refusal| match &refusal.reason {
            Reason::Closed(closed) if closed.change == Change::Forget => Some(closed.gate),
            _ => None,
        })
        .collect()
}

fn all_there() -> Observation<()> {
    let listed = [1, 2, 3].map(|last| (last, Present));
    seen(vec![tasks(&listed, 3)], &[1, 2, 3])
}

/// Slot 3 is at another address now, and the members remember the old one.
fn moved() -> (Toy, Observation<()>) {
    let mut toy = content();
    toy.0.departures = vec![departed(3)];
    toy.0.steps = vec![step(9, Ask::Join(ip(1)))];
    toy.0.unity = Unity::apart("two fragments");
    let mut listed = tasks(&[(1, Present), (2, Present)], 3);
    listed.sightings.push(replica(3, 9, Present));
    let mut observed = seen(vec![listed], &[1, 2]);
    observed.answers.extend(seen(vec![], &[9]).answers);
    (toy, observed)
}

#[test]
fn the_old_address_is_cleared_in_the_pass_that_joins_the_new_one() {
    let mut clock = Clock::start();
    clock.after(0, &content(), &all_there());
    let (toy, observed) = moved();
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(
        plan.steps,
        [step(9, Ask::Join(ip(1))), step(1, Ask::Forget("n3".into()))]
    );
    assert_eq!(plan.refusals, []);
}

#[test]
fn a_slot_that_does_not_answer_at_its_new_address_has_not_moved() {
    let mut clock = Clock::start();
    clock.after(0, &content(), &all_there());
    let (toy, mut observed) = moved();
    let starting = Unanswered::Starting("loading".into());
    observed.answers.insert(ip(9), Err(starting));
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(gates(&plan), [Gate::MembersAnswer]);
}

/// The engine of a host had died, and its container ran on beside the one that Swarm made in
/// its place. That one was killed, and before it was back with its data it was forgotten.
#[test]
fn a_member_that_ran_beside_another_in_its_slot_was_forgotten_at_once() {
    let (toy, observed) = moved();
    let mut both = all_there();
    both.reports[0].sightings.push(replica(3, 9, Present));
    both.answers.extend(seen(vec![], &[9]).answers);
    let mut clock = Clock::start();
    clock.after(1, &content(), &both);
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(9, Ask::Join(ip(1)))]);
    assert_eq!(gates(&plan), [Gate::Hold]);
    // One that was told to go, and whose successor ran already, has moved.
    let mut clock = Clock::start();
    clock.after(1, &content(), &both);
    both.reports[0].sightings[2].presence = Leaving;
    clock.after(1, &content(), &both);
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn whose_address_it_was_nobody_remembers_after_a_restart() {
    let (toy, observed) = moved();
    let plan = Clock::start().after(0, &toy, &observed);
    assert_eq!(plan.steps, [step(9, Ask::Join(ip(1)))]);
    assert_eq!(gates(&plan), [Gate::Hold]);
}

/// After a redeployment another replica had the address that a slot had before,
/// and its loss was taken for that slot's move: two were forgotten at once.
#[test]
fn another_node_at_a_slots_old_address_was_taken_for_that_slot() {
    let mut clock = Clock::start();
    clock.after(0, &content(), &all_there());
    let (mut toy, observed) = moved();
    toy.0.departures[0].node = "another".into();
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(plan.steps, [step(9, Ask::Join(ip(1)))]);
    assert_eq!(gates(&plan), [Gate::Hold]);
}

#[test]
fn a_moved_slot_passes_every_other_gate() {
    let mut clock = Clock::start();
    clock.after(0, &content(), &all_there());
    let (toy, mut observed) = moved();
    observed.reports.push(dns(&[1, 2, 3, 9]));
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(gates(&plan), [Gate::WitnessesAgree]);
    observed.reports[1] = dns(&[1, 2, 9]);
    if let Some(Ok(view)) = observed.answers.get_mut(&ip(2)) {
        view.working = Some("3 partitions to send".into());
    }
    let plan = clock.after(1, &toy, &observed);
    assert_eq!(gates(&plan), [Gate::AtRest]);
}

/// Whom the others remember is not announced, or is, in this way.
fn remembered(announcement: Option<Presence>) -> Plan<Ask> {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    let mut says: Vec<_> = [1, 2, 3].map(|last| (last, Present)).into();
    says.extend(announcement.map(|presence| (4, presence)));
    let observed = seen(vec![dns(&[1, 2, 3]), announced(&says)], &[1, 2, 3]);
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    clock.after(10, &toy, &observed)
}

#[test]
fn whoever_announces_itself_is_not_forgotten() {
    for presence in [Present, Leaving, Presence::Stopping] {
        let plan = remembered(Some(presence));
        assert_eq!(plan.steps, []);
        assert_eq!(gates(&plan), [Gate::WitnessesAgree]);
    }
    let plan = remembered(None);
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
}

#[test]
fn silence_of_the_announcements_proves_nobody_absent() {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    let alone = seen(vec![announced(&[(1, Present), (2, Present)])], &[1, 2]);
    let mut clock = Clock::start();
    for _ in 0..360 {
        let plan = clock.after(10, &toy, &alone);
        assert_eq!(plan.steps, []);
        assert_eq!(gates(&plan), [Gate::WitnessesComplete]);
    }
}

/// The members remember 4, and a name server lists the stranger at 9.
fn beside_a_stranger(spoil: impl Fn(&mut View<()>)) -> Plan<Ask> {
    let mut toy = content();
    toy.0.departures = vec![departed(4)];
    toy.0.strangers = [ip(9)].into();
    let mut observed = seen(vec![dns(&[1, 2, 3, 9])], &[1, 2, 3]);
    observed.answers.extend(seen(vec![], &[9]).answers);
    if let Some(Ok(view)) = observed.answers.get_mut(&ip(9)) {
        spoil(view);
    }
    let mut clock = Clock::start();
    clock.after(0, &toy, &observed);
    let hold = Limits::default().removal_hold.as_secs();
    clock.after(hold, &toy, &observed)
}

#[test]
fn a_stranger_at_work_kept_removals_waiting() {
    let plan = beside_a_stranger(|view| view.working = Some("its own partitions".into()));
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    assert_eq!(plan.refusals, []);
}

#[test]
fn a_strangers_peers_are_nobody_here() {
    let plan = beside_a_stranger(|view| {
        let mut peers = view.peers.to_vec();
        for (peer, last) in peers.iter_mut().zip([7]) {
            peer.address = Some(ip(last));
        }
        view.peers = peers.into();
    });
    assert_eq!(plan.steps, [step(1, Ask::Forget("n4".into()))]);
    assert_eq!(plan.refusals, []);
}
