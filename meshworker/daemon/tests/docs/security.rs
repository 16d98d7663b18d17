//! The page on security names the test behind each "cannot".

use std::collections::BTreeSet;
use std::path::Path;

use crate::page::{Page, root};

/// The names of all tests of the tree.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                tests(&path, found);
            }
            continue;
        }
        if !name.ends_with(".rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_test |= line.contains("test]") || line.contains("test(");
                continue;
            }
            let function = line.strip_prefix("async ").unwrap_or(line);
            if let Some(rest) = function.strip_prefix("fn ").filter(|_| is_test) {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                found.insert(name.to_owned());
            }
            is_test &= line.starts_with("//");
        }
    }
}

#[test]
fn behind_each_cannot_stands_a_test() {
    let mut known = BTreeSet::new();
    for folder in ["meshworker", "tests"] {
        tests(&root().join(folder), &mut known);
    }
    assert!(known.len() > 500, "{}", known.len());
    let page = Page::read("docs/security.md").text;
    let (_, table) = page.split_once("## Who cannot do what").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let held = row.split('|').nth(3).unwrap_or_default().trim();
        let names: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(
            !names.is_empty() || held == "the same" && rows > 0,
            "no test: {row}"
        );
        for name in names {
            assert!(known.contains(name), "there is no test {name}: {row}");
        }
        rows += 1;
    }
    assert!(rows > 20, "{rows}");
}
