//! Several members at one address are told apart by their ports.

use std::collections::BTreeMap;

use meshworker_core::{
    Observation, Place, Presence, Report, Sighting, Standing, Step, StepKind, Unity, View, Witness,
};

use crate::support::{Ask, Clock, Toy, content, departed, leave};

/// Whoever answers at this port of one machine; the cluster's own is 7001.
fn at(port: u16) -> Place {
    Place::new([10, 0, 0, 1], port, 7001)
}

/// These members say that they are there, and a name server lists their machine.
fn machine(says: &[(u16, Presence)]) -> Vec<Report> {
    let sightings = says.iter().map(|(port, presence)| Sighting {
        presence: presence.clone(),
        ..Sighting::at(at(*port))
    });
    let announced = Report {
        sightings: sightings.collect(),
        ..Report::addresses(Witness::Announce, [at(7001)])
    };
    vec![Report::addresses(Witness::Dns, [at(7001)]), announced]
}

fn answering(ports: &[u16]) -> BTreeMap<Place, Result<View<()>, meshworker_core::Unanswered>> {
    let answers = ports.iter().map(|port| {
        let view = View {
            node: format!("n{port}"),
            cluster_name: None,
            role: None,
            size: ports.len(),
            peers: [].into(),
            working: None,
            holdings: Default::default(),
            detail: (),
        };
        (at(*port), Ok(view))
    });
    answers.collect()
}

fn seen(says: &[(u16, Presence)], ports: &[u16]) -> Observation<()> {
    Observation::of(machine(says), answering(ports))
}

#[test]
fn a_list_of_addresses_speaks_of_every_member_that_says_it_is_there() {
    use Presence::Present;
    let roster = seen(&[(7002, Present), (7003, Present)], &[]).roster();
    let places: Vec<_> = roster.members().iter().map(|m| m.address).collect();
    assert_eq!(
        places,
        [at(7002), at(7003)],
        "nobody says that it is at 7001"
    );
    for member in roster.members() {
        assert_eq!(member.seen[&Witness::Dns], Present);
        assert_eq!(member.standing(), Standing::Wanted);
    }
    // Nobody says anything: the address alone, at the cluster's own port.
    let roster = seen(&[], &[]).roster();
    assert_eq!(roster.members()[0].address, at(7001));
    assert_eq!(roster.members()[0].address.to_string(), "10.0.0.1");
    // A task list that knows the machine disowns none of them.
    let mut reports = machine(&[(7001, Present), (7002, Present)]);
    reports.push(Report::addresses(Witness::Docker, [at(7001)]));
    let roster = Observation::<()>::of(reports, BTreeMap::new()).roster();
    let standings = roster.members().iter().map(|m| (m.address, m.standing()));
    let wanted = [7001, 7002].map(|port| (at(port), Standing::Wanted));
    assert_eq!(standings.collect::<Vec<_>>(), wanted);
}

#[test]
fn two_members_of_one_machine_are_joined_held_and_let_go_each_for_itself() {
    let both = [(7001, Presence::Present), (7002, Presence::Present)];
    let observed = seen(&both, &[7001, 7002]);
    let mut toy = content();
    toy.0.unity = Unity::Apart {
        missing: "n7002".into(),
    };
    toy.0.steps = vec![Step::new(at(7001), Ask::Join(at(7002)), Vec::new())];
    let plan = Clock::start().after(1, &toy, &observed);
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["10.0.0.1: join 10.0.0.1:7002"]);
    // One is held, by what tells it from the other.
    let mut clock = Clock::start();
    clock
        .orders
        .held
        .insert("10.0.0.1:7002".into(), "disk".into());
    assert_eq!(clock.after(1, &toy, &observed).steps, []);
    // One leaves, and what the other has stays where it is.
    let says = [(7001, Presence::Present), (7002, Presence::Leaving)];
    let observed = seen(&says, &[7001, 7002]);
    let mut toy = Toy(content().0);
    let going = leave(1);
    toy.0.leaves = vec![meshworker_core::Leave {
        address: at(7002),
        node: "n7002".into(),
        ..going
    }];
    let plan = Clock::start().after(1, &toy, &observed);
    let leavers: Vec<Place> = plan.leavers.iter().map(|leaver| leaver.address).collect();
    assert_eq!(leavers, [at(7002)]);
}

/// One of two on a machine is gone: the other, which has its address, is not what was
/// looked for.
#[test]
fn who_is_gone_is_not_taken_for_another_one_on_its_machine() {
    let there = [7001, 7003, 7004];
    let says = there.map(|port| (port, Presence::Present));
    let observed = seen(&says, &there);
    let mut toy = content();
    let mut gone = departed(1);
    gone.node = "n7002".into();
    gone.address = Some(at(7002));
    for step in &mut gone.steps {
        step.to = at(7001);
    }
    toy.0.departures = vec![gone];
    let mut clock = Clock::start();
    let mut forgotten = Vec::new();
    for _ in 0..120 {
        let plan = clock.after(1, &toy, &observed);
        forgotten.extend(plan.steps.into_iter().map(|step| (step.to, step.request)));
    }
    use meshworker_core::Request;
    let forget = |(to, ask): &(Place, Ask)| *to == at(7001) && ask.kind() == StepKind::Forget;
    assert!(forgotten.iter().any(forget), "{forgotten:?}");
}
