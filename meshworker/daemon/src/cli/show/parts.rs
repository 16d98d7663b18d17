//! What several pages have in common.

use super::{Cell, Ink, Now, Style, ago, wrap};
use crate::status::{
    LeaverStatus, MemberState, MemberStatus, PlanStatus, RefusalStatus, SightingStatus, StepStatus,
    TurnedAway, ViewStatus,
};

/// A list under a heading; nothing when it is empty.
pub(super) fn section(title: &str, lines: Vec<String>, style: &Style) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    let title = paint(wrap(title, style.width, "", "  "), Some(Ink::Bold), style);
    let head = std::iter::once(String::new()).chain(title);
    head.chain(lines).collect()
}

/// An item of a list, in as many lines as it takes.
pub(super) fn item(text: &str, ink: Option<Ink>, style: &Style) -> Vec<String> {
    let lines = wrap(text, style.width, "  ", "    ");
    paint(lines, ink, style)
}

/// What belongs to an item, further in.
pub(super) fn detail(text: &str, style: &Style) -> Vec<String> {
    paint(
        wrap(text, style.width, "    ", "      "),
        Some(Ink::Dim),
        style,
    )
}

/// Lines with one meaning.
pub(super) fn paint(lines: Vec<String>, ink: Option<Ink>, style: &Style) -> Vec<String> {
    match ink {
        Some(ink) => lines.iter().map(|line| style.paint(ink, line)).collect(),
        None => lines,
    }
}

/// Whoever was not heard at the members' port.
pub(super) fn turned_away(all: &[TurnedAway], style: &Style) -> Vec<String> {
    let lines = all.iter().flat_map(|one| {
        let TurnedAway {
            who,
            times,
            since,
            last,
            why,
        } = one;
        let often = if *times == 1 {
            "once"
        } else {
            &format!("{times} times")
        };
        let text = format!("{who}: {often} since {since}, last {last}: {why}");
        item(&text, Some(Ink::Warn), style)
    });
    section("not heard at the members' port", lines.collect(), style)
}

/// A refusal in a line or more.
pub(super) fn refusal(refusal: &RefusalStatus, style: &Style) -> Vec<String> {
    let text = format!("{}: {}", refusal.what, refusal.reason);
    item(&text, Some(Ink::Warn), style)
}

/// Whether the plan's requests were made.
pub(super) fn steps_title(plan: &PlanStatus) -> &'static str {
    if plan.steps.iter().any(|step| step.ok.is_some()) {
        return "done in the last pass";
    }
    "would be done now"
}

/// A request, and what came of it.
pub(super) fn step(step: &StepStatus, style: &Style) -> Vec<String> {
    let text = format!("{} at {}: {}", step.kind, step.to, step.request);
    let reply = step.reply.as_deref().unwrap_or_default();
    match step.ok {
        Some(true) if reply.is_empty() => item(&text, None, style),
        Some(true) => item(&format!("{text} -> {reply}"), None, style),
        Some(false) => item(&format!("{text} -> FAILED: {reply}"), Some(Ink::Bad), style),
        None => item(&text, None, style),
    }
}

/// A leaver, and what it waits for.
pub(super) fn leaver(leaver: &LeaverStatus, style: &Style) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(left) = leaver.left.filter(|_| !leaver.released) {
        parts.push(format!(
            "{left} {} left",
            leaver.unit.as_deref().unwrap_or("parts")
        ));
    }
    if let Some(seconds) = leaver.estimate_seconds.filter(|_| !leaver.released) {
        parts.push(format!("about {}", ago(seconds)));
    }
    if leaver.released {
        parts.push("may stop".to_owned());
    }
    let LeaverStatus {
        place,
        member,
        going,
        ..
    } = leaver;
    let mut text = format!("{place}. {member} ({going})");
    if !parts.is_empty() {
        text = format!("{text}: {}", parts.join(", "));
    }
    let mut lines = item(&text, None, style);
    if let Some(why) = &leaver.waits_for {
        lines.extend(wrap(
            &format!("waits for: {why}"),
            style.width,
            "     ",
            "     ",
        ));
    }
    lines
}

/// What a member is doing, and what that means for the eye: of one that is in the cluster,
/// as what, if its database has roles.
pub(super) fn state(member: &MemberStatus) -> Cell {
    let state = member.state;
    let ink = match state {
        MemberState::Joined | MemberState::Spare => Ink::Good,
        MemberState::Joining
        | MemberState::Waiting
        | MemberState::Leaving
        | MemberState::Released => Ink::Warn,
        MemberState::Silent | MemberState::Refused | MemberState::Unknown => Ink::Bad,
    };
    let role = member.view.as_ref().and_then(|view| view.role.as_deref());
    let role = role.filter(|_| state.is_in());
    Cell::new(role.unwrap_or(state.name())).ink(Some(ink))
}

/// What its database has there, in its own terms; bytes, which come last, without a word
/// that would be cut off.
pub(super) fn holds(member: &MemberStatus) -> Cell {
    let view = member.view.as_ref();
    let refuses = view.is_some_and(|view| view.refuses_writes.is_some());
    let holds = view.map(ViewStatus::holds).unwrap_or_default();
    let bytes = holds.strip_suffix(" memory");
    let bytes = bytes.or_else(|| holds.strip_suffix(" data"));
    Cell::new(bytes.unwrap_or(&holds)).ink(refuses.then_some(Ink::Bad))
}

/// The witnesses and their letters, in the order in which they are shown.
const LETTERS: [(&str, char); 4] = [
    ("dns", 'D'),
    ("announce", 'A'),
    ("docker", 'K'),
    ("database", 'B'),
];

/// What the letters mean.
pub(super) const LEGEND: &str =
    "D dns, A announce, K docker, B database; small: leaving, -: absent, ?: unknown";

/// Who sees a member, a letter each.
pub(super) fn seen(sightings: &[SightingStatus]) -> String {
    let letter = |(witness, letter): (&str, char)| {
        let said = sightings.iter().find(|said| said.witness == witness);
        match said.map(|said| said.presence.as_str()) {
            None => '.',
            Some("present" | "spare") => letter,
            Some("leaving" | "stopping") => letter.to_ascii_lowercase(),
            Some("absent") => '-',
            Some(_) => '?',
        }
    };
    LETTERS.map(letter).iter().collect()
}

/// How long a member has been what [`state`] shows of it.
pub(super) fn state_for(member: &MemberStatus, now: Now) -> String {
    let role = member
        .view
        .as_ref()
        .and_then(|view| view.role_since.as_ref());
    let role = role.filter(|_| member.state.is_in());
    let since = member.state_since.iter().chain(role);
    let ages = since.filter_map(|since| now.seconds_since(since));
    ages.min_by(f64::total_cmp).map(ago).unwrap_or_default()
}

/// What is to be said of members beside their rows.
pub(super) fn remarks(members: &[MemberStatus], style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    for member in members {
        if let Some(why) = &member.held {
            let text = format!("{} is held: {why}", member.id);
            lines.extend(item(&text, Some(Ink::Warn), style));
        }
        if let Some(why) = &member.unanswered {
            let text = format!("{} does not answer: {why}", member.id);
            lines.extend(item(&text, Some(Ink::Bad), style));
        }
        let refuses = member
            .view
            .as_ref()
            .and_then(|view| view.refuses_writes.as_ref());
        if let Some(why) = refuses {
            let text = format!("{} refuses writes: {why}", member.id);
            lines.extend(item(&text, Some(Ink::Bad), style));
        }
        if let Some(work) = member.view.as_ref().and_then(|view| view.working.as_ref()) {
            lines.extend(item(&format!("{} is busy: {work}", member.id), None, style));
        }
    }
    section("remarks", lines, style)
}
