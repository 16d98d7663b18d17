//! Hundreds of members.

use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::Fake;
use crate::support::scene;

pub fn three_hundred_members_are_shown_and_followed(browser: &Browser) {
    let fake = Fake::start();
    // Each says of each what it sees: dear to make, so made once.
    let calm = scene::calm(300, 12);
    fake.set(calm.clone());
    let page = Page::open(browser, &fake);
    page.shows(&calm);
    // One line for each pair of boxes, not of members.
    let links = page.eval("document.querySelectorAll('.link').length");
    assert_eq!(links, 12 * 11 / 2);

    let mut crash = calm;
    scene::silence(&mut crash, 123, false);
    fake.set(crash.clone());
    page.shows(&crash);
    assert_eq!(
        page.eval("document.querySelector('[data-member]').dataset.member"),
        "cache_redis.123"
    );
    // By state, where the list is long.
    page.eval("document.querySelector('.tally .state-silent').click()");
    assert_eq!(
        page.eval("document.querySelectorAll('[data-member]').length"),
        1
    );
    page.eval("document.querySelector('.tally .state-silent').click()");
    page.shows(&crash);

    // Nobody knows where they run.
    let mut nowhere = scene::calm(200, 1);
    for member in &mut nowhere.members {
        member.node = None;
    }
    fake.set(nowhere.clone());
    page.shows(&nowhere);
    page.has_no_errors();
}
