//! Deque's axe-core, where npm is there to bring it: a second opinion, beside
//! the checks of `access.rs`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::access::trouble;
use crate::page::Page;
use crate::support::fake::Fake;

const PACKAGE: &str = "axe-core@4.14.1";

/// The script, as the registry has it; kept beside what cargo builds.
fn axe() -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("package/axe.min.js");
    if !script.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let command = command.args(arguments).current_dir(&folder);
            let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            ended.is_ok_and(|status| status.success())
        };
        let archive = format!("{}.tgz", PACKAGE.replace('@', "-"));
        if !run("npm", &["pack", "--silent", PACKAGE]) || !run("tar", &["-xzf", &archive]) {
            eprintln!("SKIPPED: {PACKAGE} is not there, and npm does not bring it");
            return None;
        }
    }
    Some(std::fs::read_to_string(script).unwrap())
}

#[test]
fn axe_finds_nothing() {
    let fake = Fake::start();
    fake.set(trouble());
    let Some(page) = Page::open(&fake) else {
        return;
    };
    let Some(axe) = axe() else {
        return;
    };
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
