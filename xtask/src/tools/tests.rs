//! The table, held against the files that lock what is in it.

use std::collections::BTreeSet;
use std::fs;

use super::*;

fn lock(name: &str) -> String {
    fs::read_to_string(data(name)).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    files.flatten().collect()
}

#[test]
fn every_tool_is_listed_once_and_of_one_exact_version() {
    let names: BTreeSet<_> = ALL.iter().map(|tool| tool.name).collect();
    assert_eq!(names.len(), ALL.len());
    for tool in ALL {
        let is_debians = matches!(tool.source, Source::Debian { .. });
        let numbers: Vec<&str> = tool.version.split('.').collect();
        let is_exact = numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u32>().is_ok());
        assert!(is_exact || is_debians && tool.version == "debian", "{tool}");
    }
}

#[test]
fn pythons_locks_have_the_tool_and_hashes_of_all() {
    for tool in ALL {
        let Source::PyPi { lock: name } = tool.source else {
            continue;
        };
        let text = lock(name);
        // One package a line, as pip reads them.
        let text = text.replace("\\\n", "");
        let mut packages = Vec::new();
        for line in text.lines() {
            let (package, hashes) = line.split_once(' ').unwrap();
            assert!(package.contains("=="), "{name}: {line}");
            for hash in hashes.split_whitespace() {
                let digits = hash.strip_prefix("--hash=sha256:").unwrap();
                assert_eq!(digits.len(), 64, "{name}: {package}: {hash}");
            }
            packages.push(package);
        }
        let wanted = format!("{}=={}", tool.name, tool.version);
        assert!(packages.contains(&wanted.as_str()), "{name}: {packages:?}");
    }
}

#[test]
fn npms_locks_have_the_tool_and_hashes_of_all() {
    for tool in ALL {
        let Source::Npm { lock: name } = tool.source else {
            continue;
        };
        let text = lock(name);
        let packages: Vec<&str> = text.split("\"node_modules/").skip(1).collect();
        for package in &packages {
            assert!(
                package.contains("\"integrity\": \"sha512-"),
                "{name}: {package}"
            );
        }
        let wanted = format!(
            "{}\": {{\n      \"version\": \"{}\"",
            tool.name, tool.version
        );
        assert!(packages.iter().any(|found| found.starts_with(&wanted)));
    }
}

#[test]
fn mavens_locks_have_the_tool_and_hashes_of_all() {
    for tool in ALL {
        let Source::Maven { lock: name } = tool.source else {
            continue;
        };
        let text = lock(name);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
        for line in &lines {
            assert_eq!((line.len(), line[2].len()), (3, 64), "{name}: {line:?}");
        }
        let wanted = format!(":{}.Final", tool.version);
        let first = lines.iter().find(|line| line[0] == tool.path).unwrap();
        assert!(first[1].ends_with(&wanted), "{name}: {first:?}");
    }
}

#[test]
fn no_lock_names_a_registry() {
    let found = files(&data(""));
    assert!(found.len() > 3, "{found:?}");
    for file in found {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["://", "resolved", "index-url", "find-links"] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn another_lock_is_another_folder() {
    let named = |tool: &Tool| tool.folder().unwrap().file_name().unwrap().to_owned();
    let name = named(&TYPOS).into_string().unwrap();
    let key = name.strip_prefix("typos-1.52.0-").unwrap();
    assert_eq!(key.len(), 16);
    assert_eq!(named(&MDBOOK), "mdbook-0.5.4");
}
