//! Each check with what is good to see, and with what is not.

use meshworker_core::{Grade, MemberId, Presence, Report, Sighting, Witness};
use meshworker_engines::registry::Kind;

use super::CHECKS;
use crate::doctor::{Clock, Facts, Link, Overlay, Seen, Shared};
use meshworker_doctor::finding::{Finding, Severity};
use meshworker_doctor::report::Diagnosis;

use Severity::{Error, Hint, Warning};

fn at(last: u8, presence: Presence, node: &str) -> Sighting {
    Sighting {
        node: Some(node.into()),
        presence,
        ..Sighting::at([10, 0, 1, last].into())
    }
}

fn said(witness: Witness, grade: Grade, sightings: Vec<Sighting>) -> Report {
    Report {
        witness,
        grade,
        sightings,
        coming: Vec::new(),
        desired: None,
    }
}

fn dns(grade: Grade, listed: &[u8]) -> Report {
    let listed = listed.iter().map(|last| at(*last, Presence::Present, ""));
    said(Witness::Dns, grade, listed.collect())
}

fn tasks(listed: Vec<Sighting>) -> Option<Report> {
    Some(said(Witness::Docker, Grade::Answer, listed))
}

/// Nothing is wrong.
fn good() -> Facts {
    Facts {
        name_servers: Ok(vec![[127, 0, 0, 11].into()]),
        links: Ok(vec![link("eth0", 1450, false), link("ens3", 1500, true)]),
        overlays: Ok(vec![overlay(None)]),
        nodes: Ok(["a", "b"]
            .map(|node| (node.into(), format!("host-{node}")))
            .into()),
        engines: Ok([("28.5.1".into(), vec!["host-a".into(), "host-b".into()])].into()),
        shared: None,
        clusters: vec![Seen {
            name: "db".into(),
            dns_name: "db".into(),
            engine: Kind::Aerospike.descriptor(),
            dns: dns(Grade::Answer, &[1, 2]),
            tasks: tasks(vec![
                at(1, Presence::Present, "a"),
                at(2, Presence::Present, "b"),
            ]),
        }],
        clocks: vec![Ok(clock(0.4))],
    }
}

fn link(name: &str, mtu: usize, is_device: bool) -> Link {
    Link {
        name: name.into(),
        mtu,
        is_device,
    }
}

fn overlay(mtu: Option<usize>) -> Overlay {
    Overlay {
        name: "db_cluster".into(),
        mtu,
        encrypted: true,
    }
}

fn clock(ahead: f64) -> Clock {
    Clock {
        whose: "worker 10.0.1.3:4747".into(),
        ahead,
        unsure: 0.6,
    }
}

fn found(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = good();
    change(&mut facts);
    Diagnosis::of(CHECKS, &facts).findings
}

fn named(findings: &[Finding]) -> Vec<(&str, Severity)> {
    let found = findings.iter();
    found.map(|found| (found.check, found.severity)).collect()
}

#[test]
fn where_all_is_well_nothing_is_found_and_every_check_was_made() {
    let diagnosis = Diagnosis::of(CHECKS, &good());
    assert_eq!(diagnosis.findings, vec![]);
    assert_eq!(diagnosis.skipped, vec![]);
    assert_eq!(diagnosis.checked, CHECKS.len());
}

#[test]
fn an_encrypted_overlay_wants_engines_of_one_version() {
    let of = |other: &str, encrypted| {
        let other = other.to_owned();
        found(move |facts| {
            facts.overlays.as_mut().unwrap()[0].encrypted = encrypted;
            let engines = facts.engines.as_mut().unwrap();
            engines.insert(other, vec!["host-c".into()]);
        })
    };
    let mixed = of("29.1.0", true);
    assert_eq!(named(&mixed), [("encrypted", Warning)]);
    assert_eq!(mixed[0].subject, "network db_cluster");
    assert_eq!(
        mixed[0].what,
        "It is encrypted, and its nodes' engines are 28.5.1 (host-a, host-b) and 29.1.0 (host-c)."
    );
    assert_eq!(named(&of("28.5.2", true)), [("encrypted", Hint)]);
    assert_eq!(of("29.1.0", false), vec![]);
}

#[test]
fn a_name_server_that_is_not_dockers_is_told() {
    let other = found(|facts| facts.name_servers = Ok(vec![[10, 1, 1, 1].into()]));
    assert_eq!(named(&other), [("name-server", Hint)]);
    let none = found(|facts| facts.name_servers = Ok(vec![]));
    assert_eq!(named(&none), [("name-server", Error)]);
    let unreadable = found(|facts| facts.name_servers = Err("no such file".into()));
    assert_eq!(named(&unreadable), [("name-server", Error)]);
}

#[test]
fn each_grade_of_a_bad_answer_has_its_own_words() {
    let grades = [
        Grade::NxDomain,
        Grade::Empty,
        Grade::ServFail,
        Grade::Refused,
        Grade::Timeout,
        Grade::Failed("garbage".into()),
    ];
    for grade in grades {
        let findings = found(|facts| facts.clusters[0].dns = dns(grade.clone(), &[]));
        assert_eq!(named(&findings), [("dns-answer", Error)], "{grade}");
        let what = format!("DNS says of db: {grade}.");
        assert_eq!(findings[0].what, what);
    }
    let cut = found(|facts| facts.clusters[0].dns = dns(Grade::Truncated, &[1]));
    assert_eq!(
        named(&cut),
        [("dns-truncated", Error), ("dns-missing", Warning)]
    );
}

#[test]
fn stale_phantom_and_missing_addresses_are_told_apart() {
    let findings = found(|facts| {
        let seen = &mut facts.clusters[0];
        seen.dns = dns(Grade::Answer, &[1, 2, 3, 9]);
        seen.tasks = tasks(vec![
            at(1, Presence::Present, "a"),
            at(2, Presence::Leaving, "b"),
            at(3, Presence::OutOfSight, "c"),
            at(4, Presence::Present, "b"),
        ]);
    });
    let expected = [
        ("dns-stale", Warning),
        ("dns-phantom", Warning),
        ("dns-missing", Warning),
    ];
    assert_eq!(named(&findings), expected);
    let starts = [
        "DNS still lists 10.0.1.2, 10.0.1.3,",
        "DNS lists 10.0.1.9,",
        "DNS does not list 10.0.1.4,",
    ];
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.what.starts_with(start), "{finding:?}");
    }
}

#[test]
fn a_leaving_member_that_dns_has_forgotten_is_no_disagreement() {
    let change = |facts: &mut Facts| {
        let listed = vec![
            at(1, Presence::Present, "a"),
            at(2, Presence::Present, "b"),
            at(3, Presence::Leaving, "b"),
        ];
        facts.clusters[0].tasks = tasks(listed);
    };
    assert_eq!(found(change), vec![]);
    let mut facts = good();
    change(&mut facts);
    assert!(super::agree(&facts.clusters[0]));
}

#[test]
fn a_task_list_that_gives_no_answer_is_an_error_and_nothing_is_compared() {
    let mut facts = good();
    let failed = Grade::Failed("there is no service db".into());
    facts.clusters[0].tasks = Some(Report::unknown(Witness::Docker, failed));
    let diagnosis = Diagnosis::of(CHECKS, &facts);
    assert_eq!(named(&diagnosis.findings), [("task-list", Error)]);
    let skipped: Vec<_> = diagnosis.skipped.iter().map(|s| s.check).collect();
    assert_eq!(skipped, ["dns-stale", "dns-phantom", "dns-missing"]);
}

#[test]
fn without_the_docker_api_what_needs_it_is_skipped_and_nothing_is_wrong() {
    let mut facts = good();
    facts.clusters[0].tasks = None;
    facts.overlays = Err("no socket".into());
    facts.nodes = Err("no socket".into());
    let diagnosis = Diagnosis::of(CHECKS, &facts);
    assert_eq!(diagnosis.findings, vec![]);
    let skipped: Vec<_> = diagnosis.skipped.iter().map(|s| s.check).collect();
    assert_eq!(
        skipped,
        [
            "task-list",
            "dns-stale",
            "dns-phantom",
            "dns-missing",
            "one-node",
            "shared-node",
            "encrypted"
        ]
    );
}

#[test]
fn members_beyond_an_editions_limit_or_all_on_one_node_are_told() {
    let nine: Vec<u8> = (1..=9).collect();
    let many = found(|facts| {
        facts.clusters[0].dns = dns(Grade::Answer, &nine);
        facts.clusters[0].tasks = None;
    });
    assert_eq!(named(&many), [("member-limit", Warning)]);
    let together = found(|facts| {
        let listed = vec![at(1, Presence::Present, "a"), at(2, Presence::Present, "a")];
        facts.clusters[0].tasks = tasks(listed);
    });
    assert_eq!(named(&together), [("one-node", Warning)]);
}

/// After a node's loss its member runs on another one for good.
#[test]
fn two_members_on_one_node_and_none_on_another_were_no_finding() {
    let slot = |slot: u8, node: &str| Sighting {
        member: Some(MemberId::Slot {
            service: "cache_db".into(),
            slot: slot.into(),
        }),
        ..at(slot, Presence::Present, node)
    };
    let placed = |nodes: &[&str], usable: &[&str]| {
        found(|facts| {
            let members = (1..).zip(nodes).map(|(of, node)| slot(of, node));
            facts.clusters[0].tasks = tasks(members.collect());
            facts.clusters[0].dns = dns(Grade::Answer, &[1, 2, 3][..nodes.len()]);
            let usable = usable
                .iter()
                .map(|node| ((*node).into(), format!("host-{node}")));
            facts.nodes = Ok(usable.collect());
        })
    };
    let shared = placed(&["a", "b", "a"], &["a", "b", "c"]);
    assert_eq!(named(&shared), [("shared-node", Warning)]);
    let [finding] = &shared[..] else {
        panic!("{shared:?}");
    };
    assert_eq!(
        finding.what,
        "2 of its 3 members run on node host-a: cache_db.1, cache_db.3. Node host-c has 0."
    );
    assert_eq!(finding.instead, "docker service update --force cache_db");
    // The third node is gone, or drained: nothing can be spread to it.
    assert_eq!(placed(&["a", "b", "a"], &["a", "b"]), vec![]);
    assert_eq!(placed(&["a", "b", "c"], &["a", "b", "c"]), vec![]);
    // A worker knows what it costs, without the Docker API as well.
    let told = found(|facts| {
        facts.nodes = Err("no socket".into());
        facts.shared = Some(vec![Shared {
            cluster: "db".into(),
            words: "rely on node a: its death costs slots 0-5460".into(),
        }]);
    });
    assert_eq!(named(&told), [("shared-node", Warning)]);
    assert_eq!(
        told[0].what,
        "rely on node a: its death costs slots 0-5460."
    );
}

#[test]
fn a_link_that_is_too_narrow_is_told_with_the_mtu_that_fits() {
    let narrow = found(|facts| facts.links = Ok(vec![link("ens3", 1460, true)]));
    assert_eq!(named(&narrow), [("mtu", Error)]);
    assert!(
        narrow[0].instead.contains("mtu: \"1460\""),
        "{}",
        narrow[0].instead
    );
    let one_of_two = found(|facts| {
        facts.links = Ok(vec![link("ens3", 1460, true), link("ens4", 9000, true)]);
    });
    assert_eq!(named(&one_of_two), [("mtu", Warning)]);
    let perhaps_none = found(|facts| {
        facts.links = Ok(vec![link("ens3", 1460, true)]);
        facts.overlays = Err("no socket".into());
    });
    assert_eq!(named(&perhaps_none), [("mtu", Warning)]);
    let fitting = found(|facts| {
        facts.links = Ok(vec![link("ens3", 1460, true)]);
        facts.overlays = Ok(vec![overlay(Some(1410))]);
    });
    assert_eq!(fitting, vec![]);
    // A container's own links say nothing about those between nodes.
    let mut facts = good();
    facts.links = Ok(vec![link("eth0", 1450, false)]);
    let skipped = Diagnosis::of(CHECKS, &facts).skipped;
    assert_eq!(skipped[0].check, "mtu");
}

#[test]
fn a_clock_that_is_surely_away_is_told() {
    assert_eq!(found(|facts| facts.clocks = vec![Ok(clock(2.5))]), vec![]);
    let behind = found(|facts| facts.clocks = vec![Ok(clock(0.0)), Ok(clock(-90.0))]);
    assert_eq!(named(&behind), [("clock", Warning)]);
    assert_eq!(behind[0].what, "Its clock is 90 s behind.");
    let mut facts = good();
    facts.clocks = vec![Err("no socket".into())];
    let skipped = Diagnosis::of(CHECKS, &facts).skipped;
    assert_eq!(skipped[0].why, "no other clock could be read: no socket");
}

#[test]
fn without_a_cluster_only_this_place_is_looked_at() {
    let mut facts = good();
    facts.clusters.clear();
    let diagnosis = Diagnosis::of(CHECKS, &facts);
    assert_eq!(diagnosis.findings, vec![]);
    assert_eq!(diagnosis.checked, 4);
    let why = &diagnosis.skipped[0].why;
    assert!(why.starts_with("no cluster is named"), "{why}");
}
