//! Who has another role now.

use std::collections::BTreeMap;

use meshworker_core::{Answer, Place, Role, Roster};

use crate::board::Fact;
use crate::status::EventKind;

/// Tells each change of a role once. One that is silent for a look has the role that it
/// had; what a node says first is no change.
#[derive(Debug, Default)]
pub struct Roles(BTreeMap<(String, Place), Role>);

impl Roles {
    /// What is new in this pass.
    pub fn tell<D>(&mut self, roster: &Roster, answers: &BTreeMap<Place, Answer<D>>) -> Vec<Fact> {
        self.0.retain(|(_, at), _| roster.at(*at).is_some());
        let mut facts = Vec::new();
        for member in roster.members() {
            let at = member.address;
            let Some(Ok(view)) = answers.get(&at) else {
                continue;
            };
            let Some(is) = view.role else { continue };
            let was = self.0.insert((view.node.clone(), at), is);
            if let Some(was) = was.filter(|was| *was != is) {
                let text = format!("{} at {at} is {is} (was {was})", member.id);
                let fact = Fact::new(EventKind::Member, text).about(&member.id);
                facts.push(fact.because(is.name));
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use meshworker_core::{Report, Unanswered, View, Witness};

    use super::*;

    const MASTER: Role = Role::primary("master");
    const REPLICA: Role = Role::of("replica");

    fn at(last: u8) -> Place {
        [10, 0, 0, last].into()
    }

    fn says(node: &str, role: Role) -> Answer<()> {
        Ok(View {
            node: node.to_owned(),
            cluster_name: None,
            role: Some(role),
            size: 1,
            peers: Vec::new().into(),
            working: None,
            holdings: Default::default(),
            detail: (),
        })
    }

    #[test]
    fn a_change_of_roles_is_told_once_and_across_a_silence() {
        let mut roles = Roles::default();
        let mut told = |answers: [Answer<()>; 2]| {
            let listed = Report::addresses(Witness::Dns, [at(1), at(2)]);
            let roster = Roster::merge(&[listed], &Default::default());
            let answers = [at(1), at(2)].into_iter().zip(answers).collect();
            let facts = roles.tell(&roster, &answers);
            facts.into_iter().map(|fact| fact.text).collect::<Vec<_>>()
        };
        assert!(told([says("a", MASTER), says("b", REPLICA)]).is_empty());
        assert!(told([Err(Unanswered::Timeout), says("b", REPLICA)]).is_empty());
        let promoted = told([Err(Unanswered::Timeout), says("b", MASTER)]);
        assert_eq!(promoted, ["10.0.0.2 at 10.0.0.2 is master (was replica)"]);
        let back = told([says("a", REPLICA), says("b", MASTER)]);
        assert_eq!(back, ["10.0.0.1 at 10.0.0.1 is replica (was master)"]);
        // Another node at the same address has changed nothing.
        assert!(told([says("c", MASTER), says("b", MASTER)]).is_empty());
    }
}
