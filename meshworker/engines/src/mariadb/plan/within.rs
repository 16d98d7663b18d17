//! What is to be done while a primary takes writes: fences, the roll, and who follows.

use std::collections::BTreeSet;

use meshworker_core::{
    Departure, Gate, Place, Proposal, Reason, Refusal, Situation, Step, StepKind, Succession, Unity,
};

use super::slot::slot;
use super::world::{Node, World};
use super::{Rules, ask, leave};
use crate::mariadb::detail::{Connection, Detail};
use crate::mariadb::fence::{JOINING, REPLICA};
use crate::mariadb::gtid::Position;
use crate::mariadb::request::{Act, MariadbRequest};

/// What brings all others behind the primary.
pub fn propose(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    primary: &Node<'_>,
) -> Proposal<MariadbRequest> {
    if let Some(succession) = settle(rules, world, primary) {
        let missing = succession.what.clone();
        return Proposal {
            succession: Some(succession),
            leaves: leave::leaves(situation, world, primary),
            ..Proposal::nothing(Unity::apart(missing))
        };
    }
    let mut steps = fences(world);
    let mut refusals = Vec::new();
    let mut missing = Vec::new();
    let roll = next_roll(rules, situation, world, primary);
    let enrolled = world.ackers().unwrap_or_default();
    let is_closed = enrolled.is_empty();
    for node in world.nodes.values() {
        let passed_over = node.server == primary.server || !node.stays();
        // Who takes writes under a lower term is ended, not talked to: what waits there for an
        // acknowledgement would get one.
        if passed_over || node.detail.mark.is_none() || node.detail.is_open() {
            continue;
        }
        match state(rules, primary, node) {
            State::Follows if node.detail.mark().role == JOINING => {
                missing.push(format!("{} does not have everything yet", node.member.id));
                let vouch = Act::Vouch {
                    term: world.term,
                    cluster: primary.detail.mark().cluster,
                    position: primary.detail.written.clone(),
                };
                steps.push(ask(node, vouch, StepKind::Arrange));
            }
            State::Follows => {}
            State::Paused => {
                missing.push(format!("{} is to receive again", node.member.id));
                let resume = Act::Resume {
                    term: world.term,
                    cluster: primary.detail.mark().cluster,
                };
                if enrolled.contains(&node.server) {
                    steps.push(ask(node, resume, StepKind::Arrange));
                }
            }
            State::Broken(why) => {
                missing.push(format!("{} cannot follow", node.member.id));
                let what = format!("have {} follow", node.member.id);
                refusals.push(Refusal::new(what, Reason::ForeignCluster(why)));
                // What it still receives it still acknowledges.
                if receives(node) {
                    let retire = Act::Retire { term: world.term };
                    steps.push(ask(node, retire, StepKind::Arrange));
                }
            }
            State::Connects(why) => missing.push(format!("{}: {why}", node.member.id)),
            State::Lost => {
                missing.push(format!("{} is to follow", node.member.id));
                // Whoever may acknowledge a write is written down first.
                if is_closed || enrolled.contains(&node.server) {
                    steps.push(follow(rules, world, primary, node));
                }
            }
        }
    }
    if let Some((number, ackers)) = roll {
        missing.push("who acknowledges writes is to be written down".into());
        let term = world.term;
        let enrol = Act::Enrol {
            term,
            number,
            ackers,
        };
        steps.push(ask(primary, enrol, StepKind::Arrange));
    }
    if let Some(fenceless) = world.nodes.values().find(|node| node.detail.mark.is_none()) {
        missing.push(format!("{} keeps no fence yet", fenceless.member.id));
    }
    // Another one is to have its place: it takes no more writes once that one can take over.
    if missing.is_empty() && leave::gives_way(world, primary) {
        let close = Act::Close { term: world.term };
        steps.push(ask(primary, close, StepKind::Arrange));
    }
    let unity = match missing.first() {
        Some(missing) => Unity::apart(missing),
        None => Unity::One {
            size: world.nodes.len(),
        },
    };
    Proposal {
        born: Some(primary.detail.mark().cluster),
        steps,
        refusals,
        departures: departures(situation, world, primary),
        leaves: leave::leaves(situation, world, primary),
        outsiders: outside(world, primary),
        ..Proposal::nothing(unity)
    }
}

/// Who is on the roll, and in no slot that anybody knows of: once all witnesses agree that it
/// is gone, or an operator says so, nobody waits for its word any more.
fn departures(
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    primary: &Node<'_>,
) -> Vec<Departure<MariadbRequest>> {
    let ackers = world.ackers().unwrap_or_default();
    let known = |server: u32| {
        let mut members = situation.roster.members().iter();
        members.any(|member| slot(member) == Some(server))
    };
    let gone = (ackers.iter().copied()).filter(|acker| *acker != primary.server && !known(*acker));
    let stay = |gone: u32| ackers.iter().copied().filter(move |acker| *acker != gone);
    let departures = gone
        .filter(|gone| stay(*gone).next().is_some())
        .map(|gone| {
            let enrol = Act::Enrol {
                term: world.term,
                number: world
                    .roll
                    .as_ref()
                    .map_or(1, |roll| roll.number.saturating_add(1)),
                ackers: stay(gone).collect(),
            };
            Departure {
                node: gone.to_string(),
                address: None,
                objections: Vec::new(),
                steps: vec![ask(primary, enrol, StepKind::Forget)],
            }
        });
    departures.collect()
}

/// Who is to go, and is out: it receives nothing, and acknowledges nothing.
fn outside(world: &World<'_>, primary: &Node<'_>) -> BTreeSet<Place> {
    let ackers = world.ackers().unwrap_or_default();
    let out = world.nodes.values().filter(|node| {
        let is_primary = node.server == primary.server;
        !is_primary
            && !node.stays()
            && node.detail.read_only
            && !receives(node)
            && !ackers.contains(&node.server)
    });
    out.map(Node::at).collect()
}

/// Everybody keeps a fence before anything else.
pub fn fences(world: &World<'_>) -> Vec<Step<MariadbRequest>> {
    let without = world.nodes.values();
    let without = without.filter(|node| node.detail.mark.is_none());
    without
        .map(|node| ask(node, Act::Fence, StepKind::Arrange))
        .collect()
}

/// Somebody has promised a higher term, and the primary takes writes all the same: a false
/// alarm, or a worker that died. It stays the primary, in a term of its own.
fn settle(
    rules: &Rules,
    world: &World<'_>,
    primary: &Node<'_>,
) -> Option<Succession<MariadbRequest>> {
    let ackers = world.ackers()?;
    let others = || {
        let others = world.nodes.values();
        others.filter(|node| node.server != primary.server)
    };
    if !others().any(|node| node.detail.mark().promised > world.term) {
        return None;
    }
    let bid = rules.bid(primary);
    let term = world.next_term(&bid);
    let lacks: Vec<&Node<'_>> = others()
        .filter(|node| node.detail.mark.is_some() && !node.is_sealed(term, &bid))
        .collect();
    let seal = lacks.iter().map(|node| world.seal(node, &bid));
    let promote = Act::Promote {
        term,
        holder: bid.holder(),
        cluster: primary.detail.mark().cluster,
        position: Position::default(),
        ackers: None,
        waits: !ackers.is_empty(),
    };
    let objections = lacks.first().map(|node| {
        let seen = format!("{} has not promised term {term} yet", node.member.id);
        (Gate::Sealed, seen)
    });
    // Who is lost for good is opened by nobody.
    let is_lost =
        |server: &&u32| world.chosen.lost.contains(server) && !world.nodes.contains_key(server);
    let asked = || ackers.iter().filter(|server| !is_lost(server));
    let electors = asked().filter_map(|server| at(world, *server));
    let unknown = asked().find(|server| at(world, **server).is_none());
    let unknown = unknown.map(|server| {
        let seen = format!("server {server} may acknowledge writes, and is nowhere");
        (Gate::Answers, seen)
    });
    Some(Succession {
        what: format!("keep {} the primary, in term {term}", primary.member.id),
        predecessor: None,
        planned: true,
        forced: false,
        electors: electors.collect(),
        objections: objections.into_iter().chain(unknown).collect(),
        seal: seal.collect(),
        promote: vec![ask(primary, promote, StepKind::Succeed)],
    })
}

/// Where the member with this server id is.
fn at(world: &World<'_>, server: u32) -> Option<Place> {
    let answers = world.nodes.get(&server).map(Node::at);
    answers.or_else(|| Some(world.waiting.get(&server)?.0.address))
}

/// How a member stands to the primary.
enum State {
    Follows,
    /// It was told to stop receiving, and applies what it has: it need not lose it.
    Paused,
    /// It is told to, and its connection is coming.
    Connects(String),
    /// It was never told to, or follows somebody else.
    Lost,
    /// It cannot.
    Broken(String),
}

fn state(rules: &Rules, primary: &Node<'_>, node: &Node<'_>) -> State {
    let own = node.detail;
    if !own.read_only {
        return State::Lost;
    }
    let base = primary.detail.applied.clone();
    if let Some(source) = &own.source
        && source.is_at(primary.at().address, primary.at().socket(rules.port).port())
    {
        if source.is_broken() {
            let (number, words) = source.error.clone().unwrap_or_default();
            return State::Broken(format!("{number}: {words}"));
        }
        return match (source.connection, source.applies) {
            (Connection::Stopped, true) if node.detail.mark().role == REPLICA => State::Paused,
            (Connection::Stopped, _) | (_, false) => State::Lost,
            // The password by which it was told to follow is another one by now.
            (Connection::Trying, true)
                if primary.detail.has_account && source.is_locked_out(&own.current) =>
            {
                State::Lost
            }
            (Connection::Trying, true) => State::Connects("it is not connected yet".into()),
            (Connection::Up, true) => State::Follows,
        };
    }
    // What was written here and nowhere else cannot be taken back by following.
    if let Some(errant) = own.state.beyond(&primary.detail.state, &base) {
        return State::Broken(format!(
            "it has transaction {errant}, which the primary has not"
        ));
    }
    State::Lost
}

fn follow(
    rules: &Rules,
    world: &World<'_>,
    primary: &Node<'_>,
    node: &Node<'_>,
) -> Step<MariadbRequest> {
    let socket = primary.at().socket(rules.port);
    let follow = Act::Follow {
        term: world.term,
        cluster: primary.detail.mark().cluster,
        source: primary.at(),
        host: socket.ip(),
        port: socket.port(),
        demote: node.detail.mark().opened().is_some(),
        copied: None,
    };
    ask(node, follow, StepKind::Join)
}

/// Who is to be on the roll, and under which number, if it is not as it should be: whoever
/// answers and is to stay, and whoever is on it and may run without answering.
fn next_roll(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    world: &World<'_>,
    primary: &Node<'_>,
) -> Option<(u64, Vec<u32>)> {
    let mut before = world.ackers().unwrap_or_default();
    let listed = before.clone();
    // The roll may be an earlier primary's.
    before.remove(&primary.server);
    let answering = world.nodes.values().filter(|node| {
        let broken = matches!(state(rules, primary, node), State::Broken(_)) && !receives(node);
        let broken = broken || node.detail.is_open();
        let retired = !node.stays() && !receives(node);
        node.server != primary.server && !broken && !retired && node.detail.mark.is_some()
    });
    let answering: BTreeSet<u32> = answering.map(|node| node.server).collect();
    // The first ones catch up before anybody waits for their acknowledgements.
    let mut next: BTreeSet<u32> = match before.is_empty() {
        true => answering
            .iter()
            .copied()
            .filter(|server| world.nodes.get(server).is_some_and(receives))
            .collect(),
        false => answering,
    };
    // Whom the primary sends to may acknowledge, whatever is said of it.
    let sends = |server: &u32| primary.detail.sends_to.contains(server);
    let silent = before.iter().filter(|server| {
        let answers = world.nodes.contains_key(server);
        !answers && (sends(server) || !is_down(situation, **server))
    });
    next.extend(silent);
    // The last one goes as it is, and whoever writes waits for it: unless one member alone is
    // wished for, and is there.
    let one = situation.desired() == Some(1) && world.nodes.len() == 1;
    if next.is_empty() && !one {
        return None;
    }
    // Somebody has switched it off: what was acknowledged since is nowhere else, until one of
    // the others acknowledges what comes after it.
    let semi_sync = primary.detail.semi_sync;
    let stopped_waiting = !semi_sync.waits || !semi_sync.holds;
    if stopped_waiting && !before.is_empty() {
        next.clear();
    }
    let new_term = world
        .roll
        .as_ref()
        .is_none_or(|roll| roll.term != world.term);
    let changed = next != listed || new_term || primary.detail.lacks_what_is_enrolled();
    let number = world
        .roll
        .as_ref()
        .map_or(1, |roll| roll.number.saturating_add(1));
    changed.then(|| (number, next.into_iter().collect()))
}

/// Whether anything may come to it: one that tries may be connected in a moment.
fn receives(node: &Node<'_>) -> bool {
    let source = node.detail.source.as_ref();
    source.is_some_and(|source| source.connection != Connection::Stopped)
}

/// Whether its supervisor says that its server does not run: then it acknowledges nothing
/// until it is told to follow again.
fn is_down(situation: &Situation<'_, Detail>, server: u32) -> bool {
    let mut members = situation.roster.members().iter();
    let mut own = (members.by_ref())
        .filter(|member| slot(member) == Some(server))
        .peekable();
    // Of a slot there may be two for a while: both must say so.
    own.peek().is_some()
        && own.all(|member| member.has_ended() || member.is_spare() && member.disk.is_some())
}
