//! Copies: each member that answers and is in no cluster is let in, so many at a time. What
//! is under way is known from the controlling server, and asked for once.

use meshworker_core::{Member, MemberId, Refusal, Situation, Step, StepKind, View};

use super::depart::is_thrown_away;
use super::world::{self, World};
use super::{Rules, ask, told};
use crate::allegrograph::detail::{Detail, Repository, State};
use crate::allegrograph::request::{Act, AllegrographRequest};

/// What brings the missing in, why some are not, and what is missing.
pub struct Growth {
    pub steps: Vec<Step<AllegrographRequest>>,
    pub refusals: Vec<Refusal>,
    pub missing: Option<String>,
}

/// The next steps towards every member being an instance.
pub fn next(rules: &Rules, situation: &Situation<'_, Detail>, world: &World<'_>) -> Growth {
    let mut growth = Growth {
        steps: Vec::new(),
        refusals: Vec::new(),
        missing: None,
    };
    let asked = &world.chief.1.detail.growing;
    let unlisted = asked
        .iter()
        .filter(|copy| copy.refused.is_none())
        .filter(|copy| world.listed_at(copy.to).is_none());
    let copied = world
        .nodes
        .iter()
        .filter(|node| world.is_copied(node.instance));
    let mut under_way = unlisted.count() + copied.count();
    let mut all = situation.roster.members().iter();
    let slots = all.any(|member| matches!(member.id, MemberId::Slot { .. }));
    for (member, view) in situation.wanted_views() {
        let instance = world.instance_of(member);
        let why = match instance.map(|instance| &instance.state) {
            _ if instance.is_some_and(|instance| world.is_copied(instance)) => {
                let mut asked = asked.iter();
                if view.detail.repository == Repository::None
                    && !asked.any(|copy| copy.to == member.address)
                {
                    let why = "its data is being copied, by no request of this worker, and none of \
                               it is there: if that lasts, replace the replica";
                    growth.refusals.push(told(&join(member), why));
                }
                "its data is being copied".to_owned()
            }
            Some(State::Down) => "the controlling instance does not reach it".to_owned(),
            Some(State::Stopped) => {
                let why = "it was stopped: `repl/start` starts it again".to_owned();
                growth.refusals.push(told(&join(member), &*why));
                why
            }
            Some(_) => continue,
            // It may be anybody, and would get all data.
            None if !member.is_vouched() => {
                let why = "only a name server names it".to_owned();
                growth.refusals.push(told(&join(member), &*why));
                why
            }
            // Its predecessor's word still stands for its slot, for moments.
            None if slots && matches!(member.id, MemberId::Address(_)) => {
                let why = "its slot is not known yet".to_owned();
                growth.refusals.push(told(&join(member), &*why));
                why
            }
            None => match let_in(rules, world, member, view) {
                Ok(act) if under_way < rules.at_once => {
                    under_way += 1;
                    let step = ask(world.chief.0.address, act, StepKind::Join);
                    growth.steps.push(step);
                    "it is let in".to_owned()
                }
                Ok(_) => {
                    let why = format!("it is let in after {under_way} others");
                    growth.refusals.push(told(&join(member), &*why));
                    why
                }
                Err(why) => {
                    growth.refusals.push(told(&join(member), &*why));
                    why
                }
            },
        };
        let missing = format!("{}: {why}", member.id);
        growth.missing.get_or_insert(missing);
    }
    growth
}

fn join(member: &Member) -> String {
    format!("join {}", member.address)
}

/// What lets this member in, or why it is not.
fn let_in(
    rules: &Rules,
    world: &World<'_>,
    member: &Member,
    view: &View<Detail>,
) -> Result<Act, String> {
    let detail = &world.chief.1.detail;
    if let Some(copy) = detail.growing.iter().find(|copy| copy.to == member.address) {
        return Err(match &copy.refused {
            Some(words) => format!("the controlling instance refused: {words}"),
            None => "it was asked for, and shows in no status yet".to_owned(),
        });
    }
    match &view.detail.repository {
        Repository::None => {}
        _ if is_thrown_away(rules, world, member, view) => {
            return Err("its repository was taken out, and is thrown away first".to_owned());
        }
        Repository::Unsure(said) => {
            return Err(format!(
                "whether it has a repository cannot be read: {said}"
            ));
        }
        Repository::Alone(said) | Repository::TakenOut(said) => {
            return Err(format!(
                "it has a repository that is in no cluster ({said}), and data that was in one \
                 comes in no more: delete it there if nobody needs it, or replace the replica"
            ));
        }
        Repository::Member | Repository::Unasked => {
            return Err(format!(
                "its repository is in a cluster that {} does not know it in: delete it there if \
                 nobody needs it, or replace the replica",
                world.chief.1.node
            ));
        }
    }
    // Whoever was here is taken out first: two at one place would be one.
    if let Some(other) = world.listed_at(member.address) {
        return Err(format!(
            "{} is listed at its address, and is taken out first",
            other.name
        ));
    }
    let host = rules.host(member);
    let mut nodes = world.nodes.iter();
    if let Some(other) = nodes.find(|node| node.instance.host.as_ref() == Some(&host)) {
        let name = &other.instance.name;
        return Err(format!(
            "{name} is listed at {host}, and is taken out first"
        ));
    }
    Ok(Act::Grow {
        to: member.address,
        instance: world::name(member),
        host,
    })
}
