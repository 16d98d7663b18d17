//! The README's table of options, held against the table of settings.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use meshworker::config::setting::{PROCESS, SETTINGS};
use meshworker_engines::registry::Kind;

/// Set to `1`, this variable lets the test write the table instead.
const UPDATE: &str = "MESHWORKER_UPDATE_README";

fn row(flags: &str, default: &str, help: &str) -> String {
    // What the help says of a default stands in the column before it.
    let help = help.split(" [default: ").next().unwrap();
    format!("| {flags} | {default} | {} |\n", help.replace('|', "\\|"))
}

fn table() -> String {
    let mut table = String::from("| option | default | is |\n|---|---|---|\n");
    for setting in SETTINGS.iter().chain(PROCESS) {
        let mut flags = format!("`--{}`", setting.name);
        for alias in setting.aliases {
            flags += &format!(", `--{alias}`");
        }
        if let Some(short) = setting.short {
            flags += &format!(", `-{short}`");
        }
        let described = setting.help.split(" [default: ").nth(1);
        let default = setting.default.map(|default| format!("`{default}`"));
        let default = default.or(described.map(|text| text.trim_end_matches(']').to_owned()));
        table += &row(&flags, &default.unwrap_or_default(), setting.help);
    }
    for kind in Kind::ALL {
        let engine = kind.descriptor();
        for option in engine.options {
            let flags = format!("`--option {}=...` ({})", option.name, engine.name);
            table += &row(&flags, &format!("`{}`", option.default), option.help);
        }
    }
    table
}

#[test]
fn the_readmes_options_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- options -->\n").unwrap();
    let (found, after) = rest.split_once("<!-- /options -->").unwrap();
    let expected = format!("\n{}\n", table());
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        let text = format!("{before}<!-- options -->\n{expected}<!-- /options -->{after}");
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert_eq!(
        found, expected,
        "run this test with {UPDATE}=1 to write the table"
    );
}
