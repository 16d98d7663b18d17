//! What is so now, from the last look and the orders.

use std::collections::BTreeMap;
use std::time::SystemTime;

use meshworker_core::{Member, Orders, Presence, Report, Witness};
use tokio::time::Instant;

use super::Page;
use super::counters::timestamp;
use super::names::{STEP_KINDS, witness};
use super::registry::{
    ANNOUNCEMENTS_REFUSED, BUILD_INFO, CERTIFICATE_ENDS, CLUSTER_HELD, CLUSTER_INFO, CLUSTER_ONE,
    CLUSTER_SETTLED, CLUSTERS, DESIRED_MEMBERS, DNS_MISSING, DNS_STALE, DRY_RUN, FORGET_ORDERS,
    GROUP_ACTS, GROUP_BEHIND, GROUP_COMMITTED, GROUP_MEMBERS, GROUP_OPEN, GROUP_OTHER,
    GROUP_TAKEOVERS, GROUP_TERM, GROUP_UNKEPT, GROUP_UNSOUND, HELD_MEMBERS, INTERVAL, LAST_PASS,
    LEAVE_LEFT, LEAVERS, LOSSES, MEMBERS, PLANNED_STEPS, REFUSALS, REMOVALS_ENABLED, ROLES,
    SIGHTINGS, UNPROVED,
};
use crate::board::{Counts, Look, Sheet, of};
use crate::status::{GroupMember, GroupStatus, MemberState, Part};

/// What is so of the process.
pub fn process(page: &mut Page, clusters: usize, unproved: u64, ends: Option<SystemTime>) {
    page.put(&BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    page.count(&CLUSTERS, &[], clusters);
    page.counter(&UNPROVED, &[], unproved);
    if let Some(ends) = ends {
        page.put(&CERTIFICATE_ENDS, &[], timestamp(ends));
    }
}

/// How the workers stand.
pub fn group(page: &mut Page, status: &GroupStatus) {
    page.flag(&GROUP_ACTS, &[], status.acts);
    page.counter(&GROUP_TERM, &[], status.term);
    page.counter(&GROUP_COMMITTED, &[], status.committed);
    page.counter(&GROUP_TAKEOVERS, &[], status.takeovers);
    for part in Part::ALL {
        for (answers, word) in [(true, "yes"), (false, "no")] {
            let is = |one: &&GroupMember| one.part == part && one.answers == answers;
            let members = status.members.iter().filter(is);
            page.count(&GROUP_MEMBERS, &[part.name(), word], members.count());
        }
    }
    page.flag(&GROUP_OTHER, &[], status.other.is_some());
    page.flag(&GROUP_UNKEPT, &[], status.unkept.is_some());
    page.flag(&GROUP_UNSOUND, &[], status.unsound.is_some());
    page.count(&GROUP_OPEN, &[], status.open);
    let behind = status.members.iter().filter_map(|one| one.behind).max();
    page.counter(&GROUP_BEHIND, &[], behind.unwrap_or_default());
}

/// What is so of one cluster.
pub fn cluster(page: &mut Page, sheet: &Sheet, counts: &Counts) {
    let name = sheet.name();
    page.put(&CLUSTER_INFO, &[name, sheet.engine()], 1.0);
    page.put(&INTERVAL, &[name], sheet.interval().as_secs_f64());
    page.counter(&ANNOUNCEMENTS_REFUSED, &[name], sheet.refused());
    orders(page, name, &sheet.orders().orders(Instant::now()));
    let Some(look) = sheet.look() else {
        return;
    };
    page.flag(&CLUSTER_ONE, &[name], look.unity.is_one());
    page.flag(
        &CLUSTER_SETTLED,
        &[name],
        look.settled && look.losses.is_empty(),
    );
    let told = look.losses.iter().filter(|loss| loss.told);
    page.count(&LOSSES, &[name], told.count());
    page.put(&LAST_PASS, &[name], timestamp(look.time));
    members(page, name, &look);
    witnesses(page, name, &look);
    for kind in STEP_KINDS.map(|kind| kind.to_string()) {
        let steps = look.steps.iter().filter(|step| step.kind == kind);
        page.count(&PLANNED_STEPS, &[name, &kind], steps.count());
    }
    // One that stood and does not is none, not unknown.
    let refused = counts.refused().map(|kind| (kind.to_owned(), 0));
    let mut refusals: BTreeMap<String, usize> = refused.collect();
    for refusal in &look.refusals {
        *refusals
            .entry(refusal.reason.kind().into_owned())
            .or_default() += 1;
    }
    for (kind, count) in refusals {
        page.count(&REFUSALS, &[name, &kind], count);
    }
    leavers(page, name, &look);
}

fn orders(page: &mut Page, name: &str, orders: &Orders) {
    page.flag(&CLUSTER_HELD, &[name], orders.hold.is_some());
    page.count(&HELD_MEMBERS, &[name], orders.held.len());
    page.count(&FORGET_ORDERS, &[name], orders.forget.len());
    page.flag(&DRY_RUN, &[name], orders.dry_run);
    page.flag(&REMOVALS_ENABLED, &[name], !orders.no_removals);
}

fn members(page: &mut Page, name: &str, look: &Look) {
    let states = of::states(look);
    for state in MemberState::ALL {
        let members = states.values().filter(|(_, is)| *is == state);
        page.count(&MEMBERS, &[name, state.name()], members.count());
    }
    let heads = look.answers.values().flatten();
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for role in heads.filter_map(|head| head.role) {
        *roles.entry(role.name).or_default() += 1;
    }
    for (role, members) in roles {
        page.count(&ROLES, &[name, role], members);
    }
}

fn witnesses(page: &mut Page, name: &str, look: &Look) {
    for report in &look.reports {
        let who = witness(report.witness);
        let labels = [name, who, report.grade.kind()];
        page.count(&SIGHTINGS, &labels, look.named_by(report));
        if let Some(desired) = report.desired {
            page.count(&DESIRED_MEMBERS, &[name, who], desired);
        }
    }
    let dns = look
        .reports
        .iter()
        .any(|report| report.witness == Witness::Dns);
    if !dns || !look.reports.iter().any(Report::is_task_list) {
        return;
    }
    let says = |member: &Member, dns: Presence, listed: Presence| {
        member.seen.get(&Witness::Dns) == Some(&dns) && member.listed() == Some(&listed)
    };
    let (mut stale, mut missing) = (0, 0);
    for member in look.roster.members() {
        stale += usize::from(says(member, Presence::Present, Presence::Absent));
        let unlisted = says(member, Presence::Absent, Presence::Present);
        missing += usize::from(unlisted && !look.waits(member.address));
    }
    page.count(&DNS_STALE, &[name], stale);
    page.count(&DNS_MISSING, &[name], missing);
}

fn leavers(page: &mut Page, name: &str, look: &Look) {
    let granted = look.leavers.iter().filter(|l| l.release.is_granted());
    let granted = granted.count();
    page.count(&LEAVERS, &[name, "granted"], granted);
    page.count(&LEAVERS, &[name, "held"], look.leavers.len() - granted);
    let mut left: BTreeMap<&str, u64> = BTreeMap::new();
    for progress in look.leavers.iter().filter_map(|l| l.progress.as_ref()) {
        *left.entry(progress.unit).or_default() += progress.left;
    }
    for (unit, left) in left {
        page.counter(&LEAVE_LEFT, &[name, unit], left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_workers_is_told_in_numbers() {
        let worker = |part, answers, behind| GroupMember {
            store: "6f0c2b7e91d3a548".into(),
            slot: Some(1),
            node: None,
            address: None,
            part,
            answers,
            kept: None,
            last: None,
            behind: Some(behind),
            leaving: false,
            waits: None,
        };
        let mut page = Page::default();
        let status = GroupStatus {
            term: 3,
            committed: 184,
            takeovers: 2,
            open: 1,
            other: Some("d2b8f04e6a91c357".into()),
            unkept: None,
            members: vec![
                worker(Part::Leader, true, 0),
                worker(Part::Voter, true, 4),
                worker(Part::Voter, false, 12),
            ],
            ..GroupStatus::default()
        };
        group(&mut page, &status);
        let text = page.text();
        for line in [
            "acts 0",
            "term 3",
            "committed 184",
            "takeovers_total 2",
            "members{part=\"leader\",answers=\"yes\"} 1",
            "members{part=\"voter\",answers=\"yes\"} 1",
            "members{part=\"voter\",answers=\"no\"} 1",
            "members{part=\"learner\",answers=\"no\"} 0",
            "other_in_sight 1",
            "open_intents 1",
            "behind 12",
        ] {
            let line = format!("\nmeshworker_group_{line}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    /// An update that took more than five minutes was told as a name server at fault.
    #[test]
    fn a_successor_that_waits_was_missing_in_dns() {
        let at = |last: u8| meshworker_core::Place::from([10, 0, 0, last]);
        let all = Report::addresses(Witness::Docker, [at(1), at(2), at(9)]);
        let reports = vec![Report::addresses(Witness::Dns, [at(1)]), all];
        let mut look = Look {
            number: 1,
            at: Instant::now(),
            time: SystemTime::UNIX_EPOCH,
            took: Default::default(),
            requests: Default::default(),
            roster: meshworker_core::Roster::merge(&reports, &[].into()),
            reports,
            answers: BTreeMap::new(),
            steps: Vec::new(),
            refusals: Vec::new(),
            leavers: Vec::new(),
            outsiders: Default::default(),
            wanted: 0,
            losses: Vec::new(),
            unity: meshworker_core::Unity::apart("the test"),
            settled: false,
            pace: meshworker_core::Pace::Quick,
        };
        let told = |look: &Look| {
            let mut page = Page::default();
            witnesses(&mut page, "db", look);
            page.text()
        };
        assert!(told(&look).contains("dns_missing_members{cluster=\"db\"} 2\n"));
        let behind = meshworker_core::Reason::Waiting {
            behind: "10.0.0.1".into(),
        };
        let waits = meshworker_core::Refusal::new("join 10.0.0.9", behind);
        look.refusals.push(waits);
        let told = told(&look);
        assert!(
            told.contains("dns_missing_members{cluster=\"db\"} 1\n"),
            "{told}"
        );
        let docker = "sightings{cluster=\"db\",witness=\"docker\",grade=\"answer\"} 2\n";
        assert!(told.contains(docker), "{told}");
    }
}
