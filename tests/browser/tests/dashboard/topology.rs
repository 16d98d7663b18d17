//! Who copies from whom: the tree follows a fail-over, and names what is wrong.

use meshworker::status::RefusalStatus;
use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::Fake;
use crate::support::scene::{self, CLUSTER};

const TREE: &str = "[...document.querySelectorAll('.tree > li')].map(function said(one) { \
    const below = [...one.querySelectorAll(':scope > ul > li')].map(said); \
    return one.dataset.node + (below.length > 0 ? ' (' + below.join(', ') + ')' : ''); }).join('; ')";
const TEXT: &str = "(document.querySelector('.tree')?.textContent ?? '')";

pub fn the_tree_follows_a_fail_over(browser: &Browser) {
    let fake = Fake::start();
    let id = |slot: usize| format!("{CLUSTER}.{slot}");
    fake.set(scene::calm(3, 3));
    let page = Page::open(browser, &fake);
    let is = |tree: String| page.wait(&format!("{TREE} === {tree:?}"), TREE);
    let says = |words: &str| page.wait(&format!("{TEXT}.includes({words:?})"), TEXT);
    // Where nobody copies from anybody there is nothing to draw.
    is(String::new());

    let mut status = scene::replicated(3, 1, 7);
    fake.set(status.clone());
    is(format!("{} ({}, {})", id(1), id(2), id(3)));
    says("primary, term 7");
    says("waits for one of 2 to acknowledge");
    says("has 0-1-1204");
    assert_eq!(
        page.eval("document.querySelectorAll('.leaf-primary').length"),
        1
    );

    // Its own word says that it is behind, and why.
    let third = status.members[2].view.as_mut().unwrap();
    third.working = Some("it is 9 s behind".into());
    fake.set(status);
    says("it is 9 s behind");

    let mut status = scene::replicated(3, 2, 8);
    scene::silence(&mut status, 1, false);
    fake.set(status);
    is(format!("{} ({}); {}", id(2), id(3), id(1)));
    says("primary, term 8");
    says("no answer: no answer within 1 s");

    // The old one has what nobody else has: it stands alone, and what it has is named.
    let mut status = scene::replicated(3, 2, 8);
    let first = status.members[0].view.as_mut().unwrap();
    first.follows = None;
    status.plan.refusals.push(RefusalStatus {
        what: format!("have {} follow", id(1)),
        kind: "foreign_cluster".into(),
        reason: "it has transaction 0-1-1209, which the primary has not".into(),
        evidence: Vec::new(),
        members: vec![id(1)],
    });
    fake.set(status);
    is(format!("{} ({}); {}", id(2), id(3), id(1)));
    says("it has transaction 0-1-1209");
    page.eval(&format!(
        "document.querySelector('[data-node={:?}] button').click()",
        id(3)
    ));
    page.wait(
        "!document.getElementById('evidence').hidden",
        "document.getElementById('evidence').hidden",
    );
    page.has_no_errors();
}
