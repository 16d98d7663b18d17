//! No circle between the modules of a crate: whoever reads one needs to know only what
//! stands below it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate's modules, each with those that it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The names after `crate::` in this text: those of a list, too.
fn names(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && letter.is_alphanumeric() => {
                    names.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

/// What ships: without comments, and without tests.
fn shipped(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_test = name == "tests" || name.ends_with("_tests");
        if path.is_dir() && !is_test {
            files(&path, found);
        } else if !is_test && path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// Which module each name at the top of a crate stands for: a module's own, and what
/// is passed on from one.
fn owners(top: &str) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for line in top.split(';') {
        let line = line.trim().rsplit('\n').next().unwrap_or_default();
        if let Some(module) = line.split("mod ").nth(1) {
            owners.insert(word(module).to_owned(), word(module).to_owned());
        }
    }
    for passed in top.split(" use ").skip(1) {
        let module = word(passed);
        let until = passed.split(';').next().unwrap();
        for name in until.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            if !name.is_empty() {
                owners
                    .entry(name.to_owned())
                    .or_insert_with(|| module.to_owned());
            }
        }
    }
    owners
}

fn uses(source: &Path) -> Uses {
    let owners = owners(&shipped(&source.join("lib.rs")));
    let mut uses = Uses::new();
    let mut found = Vec::new();
    files(source, &mut found);
    for path in found {
        let inside = path.strip_prefix(source).unwrap();
        let module = inside.iter().next().unwrap().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let text = shipped(&path);
        let named = names(&text);
        let used = named.into_iter().filter_map(|name| owners.get(name));
        let others = used.filter(|used| **used != module).cloned();
        uses.entry(module.clone()).or_default().extend(others);
    }
    uses
}

/// What is left when whoever uses nobody that is left is taken away, again and again:
/// the circles, and what stands above them.
fn circles(mut uses: Uses) -> Uses {
    loop {
        let left: BTreeSet<String> = uses.keys().cloned().collect();
        for used in uses.values_mut() {
            used.retain(|module| left.contains(module));
        }
        let before = uses.len();
        uses.retain(|_, used| !used.is_empty());
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../meshworker");
    for (name, at_least) in [
        ("core", 30),
        ("engines", 15),
        ("group", 14),
        ("doctor", 4),
        ("daemon", 25),
    ] {
        let uses = uses(&root.join(name).join("src"));
        assert!(uses.len() >= at_least, "{name}: only {:?}", uses.keys());
        assert_eq!(circles(uses), Uses::new(), "{name} has a circle");
    }
}

#[test]
fn a_circle_is_found_through_names_that_are_passed_on() {
    let owners = owners("mod a;\npub mod b;\n\npub use a::{One, Two};\n");
    assert_eq!(owners["Two"], "a");
    assert_eq!(owners["b"], "b");
    let named = names("use crate::{One, b::{Deep, c}, Two};\ncrate::other()");
    assert_eq!(named, ["One", "Two", "b", "other"].into());
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let uses: Uses = [
        ("a".to_owned(), set(&["b"])),
        ("b".to_owned(), set(&["a", "c"])),
        ("c".to_owned(), set(&[])),
    ]
    .into();
    let left: Vec<String> = circles(uses).into_keys().collect();
    assert_eq!(left, ["a", "b"]);
}
