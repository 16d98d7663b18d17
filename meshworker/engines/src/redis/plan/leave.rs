//! Members that are meant to go: what they hold alone, and who takes it.
//!
//! ```text
//! replica ──────────────────────────────────────────> free
//! master ──> one of its replicas stays ── FAILOVER ──> free
//!        ──> masters would be too few ─── a replica of another master follows
//!        │                                it first, then as above
//!        ──> else ─────────────────────── its slots move to those that stay
//! ```

use std::cmp::Reverse;
use std::collections::BTreeSet;

use meshworker_core::{
    Evidence, Floor, Leave, Member, Place, Progress, Refusal, Situation, Step, Touches, View,
    counted,
};

use super::Rules;
use super::evacuate;
use super::open::Opened;
use super::replicas::Cast;
use super::versions::flows;
use super::world::{Node, World};
use crate::redis::MIN_MASTERS;
use crate::redis::detail::Detail;
use crate::redis::request::{Act, RedisRequest};

/// The fewest members that must stay: three masters, of which two are a
/// majority when one fails. A cluster that never had as many keeps what it has.
pub fn floor(world: &World<'_>) -> Floor {
    let nodes = world.anchor_nodes();
    let known = nodes.map(|node| node.view.detail.table.len()).max();
    let members = known.unwrap_or(1).clamp(1, MIN_MASTERS);
    Floor {
        members,
        because: if members == MIN_MASTERS {
            format!("a Redis Cluster takes {MIN_MASTERS} masters")
        } else {
            format!("it has never had more than {members} members")
        },
    }
}

/// A request that serves a member which is meant to go.
pub fn request(to: &Node<'_>, act: Act, said: Vec<Evidence>) -> Step<RedisRequest> {
    Step::new(
        to.address,
        RedisRequest {
            node: to.id.to_owned(),
            act,
            parting: true,
        },
        said,
    )
}

/// How a master gets rid of its slots: in words, what is to be done now, and which
/// other masters that touches; none where nobody can tell yet.
type Handover<'a> = (String, Vec<Step<RedisRequest>>, Option<Vec<&'a str>>);

/// What it takes for the members that are meant to go.
pub struct Leaves<'w, 'a> {
    rules: &'w Rules,
    situation: &'w Situation<'a, Detail>,
    world: &'w World<'a>,
    cast: Option<Cast<'w, 'a>>,
    opened: Opened,
    /// Replicas that are to take over from somebody by this very plan.
    heirs: BTreeSet<&'a str>,
    /// What cannot leave a member, and why.
    refusals: Vec<Refusal>,
}

impl<'w, 'a> Leaves<'w, 'a> {
    /// Nobody is there yet who could take anything.
    pub fn new(
        rules: &'w Rules,
        situation: &'w Situation<'a, Detail>,
        world: &'w World<'a>,
    ) -> Leaves<'w, 'a> {
        Leaves {
            rules,
            situation,
            world,
            cast: None,
            opened: Opened::default(),
            heirs: BTreeSet::new(),
            refusals: Vec::new(),
        }
    }

    /// All slots have an owner, and these are the masters that stay. `opened`
    /// tells which slots are on the move.
    pub fn taken_over_by(&mut self, cast: Cast<'w, 'a>, opened: Opened) {
        self.cast = Some(cast);
        self.opened = opened;
    }

    /// One for each member that is meant to go and answers. Replicas have the
    /// first turns, since they give up nothing; among equals the last slot is
    /// first, as Swarm removes them. And what cannot leave them.
    pub fn all(mut self) -> (Vec<Leave<RedisRequest>>, Vec<Refusal>) {
        let strangers = &self.world.strangers;
        let mut leavers: Vec<(&Member, &View<Detail>)> = self.situation.leaving_views().collect();
        leavers.retain(|(member, _)| !strangers.contains(&member.address));
        leavers.sort_by_key(|(member, view)| {
            let node = self.world.nodes.get(view.node.as_str());
            let order = node.map_or((u64::MAX, member.address), |node| node.order);
            let leads = node.is_none_or(Node::is_master);
            (leads, Reverse(order))
        });
        let mut leaves: Vec<Leave<RedisRequest>> = Vec::new();
        for (member, view) in leavers {
            // One node may be asked at two addresses.
            let known = self.world.nodes.get(view.node.as_str());
            if known.is_some_and(|node| node.wanted || node.address != member.address) {
                continue;
            }
            leaves.push(match known {
                Some(node) => self.leave(node, member),
                None => twin(member.address, view),
            });
        }
        (leaves, self.refusals)
    }

    fn leave(&mut self, node: &'w Node<'a>, member: &Member) -> Leave<RedisRequest> {
        let slots = node.own.slots.count();
        let mut touches = Some(vec![shard(node)]);
        let mut leave = Leave::of(node.address, node.id);
        leave.progress = (slots > 0).then_some(Progress {
            unit: "slots",
            left: slots as u64,
        });
        let is_inside = (self.world.anchor()).is_some_and(|anchor| anchor.contains(&node.id));
        if node.own.replica {
            leave.holds.extend(self.last_copy(node));
        } else if slots > 0 {
            let (how, steps, others) = match is_inside {
                true => self.hand_over(node, member),
                false => nothing("the other members do not see it".into()),
            };
            leave
                .holds
                .push(format!("{}; {how}", counted(slots, "slots")));
            leave.steps = steps;
            touches = touches
                .zip(others)
                .map(|(own, others)| [own, others].concat());
        } else if node.view.detail.keys > 0 {
            let keys = node.view.detail.keys;
            let keys = counted(keys, "keys");
            leave.holds.push(format!(
                "{keys} and no slot: if nobody needs them, send it FLUSHALL"
            ));
        }
        if slots == 0
            && let Some(other) = self.held_to_own(node)
        {
            leave
                .holds
                .push(format!("slots, as {other} still believes"));
        }
        // Of a replica's, its master takes care.
        let open = || node.view.detail.open.iter().filter(|_| node.is_master());
        let stuck = |slot| Some((slot, self.opened.stuck.get(&slot)?));
        if let Some((slot, why)) = open().find_map(|open| stuck(open.slot)) {
            // As long as anything else moves, that is what is waited for.
            let place = if leave.steps.is_empty() {
                0
            } else {
                leave.holds.len()
            };
            let hold = format!("slot {slot}, which cannot arrive: {why}");
            leave.holds.insert(place, hold);
        } else if let Some(open) = open().next() {
            let slot = open.slot;
            leave
                .holds
                .push(format!("slot {slot}, which is on the move"));
        }
        if is_inside && let Some(parts) = touches {
            leave.touches = Touches::Parts(parts.into_iter().map(str::to_owned).collect());
        }
        leave
    }

    /// What would be lost with this replica: the data of a master that is gone.
    fn last_copy(&self, replica: &Node<'_>) -> Option<String> {
        let master = replica.own.master.as_deref()?;
        let serves = self.world.nodes.get(master);
        if serves.is_some_and(|master| master.is_master()) {
            return None;
        }
        let slots = self.world.owners.get(master)?;
        Some(format!(
            "the copy of slots {slots}, whose master {master} is gone"
        ))
    }

    /// A member to which this one still owns slots: it sends clients there, and should this
    /// one's last claim have taken a slot back, only while it runs can they settle whose it is.
    fn held_to_own(&self, node: &Node<'_>) -> Option<Place> {
        let mut members = self.world.members();
        let owns = |other: &&Node<'_>| {
            let entry = other.entry(node.id);
            entry.is_some_and(|entry| !entry.replica && !entry.slots.is_empty())
        };
        members.find(owns).map(|other| other.address)
    }

    fn hand_over(&mut self, leaver: &'w Node<'a>, member: &Member) -> Handover<'a> {
        let Some(cast) = &self.cast else {
            return nothing("other slots have no owner".into());
        };
        let stay = self.world.members().count();
        if let Some(heir) = self.taken_over(leaver) {
            return nothing(format!(
                "{} has taken over, and it has not heard",
                heir.address
            ));
        }
        let crew = self.crew(leaver.id);
        if let Some(heir) = self.heir(&crew) {
            return self.fail_over(heir, leaver);
        }
        if let Some(replica) = self.unheard(leaver)
            && member.is_patient()
        {
            return nothing(format!("its replica {replica} does not answer"));
        }
        if let Some(replica) = crew.first() {
            return nothing(format!("replica {} is not in sync yet", replica.address));
        }
        if cast.masters.len() < self.rules.masters(stay)
            && let Some(replica) = self.borrowed()
            && flows(leaver, replica)
        {
            return self.follow(replica, leaver);
        }
        if cast.masters.is_empty() {
            let others = self.world.leavers().filter(|other| other.id != leaver.id);
            let heir = others.filter(|other| other.is_master()).find_map(|other| {
                let heir = self.heir(&self.crew(other.id))?;
                Some((heir, other))
            });
            return match heir {
                Some((heir, other)) => self.fail_over(heir, other),
                None => nothing("no master stays that could take them".into()),
            };
        }
        if self.opened.arrive {
            return nothing("slots that are on the move arrive first".into());
        }
        let (how, steps) = evacuate::slots(self.world, leaver, &cast.masters, &mut self.refusals);
        // Whoever can give nothing away touches none of those that could take it.
        let takers = cast.masters.iter().filter(|_| !steps.is_empty());
        let targets = takers.map(|master| master.id).collect();
        (how, steps, Some(targets))
    }

    fn fail_over(&mut self, heir: &'w Node<'a>, leaver: &Node<'a>) -> Handover<'a> {
        self.heirs.insert(heir.id);
        let said = heir.said(format!("follows {}, in sync", leaver.id));
        let goes = leaver.said(format!("{} slots", leaver.own.slots.count()));
        (
            format!("replica {} takes over", heir.address),
            vec![request(heir, Act::Failover, vec![said, goes])],
            Some(vec![leaver.id, heir.id]),
        )
    }

    fn follow(&mut self, replica: &'w Node<'a>, leaver: &Node<'_>) -> Handover<'a> {
        let how = format!("{} becomes its replica first", replica.address);
        let known = replica.entry(leaver.id);
        if known.is_none_or(|entry| entry.replica || !entry.is_alive()) {
            return nothing(how);
        }
        self.heirs.insert(replica.id);
        let master = replica.own.master.as_deref().unwrap_or("nobody");
        let said = replica.said(format!("follows {master}, which stays"));
        let act = Act::Replicate {
            master: leaver.id.to_owned(),
        };
        let touched = vec![shard(replica), replica.id];
        (how, vec![request(replica, act, vec![said])], Some(touched))
    }

    /// Who claims slots of this master as its own: its heir has them with the
    /// moment that it takes over, the master only gives them up when it hears.
    fn taken_over(&self, leaver: &Node<'_>) -> Option<&'w Node<'a>> {
        let claims =
            |node: &&Node<'_>| node.id != leaver.id && node.own.slots.intersects(&leaver.own.slots);
        self.world.anchor_nodes().find(claims)
    }

    /// A replica that stays, that this master sees alive, and that gave no
    /// answer: it may be about to take over.
    fn unheard(&self, leaver: &Node<'a>) -> Option<Place> {
        let table = leaver.view.detail.table.iter();
        let mut replicas = table.filter(|entry| {
            entry.is_alive() && entry.replica && entry.master.as_deref() == Some(leaver.id)
        });
        replicas.find_map(|entry| {
            let address = entry.address?;
            let answers = self.world.nodes.contains_key(entry.node.as_str());
            (!answers && self.situation.is_wanted(address)).then_some(address)
        })
    }

    /// The replicas of this master that stay.
    fn crew(&self, master: &str) -> Vec<&'w Node<'a>> {
        let replicas = self.world.members().filter(|node| node.own.replica);
        replicas
            .filter(|node| node.own.master.as_deref() == Some(master))
            .collect()
    }

    /// Which of these replicas takes over: one that lacks nothing, with as few
    /// other masters beside it as possible.
    fn heir(&self, crew: &[&'w Node<'a>]) -> Option<&'w Node<'a>> {
        let masters = self.cast.as_ref().map_or(&[][..], |cast| &cast.masters);
        let beside = |node: &Node<'_>| {
            let near = masters.iter().filter(|master| master.host == node.host);
            near.count()
        };
        let ready = crew.iter().copied().filter(|node| self.is_free(node));
        ready.min_by_key(|node| (beside(node), node.order))
    }

    /// A replica that can do without its master, and that master without it:
    /// of the one that has most.
    fn borrowed(&self) -> Option<&'w Node<'a>> {
        let masters = self.world.anchor_nodes().filter(|node| node.is_master());
        let spare = masters.filter_map(|master| {
            let crew = self.crew(master.id);
            // One that goes needs a replica that takes over.
            let needs = usize::from(master.leaving && !master.own.slots.is_empty());
            let ready = crew.iter().filter(|node| self.is_free(node)).count();
            (ready > needs).then_some((crew.len(), Reverse(master.order), crew))
        });
        let (_, _, crew) = spare.max_by_key(|(size, order, _)| (*size, *order))?;
        self.heir(&crew)
    }

    fn is_free(&self, replica: &Node<'_>) -> bool {
        let detail = &replica.view.detail;
        detail.in_sync && detail.state_ok && !self.heirs.contains(replica.id)
    }
}

/// Nothing can be done yet, and why.
fn nothing<'a>(why: String) -> Handover<'a> {
    (why, Vec::new(), None)
}

/// The master of whose data this node has a copy.
fn shard<'a>(node: &Node<'a>) -> &'a str {
    let master = node.own.master.as_deref();
    master.filter(|_| node.own.replica).unwrap_or(node.id)
}

/// A process with the id of another one: what it holds cannot be told.
fn twin(address: Place, view: &View<Detail>) -> Leave<RedisRequest> {
    let why = "the id of another member: a volume was copied";
    Leave::held(address, &view.node, why)
}
