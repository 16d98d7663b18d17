//! Deque's axe-core: a second opinion, beside the checks of `access.rs`.

use meshworker_browser::Browser;

use crate::access::trouble;
use crate::page::Page;
use crate::support::fake::Fake;

/// Names the file `axe.min.js`.
const SCRIPT: &str = "MESHWORKER_AXE";

pub fn axe_finds_nothing(browser: &Browser) {
    let Some(script) = std::env::var_os(SCRIPT) else {
        return meshworker_needs::missing("axe-core", "cargo xtask test --all brings it");
    };
    let axe = std::fs::read_to_string(script).unwrap();
    let fake = Fake::start();
    fake.set(trouble());
    let page = Page::open(browser, &fake);
    page.shows(&trouble());
    let look = format!(
        "{axe}; return axe.run(document, {{ resultTypes: ['violations'] }}).then((found) => \
         found.violations.map((one) => `${{one.id}}: ${{one.help}}: ${{one.nodes.map((node) => node.html.slice(0, 200) + ' ' + node.failureSummary).join(' | ')}}`));"
    );
    for dark in [false, true] {
        page.browser.emulate_dark(dark).unwrap();
        assert_eq!(page.browser.run(&look).unwrap(), serde_json::json!([]));
    }
    page.choose("cache_redis.6");
    assert_eq!(page.browser.run(&look).unwrap(), serde_json::json!([]));
}
