//! Whether replicas share a directory.

use std::path::Path;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::field::At;
use crate::stack::model::{Mount, Service, Stack};
use crate::stack::parts;

pub const CHECK: Check<Ground> = Check {
    name: "volume",
    finds: "one volume that several replicas may write to",
    run: |ground| {
        let mut findings = Vec::new();
        for cluster in ground.some_clusters()? {
            let member = cluster.member;
            // A start script that is told the slot can make a directory of it.
            if member.wanted() == Some(1) || knows_its_slot(member) {
                continue;
            }
            let shared = parts::setting(member, "data-dir").filter(|_| cluster.is_supervised());
            for mount in &member.mounts {
                // The supervisor gives each slot a directory of its own there.
                let target = mount.value.target.trim_end_matches('/');
                let is_shared = |dir: &At<String>| Path::new(dir.value.trim()).starts_with(target);
                if shared.as_ref().is_some_and(is_shared) {
                    continue;
                }
                findings.extend(find(&ground.stack, member, mount));
            }
        }
        Ok(findings)
    },
};

fn find(stack: &Stack, member: &Service, mount: &At<Mount>) -> Option<Finding> {
    let Mount {
        source,
        target,
        bind,
        tmpfs,
        read_only,
    } = &mount.value;
    let source = source.as_ref()?;
    if *tmpfs || *read_only || is_own(source) || target.ends_with("docker.sock") {
        return None;
    }
    let volume = stack.volumes.get(source).filter(|_| !bind);
    let named = volume.and_then(|volume| volume.name.as_deref());
    if named.is_some_and(is_own) {
        return None;
    }
    // A volume of the local driver is another one on each node, unless that
    // driver mounts something that all nodes share.
    let everywhere = volume.is_some_and(|volume| {
        let driver = volume.driver.as_deref();
        let kind = volume.options.get("type").map(String::as_str);
        matches!(kind, Some("nfs" | "nfs4" | "cifs"))
            || !matches!(driver, None | Some("local" | ""))
    });
    let one_per_node = member.wanted().is_none()
        || member
            .max_per_node
            .as_ref()
            .is_some_and(|most| most.value == 1);
    if one_per_node && !everywhere {
        return None;
    }
    let whom = match everywhere {
        true => "all replicas",
        false => "replicas on one node",
    };
    let what = format!("'{source}' at {target} is one directory for {whom}.");
    Some(
        Finding::new(Severity::Hint, member.subject(), what)
            .why("Two databases in one directory break each other's files, unless each has a directory of its own there.")
            .instead(format!(
                "volumes:\n  - type: volume\n    source: \"{source}-{{{{.Task.Slot}}}}\"\n    target: {target}\n# or, under the supervisor:\nenvironment:\n  MESHWORKER_DATA_DIR: {target}"
            ))
            .at(mount.place.as_ref()),
    )
}

/// Whether a name is another one for each replica.
fn is_own(name: &str) -> bool {
    let name = name.replace(' ', "");
    name.contains("{{.Task.")
}

/// Whether the container itself is told its slot, beside what the supervisor
/// is told.
fn knows_its_slot(member: &Service) -> bool {
    let mut variables = member.environment.iter();
    let told = variables
        .any(|(name, variable)| !name.starts_with("MESHWORKER_") && is_own(&variable.value.value));
    told || member.words.iter().any(|word| is_own(word))
        || member.hostname.as_deref().is_some_and(is_own)
}
