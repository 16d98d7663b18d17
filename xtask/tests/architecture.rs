//! ARCHITECTURE.md, held against the tree.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The paths that the list of rooms names.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let list = text.split("```text").nth(1).unwrap();
    let list = list.split("```").next().unwrap();
    let paths = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    paths.map(str::to_owned).collect()
}

/// Every crate's source folder, and below `meshworker` their folders too.
fn rooms() -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for group in ["meshworker", "tests", "."] {
        for entry in std::fs::read_dir(root().join(group)).unwrap() {
            let folder = entry.unwrap().path();
            let source = folder.join("src");
            if folder.join("Cargo.toml").exists() && source.exists() {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                let room = format!("{group}/{name}/src").replace("./", "");
                if group == "meshworker" {
                    let inner = std::fs::read_dir(&source).unwrap();
                    let inner = inner.map(|entry| entry.unwrap().path());
                    rooms.extend(inner.filter(|path| path.is_dir()).map(|path| {
                        format!("{room}/{}", path.file_name().unwrap().to_string_lossy())
                    }));
                }
                rooms.insert(room);
            }
        }
    }
    rooms
}

#[test]
fn every_listed_path_exists() {
    let missing: Vec<_> = listed()
        .into_iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "ARCHITECTURE.md lists what is not there"
    );
}

#[test]
fn every_room_is_listed() {
    let unlisted: Vec<_> = rooms().difference(&listed()).cloned().collect();
    assert_eq!(
        unlisted,
        Vec::<String>::new(),
        "ARCHITECTURE.md does not list these"
    );
}

#[test]
fn the_core_depends_on_nothing_that_could_do_io() {
    let manifest = std::fs::read_to_string(root().join("meshworker/core/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let names: Vec<&str> = dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, ["serde"]);
}
