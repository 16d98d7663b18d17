//! All evidence for one member.

use super::parts::{self, paint, section};
use super::{Cell, Column, Cut, EventLines, Ink, Now, Style, ago, table, wrap};
use crate::status::{MemberStatus, SightingStatus, ViewStatus, WhoSees, Why};

/// A member's page.
pub fn why(why: &Why, now: Now, style: &Style) -> String {
    let mut lines = Vec::new();
    for member in &why.members {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(one(member, now, style));
    }
    let others = why.seen_by.iter();
    let others = others.flat_map(|said| parts::item(said, None, style));
    lines.extend(section(
        "what other members' databases say of it",
        others.collect(),
        style,
    ));
    let leaver = why.leaver.iter();
    let leaver = leaver.flat_map(|leaver| parts::leaver(leaver, style));
    lines.extend(section("leaving", leaver.collect(), style));
    let refusals = why.refusals.iter().flat_map(|refusal| {
        let evidence = refusal.evidence.iter();
        let evidence = evidence.flat_map(|seen| parts::detail(seen, style));
        parts::refusal(refusal, style).into_iter().chain(evidence)
    });
    lines.extend(section("not done, and why", refusals.collect(), style));
    let steps = why.steps.iter().flat_map(|step| {
        let evidence = step.evidence.iter();
        let evidence = evidence.flat_map(|seen| parts::detail(seen, style));
        parts::step(step, style).into_iter().chain(evidence)
    });
    lines.extend(section("requests of the last pass", steps.collect(), style));
    lines.extend(parts::turned_away(&why.turned_away, style));
    let mut events = EventLines::new(*style);
    let history = why.events.iter().flat_map(|event| events.lines(event));
    lines.extend(section("what happened (UTC)", history.collect(), style));
    lines.join("\n")
}

fn one(member: &MemberStatus, now: Now, style: &Style) -> Vec<String> {
    let MemberStatus {
        id,
        address,
        node,
        node_name,
        task,
        part,
        state,
        state_since,
        standing,
        held,
        sightings,
        view,
        unanswered,
    } = member;
    let place = if id == address {
        String::new()
    } else {
        format!(" at {address}")
    };
    let since = state_since.as_ref();
    let lasts = since.and_then(|since| now.seconds_since(since));
    let lasts = lasts.map(|seconds| format!(" for {}", ago(seconds)));
    let lasts = lasts.unwrap_or_default();
    let head = format!("{id}{place}: {}{lasts}", state.name());
    let mut lines = paint(wrap(&head, style.width, "", "  "), Some(Ink::Bold), style);
    let mut say = |text: &str, ink| lines.extend(parts::item(text, ink, style));
    match (node_name, node) {
        (Some(name), Some(id)) => say(&format!("on node {name} ({id})"), None),
        (Some(node), None) | (None, Some(node)) => say(&format!("on node {node}"), None),
        (None, None) => {}
    }
    if let Some(task) = task {
        say(&format!("task {task}"), None);
    }
    if let Some(part) = part {
        say(&format!("of the cluster's part {part}"), None);
    }
    say(&format!("by the witnesses together: {standing}"), None);
    if let Some(why) = held {
        say(&format!("held by an operator: {why}"), Some(Ink::Warn));
    }
    if let Some(why) = unanswered {
        say(
            &format!("its database does not answer: {why}"),
            Some(Ink::Bad),
        );
    }
    lines.extend(section("who sees it", seen(sightings, now, style), style));
    if let Some(view) = view {
        lines.extend(said(view, style));
    }
    lines
}

fn seen(sightings: &[SightingStatus], now: Now, style: &Style) -> Vec<String> {
    let columns = [
        Column("  WITNESS", Cut::Never),
        Column("SAYS", Cut::End),
        Column("FOR", Cut::Never),
        Column("LAST SAID", Cut::Never),
    ];
    let rows = sightings.iter().map(|said| {
        let held = now.seconds_since(&said.since);
        [
            Cell::new(&said.witness).indented(),
            Cell::new(&said.presence),
            Cell::new(&held.map(ago).unwrap_or_default()),
            Cell::new(&format!("{} ago", ago(said.age_seconds))),
        ]
    });
    table(columns, &rows.collect::<Vec<_>>(), style)
}

fn said(view: &ViewStatus, style: &Style) -> Vec<String> {
    let ViewStatus {
        node,
        cluster_name,
        role,
        primary,
        term,
        size,
        peers,
        working,
        follows: _,
        figures: _,
        refuses_writes,
        role_since,
        replication,
    } = view;
    let role = match (role, primary) {
        (None, _) => String::new(),
        (Some(role), false) => format!(", {role}"),
        (Some(role), true) => format!(", {role}: all is written to it"),
    };
    let term = term.map(|term| format!(", in term {term}"));
    let since = role_since.iter().map(|since| format!(", since {since}"));
    let since: String = since.collect();
    let role = role + &term.unwrap_or_default() + &since;
    let mut lines = parts::item(&format!("it is node {node}{role}"), None, style);
    let name = cluster_name.iter().map(|name| format!(" '{name}'"));
    let name: String = name.collect();
    lines.extend(parts::item(
        &format!("in a cluster{name} of {size}"),
        None,
        style,
    ));
    let holds = view.holds();
    if !holds.is_empty() {
        lines.extend(parts::item(&format!("it holds: {holds}"), None, style));
    }
    if let Some(replication) = replication {
        let said = super::topology::replication(replication).join(", ");
        lines.extend(parts::item(&format!("it {said}"), None, style));
    }
    if let Some(why) = refuses_writes {
        let text = format!("it refuses writes: {why}");
        lines.extend(parts::item(&text, Some(Ink::Bad), style));
    }
    match working {
        Some(work) => lines.extend(parts::item(&format!("busy: {work}"), None, style)),
        None => lines.extend(parts::item("at rest", None, style)),
    }
    let columns = [
        Column("  KNOWS", Cut::Middle),
        Column("AT", Cut::Middle),
        Column("HOLDS IT TO BE", Cut::Never),
    ];
    let rows = peers.iter().map(
        |WhoSees {
             node,
             address,
             alive,
         }| {
            let (word, ink) = if *alive {
                ("alive", Ink::Good)
            } else {
                ("dead", Ink::Bad)
            };
            [
                Cell::new(node).indented(),
                Cell::new(address.as_deref().unwrap_or_default()),
                Cell::new(word).ink(Some(ink)),
            ]
        },
    );
    lines.extend(table(columns, &rows.collect::<Vec<_>>(), style));
    section("what its database says", lines, style)
}
