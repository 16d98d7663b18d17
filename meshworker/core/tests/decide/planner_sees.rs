//! What a planner sees beside members and answers: as data, in this pass's words.

use meshworker_core::{
    Capabilities, Census, Grade, Observation, Planner, Presence, Proposal, Reason, Refusal, Report,
    Situation, Unity, Wishes, Witness,
};

use crate::support::{Ask, Clock, dns, docker, ip, seen, tasks};

/// A database that says what its planner sees, and proposes nothing.
struct Tells;

impl Planner for Tells {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let census = situation.roster.census();
        let mut said = vec![
            format!("desired {:?}", situation.desired()),
            format!("tasks listed {}", census.lists_tasks()),
            format!(
                "ideal size {:?}",
                situation.orders.wishes.number("ideal-size")
            ),
        ];
        let leaving = situation.leaving();
        said.extend(leaving.map(|m| format!("{}: {}", m.id, situation.going(m))));
        let heard = situation.heard.of(ip(1));
        said.extend(heard.map(|(by, reached)| format!("{by} reached 1: {reached}")));
        let refusals = said.into_iter();
        let refusals = refusals.map(|said| Refusal::new(said, Reason::Leaving));
        Proposal {
            refusals: refusals.collect(),
            ..Proposal::nothing(Unity::One { size: 3 })
        }
    }
}

fn sees(clock: &mut Clock, observed: &Observation<()>) -> Vec<String> {
    let plan = clock.after(1, &Tells, observed);
    let said = plan.refusals.into_iter();
    let said = said.filter(|refusal| refusal.reason == Reason::Leaving);
    said.map(|refusal| refusal.what).collect()
}

#[test]
fn a_planner_sees_how_many_are_wished_for_and_of_which_kind_each_leaving_is() {
    let mut clock = Clock::start();
    let observed = seen(vec![dns(&[1, 2])], &[1, 2]);
    let nothing = ["desired None", "tasks listed false", "ideal size None"];
    assert_eq!(sees(&mut clock, &observed), nothing);

    clock.orders.wishes = Wishes::none().with("ideal-size", "5");
    let going = [(1, Presence::Present), (2, Presence::Leaving)];
    let mut observed = seen(vec![tasks(&going, 1)], &[1, 2]);
    observed.heard.note("worker 2", ip(1), false);
    observed.heard.note("db.2", ip(1), true);
    let all = [
        "desired Some(1)",
        "tasks listed true",
        "ideal size Some(5)",
        "db.2: gone for good",
        "db.2 reached 1: true",
        "worker 2 reached 1: false",
    ];
    assert_eq!(sees(&mut clock, &observed), all);
}

#[test]
fn as_many_are_wished_for_as_all_services_together_want() {
    let desired = |reports: &[Report]| Census::of(reports).desired();
    assert_eq!(desired(&[dns(&[1, 2])]), None);
    assert_eq!(
        desired(&[dns(&[1]), docker(&[1], 1), docker(&[2, 3], 4)]),
        Some(5)
    );
    // One that cannot tell leaves the whole unknown.
    let silent = Report::unknown(Witness::Docker, Grade::Timeout);
    let half = [docker(&[1], 1), silent];
    assert_eq!(desired(&half), None);
    assert!(!Census::of(&half).is_complete(Witness::Docker) && !Census::of(&half).lists_tasks());
    assert!(Census::of(&half).speaks(Witness::Docker));
}

#[test]
fn a_witness_answers_what_it_may_testify() {
    let all = [
        Witness::Dns,
        Witness::Announce,
        Witness::Docker,
        Witness::Kubernetes,
        Witness::Database,
    ];
    let those = |may: fn(Witness) -> bool| all.into_iter().filter(|w| may(*w)).collect::<Vec<_>>();
    assert_eq!(
        those(Witness::lists_everybody),
        [Witness::Dns, Witness::Docker, Witness::Kubernetes]
    );
    assert_eq!(
        those(Witness::vouches),
        [Witness::Announce, Witness::Docker, Witness::Kubernetes]
    );
    let lists = [Witness::Docker, Witness::Kubernetes];
    assert_eq!(those(Witness::is_task_list), lists);
}
