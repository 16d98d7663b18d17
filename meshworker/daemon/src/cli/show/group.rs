//! The workers, one row each.

use super::parts::{detail, item, paint, section};
use super::{Cell, Column, Cut, Ink, Style, clean, table, wrap};
use crate::status::{GroupMember, GroupStatus, Part};

/// The workers' page, from what each of them says, and what became of those that say nothing.
pub fn group(heard: &[(String, GroupStatus)], unheard: &[String], style: &Style) -> String {
    let mut lines = Vec::new();
    match best(heard) {
        Some(status) if !status.members.is_empty() => {
            lines.extend(headline(status, style));
            lines.extend(rows(status, style));
            lines.extend(section("remarks", remarks(status, heard, style), style));
        }
        _ => lines.extend(heard.iter().flat_map(|(worker, status)| {
            let is = match &status.why {
                None => "works alone: it acts, and is in no group",
                Some(why) => &format!("is in no group: {why}"),
            };
            wrap(&format!("{} {is}", clean(worker)), style.width, "", "  ")
        })),
    }
    let silent = unheard
        .iter()
        .flat_map(|why| item(why, Some(Ink::Bad), style));
    lines.extend(section("did not answer", silent.collect(), style));
    lines.join("\n")
}

/// What beginning anew with this worker's store would lose.
pub fn restart(
    heard: &[(String, GroupStatus)],
    unheard: &[String],
    (worker, status): (&str, &GroupStatus),
    style: &Style,
) -> String {
    let mut lines = vec![group(heard, unheard, style), String::new()];
    let last = status.own().and_then(|own| own.last);
    let last = last.map_or_else(String::new, |last| {
        format!(", which ends with entry {last}")
    });
    let text = format!(
        "The group would begin anew with the log of {}{last}. Others join it, and what they \
         know besides is lost.",
        clean(worker)
    );
    lines.extend(wrap(&text, style.width, "", ""));
    for one in &status.members {
        let had = one
            .last
            .map(|last| format!("its log ends with entry {last}"));
        let had = match one.answers {
            _ if one.store == status.me => continue,
            true => had.unwrap_or_else(|| "nobody knows how much it has".into()),
            false => "does not answer: what it alone knows is lost".into(),
        };
        lines.extend(item(&format!("{}: {had}", one.name()), None, style));
    }
    lines.join("\n")
}

/// Whose word counts: whoever acts, else whoever has the latest news.
fn best(heard: &[(String, GroupStatus)]) -> Option<&GroupStatus> {
    let all = heard.iter().map(|(_, status)| status);
    all.max_by_key(|status| {
        let grouped = status.group.is_some();
        (grouped, status.acts, status.term, status.committed)
    })
}

fn headline(status: &GroupStatus, style: &Style) -> Vec<String> {
    let since = status.since.as_ref();
    let since = since.map_or_else(String::new, |since| format!(" since {since}"));
    let leader = status.leader.as_ref();
    let leader = leader.and_then(|leader| status.members.iter().find(|one| one.store == *leader));
    let (text, ink) = match (leader, &status.why) {
        (Some(leader), _) => (format!("{} acts{since}", leader.name()), Ink::Good),
        (None, Some(why)) => (format!("nobody acts: {why}"), Ink::Bad),
        (None, None) => ("nobody acts".into(), Ink::Bad),
    };
    let mut lines = paint(wrap(&text, style.width, "", "  "), Some(ink), style);
    if let Some(group) = &status.group {
        let GroupStatus {
            term, committed, ..
        } = status;
        let text = format!("group {group}, term {term}, {committed} entries agreed on");
        lines.extend(paint(
            wrap(&text, style.width, "", "  "),
            Some(Ink::Dim),
            style,
        ));
    }
    lines
}

fn rows(status: &GroupStatus, style: &Style) -> Vec<String> {
    let columns = [
        Column("WORKER", Cut::Never),
        Column("NODE", Cut::End),
        Column("ADDRESS", Cut::Middle),
        Column("PART", Cut::Never),
        Column("LAST", Cut::Never),
        Column("BEHIND", Cut::Never),
        Column("STORE", Cut::Middle),
        Column("STATE", Cut::End),
    ];
    let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
    let rows = status.members.iter().map(|one| {
        let (state, ink) = state(one);
        [
            Cell::new(&number(one.slot)),
            Cell::new(one.node.as_deref().unwrap_or_default()),
            Cell::new(one.address.as_deref().unwrap_or_default()),
            Cell::new(one.part.name()),
            Cell::new(&number(one.last)),
            Cell::new(&number(one.behind)),
            Cell::new(&one.store),
            Cell::new(state).ink(Some(ink)),
        ]
    });
    table(columns, &rows.collect::<Vec<_>>(), style)
}

fn state(one: &GroupMember) -> (&'static str, Ink) {
    match one.answers {
        false => ("silent", Ink::Bad),
        true if one.leaving => ("leaving", Ink::Warn),
        true if one.part == Part::Outside => ("waiting", Ink::Warn),
        true => ("answers", Ink::Good),
    }
}

fn remarks(status: &GroupStatus, heard: &[(String, GroupStatus)], style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &status.members {
        if let Some(why) = &one.waits {
            lines.extend(item(&format!("{}: {why}", one.name()), None, style));
        }
    }
    for (worker, one) in heard {
        let unkept = one.unkept.as_ref().map(|why| ("keeps nothing", why));
        let unsound = one.unsound.as_ref().map(|why| ("takes no part", why));
        for (what, why) in unkept.into_iter().chain(unsound) {
            let text = format!("{worker} {what}: {}", clean(why));
            lines.extend(item(&text, Some(Ink::Bad), style));
        }
    }
    if status.members.iter().any(|one| one.kept == Some(false)) {
        let text = "stores are in memory: what is agreed on outlives any few workers, and no end \
                    of all";
        lines.extend(detail(text, style));
    }
    if status.open > 0 {
        let text = format!(
            "acts of which nobody has said yet what became of them: {}",
            status.open
        );
        lines.extend(item(&text, Some(Ink::Warn), style));
    }
    if let Some(other) = &status.other {
        let text = format!("another group is in sight, {other}: an operator is needed");
        lines.extend(item(&text, Some(Ink::Bad), style));
    }
    for (worker, other) in heard {
        if other.group != status.group {
            let is = other.group.as_ref();
            let is = is.map_or_else(|| "no group".to_owned(), |group| format!("group {group}"));
            let text = format!("{worker} is in {is}");
            lines.extend(item(&text, Some(Ink::Bad), style));
        }
    }
    lines
}
