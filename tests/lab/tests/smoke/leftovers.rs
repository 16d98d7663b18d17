//! What a lab could leave behind, listed before and after.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// One line for each thing that exists on this machine now and carries one of these marks, see [`meshworker_lab::Swarm::marks`].
/// There may be other labs.
pub fn of(marks: &[String; 2]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |kind: &str, lines: Vec<String>| {
        let marked = |line: &String| marks.iter().any(|mark| carries(line, mark));
        found.extend(
            lines
                .into_iter()
                .filter(marked)
                .map(|line| format!("{kind}: {line}")),
        );
    };
    add("namespace", entries(Path::new("/run/netns")));
    add("interface", entries(Path::new("/sys/class/net")));
    add("directory", entries(&std::env::temp_dir()));
    let root = Path::new("/sys/fs/cgroup");
    add("control group", entries(root));
    for hierarchy in entries(root) {
        add("control group", entries(&root.join(hierarchy)));
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    add("mount", mounts.lines().map(String::from).collect());
    let rules = Command::new("iptables").args(["-w", "10", "-S"]).output();
    let rules = String::from_utf8(rules.unwrap().stdout).unwrap();
    add("rule", rules.lines().map(String::from).collect());
    add("process", processes());
    found
}

/// Whether the mark is in the line, and not as the beginning of another one with a longer number.
fn carries(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(start, _)| {
        let next = line[start + mark.len()..].chars().next();
        !next.is_some_and(|next| next.is_ascii_digit())
    })
}

fn entries(directory: &Path) -> Vec<String> {
    let Ok(entries) = directory.read_dir() else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Engines and shims show their lab's directory in their arguments, containers in their control group.
fn processes() -> Vec<String> {
    entries(Path::new("/proc"))
        .into_iter()
        .filter(|name| {
            name.parse::<u32>()
                .is_ok_and(|pid| pid != std::process::id())
        })
        .flat_map(|pid| {
            let read = |file: &str| {
                let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace(['\0', '\n'], " ")
            };
            [
                format!("{pid} {}", read("cmdline")),
                format!("{pid} {}", read("cgroup")),
            ]
        })
        .collect()
}
