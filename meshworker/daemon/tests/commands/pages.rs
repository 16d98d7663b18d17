//! Whole pages, compared.

use meshworker::cli::show::{self, EventLines, Now, Style};

use meshworker::status::{ClusterStatus, GroupStatus, Topology};

use crate::story;

fn now() -> Now {
    Now::after(story::TIME, 0.4)
}

fn fits(page: &str, width: usize) {
    for line in page.lines() {
        assert!(line.chars().count() <= width, "wider than {width}: {line}");
        assert_eq!(line, line.trim_end(), "ends with spaces");
    }
}

/// A page without its colours.
fn without_colour(page: &str) -> String {
    let mut parts = page.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}

fn every_page(style: &Style) -> Vec<String> {
    let (calm, busy) = (story::calm(), story::busy());
    let status = busy.status.clone().unwrap();
    let mut events = EventLines::new(*style).naming_clusters(true);
    let history = story::history();
    let history: Vec<String> = history
        .iter()
        .flat_map(|event| events.lines(event))
        .collect();
    vec![
        show::status(&calm, style),
        show::status(&busy, style),
        show::members(&status.members, style),
        show::topology(&Topology::of(&story::replicas()), style),
        show::plan("cache_redis", &status.plan, style),
        show::group(
            &story::workers(),
            &["http://10.0.1.22:4748: no answer".into()],
            style,
        ),
        bereft(style),
        show::why(&story::why(), now(), style),
        history.join("\n"),
    ]
}

/// What beginning anew would lose.
fn bereft(style: &Style) -> String {
    let heard = story::bereft();
    let (worker, status) = &heard[0];
    let unheard = ["http://10.0.1.21:4748: connection refused".to_owned()];
    show::restart(&heard, &unheard, (worker, status), style)
}

#[test]
fn the_workers_of_a_group_are_a_table() {
    let page = show::group(&story::workers(), &[], &Style::PLAIN);
    story::same(&page, "group.txt");
}

#[test]
fn what_a_new_beginning_would_lose_is_shown() {
    story::same(&bereft(&Style::PLAIN), "restart.txt");
}

#[test]
fn a_worker_that_works_alone_says_so_in_a_line() {
    let alone = GroupStatus {
        acts: true,
        ..GroupStatus::default()
    };
    let page = show::group(&[("http://w:4748".into(), alone)], &[], &Style::PLAIN);
    assert_eq!(
        page,
        "http://w:4748 works alone: it acts, and is in no group"
    );
}

#[test]
fn a_calm_cluster_is_told_in_a_few_lines() {
    let page = show::status(&story::calm(), &Style::PLAIN);
    story::same(&page, "calm.txt");
}

#[test]
fn a_busy_cluster_says_what_is_seen_done_refused_and_why() {
    let page = show::status(&story::busy(), &Style::PLAIN);
    story::same(&page, "busy.txt");
}

#[test]
fn what_the_worker_may_not_do_is_told() {
    let mut shown = story::calm();
    let mode = &mut shown.status.as_mut().unwrap().mode;
    mode.dry_run = true;
    mode.removals = false;
    mode.held = Some("disk work on node-c".into());
    let page = show::status(&shown, &Style::PLAIN);
    let lines: Vec<&str> = page.lines().skip(3).take(3).collect();
    assert_eq!(
        lines,
        [
            "HELD by an operator, nothing is done: disk work on node-c",
            "DRY RUN: it plans and shows, and does nothing",
            "REMOVALS OFF: members join, and none is forgotten",
        ]
    );
}

#[test]
fn what_a_member_has_of_its_memory_was_cut_off_at_80_columns() {
    let page = show::status(&story::calm(), &Style::PLAIN);
    assert_eq!(Style::PLAIN.width, 80);
    assert_eq!(
        page.matches("5461 slots, 1204 keys, 3/64M ").count(),
        3,
        "{page}"
    );
}

#[test]
fn who_ordered_a_drain_is_told() {
    let mut shown = story::calm();
    let mode = &mut shown.status.as_mut().unwrap().mode;
    mode.drains = ["cache_redis.1", "cache_redis.2"].map(str::to_owned).into();
    let by = ("cache_redis.1".to_owned(), "ana: a new disk".to_owned());
    mode.drained_by = [by].into();
    let page = show::status(
        &shown,
        &Style {
            width: 200,
            ..Style::PLAIN
        },
    );
    for line in [
        "DRAIN of cache_redis.1, ordered by ana: a new disk; `meshworker resume cache_redis.1` takes it back",
        "DRAIN of cache_redis.2, ordered by an operator; `meshworker resume cache_redis.2` takes it back",
    ] {
        assert!(page.lines().any(|other| other == line), "{page}");
    }
}

#[test]
fn members_have_one_row_each() {
    let status = story::busy().status.unwrap();
    let page = show::members(&status.members, &Style::PLAIN);
    story::same(&page, "members.txt");
}

#[test]
fn a_member_that_refuses_writes_was_as_well_as_any() {
    let mut shown = story::calm();
    let members = &mut shown.status.as_mut().unwrap().members;
    let view = members[1].view.as_mut().unwrap();
    view.refuses_writes = Some("its memory is full".into());
    members[2].view.as_mut().unwrap().follows = Some("cache_redis.1".into());
    let remark = "  cache_redis.2 refuses writes: its memory is full";
    for page in [
        show::status(&shown, &Style::PLAIN),
        show::members(&shown.status.clone().unwrap().members, &Style::PLAIN),
    ] {
        assert!(page.contains(" refuses writes, 54"), "{page}");
        assert!(page.lines().any(|line| line == remark), "{page}");
        assert!(page.contains(" of cache_redis.1, 54"), "{page}");
    }
}

#[test]
fn nodes_are_called_by_their_names() {
    let mut shown = story::calm();
    let page = show::status(&shown, &Style::PLAIN);
    assert!(
        page.contains("node-a ") && !page.contains("id-of"),
        "{page}"
    );
    // Of an older worker there is only the id.
    let members = &mut shown.status.as_mut().unwrap().members;
    members.iter_mut().for_each(|one| one.node_name = None);
    let page = show::status(&shown, &Style::PLAIN);
    assert!(page.contains("id-of-node-a"), "{page}");
}

#[test]
fn a_plan_shows_what_each_part_rests_on() {
    let page = show::plan("cache_redis", &story::plan(), &Style::PLAIN);
    story::same(&page, "plan.txt");
    let page = show::plan("cache_redis", &Default::default(), &Style::PLAIN);
    assert_eq!(page, "cache_redis: nothing to do, and nothing is refused");
}

#[test]
fn why_shows_all_evidence_for_a_member() {
    let page = show::why(&story::why(), now(), &Style::PLAIN);
    story::same(&page, "why.txt");
}

#[test]
fn events_say_the_date_once() {
    let mut events = EventLines::new(Style::PLAIN);
    let history = story::history();
    let page: Vec<String> = history
        .iter()
        .flat_map(|event| events.lines(event))
        .collect();
    story::same(&page.join("\n"), "events.txt");
}

#[test]
fn an_old_pass_and_none_at_all_are_loud() {
    let mut shown = story::calm();
    shown.summary.age_seconds = Some(130.0);
    let page = show::status(&shown, &Style::PLAIN);
    assert_eq!(
        page.lines().nth(1).unwrap(),
        "NO PASS FOR 2 min: all below is as old; look at the worker's log"
    );
    assert_eq!(
        shown.trouble().unwrap(),
        "cache_redis: the last pass was 2 min ago"
    );
    shown.status = None;
    assert_eq!(
        show::status(&shown, &Style::PLAIN),
        "cache_redis (redis): no pass yet: the worker has just started, or is stuck"
    );
    assert_eq!(shown.trouble().unwrap(), "cache_redis: no pass yet");
    assert_eq!(story::calm().trouble(), None);
    assert!(
        story::busy()
            .trouble()
            .unwrap()
            .starts_with("cache_redis: not one cluster: ")
    );
}

#[test]
fn every_page_fits_80_columns_and_others() {
    for width in [80, 60, 40] {
        let style = Style {
            width,
            ..Style::PLAIN
        };
        for page in every_page(&style) {
            if width == 80 {
                fits(&page, width);
            } else {
                // Tables keep what tells rows apart, down to here.
                let widest = page.lines().map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width, "{width}: {page}");
            }
        }
    }
}

#[test]
fn long_names_and_addresses_fit_too() {
    let mut shown = story::busy();
    let status = shown.status.as_mut().unwrap();
    for (at, member) in status.members.iter_mut().enumerate() {
        member.id = format!("a-stack-with-a-very-long-name_and-a-service-with-another.{at}");
        member.address = format!("fd00:1234:5678:9abc:def0:1234:5678:{at}");
    }
    let page = show::status(&shown, &Style::PLAIN);
    fits(&page, 80);
    assert!(page.contains(".0 ") && page.contains(".3 "), "{page}");
    fits(
        &show::members(&shown.status.unwrap().members, &Style::PLAIN),
        80,
    );
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let plain = every_page(&Style::PLAIN);
    let coloured = every_page(&Style {
        colour: true,
        ..Style::PLAIN
    });
    for (plain, coloured) in plain.iter().zip(coloured) {
        assert!(coloured.contains("\x1b["));
        let lines = without_colour(&coloured);
        let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
        assert_eq!(lines.join("\n"), *plain);
    }
}

#[test]
fn a_database_cannot_write_to_the_terminal() {
    let mut shown = story::busy();
    let status = shown.status.as_mut().unwrap();
    status.unity = "one\x1b[2J".into();
    status.members[0].id = "a\x1b]0;b\x07\n".into();
    status.plan.refusals[0].reason = "\x1b[31m\r".into();
    assert!(!show::status(&shown, &Style::PLAIN).contains(['\x1b', '\r', '\x07']));
}

/// Two that copied from each other were shown without end, or not at all.
#[test]
fn a_circle_and_a_chain_are_shown_once_each() {
    let mut status = story::replicas();
    for member in &mut status.members {
        if let Some(view) = &mut member.view {
            (view.replication, view.role_since) = (None, None);
        }
    }
    status.plan.refusals.clear();
    let shown = |status: &ClusterStatus| show::topology(&Topology::of(status), &Style::PLAIN);
    let follow = |status: &mut ClusterStatus, one: usize, other: &str| {
        status.members[one].view.as_mut().unwrap().follows = Some(other.to_owned());
    };
    follow(&mut status, 0, "db_mariadb.3");
    let expected = "\
db_mariadb.2 at 10.0.1.4: joined, primary, term 5
└─ db_mariadb.3 at 10.0.1.5: joined, replica, term 5, it is more than 5 s behind
   └─ db_mariadb.1 at 10.0.1.3: joined, replica, term 5
db_mariadb.4 at 10.0.1.9: waiting, no answer: connection refused";
    assert_eq!(shown(&status), expected);
    follow(&mut status, 2, "db_mariadb.1");
    let expected = "\
db_mariadb.2 at 10.0.1.4: joined, primary, term 5
db_mariadb.4 at 10.0.1.9: waiting, no answer: connection refused
db_mariadb.1 at 10.0.1.3: joined, replica, term 5
└─ db_mariadb.3 at 10.0.1.5: joined, replica, term 5, it is more than 5 s behind";
    assert_eq!(shown(&status), expected);
}
