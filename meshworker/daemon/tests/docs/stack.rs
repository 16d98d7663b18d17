//! The stack files, and what they mount.

use std::fs;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};

use crate::page::root;

/// So many digits of a checksum are in a config's name.
const DIGITS: usize = 8;

/// The name and the file of each config that a stack file declares.
fn configs(stack: &str) -> Vec<(String, String)> {
    let mut lines = stack.lines().skip_while(|line| *line != "configs:").skip(1);
    let mut configs: Vec<(String, String)> = Vec::new();
    for line in lines
        .by_ref()
        .take_while(|line| line.is_empty() || line.starts_with(' '))
    {
        match line.strip_prefix("  ") {
            Some(name) if !name.starts_with([' ', '#']) && name.ends_with(':') => {
                configs.push((name.trim_end_matches(':').into(), String::new()));
            }
            _ => {
                let file = line.trim_start().strip_prefix("file: ");
                if let (Some(file), Some((_, last))) = (file, configs.last_mut()) {
                    *last = file.into();
                }
            }
        }
    }
    configs
}

/// Every stack file.
fn stacks() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("stack")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

/// Deployed under its old name, a changed config is refused by Docker.
#[test]
fn a_config_is_named_after_its_content() {
    let mut compared = 0;
    for path in stacks() {
        let stack = fs::read_to_string(&path).unwrap();
        for (name, file) in configs(&stack) {
            // The user's own, under whatever name.
            if file.contains("${") {
                continue;
            }
            let content = fs::read(root().join("stack").join(&file)).unwrap();
            let sum = digest(&SHA256, &content);
            let sum: String = sum.as_ref().iter().map(|b| format!("{b:02x}")).collect();
            let expected = format!("-{}", &sum[..DIGITS]);
            assert!(
                name.ends_with(&expected),
                "{}: {name} is to end in {expected}, the checksum of {file}",
                path.display()
            );
            let used = format!("source: {name}\n");
            assert!(
                stack.contains(&used),
                "{}: nobody mounts {name}",
                path.display()
            );
            compared += 1;
        }
    }
    assert!(compared >= 2, "only {compared} configs were compared");
}

/// What the volume is called after when nothing else is said.
#[test]
fn the_default_version_is_this_one() {
    let version = env!("CARGO_PKG_VERSION");
    let mut found = 0;
    for path in stacks() {
        let stack = fs::read_to_string(&path).unwrap();
        for (_, rest) in stack
            .match_indices("${MESHWORKER_VERSION:-")
            .map(|(at, what)| stack.split_at(at + what.len()))
        {
            let (default, _) = rest.split_once('}').unwrap();
            assert_eq!(default, version, "{}", path.display());
            found += 1;
        }
    }
    assert!(found >= 4, "only {found} were found");
}

/// Deployed twice, a file made two clusters of one name in metrics, alerts and paths.
#[test]
fn two_stacks_of_one_file_had_clusters_of_one_name() {
    let mut named = 0;
    for path in stacks() {
        let stack = fs::read_to_string(&path).unwrap();
        let names = stack.lines().map(str::trim);
        for name in names.filter(|line| line.starts_with("MESHWORKER_NAME:")) {
            let by_stack = r#"{{index .Service.Labels "com.docker.stack.namespace"}}"#;
            assert!(name.contains(by_stack), "{}: {name}", path.display());
            named += 1;
        }
    }
    assert!(named >= 10, "only {named} names were seen");
}
