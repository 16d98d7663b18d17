//! Keyboard, narrow screens, contrast, names.

use meshworker::status::EventKind;
use meshworker_browser::{Browser, Key};

use crate::page::{PATIENCE, Page};
use crate::support::fake::Fake;
use crate::support::scene;

/// Everything at once: the page is never fuller than this.
pub fn trouble() -> meshworker::status::ClusterStatus {
    let mut status = scene::calm(8, 3);
    scene::silence(&mut status, 5, false);
    scene::join(&mut status, &[9], 3);
    scene::refuse(&mut status, 10);
    scene::leave(&mut status, 6, Some(1365));
    scene::leave(&mut status, 7, None);
    status.members[0].held = Some("its disk is looked at".into());
    status.mode.held = Some(
        "a long reason without a place to break: swarm-2-is-being-repaired-until-Thursday-evening"
            .into(),
    );
    status.mode.removals = false;
    status.departed.push(meshworker::status::WhoSees {
        node: "3f2a9c0b".repeat(5),
        address: Some("10.0.1.99".into()),
        alive: false,
    });
    status
}

const FOCUS: &str = "document.activeElement.dataset.focus ?? document.activeElement.id";

pub fn a_keyboard_is_enough(browser: &Browser) {
    let fake = Fake::start();
    fake.set(scene::calm(3, 3));
    let page = Page::open(browser, &fake);
    page.shows(&scene::calm(3, 3));
    let wanted = "member cache_redis.2 10.0.1.5";
    let mut path = Vec::new();
    while page.eval(FOCUS) != wanted {
        path.push(page.eval(FOCUS).to_string());
        assert!(path.len() < 40, "Tab never comes to {wanted}: {path:?}");
        page.press(Key::Tab);
    }
    // Whoever looks sees where he is.
    let outline = page.eval("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid");

    page.press(Key::Enter);
    page.wait("document.activeElement.id === 'evidence-title'", FOCUS);
    page.wait(
        "document.querySelectorAll('#evidence .texts li').length === 3",
        "document.getElementById('evidence').textContent",
    );
    assert_eq!(
        page.eval("document.activeElement.textContent"),
        "cache_redis.2"
    );
    page.press(Key::Tab);
    assert_eq!(page.eval(FOCUS), "evidence-close");

    // The evidence follows, and the focus stays, while the cluster changes.
    let mut crash = scene::calm(3, 3);
    scene::silence(&mut crash, 2, true);
    fake.set(crash.clone());
    page.shows(&crash);
    page.wait(
        "document.querySelector('#evidence .who .state').textContent.startsWith('silent')",
        "document.getElementById('evidence').textContent",
    );
    assert_eq!(page.eval(FOCUS), "evidence-close");

    page.press(Key::Escape);
    page.wait("document.getElementById('evidence').hidden", FOCUS);
    assert_eq!(page.eval(FOCUS), wanted);

    // The row moved to the top meanwhile, and moves again under the focus.
    fake.set(scene::calm(3, 3));
    page.shows(&scene::calm(3, 3));
    assert_eq!(page.eval(FOCUS), wanted);
    page.has_no_errors();
}

pub fn a_phone_has_no_sideways_scroll(browser: &Browser) {
    let fake = Fake::start();
    fake.set(trouble());
    let page = Page::open(browser, &fake);
    page.shows(&trouble());
    for (width, height) in [
        (360, 640),
        (390, 844),
        (700, 900),
        (1200, 800),
        (2560, 1300),
    ] {
        page.browser.resize(width, height).unwrap();
        page.wait(
            &format!("Math.abs(document.querySelector('.picture').width.baseVal.value - document.querySelector('.canvas').clientWidth) < 1 && innerWidth === {width}"),
            "document.querySelector('.picture').width.baseVal.value",
        );
        for open in [false, true] {
            if open {
                page.choose("cache_redis.5");
            }
            let seen = "[document.documentElement.scrollWidth, document.body.scrollWidth, \
                 document.getElementById('evidence').scrollWidth]";
            page.wait(
                &format!("{seen}.every((one) => one <= {width})"),
                &format!("[{seen}, ...[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > {width}).slice(0, 5).map((one) => one.outerHTML.slice(0, 200))]"),
            );
            page.press(Key::Escape);
        }
    }
    page.has_no_errors();
}

/// All texts whose contrast with the ground is less than AA asks for
/// (<https://www.w3.org/TR/WCAG22/#contrast-minimum>).
const PALE: &str = r"
    const channels = (color) => color.match(/[\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = channels(color).map((one) => one / 255)
            .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = getComputedStyle(one).backgroundColor;
            if ((channels(color)[3] ?? 1) > 0.99) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    const found = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.textContent.trim() || element.closest('.hidden, .skip, noscript')) continue;
        if (!element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const drawn = element.closest('svg');
        if (drawn && !element.closest('text')) continue;
        const behind = drawn?.querySelector('.box rect');
        const levels = [light(drawn ? style.fill : style.color), light(behind ? getComputedStyle(behind).fill : ground(element))];
        const contrast = (Math.max(...levels) + 0.05) / (Math.min(...levels) + 0.05);
        if (contrast < 4.5) found.add(`${contrast.toFixed(2)} ${element.className?.baseVal ?? element.className}: ${walk.currentNode.textContent}`);
    }
    return [...found];
";

/// What a screen reader could not name or find.
const NAMELESS: &str = r"
    const found = [];
    const name = (one) => one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent.trim()
        || document.getElementById(one.getAttribute('aria-labelledby'))?.textContent;
    for (const one of document.querySelectorAll('button, a, input, select, summary, progress, nav, [role=region], [role=group], [role=dialog], section[aria-labelledby]'))
        if (!name(one)) found.push(`no name: ${one.outerHTML.slice(0, 120)}`);
    const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`twice: ${id}`);
    for (const one of document.querySelectorAll('[aria-labelledby]'))
        if (!document.getElementById(one.getAttribute('aria-labelledby'))) found.push(`label is missing: ${one.outerHTML.slice(0, 120)}`);
    let level = 0;
    for (const one of document.querySelectorAll('h1, h2, h3, h4')) {
        if (Number(one.tagName[1]) > level + 1) found.push(`a heading is left out before ${one.textContent}`);
        level = Number(one.tagName[1]);
    }
    for (const one of document.querySelectorAll('[aria-hidden=true] button, [aria-hidden=true] [tabindex], svg:not([aria-hidden])'))
        found.push(`hidden, and can be reached: ${one.outerHTML.slice(0, 120)}`);
    for (const query of ['main', 'header', '#line[role=status]', '[data-cluster] .unity[role=status]', 'table.members thead th[scope=col]'])
        if (!document.querySelector(query)) found.push(`missing: ${query}`);
    return found;
";

pub fn texts_stand_out_and_things_have_names_in_both_themes(browser: &Browser) {
    let fake = Fake::start();
    fake.set(trouble());
    for (id, kind) in [EventKind::Failed, EventKind::Done, EventKind::Leave]
        .into_iter()
        .enumerate()
    {
        fake.happen(scene::event(
            id as u64 + 1,
            5,
            kind,
            Some(6),
            "something happened",
        ));
    }
    let page = Page::open(browser, &fake);
    page.shows(&trouble());
    page.choose("cache_redis.6");
    let mut grounds = Vec::new();
    for dark in [false, true] {
        page.browser.emulate_dark(dark).unwrap();
        grounds.push(page.eval("getComputedStyle(document.body).backgroundColor"));
        assert_eq!(
            page.browser.run(PALE).unwrap(),
            serde_json::json!([]),
            "dark: {dark}"
        );
    }
    assert_ne!(grounds[0], grounds[1]);
    assert_eq!(page.browser.run(NAMELESS).unwrap(), serde_json::json!([]));

    // Lost, the page is as readable.
    fake.reach(crate::support::fake::Reach::Nothing);
    page.is_in_line("lost");
    for dark in [false, true] {
        page.browser.emulate_dark(dark).unwrap();
        assert_eq!(
            page.browser.run(PALE).unwrap(),
            serde_json::json!([]),
            "dark: {dark}"
        );
    }
}

pub fn who_wants_no_motion_gets_none(browser: &Browser) {
    let fake = Fake::start();
    let mut status = scene::calm(3, 3);
    scene::join(&mut status, &[4], 3);
    fake.set(status.clone());
    let page = Page::open(browser, &fake);
    page.shows(&status);
    let moving = "document.getAnimations().length > 0";
    page.browser
        .emulate("prefers-reduced-motion", "no-preference")
        .unwrap();
    page.browser
        .wait_for(moving, PATIENCE, "document.getAnimations().length")
        .unwrap();
    page.browser
        .emulate("prefers-reduced-motion", "reduce")
        .unwrap();
    page.browser
        .wait_for(
            "document.getAnimations().length === 0",
            PATIENCE,
            "document.getAnimations().length",
        )
        .unwrap();
}
