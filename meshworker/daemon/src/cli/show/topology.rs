//! Who copies from whom, as a tree.

use std::collections::BTreeSet;

use super::parts::paint;
use super::{Ink, Style, wrap};
use crate::status::MemberStatus;

/// Who copies from whom: below each member those that copy from it, as each says itself; the
/// one to which everything is written comes first.
pub fn topology(members: &[MemberStatus], style: &Style) -> String {
    let mut tree = Tree {
        members,
        style,
        shown: BTreeSet::new(),
        lines: Vec::new(),
    };
    let follows = |member: &&MemberStatus| tree.leader(member).is_some();
    let (followers, roots): (Vec<_>, Vec<_>) = members.iter().partition(follows);
    let primary = |member: &&MemberStatus| member.view.as_ref().is_some_and(|view| view.primary);
    let (primaries, others): (Vec<_>, Vec<_>) = roots.into_iter().partition(primary);
    // Those that copy from each other in a circle are below nobody.
    for member in primaries.into_iter().chain(others).chain(followers) {
        tree.grow(member, "", "");
    }
    tree.lines.join("\n")
}

struct Tree<'a> {
    members: &'a [MemberStatus],
    style: &'a Style,
    shown: BTreeSet<&'a str>,
    lines: Vec<String>,
}

impl<'a> Tree<'a> {
    /// Whom it copies from, if that is a member.
    fn leader(&self, member: &MemberStatus) -> Option<&'a MemberStatus> {
        let follows = member.view.as_ref()?.follows.as_ref()?;
        let mut members = self.members.iter();
        members.find(|one| one.id == *follows && one.id != member.id)
    }

    /// This member behind `first`, and behind `rest` whoever copies from it.
    fn grow(&mut self, member: &'a MemberStatus, first: &str, rest: &str) {
        if !self.shown.insert(&member.id) {
            return;
        }
        let below = self.members.iter().filter(|one| {
            let leader = self.leader(one);
            leader.is_some_and(|leader| leader.id == member.id) && !self.shown.contains(&*one.id)
        });
        let below: Vec<&MemberStatus> = below.collect();
        let bar = if below.is_empty() { "   " } else { "│  " };
        let more = format!("{rest}{bar}");
        let text = said(member);
        let ink = member.unanswered.as_ref().map(|_| Ink::Bad);
        let lines = wrap(&text, self.style.width, first, &more);
        self.lines.extend(paint(lines, ink, self.style));
        let last = below.len().saturating_sub(1);
        for (number, one) in below.into_iter().enumerate() {
            let (branch, under) = match number == last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            self.grow(one, &format!("{rest}{branch}"), &format!("{rest}{under}"));
        }
    }
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
        words.extend(view.working.clone());
        let refuses = view.refuses_writes.iter();
        words.extend(refuses.map(|why| format!("refuses writes: {why}")));
    }
    words.extend(unanswered.iter().map(|why| format!("no answer: {why}")));
    words.extend(held.iter().map(|why| format!("held: {why}")));
    words.join(", ")
}
