//! The line to the worker breaks, and comes back.

use meshworker::status::EventKind;
use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::{Fake, Reach};
use crate::support::scene;

pub fn a_broken_line_is_told_and_mended(browser: &Browser) {
    let fake = Fake::start();
    fake.set(scene::calm(3, 3));
    for id in 1..=9 {
        fake.happen(scene::event(
            id,
            60,
            EventKind::Witness,
            None,
            "dns: answer",
        ));
    }
    let page = Page::open(browser, &fake);
    page.shows(&scene::calm(3, 3));
    page.has_no_errors();

    // Without a stream, it asks: what changes is seen all the same.
    fake.reach(Reach::NoStream);
    page.is_in_line("polling");
    let mut crash = scene::calm(3, 3);
    scene::silence(&mut crash, 2, true);
    fake.set(crash.clone());
    fake.happen(scene::event(
        10,
        0,
        EventKind::Member,
        Some(2),
        "joined -> silent",
    ));
    page.shows(&crash);
    let has = |id: u64| format!("document.querySelectorAll('[data-event=\"{id}\"]').length === 1");
    page.wait(&has(10), "document.getElementById('events').textContent");

    // Nobody answers: the page says so, and since when, and keeps what it knows.
    fake.reach(Reach::Nothing);
    page.is_in_line("lost");
    let line = "document.getElementById('line').textContent";
    page.wait(
        &format!("/^no answer from the worker since \\d\\d:\\d\\d:\\d\\d/.test({line})"),
        line,
    );
    page.shows(&crash);
    assert_eq!(page.eval("document.title"), "? no answer – meshworker");

    // What happened in the meantime is there when the line is.
    fake.set(scene::calm(4, 2));
    fake.happen(scene::event(
        11,
        0,
        EventKind::Unity,
        None,
        "one cluster of 4 members",
    ));
    fake.reach(Reach::All);
    page.is_in_line("live");
    page.shows(&scene::calm(4, 2));
    page.wait(&has(11), "document.getElementById('events').textContent");

    // Another worker counts its events from 1.
    fake.reach(Reach::Nothing);
    page.is_in_line("lost");
    fake.forget_events();
    fake.happen(scene::event(
        1,
        0,
        EventKind::Unity,
        None,
        "one cluster of 4 members, again",
    ));
    fake.reach(Reach::All);
    page.is_in_line("live");
    page.wait(
        "document.getElementById('events').children.length === 1",
        "document.getElementById('events').textContent",
    );
    fake.happen(scene::event(
        2,
        0,
        EventKind::Member,
        Some(1),
        "still there",
    ));
    page.wait(&has(2), "document.getElementById('events').textContent");

    // Nothing but the broken line itself is an error.
    let errors = page.browser.console_errors().unwrap();
    let others: Vec<_> = errors
        .iter()
        .filter(|error| !error.contains("net::ERR_") && !error.contains("status of 503"))
        .collect();
    assert_eq!(others, Vec::<&String>::new());
}
