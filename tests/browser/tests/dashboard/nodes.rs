//! A box in the picture is a swarm node, and stands there once.

use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::Fake;
use crate::support::scene;

const TITLES: &str =
    "[...document.querySelectorAll('.box title')].map((one) => one.textContent).join('; ')";

pub fn members_whose_node_nobody_knows_are_in_no_box(browser: &Browser) {
    let fake = Fake::start();
    let status = |nodes: [Option<&str>; 3]| {
        let mut status = scene::calm(3, 3);
        for (member, node) in status.members.iter_mut().zip(nodes) {
            member.node = node.map(str::to_owned);
        }
        status
    };
    fake.set(status([Some("a"), Some("b"), None]));
    let page = Page::open(browser, &fake);
    for (nodes, titles) in [
        ([None, None, None], ""),
        ([Some("a"), Some("a"), Some("a")], "a; a, continued"),
        ([Some("a"), Some("b"), None], "a; b"),
    ] {
        fake.set(status(nodes));
        page.wait(&format!("{TITLES} === {titles:?}"), TITLES);
    }
    // By their names, which two may share.
    let mut named = status([Some("a"), Some("b"), Some("b")]);
    for member in &mut named.members {
        member.node_name = Some("rack-7".to_owned());
    }
    fake.set(named);
    page.wait(&format!("{TITLES} === \"rack-7; rack-7\""), TITLES);
    page.has_no_errors();
}
