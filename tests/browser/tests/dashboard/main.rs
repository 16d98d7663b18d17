//! The dashboard in a real Chromium: what the page shows is what the API says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod axe;
mod line;
mod nodes;
mod page;
mod shared;
mod size;
mod story;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod topology;
mod workers;

use std::process::ExitCode;

use meshworker_browser::Browser;
use meshworker_lab::Suite;
use shared::SharedBrowser;

/// Tests, with the names that they have anyway.
macro_rules! named {
    ($($test:path),+ $(,)?) => {
        [$((stringify!($test), $test as fn(&Browser))),+]
    };
}

fn main() -> ExitCode {
    let browser = SharedBrowser::default();
    let tests = named![
        access::a_keyboard_is_enough,
        access::a_phone_has_no_sideways_scroll,
        access::texts_stand_out_and_things_have_names_in_both_themes,
        access::who_wants_no_motion_gets_none,
        line::a_broken_line_is_told_and_mended,
        nodes::members_whose_node_nobody_knows_are_in_no_box,
        size::three_hundred_members_are_shown_and_followed,
        story::the_page_shows_what_the_api_says_from_forming_to_leaving,
        story::a_late_pass_is_loud,
        story::the_timeline_is_filtered_and_bounded,
        strangers::names_that_are_markup_stay_text,
        topology::the_tree_follows_a_fail_over,
        workers::another_one_acts_and_the_page_lives_on,
    ];
    let long = named![axe::axe_finds_nothing];
    let suite = tests.into_iter().fold(Suite::new(), |suite, (name, test)| {
        suite.test(name, browser.lend(test))
    });
    let suite = long.into_iter().fold(suite, |suite, (name, test)| {
        suite.long(name, browser.lend(test))
    });
    suite.run()
}
