//! The open page, and what it shows.

use std::time::Duration;

use meshworker::status::ClusterStatus;
use meshworker_browser::{Browser, Key};
use serde_json::{Value, json};

use crate::support::fake::Fake;

/// Generous: other tests keep the machine busy.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What the page shows of a cluster, as a JavaScript expression: every member once,
/// sorted, and all else that stands out.
const SHOWN: &str = r"(() => {
    const section = document.querySelector('[data-cluster]');
    if (!section) return null;
    const texts = (query) => [...section.querySelectorAll(query)].map((one) => one.textContent);
    const unity = section.querySelector('[data-unity]');
    return {
        name: section.dataset.cluster,
        one: unity.dataset.one,
        unity: unity.textContent,
        members: [...section.querySelectorAll('[data-member]')]
            .map((row) => [row.dataset.member, row.dataset.address, row.dataset.state,
                row.querySelector('.state').textContent].join(' ')).sort(),
        drawn: [...section.querySelectorAll('.spot')]
            .map((spot) => spot.querySelector('title').textContent).sort(),
        leavers: texts('.leavers li button'),
        progress: section.querySelectorAll('progress').length,
        refused: texts('.refused li > b'),
        departed: [...section.querySelectorAll('[data-departed]')].map((one) => one.dataset.departed),
        witnesses: texts('.witnesses b'),
        banners: texts('.banner'),
    };
})()";

/// The page, open in a browser.
pub struct Page<'a> {
    pub browser: &'a Browser,
}

impl<'a> Page<'a> {
    pub fn open(browser: &'a Browser, fake: &Fake) -> Page<'a> {
        browser.resize(1200, 800).unwrap();
        browser.goto(&fake.url()).unwrap();
        let page = Page { browser };
        page.is_in_line("live");
        page
    }

    pub fn eval(&self, expression: &str) -> Value {
        self.browser.eval(expression).unwrap()
    }

    #[track_caller]
    pub fn wait(&self, condition: &str, seen: &str) {
        self.browser.wait_for(condition, PATIENCE, seen).unwrap();
    }

    /// The line to the worker is live, polling or lost.
    #[track_caller]
    pub fn is_in_line(&self, line: &str) {
        let condition = format!("document.getElementById('line').dataset.line === '{line}'");
        self.wait(&condition, "document.getElementById('line').outerHTML");
    }

    /// Waits until the page shows this, all of it and nothing else.
    #[track_caller]
    pub fn shows(&self, status: &ClusterStatus) {
        let condition = format!(
            "JSON.stringify({SHOWN}) === JSON.stringify({})",
            expected(status)
        );
        let seen = format!("({{ shown: {SHOWN}, expected: {} }})", expected(status));
        self.wait(&condition, &seen);
    }

    pub fn press(&self, key: Key) {
        self.browser.press(key).unwrap();
    }

    pub fn has_no_errors(&self) {
        let errors = self.browser.console_errors().unwrap();
        assert_eq!(errors, Vec::<String>::new());
    }

    /// Opens a member's evidence by its button.
    #[track_caller]
    pub fn choose(&self, member: &str) {
        let member = serde_json::to_string(member).unwrap();
        self.eval(&format!(
            "document.querySelector(`[data-member=${{CSS.escape({member})}}] button`).click()"
        ));
        self.wait(
            "!document.getElementById('evidence').hidden && !!document.querySelector('#evidence .who')",
            "document.getElementById('evidence').textContent",
        );
    }
}

/// What is to be shown of this status, as [`SHOWN`] has it.
fn expected(status: &ClusterStatus) -> String {
    let members = status.members.iter();
    let mut rows: Vec<String> = members
        .clone()
        .map(|one| {
            let state = one.state.name();
            format!("{} {} {state} {state}", one.id, one.address)
        })
        .collect();
    rows.sort();
    let mut drawn: Vec<String> = members
        .map(|one| {
            let held = if one.held.is_some() { ", held" } else { "" };
            format!("{} at {}: {}{held}", one.id, one.address, one.state.name())
        })
        .collect();
    drawn.sort();
    let mode = &status.mode;
    let banners: Vec<String> = [
        mode.held
            .as_ref()
            .map(|why| format!("Held by an operator: {why}")),
        mode.dry_run
            .then(|| "Dry run: the worker plans and shows, and does nothing.".into()),
        (!mode.removals)
            .then(|| "Removals are off: the worker makes nobody forget anybody.".into()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let leavers = &status.leavers;
    // Text, not a value: the order of the keys is the page's.
    let parts = [
        ("name", json!(status.name)),
        ("one", json!(status.one.to_string())),
        ("unity", json!(status.unity)),
        ("members", json!(rows)),
        ("drawn", json!(drawn)),
        (
            "leavers",
            leavers.iter().map(|one| one.member.as_str()).collect(),
        ),
        (
            "progress",
            json!(
                leavers
                    .iter()
                    .filter(|one| one.left.is_some() || one.released)
                    .count()
            ),
        ),
        (
            "refused",
            status
                .plan
                .refusals
                .iter()
                .map(|one| one.what.as_str())
                .collect(),
        ),
        (
            "departed",
            status
                .departed
                .iter()
                .map(|one| one.node.as_str())
                .collect(),
        ),
        (
            "witnesses",
            status
                .witnesses
                .iter()
                .map(|one| one.witness.as_str())
                .collect(),
        ),
        ("banners", json!(banners)),
    ]
    .map(|(name, value): (&str, Value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", parts.join(","))
}
