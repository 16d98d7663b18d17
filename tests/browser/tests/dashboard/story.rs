//! A cluster's life: the page shows each of its states, all of it and nothing
//! else.

use meshworker::status::{EventKind, WhoSees};
use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::Fake;
use crate::support::scene;

pub fn the_page_shows_what_the_api_says_from_forming_to_leaving(browser: &Browser) {
    let fake = Fake::start();
    let mut forming = scene::calm(0, 3);
    scene::join(&mut forming, &[1, 2, 3], 3);
    forming.one = false;
    forming.unity = "not one cluster: 0 of the 3 members that it takes are there".into();
    fake.set(forming.clone());
    let page = Page::open(browser, &fake);
    page.shows(&forming);
    page.eval("window.unspoilt = 'the page was never loaded again'");

    let one = scene::calm(3, 3);
    fake.set(one.clone());
    fake.happen(scene::event(1, 0, EventKind::Unity, None, &one.unity));
    page.shows(&one);
    let links = "document.querySelectorAll('.link').length + ' ' + document.querySelectorAll('.link-both').length";
    assert_eq!(page.eval(links), "3 3");
    page.wait(
        "document.querySelector('[data-event=\"1\"] .event-text')?.textContent === 'one cluster of 3 members'",
        "document.getElementById('events').textContent",
    );

    let mut growing = scene::calm(3, 3);
    scene::join(&mut growing, &[4, 5, 6], 3);
    fake.set(growing.clone());
    page.shows(&growing);
    fake.set(scene::calm(6, 3));
    page.shows(&scene::calm(6, 3));

    let mut crash = scene::calm(6, 3);
    scene::silence(&mut crash, 5, true);
    fake.set(crash.clone());
    page.shows(&crash);
    assert_eq!(
        page.eval("document.querySelectorAll('.link-half').length"),
        5
    );
    let mut crash = scene::calm(6, 3);
    scene::silence(&mut crash, 5, false);
    crash.departed.push(WhoSees {
        node: "3f2a9c".into(),
        address: None,
        alive: false,
    });
    fake.set(crash.clone());
    page.shows(&crash);
    assert_eq!(
        page.eval("document.querySelectorAll('.link-lost').length"),
        5
    );
    let said = page.eval("document.querySelector('.complaints').textContent");
    assert!(
        said.as_str()
            .unwrap()
            .contains("cache_redis.5 is held to be gone by"),
        "{said}"
    );

    let mut refused = scene::calm(6, 3);
    scene::refuse(&mut refused, 7);
    fake.set(refused.clone());
    page.shows(&refused);

    let mut held = scene::calm(6, 3);
    held.mode.held = Some("swarm-2 is being repaired".into());
    held.mode.dry_run = true;
    held.mode.removals = false;
    held.members[2].held = Some("its disk is looked at".into());
    fake.set(held.clone());
    page.shows(&held);

    // Half of what it had is gone: so the bar says.
    for (left, share) in [(2000, "0"), (1000, "0.5"), (500, "0.75")] {
        let mut leaving = scene::calm(6, 3);
        scene::leave(&mut leaving, 6, Some(left));
        scene::leave(&mut leaving, 4, None);
        fake.set(leaving.clone());
        page.shows(&leaving);
        page.wait(
            &format!("document.querySelector('progress').getAttribute('value') === '{share}'"),
            "document.querySelector('.leavers').outerHTML",
        );
    }

    let mut moved = scene::calm(3, 3);
    let mut before = moved.members[1].clone();
    before.address = "10.0.9.9".into();
    before.state = meshworker::status::MemberState::Unknown;
    before.view = None;
    moved.members.push(before);
    fake.set(moved.clone());
    page.shows(&moved);

    assert_eq!(
        page.eval("window.unspoilt"),
        "the page was never loaded again"
    );
    page.has_no_errors();
}

pub fn a_late_pass_is_loud(browser: &Browser) {
    let fake = Fake::start();
    let mut late = scene::calm(3, 3);
    late.pass.time = scene::time(100);
    fake.set(late);
    let page = Page::open(browser, &fake);
    let banner = "document.querySelector('[data-late] .banner.bad')?.textContent";
    page.wait(
        &format!("({banner} ?? '').includes('older than it may be')"),
        "document.querySelector('.head').textContent",
    );
    fake.set(scene::calm(3, 3));
    page.wait(
        "document.querySelectorAll('[data-late], .banner').length === 0",
        "document.querySelector('.head').textContent",
    );
}

pub fn the_timeline_is_filtered_and_bounded(browser: &Browser) {
    let fake = Fake::start();
    fake.set(scene::calm(3, 3));
    for id in 1..=400 {
        fake.happen(scene::event(
            id,
            500,
            EventKind::Member,
            Some(1),
            "joining -> joined",
        ));
    }
    let page = Page::open(browser, &fake);
    for id in 401..=700 {
        let kind = if id == 650 {
            EventKind::Failed
        } else {
            EventKind::Witness
        };
        fake.happen(scene::event(id, 0, kind, Some(2), "dns: NXDOMAIN"));
    }
    let ids =
        "[...document.querySelectorAll('[data-event]')].map((one) => Number(one.dataset.event))";
    page.wait(&format!("{ids}[0] === 700"), &format!("{ids}.slice(0, 9)"));
    assert_eq!(page.eval(&format!("{ids}.length")), 500);
    assert_eq!(page.eval(&format!("{ids}.at(-1)")), 201);
    assert_eq!(
        page.eval(&format!(
            "{ids}.every((id, nth, all) => nth === 0 || id < all[nth - 1])"
        )),
        true
    );

    let set = |id: &str, property: &str, value: &str| {
        page.eval(&format!(
            "(() => {{ const input = document.getElementById('{id}'); input.{property} = {value}; \
             input.dispatchEvent(new Event('input')); }})()"
        ));
    };
    set("filter-member", "value", "'redis.1'");
    assert_eq!(page.eval(&format!("{ids}.length")), 200);
    set("filter-member", "value", "''");
    set("filter-kind", "value", "'failed'");
    assert_eq!(page.eval(&format!("{ids}.join()")), "650");
    set("filter-kind", "value", "''");
    set("filter-warnings", "checked", "true");
    assert_eq!(page.eval(&format!("{ids}.join()")), "650");
    page.has_no_errors();
}
