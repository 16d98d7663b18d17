//! Takes the pictures of `docs/dashboard.md`: `cargo xtask screenshots`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use meshworker::status::{ClusterStatus, EventKind};
use meshworker_browser::Browser;
use support::fake::Fake;
use support::scene;

const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("usage: screenshots FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let fake = Fake::start();
    for (id, ago, kind, member, text) in [
        (
            1,
            300,
            EventKind::Member,
            Some(6),
            "10.0.1.9 came into sight: joining",
        ),
        (
            2,
            300,
            EventKind::Done,
            Some(6),
            "CLUSTER MEET 10.0.1.9 6379 at 10.0.1.4: OK",
        ),
        (3, 299, EventKind::Member, Some(6), "joining -> joined"),
        (4, 290, EventKind::Unity, None, "one cluster of 6 members"),
        (5, 120, EventKind::Order, None, "scale to 5 replicas: taken"),
        (
            6,
            118,
            EventKind::Leave,
            Some(6),
            "wants to leave: gone for good, place 1",
        ),
        (
            7,
            117,
            EventKind::Done,
            Some(6),
            "CLUSTER MIGRATESLOT 5461-5520 to cache_redis.1: OK",
        ),
        (
            8,
            40,
            EventKind::Member,
            Some(5),
            "joined -> silent: no answer within 1 s",
        ),
        (
            9,
            40,
            EventKind::Refused,
            Some(6),
            "release: gate 2: cache_redis.5 does not answer",
        ),
        (
            10,
            3,
            EventKind::Member,
            Some(7),
            "10.0.1.10 came into sight: joining",
        ),
    ] {
        fake.happen(scene::event(id, ago, kind, member, text));
    }
    fake.set(scene::calm(6, 3));
    let browser = Browser::start()?;
    let take = |name: &str, width, height, dark, path: &str| {
        browser.resize(width, height)?;
        browser.emulate_dark(dark)?;
        browser.goto("about:blank")?;
        browser.goto(&format!("{}{path}", fake.url()))?;
        take(&browser, &folder.join(name))
    };
    take("dashboard-light.png", 1200, 800, false, "")?;
    fake.set(trouble());
    take("dashboard-trouble.png", 1200, 800, false, "")?;
    take(
        "dashboard-dark.png",
        1200,
        800,
        true,
        "#/cache_redis/cache_redis.5",
    )?;
    take("dashboard-phone.png", 390, 844, true, "")
}

/// A member crashed while another one leaves and a third one comes.
fn trouble() -> ClusterStatus {
    let mut status = scene::calm(6, 3);
    scene::silence(&mut status, 5, false);
    scene::leave(&mut status, 6, Some(1365));
    scene::join(&mut status, &[7], 3);
    status.mode.removals = false;
    status
}

fn take(browser: &Browser, file: &Path) -> Result<()> {
    let drawn = "document.getElementById('line').dataset.line === 'live' \
         && !!document.querySelector('.picture') && document.images[0].complete \
         && document.querySelectorAll('[data-event]').length === 10 \
         && (document.getElementById('evidence').hidden || !!document.querySelector('#evidence .who'))";
    browser.wait_for(drawn, PATIENCE, "document.body.textContent")?;
    browser.screenshot(file)?;
    println!("{}", file.display());
    Ok(())
}
