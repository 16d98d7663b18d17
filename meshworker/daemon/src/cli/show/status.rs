//! A cluster at a glance: what it is, what is seen, done, refused, and why.

use super::parts::{self, LEGEND, paint, section};
use super::{Cell, Column, Cut, EventLines, Ink, Now, Style, ago, table, wrap};
use crate::status::{ClusterStatus, Event, Mode, PassStatus, Summary, WitnessStatus};

/// A pass older than this, in seconds, is told loudly: a calm worker looks
/// every 5 s unless it is told otherwise, and never takes that long.
pub const OLD: f64 = 30.0;

/// What is shown of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its line.
    pub summary: Summary,
    /// The rest; none before the first pass.
    pub status: Option<ClusterStatus>,
    /// What happened last, oldest first.
    pub lately: Vec<Event>,
}

impl Shown {
    /// Why not all is well; none when it is.
    pub fn trouble(&self) -> Option<String> {
        let name = &self.summary.name;
        let Some(status) = &self.status else {
            return Some(format!("{name}: no pass yet"));
        };
        if !status.one {
            return Some(format!("{name}: {}", status.unity));
        }
        let age = self.age();
        (age > OLD).then(|| format!("{name}: the last pass was {} ago", ago(age)))
    }

    /// How old the last pass is, in seconds.
    pub fn age(&self) -> f64 {
        self.summary.age_seconds.unwrap_or_default()
    }
}

/// One cluster's page, without a line's end at its end.
pub fn status(shown: &Shown, style: &Style) -> String {
    let Summary { name, engine, .. } = &shown.summary;
    let Some(status) = &shown.status else {
        let line =
            format!("{name} ({engine}): no pass yet: the worker has just started, or is stuck");
        return paint(wrap(&line, style.width, "", "  "), Some(Ink::Bad), style).join("\n");
    };
    let age = shown.age();
    let now = Now::after(&status.pass.time, age);
    let ink = if status.one { Ink::Good } else { Ink::Bad };
    let head = format!("{name} ({engine}): {}", status.unity);
    let mut lines = paint(wrap(&head, style.width, "", "  "), Some(ink), style);
    lines.extend(pass(&status.pass, age, status.settled, style));
    lines.extend(wrap(&witnesses(&status.witnesses), style.width, "", "  "));
    lines.extend(mode(&status.mode, style));
    lines.push(String::new());
    lines.extend(rows(status, now, style));
    lines.extend(paint(
        wrap(LEGEND, style.width, "", ""),
        Some(Ink::Dim),
        style,
    ));
    lines.extend(parts::remarks(&status.members, style));
    let departed = status.departed.iter().flat_map(|gone| {
        let place = gone.address.as_deref().unwrap_or("nowhere");
        parts::item(&format!("{} at {place}", gone.node), Some(Ink::Warn), style)
    });
    lines.extend(section(
        "gone, but remembered by the database",
        departed.collect(),
        style,
    ));
    let leavers = status.leavers.iter();
    let leavers = leavers.flat_map(|leaver| parts::leaver(leaver, style));
    lines.extend(section("leaving, in this order", leavers.collect(), style));
    let refusals = status.plan.refusals.iter();
    let refusals = refusals.flat_map(|refusal| parts::refusal(refusal, style));
    lines.extend(section("not done, and why", refusals.collect(), style));
    let steps = status.plan.steps.iter();
    let steps = steps.flat_map(|step| parts::step(step, style));
    let title = parts::steps_title(&status.plan);
    lines.extend(section(title, steps.collect(), style));
    lines.extend(parts::turned_away(&status.turned_away, style));
    let mut events = EventLines::new(*style);
    let lately = shown.lately.iter().flat_map(|event| events.lines(event));
    lines.extend(section("lately (UTC)", lately.collect(), style));
    lines.join("\n")
}

fn pass(pass: &PassStatus, age: f64, settled: bool, style: &Style) -> Vec<String> {
    if age > OLD {
        let line = format!(
            "NO PASS FOR {}: all below is as old; look at the worker's log",
            ago(age)
        );
        return paint(wrap(&line, style.width, "", "  "), Some(Ink::Bad), style);
    }
    let steps = match pass.steps {
        0 => "nothing to do".to_owned(),
        1 => "1 request made".to_owned(),
        steps => format!("{steps} requests made"),
    };
    let line = format!(
        "looked {} ago: {} nodes asked in {:.0} ms, {steps}; {}, data {}",
        ago(age),
        pass.views,
        pass.took_seconds * 1000.0,
        pass.pace,
        if settled {
            "in its place"
        } else {
            "not all in its place"
        },
    );
    wrap(&line, style.width, "", "  ")
}

fn witnesses(witnesses: &[WitnessStatus]) -> String {
    let said = witnesses.iter().map(|said| {
        let WitnessStatus {
            witness,
            grade,
            complete,
            members,
            desired,
        } = said;
        let wish = desired.map(|desired| format!(" of {desired} wanted"));
        let grade = (grade != "answer").then_some(grade.as_str());
        // Members speak for themselves: that nobody lists them all is nothing amiss.
        let part = (!complete && grade.is_some()).then_some("not complete");
        let remarks: Vec<&str> = grade.into_iter().chain(part).collect();
        let remarks = match remarks[..] {
            [] => String::new(),
            _ => format!(" ({})", remarks.join(", ")),
        };
        format!("{witness} {members}{}{remarks}", wish.unwrap_or_default())
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        return "no witness".to_owned();
    }
    format!("members by witness: {}", said.join(", "))
}

fn mode(mode: &Mode, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |text: &str| {
        let wrapped = wrap(text, style.width, "", "  ");
        lines.extend(paint(wrapped, Some(Ink::Warn), style));
    };
    if let Some(why) = &mode.held {
        say(&format!("HELD by an operator, nothing is done: {why}"));
    }
    for member in &mode.drains {
        let by = mode.drained_by.get(member);
        let by = by.map_or("an operator", String::as_str);
        say(&format!(
            "DRAIN of {member}, ordered by {by}; `meshworker resume {member}` takes it back"
        ));
    }
    for ordered in &mode.succession {
        say(&format!("ORDERED: {ordered}"));
    }
    if mode.dry_run {
        say("DRY RUN: it plans and shows, and does nothing");
    }
    if !mode.removals {
        say("REMOVALS OFF: members join, and none is forgotten");
    }
    lines
}

fn rows(status: &ClusterStatus, now: Now, style: &Style) -> Vec<String> {
    let columns = [
        Column("MEMBER", Cut::Middle),
        Column("ADDRESS", Cut::Middle),
        Column("STATE", Cut::Never),
        Column("HOLDS", Cut::End),
        Column("NODE", Cut::End),
        Column("FOR", Cut::Never),
        Column("SEEN", Cut::Never),
    ];
    let rows = status.members.iter().map(|member| {
        let address = if member.address == member.id {
            ""
        } else {
            &member.address
        };
        [
            Cell::new(&member.id),
            Cell::new(address),
            parts::state(member),
            parts::holds(member),
            Cell::new(member.node_called().unwrap_or_default()),
            Cell::new(&parts::state_for(member, now)),
            Cell::new(&parts::seen(&member.sightings)),
        ]
    });
    table(columns, &rows.collect::<Vec<_>>(), style)
}
