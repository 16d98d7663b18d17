//! Members that wait with data while nobody leads: each is told to start with what it has.
//! Only those that run can have a leader, and of members with their own data raft keeps what a
//! majority has. What must not run is held back: copies, and the data of another cluster.

use std::collections::BTreeMap;

use meshworker_core::{Ids, Member, Nomination, Proposal, Situation, Tell, Touches};

use super::start::{self, Known};
use super::world::slot;
use super::{Rules, told};
use crate::etcd::detail::Detail;
use crate::etcd::request::EtcdRequest;

/// The same proposal, and what those are told.
pub fn with(
    rules: &Rules,
    situation: &Situation<'_, Detail>,
    mut proposal: Proposal<EtcdRequest>,
) -> Proposal<EtcdRequest> {
    let waits = situation.spares().filter_map(|member| {
        let ids = member.disk.as_deref()?.ids()?;
        Some((member, slot(member)?, ids))
    });
    let waits: Vec<(&Member, u64, &Ids)> = waits.collect();
    let clusters = clusters(situation, &waits);
    for (member, slot, ids) in &waits {
        let why = stranger(situation, &clusters, ids).or_else(|| {
            let own = |other: &Ids| other.node == ids.node && other.cluster == ids.cluster;
            let other = waits
                .iter()
                .find(|(it, _, its)| it.id != member.id && own(its));
            let other = other.map(|(other, ..)| *other);
            let other = other.or_else(|| runs(situation, ids))?;
            Some(format!("{} has a copy of its data", other.id))
        });
        if let Some(why) = why {
            let what = format!("start {} with its data", member.id);
            let advice = "stop the one that is not meant, and put its data aside";
            proposal
                .refusals
                .push(told(&what, format!("{why}: {advice}")));
            continue;
        }
        let who = Known {
            member,
            slot: *slot,
            number: member.known_as.unwrap_or(*slot),
        };
        proposal.nominations.push(Nomination {
            address: member.address,
            tell: Tell::Start(start::as_before(rules, who)),
            touches: Touches::Parts([format!("slot {slot}")].into()),
        });
    }
    proposal
}

/// Whose data there is, and of which member: of those that wait, and of those that run. What is
/// known by its address alone may be a stranger.
fn clusters<'a>(
    situation: &Situation<'a, Detail>,
    waits: &[(&'a Member, u64, &'a Ids)],
) -> BTreeMap<&'a str, &'a Member> {
    let run = situation.wanted_views().chain(situation.leaving_views());
    let run = run.filter(|(member, _)| member.is_vouched());
    let run = run.map(|(member, view)| (&*view.detail.cluster, member));
    let waits = waits
        .iter()
        .map(|(member, _, ids)| (&*ids.cluster, *member));
    waits.chain(run).collect()
}

/// Why this is not known to be the cluster's data, if so.
fn stranger(
    situation: &Situation<'_, Detail>,
    clusters: &BTreeMap<&str, &Member>,
    ids: &Ids,
) -> Option<String> {
    if let Some(born) = &situation.orders.born {
        let lift = "unless `meshworker acknowledge` says that it is lost";
        let other = *ids.cluster != **born;
        return other.then(|| {
            format!(
                "it is of {}, and the cluster is {born}, {lift}",
                ids.cluster
            )
        });
    }
    let mut others = clusters
        .iter()
        .filter(|(cluster, _)| **cluster != &*ids.cluster);
    let (cluster, member) = others.next()?;
    Some(format!(
        "it is of {}, and {} is of {cluster}",
        ids.cluster, member.id
    ))
}

/// Who answers as this member.
fn runs<'a>(situation: &Situation<'a, Detail>, ids: &Ids) -> Option<&'a Member> {
    let mut run = situation.wanted_views().chain(situation.leaving_views());
    let own = |view: &&meshworker_core::View<Detail>| {
        *view.node == *ids.node && *view.detail.cluster == *ids.cluster
    };
    run.find(|(_, view)| own(view)).map(|(member, _)| member)
}
