//! What is planned from which views: all of it, and nothing else.

mod safety;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Grade, Limits, MemberId, Mind, Moment, Observation, Orders, Place, Plan,
    Planner, Presence, Proposal, Report, Roster, Sighting, Situation, Unanswered, Unity, Wishes,
    Witness,
};

use super::Rules;
use crate::allegrograph::client::Reply;
use crate::allegrograph::detail::{Detail, Grown, Repository};
use crate::allegrograph::look::{Seen, whose};
use crate::allegrograph::request::AllegrographRequest;

const PORT: u16 = 10035;

/// Servers with their words, and what witnesses say of them.
#[derive(Default)]
struct World {
    answers: BTreeMap<Place, Answer<Detail>>,
    sightings: Vec<Sighting>,
    wishes: Wishes,
    /// Instances that an operator says are gone.
    forget: BTreeSet<String>,
    was_one: bool,
    /// The cluster that the workers' log knows of.
    born: Option<String>,
    dns: Option<Grade>,
    /// Whether no supervisor can be heard.
    silent: bool,
    /// Whom nobody but the name server names.
    unvouched: BTreeSet<Place>,
    /// Whose task is another one than all others'.
    tasks: BTreeMap<u8, &'static str>,
}

fn at(last: u8) -> Place {
    Place::from([10, 0, 0, last])
}

/// A status in which these are listed: their names, hosts and states.
fn status(all: &[(&str, &str, &str)]) -> String {
    let all = all.iter().map(|(name, host, state)| {
        let controls = name.starts_with("controlling");
        format!(
            r#"{{"name":"{name}","host":"{host}","port":10035,"controlling":{controls},"state":"{state}"}}"#
        )
    });
    format!("[{}]", all.collect::<Vec<String>>().join(","))
}

impl World {
    fn member(mut self, last: u8, presence: Presence, answer: Answer<Detail>) -> World {
        let (service, slot) = match last {
            1 => ("db_controlling", 1),
            copy => ("db_copy", u64::from(copy) - 1),
        };
        self.sightings.push(Sighting {
            member: Some(MemberId::Slot {
                service: service.into(),
                slot,
            }),
            task: Some((*self.tasks.get(&last).unwrap_or(&"t4sk")).into()),
            presence,
            ..Sighting::at(at(last))
        });
        self.answers.insert(at(last), answer);
        self
    }

    /// A server that lists this repository or not, and says this of its status.
    fn says(self, last: u8, listed: bool, code: u16, body: &str) -> World {
        self.going(last, listed, code, body, Presence::Present)
    }

    fn going(self, last: u8, listed: bool, code: u16, body: &str, presence: Presence) -> World {
        let reply = Reply {
            status: code,
            body: body.to_owned(),
        };
        let mut seen = Seen::of("8.3.1", Some(listed), &reply);
        seen.own = whose(&seen.detail.instances, at(last), PORT);
        self.member(last, presence, Ok(seen.view(at(last), PORT)))
    }

    /// One that has no repository.
    fn empty(self, last: u8) -> World {
        self.says(last, false, 404, "There is no repository")
    }

    /// With this wish of an operator.
    fn wishing(mut self, name: &str, value: &str) -> World {
        self.wishes = self.wishes.with(name, value);
        self
    }

    fn observed(&self) -> Observation<Detail> {
        let vouched = self.sightings.iter().cloned();
        let vouched = vouched.filter(|sighting| !self.unvouched.contains(&sighting.address));
        let announced = Report {
            sightings: vouched.collect(),
            ..Report::unknown(Witness::Announce, Grade::Answer)
        };
        let here = self.sightings.iter().map(|sighting| sighting.address);
        let dns = Report {
            grade: self.dns.clone().unwrap_or(Grade::Answer),
            ..Report::addresses(Witness::Dns, here)
        };
        let reports = match self.silent {
            true => vec![dns],
            false => vec![dns, announced],
        };
        Observation::of(reports, self.answers.clone())
    }

    fn orders(&self) -> Orders {
        Orders {
            wishes: self.wishes.clone(),
            forget: self.forget.clone(),
            born: self.born.clone(),
            ..Orders::default()
        }
    }

    /// What a worker does that has seen this for a while.
    fn decided(&self) -> Plan<AllegrographRequest> {
        let limits = Limits {
            first_words: Duration::ZERO,
            first_hearing: Duration::ZERO,
            leave_hold: Duration::ZERO,
            ..Limits::default()
        };
        let orders = self.orders();
        let mut context = Context::alone(Moment(Duration::ZERO), &limits);
        context.orders = &orders;
        Mind::default().decide(&rules(), &context, &self.observed())
    }

    fn proposal(&self) -> Proposal<AllegrographRequest> {
        let observed = self.observed();
        let roster: Roster = observed.roster();
        let mut situation = Situation::of(&roster, &observed.answers);
        let orders = self.orders();
        situation.orders = &orders;
        situation.was_one = self.was_one;
        rules().propose(&situation)
    }

    /// The steps, and what is told beside them.
    fn plan(&self) -> (Vec<String>, String) {
        let proposal = self.proposal();
        let steps = proposal.steps.iter().map(ToString::to_string).collect();
        let told: Vec<String> = proposal.refusals.iter().map(ToString::to_string).collect();
        (steps, told.join("\n"))
    }
}

fn rules() -> Rules {
    Rules {
        port: PORT,
        service: "controlling".into(),
        host: Some("db_controlling".into()),
        at_once: 1,
        primary: None,
        begin: None,
        lost: None,
    }
}

const CREATE: &str =
    "10.0.0.1: repl/createCluster instanceName=controlling-1-t4sk host=db_controlling";

/// A cluster of the controlling server alone.
const ALONE: &[(&str, &str, &str)] = &[("controlling-1-t4sk", "db_controlling", "running")];

#[test]
fn a_cluster_begins_where_everybody_says_that_there_is_none() {
    let world = World::default().empty(1).empty(2);
    assert_eq!(world.plan(), (vec![CREATE.to_owned()], String::new()));
    // What stands at the controlling one may have been in one: by order it is made the first
    // instance, and never replaced.
    let world = || {
        let world = World::default();
        let world = world.says(1, true, 400, "INAPPROPRIATE REQUEST: not replicated");
        world.empty(2)
    };
    let (steps, told) = world().plan();
    assert!(
        steps.is_empty() && told.contains("begin=controlling-1-t4sk makes it"),
        "{told}"
    );
    let ordered = world().wishing("begin", "controlling-1-t4sk");
    assert_eq!(ordered.plan().0, [CREATE]);
}

#[test]
fn a_cluster_does_not_begin_where_anybody_may_know_of_one() {
    let refused = |world: World, words: &str| {
        let (steps, told) = world.plan();
        assert!(steps.is_empty() && told.contains(words), "{steps:?} {told}");
    };
    let silent = Err(Unanswered::Timeout);
    let world = World::default().empty(1);
    refused(
        world.member(2, Presence::Present, silent),
        "db_copy.1: no answer",
    );
    for (listed, code, body) in [
        (true, 200, ""),
        (false, 200, "{}"),
        (true, 500, "oh"),
        (false, 500, ""),
    ] {
        let world = World::default().empty(1).says(2, listed, code, body);
        refused(world, "cannot be read");
        refused(
            World::default().says(1, listed, code, body),
            "cannot be read",
        );
    }
    let own = World::default()
        .empty(1)
        .says(2, true, 400, "not replicated");
    refused(own, "a repository of its own");
    let world = World {
        was_one: true,
        ..World::default().empty(1)
    };
    refused(world, "there was a cluster");
    // Copies that are not healthy yet are in no name server, and announce themselves.
    let world = World {
        dns: Some(Grade::NxDomain),
        ..World::default().empty(1).empty(2)
    };
    assert_eq!(world.plan().0, [CREATE]);
    let world = World {
        dns: Some(Grade::Timeout),
        silent: true,
        ..World::default().empty(1)
    };
    refused(world, "no replica of a service controlling");
    refused(
        World::default().empty(2),
        "no replica of a service controlling",
    );
}

#[test]
fn copies_are_let_in_one_at_a_time_and_each_is_asked_for_once() {
    let world = || {
        World::default()
            .says(1, true, 200, &status(ALONE))
            .empty(2)
            .empty(3)
    };
    let grow = "10.0.0.1: repl/growCluster instanceName=copy-1-t4sk host=10.0.0.2";
    assert_eq!(world().plan().0, [grow]);
    // Asked for, and in no status yet.
    let mut asked = world();
    if let Some(Ok(view)) = asked.answers.get_mut(&at(1)) {
        view.detail.growing = vec![Grown {
            instance: "copy-1-t4sk".into(),
            to: at(2),
            open: true,
            refused: None,
        }];
    }
    let (steps, told) = asked.plan();
    assert!(
        steps.is_empty() && told.contains("shows in no status yet"),
        "{told}"
    );
    // In the status, while the copy is made.
    let copying = [ALONE, &[("copy-1-t4sk", "10.0.0.2", "copying")]].concat();
    let world = World::default()
        .says(1, true, 200, &status(&copying))
        .empty(2)
        .empty(3);
    let proposal = world.proposal();
    assert!(proposal.steps.is_empty() && proposal.departures.is_empty());
    assert_eq!(
        proposal.unity,
        Unity::apart("db_copy.1: its data is being copied")
    );
}

#[test]
fn one_was_let_in_under_its_address_while_its_slot_was_its_predecessors() {
    let mut world = World::default().says(1, true, 200, &status(ALONE)).empty(2);
    world.sightings[1].member = None;
    let (steps, told) = world.plan();
    assert!(
        steps.is_empty() && told.contains("its slot is not known yet"),
        "{told}"
    );
}

#[test]
fn nobody_answers_as_the_controlling_one_and_nothing_is_done_but_by_order() {
    let both = status(&[
        ("controlling-1-t4sk", "db_controlling", "unreachable"),
        ("copy-1-t4sk", "10.0.0.2", "running"),
    ]);
    let waits = World::default().says(2, true, 200, &both);
    let (steps, told) = waits.plan();
    assert!(steps.is_empty() && told.contains("is waited for"), "{told}");
    let lost = World::default().empty(1).says(2, true, 200, &both);
    let (steps, told) = lost.plan();
    assert!(
        steps.is_empty() && told.contains("primary=db_copy.1"),
        "{told}"
    );
    let ordered = World {
        wishes: Wishes::none()
            .with("primary", "db_copy.1")
            .with("lost", "controlling-1-t4sk"),
        ..lost
    };
    let order = "10.0.0.2: repl/controllingInstance instanceName=copy-1-t4sk";
    assert_eq!(ordered.plan().0, [order]);
}

#[test]
fn whoever_goes_is_taken_out_first_also_while_its_data_is_copied() {
    for state in ["running", "copying", "unreachable"] {
        let all = [ALONE, &[("copy-1-t4sk", "10.0.0.2", state)]].concat();
        let all = status(&all);
        let world =
            World::default()
                .says(1, true, 200, &all)
                .going(2, true, 200, &all, Presence::Leaving);
        let proposal = world.proposal();
        let last: Vec<String> = proposal.leaves[0]
            .last
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(last, ["10.0.0.1: repl/remove instanceName=copy-1-t4sk"]);
        assert!(proposal.steps.is_empty() && proposal.departures.is_empty());
        assert_eq!(proposal.unity, Unity::One { size: 2 });
    }
    // Out of the cluster it may stop.
    let all = status(ALONE);
    let gone = World::default().says(1, true, 200, &all).going(
        2,
        true,
        400,
        "it was removed",
        Presence::Leaving,
    );
    let proposal = gone.proposal();
    assert!(proposal.leaves.is_empty() && proposal.outsiders.contains(&at(2)));
}

#[test]
fn data_is_thrown_away_where_it_was_taken_out_and_nowhere_else() {
    let all = status(ALONE);
    let world = |code, said: &str| {
        let world = World::default().says(1, true, 200, &all);
        world.says(2, true, code, said)
    };
    let proposal = world(400, "it was removed from its cluster").proposal();
    let [gone] = &proposal.departures[..] else {
        panic!("{:?}", proposal.departures);
    };
    let steps: Vec<String> = gone.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        ["10.0.0.2: delete the repository that was taken out"]
    );
    assert!(proposal.steps.is_empty() && gone.objections.is_empty());
    let stale = status(&[
        ("controlling-1-t4sk", "db_controlling", "running"),
        ("copy-1-t4sk", "10.0.0.2", "running"),
    ]);
    for (code, said) in [(400, "not replicated"), (200, ""), (200, &*stale)] {
        let (steps, told) = world(code, said).plan();
        assert!(
            steps.is_empty() && told.contains("join 10.0.0.2"),
            "{steps:?} {told}"
        );
        assert!(world(code, said).proposal().departures.is_empty());
    }
    // What the service that controls has is thrown away by nobody.
    let others = status(&[("controlling-x", "10.0.0.2", "running")]);
    let world = World::default().says(1, true, 400, "it was removed");
    let (steps, told) = world.says(2, true, 200, &others).plan();
    assert!(
        steps.is_empty() && told.contains("delete it there"),
        "{steps:?} {told}"
    );
}

#[test]
fn the_dead_depart_and_whoever_is_at_their_address_waits_until_then() {
    let all = [ALONE, &[("copy-1-0ld", "10.0.0.2", "unreachable")]].concat();
    let world = World::default().says(1, true, 200, &status(&all)).empty(2);
    let proposal = world.proposal();
    let [gone] = &proposal.departures[..] else {
        panic!("{:?}", proposal.departures);
    };
    assert_eq!((gone.node.as_str(), gone.address), ("copy-1-0ld", None));
    assert!(gone.objections.is_empty() && proposal.steps.is_empty());
    // One that runs, by the controlling server's word, is nobody's to forget.
    let all = [ALONE, &[("copy-9-0ld", "10.0.0.9", "running")]].concat();
    let world = World::default().says(1, true, 200, &status(&all));
    assert_eq!(world.proposal().departures[0].objections.len(), 1);
}

/// It took itself for the dead copy, and waited for itself.
#[test]
fn the_controlling_one_came_back_where_a_dead_copy_had_been() {
    let all = [ALONE, &[("copy-1-0ld", "10.0.0.1", "unreachable")]].concat();
    let world = World::default().says(1, true, 200, &status(&all)).empty(2);
    let proposal = world.proposal();
    let [gone] = &proposal.departures[..] else {
        panic!("{:?}", proposal.departures);
    };
    assert_eq!((gone.node.as_str(), gone.address), ("copy-1-0ld", None));
    let steps: Vec<String> = gone.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["10.0.0.1: repl/remove instanceName=copy-1-0ld"]);
    assert!(gone.objections.is_empty());
}

#[test]
fn several_that_say_that_they_control_the_others_are_left_alone() {
    let own = |last: u8| {
        status(&[(
            &format!("controlling-{last}"),
            &format!("10.0.0.{last}"),
            "running",
        )])
    };
    let world = World::default()
        .says(1, true, 200, &own(1))
        .says(2, true, 200, &own(2));
    let (steps, told) = world.plan();
    assert!(steps.is_empty() && told.contains("several say"), "{told}");
    // One that was taken out, and takes itself for whom a name leads to, is none of them.
    let all = status(ALONE);
    let world = World::default()
        .says(1, true, 200, &all)
        .says(2, true, 200, &all);
    let (_, told) = world.plan();
    assert!(!told.contains("several say"), "{told}");
}

#[test]
fn views_tell_what_a_server_is() {
    let all = status(&[
        ("controlling-1", "db_controlling", "running"),
        ("copy-1", "10.0.0.2", "copying"),
    ]);
    let world = World::default()
        .says(1, true, 200, &all)
        .says(2, true, 200, &all)
        .empty(3);
    let roles = world.answers.values().map(|answer| {
        let view = answer.as_ref().unwrap();
        (
            view.node.as_str(),
            view.role.unwrap().name,
            view.detail.repository == Repository::Member,
        )
    });
    let expected = [
        ("controlling-1", "controlling", true),
        ("copy-1", "copying", true),
        ("10.0.0.3:10035", "outside", false),
    ];
    assert_eq!(roles.collect::<Vec<_>>(), expected);
}
