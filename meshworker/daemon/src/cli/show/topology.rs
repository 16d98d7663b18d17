//! Who copies from whom, as a tree.

use super::parts::paint;
use super::{Ink, Style, wrap};
use crate::status::{MemberStatus, Placed, ReplicationStatus, Topology};

/// Who copies from whom: below each member those that copy from it.
pub fn topology(topology: &Topology, style: &Style) -> String {
    let members = &topology.members;
    // Whether the branch of each depth goes on below.
    let mut open: Vec<bool> = Vec::new();
    let mut lines = Vec::new();
    for (
        number,
        Placed {
            depth,
            member,
            refusals,
        },
    ) in members.iter().enumerate()
    {
        let below = members.iter().skip(number + 1);
        let is_last = |depth: usize| {
            let next = below
                .clone()
                .map(|one| one.depth)
                .find(|next| *next <= depth);
            next != Some(depth)
        };
        open.truncate(depth.saturating_sub(1));
        let stem: String = open
            .iter()
            .map(|open| if *open { "│  " } else { "   " })
            .collect();
        let (branch, rest) = match (depth, is_last(*depth)) {
            (0, _) => ("", ""),
            (_, true) => ("└─ ", "   "),
            (_, false) => ("├─ ", "│  "),
        };
        if *depth > 0 {
            open.push(!is_last(*depth));
        }
        let leads = below.clone().next().is_some_and(|next| next.depth > *depth);
        let bar = if leads { "│  " } else { "   " };
        let (first, more) = (format!("{stem}{branch}"), format!("{stem}{rest}{bar}"));
        let ink = member.unanswered.as_ref().map(|_| Ink::Bad);
        let said = wrap(&said(member), style.width, &first, &more);
        lines.extend(paint(said, ink, style));
        for refusal in refusals {
            let text = format!("! {}: {}", refusal.what, refusal.reason);
            let said = wrap(&text, style.width, &more, &more);
            lines.extend(paint(said, Some(Ink::Bad), style));
        }
    }
    lines.join("\n")
}

/// One member in a line.
fn said(member: &MemberStatus) -> String {
    let MemberStatus {
        id,
        address,
        state,
        held,
        view,
        unanswered,
        ..
    } = member;
    let mut words = vec![format!("{id} at {address}: {}", state.name())];
    if let Some(view) = view {
        words.extend(view.role.clone());
        words.extend(view.term.map(|term| format!("term {term}")));
        words.extend(
            view.role_since
                .as_ref()
                .map(|since| format!("since {since}")),
        );
        words.extend(view.replication.iter().flat_map(replication));
        words.extend(view.working.clone());
        let refuses = view.refuses_writes.iter();
        words.extend(refuses.map(|why| format!("refuses writes: {why}")));
    }
    words.extend(unanswered.iter().map(|why| format!("no answer: {why}")));
    words.extend(held.iter().map(|why| format!("held: {why}")));
    words.join(", ")
}

/// A member's part in replication, in some words.
pub fn replication(said: &ReplicationStatus) -> Vec<String> {
    let ReplicationStatus {
        position,
        acknowledges,
        source,
    } = said;
    let has = match &**position {
        "" => "has nothing".to_owned(),
        position => format!("has {position}"),
    };
    let mut words = vec![has];
    if let Some(source) = source {
        let ahead = !source.received.is_empty() && source.received != *position;
        words.extend(ahead.then(|| format!("has received {}", source.received)));
        words.extend(
            source
                .behind_seconds
                .map(|behind| format!("{behind} s behind")),
        );
        words.extend(source.error.clone());
    }
    words.push(acknowledges.clone());
    words
}
