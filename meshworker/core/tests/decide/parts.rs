//! Several services are parts of one cluster, and a planner sees whose member each is.

use meshworker_core::{
    Capabilities, Planner, Presence, Proposal, Reason, Refusal, Report, Situation, Unity, Witness,
};

use crate::support::{Ask, Clock, announced, dns, seen};

/// A database with another role in each part, which says what it sees.
struct Roles;

impl Planner for Roles {
    type Detail = ();
    type Request = Ask;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, situation: &Situation<'_, ()>) -> Proposal<Ask> {
        let said = situation.wanted().map(|member| {
            let part = member.part.as_deref().unwrap_or("no part");
            Refusal::new(format!("{}: {part}", member.address), Reason::Leaving)
        });
        Proposal {
            refusals: said.collect(),
            ..Proposal::nothing(Unity::One { size: 3 })
        }
    }
}

fn sees(reports: Vec<Report>) -> Vec<String> {
    let plan = Clock::start().after(1, &Roles, &seen(reports, &[1, 2, 3]));
    let said = plan.refusals.into_iter();
    let said = said.filter(|refusal| refusal.reason == Reason::Leaving);
    said.map(|refusal| refusal.what).collect()
}

#[test]
fn a_planner_sees_of_which_part_each_member_is() {
    let parts = vec![
        dns(&[1]).of_part("controlling"),
        dns(&[2, 3]).of_part("copy"),
    ];
    let together = Report::together(Witness::Dns, parts);
    // What a member says of itself has no part: the lists do.
    let own = announced(&[(2, Presence::Present)]);
    let mut said = sees(vec![own, together]);
    said.sort();
    let expected = ["10.0.0.1: controlling", "10.0.0.2: copy", "10.0.0.3: copy"];
    assert_eq!(said, expected);
    let alone = sees(vec![dns(&[1])]);
    assert_eq!(alone, ["10.0.0.1: no part"]);
}
