//! Members that share a swarm node, and what its death would cost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{
    Context, Copies, History, Member, MemberId, Moment, Reason, Refusal, Situation, Stock,
};

/// So many nodes are remembered at the most.
const MOST: usize = 256;

/// For so long a node is remembered that has no member any more: then it has left the
/// swarm, or is kept for something else.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// One remark for each swarm node whose death would take all copies of something,
/// although there are members elsewhere.
///
/// After the loss of a node Swarm starts its members on others and never moves them
/// back: two here, one there and none on the third is how it stays. Where all nodes
/// have as many members, or all members are on one, nothing better is known.
pub(crate) fn shared_nodes<D>(
    context: &Context<'_>,
    situation: &Situation<'_, D>,
    copies: &Copies,
    history: &mut History,
) -> Vec<Refusal> {
    let mut nodes: BTreeMap<&str, Vec<(&Member, &str)>> = BTreeMap::new();
    let mut of = 0;
    for (member, view) in situation.wanted_views() {
        of += 1;
        if let Some(node) = member.node.as_deref() {
            let members = nodes.entry(node).or_default();
            members.push((member, view.node.as_str()));
            if history.nodes.len() < MOST || history.nodes.contains_key(node) {
                history.nodes.insert(node.to_owned(), context.now);
            }
        }
    }
    let lately = |seen: &Moment| context.now.since(*seen) < REMEMBERED;
    history.nodes.retain(|_, seen| lately(seen));
    let sizes = || nodes.values().map(Vec::len);
    let (most, fewest) = (sizes().max().unwrap_or(0), sizes().min().unwrap_or(0));
    let idle = history
        .nodes
        .keys()
        .any(|node| !nodes.contains_key(node.as_str()));
    if !copies.made || nodes.len() + usize::from(idle) < 2 || most == fewest && !idle {
        return Vec::new();
    }
    // Two more than on another node: that one can take one of them.
    let where_to = match most - fewest > 1 {
        true => "",
        false => ", where another node can take one of them",
    };
    let shared = nodes.iter().filter(|(_, members)| members.len() > 1);
    shared
        .filter_map(|(node, members)| {
            let ids: BTreeSet<&str> = members.iter().map(|(_, id)| *id).collect();
            let cost = copies.stocks.iter().filter_map(|stock| cost(stock, &ids));
            let cost: Vec<String> = cost.collect();
            let first = cost.first()?;
            let others = match cost.len() - 1 {
                0 => String::new(),
                more => format!(", and of {more} more"),
            };
            let mut names = members.iter().map(|(member, _)| member.node_name.as_ref());
            let node = names.find_map(|name| name).map_or(*node, |name| &**name);
            let names = members.iter().map(|(member, _)| member.id.to_string());
            let names: Vec<String> = names.collect();
            let (here, names) = (names.len(), names.join(", "));
            let remedy = members.iter().find_map(|(member, _)| match &member.id {
                MemberId::Slot { service, .. } => Some(format!(
                    "; `docker service update --force {service}` spreads them again{where_to}"
                )),
                MemberId::Address(_) => None,
            });
            Some(Refusal {
                what: format!("rely on node {node}"),
                reason: Reason::SharedNode(format!(
                    "{here} of {of} members run there: {names}; its death costs {first}{others}{}",
                    remedy.unwrap_or_default()
                )),
                evidence: (members.iter())
                    .flat_map(|(member, _)| situation.roster.sightings(member.address))
                    .collect(),
            })
        })
        .collect()
}

/// What of this has all its copies on these nodes. What is kept once only is lost with
/// any node, however members are spread.
fn cost(stock: &Stock, nodes: &BTreeSet<&str>) -> Option<String> {
    let here = stock
        .nodes
        .keys()
        .filter(|node| nodes.contains(node.as_str()));
    let pieces = stock.pieces_within(here.count());
    (stock.copies > 1 && pieces > 0).then(|| stock.part(pieces))
}
