//! Which members share a node, and what its death would cost.

use meshworker_core::{
    Copies, MemberId, Observation, Presence, Reason, Refusal, Report, Sighting, Stock, Witness,
};

use crate::support::{Clock, Toy, announced, content, ip, leave, replica, seen};

/// Members in the slots 1, 2, ..., each announced on its node.
fn on(nodes: &[Option<&str>]) -> Observation<()> {
    let members: Vec<u8> = (1..).take(nodes.len()).collect();
    let sightings = members.iter().zip(nodes).map(|(last, node)| Sighting {
        node: node.map(str::to_owned),
        ..replica(u64::from(*last), *last, Presence::Present)
    });
    let report = Report {
        sightings: sightings.collect(),
        ..announced(&[])
    };
    seen(vec![report], &members)
}

/// A namespace of so many copies, on so many members.
fn kept(copies: usize, members: u8) -> Toy {
    let nodes = (1..=members).map(|last| (format!("n{last}"), None));
    stocks(vec![Stock {
        what: "namespace test".into(),
        pieces: 4096,
        unit: "partitions",
        copies,
        nodes: nodes.collect(),
    }])
}

fn stocks(stocks: Vec<Stock>) -> Toy {
    let mut toy = content();
    toy.0.copies = Copies {
        stocks,
        made: true,
        ..Copies::default()
    };
    toy
}

fn told(refusals: &[Refusal]) -> Vec<String> {
    let shared = refusals.iter();
    let shared = shared.filter(|refusal| matches!(refusal.reason, Reason::SharedNode(_)));
    shared.map(ToString::to_string).collect()
}

fn says(clock: &mut Clock, toy: &Toy, nodes: &[Option<&str>]) -> Vec<String> {
    let plan = clock.after(1, toy, &on(nodes));
    assert_eq!((&plan.steps, &plan.leavers), (&vec![], &vec![]));
    told(&plan.refusals)
}

const A: Option<&str> = Some("a");
const B: Option<&str> = Some("b");
const C: Option<&str> = Some("c");

/// After a node's loss its member runs on another one for good, and the next loss
/// cost 652 acknowledged writes, of which nothing had warned.
#[test]
fn two_members_on_one_node_and_none_on_another_were_silent() {
    let remark = "not done: rely on node a: 2 of 3 members run there: db.1, db.3; its death costs \
                  about 1366 of the 4096 partitions of namespace test; `docker service update \
                  --force db` spreads them again, where another node can take one of them";
    let mut clock = Clock::start();
    assert_eq!(says(&mut clock, &kept(2, 3), &[A, B, C]), [""; 0]);
    assert_eq!(says(&mut clock, &kept(2, 3), &[A, B, A]), [remark]);
    // A worker that was on the lost node, and starts now, says so as well.
    assert_eq!(says(&mut Clock::start(), &kept(2, 3), &[A, B, A]), [remark]);
    // With a third copy elsewhere nothing is lost.
    assert_eq!(says(&mut clock, &kept(3, 3), &[A, B, A]), [""; 0]);
    // And what is kept once is lost with any node.
    assert_eq!(says(&mut clock, &kept(1, 3), &[A, B, A]), [""; 0]);
    // They are spread again.
    assert_eq!(says(&mut clock, &kept(2, 3), &[A, B, C]), [""; 0]);
}

#[test]
fn where_nothing_better_is_known_nothing_is_said() {
    for nodes in [
        &[A, A, A][..],
        &[A, A, B, B],
        &[None, None, None],
        &[A, None, None],
    ] {
        let members = nodes.len() as u8;
        let said = says(&mut Clock::start(), &kept(2, members), nodes);
        assert_eq!(said, [""; 0], "{nodes:?}");
    }
    // Two more than elsewhere: there is room for one.
    let said = says(&mut Clock::start(), &kept(2, 4), &[A, A, A, B]);
    assert_eq!(said.len(), 1);
    assert!(said[0].ends_with("spreads them again"), "{said:?}");
    // A third node has had one.
    let mut clock = Clock::start();
    says(&mut clock, &kept(2, 4), &[A, A, B, C]);
    assert_eq!(says(&mut clock, &kept(2, 4), &[A, A, B, B]).len(), 2);
}

/// It has left the swarm, and nothing can be spread to it.
#[test]
fn a_node_that_left_long_ago_was_counted_as_one_that_could_take_a_member() {
    let mut clock = Clock::start();
    says(&mut clock, &kept(2, 4), &[A, A, B, C]);
    assert_eq!(says(&mut clock, &kept(2, 4), &[A, A, B, B]).len(), 2);
    clock.now += std::time::Duration::from_secs(3600);
    assert_eq!(says(&mut clock, &kept(2, 4), &[A, A, B, B]), [""; 0]);
    // What is uneven is so whoever has left.
    assert_eq!(says(&mut clock, &kept(2, 3), &[A, B, A]).len(), 1);
}

#[test]
fn a_master_beside_its_only_replica_is_named_with_its_slots() {
    let stock = |what: &str, nodes: [u8; 2]| Stock {
        what: what.into(),
        pieces: 5461,
        unit: "slots",
        copies: 2,
        nodes: nodes.map(|last| (format!("n{last}"), None)).into(),
    };
    let beside = stocks(vec![
        stock("slots 0-5460", [1, 2]),
        stock("slots 5461-10921", [3, 4]),
    ]);
    let said = says(&mut Clock::start(), &beside, &[A, A, B, C]);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("its death costs slots 0-5460;"),
        "{said:?}"
    );
    let across = stocks(vec![
        stock("slots 0-5460", [1, 3]),
        stock("slots 5461-10921", [2, 4]),
    ]);
    assert_eq!(says(&mut Clock::start(), &across, &[A, A, B, C]), [""; 0]);
}

#[test]
fn while_members_leave_nothing_is_said_of_where_they_are() {
    let mut toy = kept(2, 3);
    toy.0.leaves = vec![leave(2)];
    let mut leaves = on(&[A, B, A]);
    leaves.reports[0].sightings[1].presence = Presence::Leaving;
    let plan = Clock::start().after(1, &toy, &leaves);
    assert_eq!(told(&plan.refusals), [""; 0]);
    assert_eq!(plan.leavers.len(), 1);
}

#[test]
fn members_without_a_slot_are_named_by_their_address() {
    let sightings = [(1, "a"), (2, "b"), (3, "a")].map(|(last, node)| Sighting {
        node: Some(node.to_owned()),
        ..Sighting::at(ip(last))
    });
    let report = Report {
        sightings: sightings.into(),
        ..Report::addresses(Witness::Dns, [ip(1)])
    };
    let plan = Clock::start().after(1, &kept(2, 3), &seen(vec![report], &[1, 2, 3]));
    let said = told(&plan.refusals);
    let (one, three) = (MemberId::Address(ip(1)), MemberId::Address(ip(3)));
    let expected = format!(
        "not done: rely on node a: 2 of 3 members run there: {one}, {three}; its death costs \
         about 1366 of the 4096 partitions of namespace test"
    );
    assert_eq!(said, [expected]);
}

#[test]
fn a_node_was_called_by_its_id_where_its_name_is_known() {
    let mut seen = on(&[A, B, A]);
    seen.reports[0].sightings[2].node_name = Some("rack-7".into());
    let plan = Clock::start().after(1, &kept(2, 3), &seen);
    let said = told(&plan.refusals);
    assert!(
        said[0].starts_with("not done: rely on node rack-7: 2 of 3"),
        "{said:?}"
    );
}
