//! Several workers: who acts, and that another one does.

use meshworker::status::{EventKind, GroupMember, GroupStatus, Part};
use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::{Fake, Reach};
use crate::support::scene;

const TEXT: &str = "document.getElementById('workers').textContent";
const EVENTS: &str = "document.getElementById('events').textContent";

fn worker(slot: u64, leader: u64) -> GroupMember {
    GroupMember {
        store: format!("store-{slot}"),
        slot: Some(slot),
        node: Some(format!("node-{slot}")),
        address: Some(format!("10.0.1.{slot}")),
        part: if slot == leader {
            Part::Leader
        } else {
            Part::Voter
        },
        answers: true,
        kept: Some(true),
        last: Some(7),
        behind: None,
        leaving: false,
        waits: None,
    }
}

/// Three workers, of which this one acts.
fn group(leader: u64) -> GroupStatus {
    GroupStatus {
        group: Some("a-group".into()),
        me: "store-1".into(),
        acts: leader == 1,
        why: (leader != 1).then(|| format!("worker {leader} on node-{leader}")),
        leader: Some(format!("store-{leader}")),
        since: Some("2026-11-21T03:10:20Z".into()),
        members: (1..=3).map(|slot| worker(slot, leader)).collect(),
        ..GroupStatus::default()
    }
}

pub fn another_one_acts_and_the_page_lives_on(browser: &Browser) {
    let fake = Fake::start();
    fake.set(scene::calm(3, 3));
    let happens = |id: u64| {
        let event = scene::event(id, 60, EventKind::Member, None, "it happened");
        fake.happen(event);
    };
    happens(1);
    let page = Page::open(browser, &fake);
    let has = |id: u64| {
        let one = format!("document.querySelectorAll('[data-event=\"{id}\"]').length === 1");
        page.wait(&one, EVENTS);
    };
    has(1);
    assert_eq!(page.eval("document.getElementById('workers').hidden"), true);

    // A sign that the page is the same one until the end.
    page.eval("window.same = true");
    fake.group(group(1));
    let says = |words: &str| page.wait(&format!("{TEXT}.includes('{words}')"), TEXT);
    says("worker 1 on node-1 acts since 11-21 03:10:20 UTC");

    // It dies: the browser comes to another worker, which knows another one that acts.
    fake.reach(Reach::Nothing);
    page.is_in_line("lost");
    let mut next = group(2);
    next.members[0].answers = false;
    fake.group(next);
    fake.reach(Reach::All);
    page.is_in_line("live");
    says("worker 2 on node-2 acts");
    says("does not answer");
    // Numbers may jump, and the new one may not know the newest event yet.
    happens(40);
    has(40);
    fake.reach(Reach::Nothing);
    page.is_in_line("lost");
    fake.fall_behind();
    fake.reach(Reach::All);
    page.is_in_line("live");
    happens(41);
    has(41);
    has(40);

    let mut nobody = group(2);
    nobody.leader = None;
    nobody.why = Some("a majority is not there".into());
    fake.group(nobody);
    says("Nobody acts: a majority is not there");
    assert_eq!(page.eval("window.same"), true);
}
