//! Whether replicas share a directory.

use std::path::Path;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::field::At;
use crate::stack::model::{Mount, MountKind, Service, Stack};
use crate::stack::parts;

pub const CHECK: Check<Ground> = Check {
    name: "volume",
    finds: "one volume that several replicas may write to",
    run: |ground| {
        let mut findings = Vec::new();
        for service in ground.databases()? {
            // A start script that is told the slot can make a directory of it.
            if service.wanted() == Some(1) || knows_its_slot(service) {
                continue;
            }
            let shared = parts::setting(service, "data-dir");
            let shared = shared.filter(|_| parts::is_supervised(service));
            for mount in &service.mounts {
                // The supervisor gives each slot a directory of its own there.
                let target = mount.value.target.trim_end_matches('/');
                let is_shared = |dir: &At<String>| Path::new(dir.value.trim()).starts_with(target);
                if shared.as_ref().is_some_and(is_shared) {
                    continue;
                }
                findings.extend(find(&ground.stack, service, mount));
            }
        }
        Ok(findings)
    },
};

pub const UNNAMED: Check<Ground> = Check {
    name: "volume-unnamed",
    finds: "data in a volume without a name, which each update leaves behind",
    run: |ground| {
        let mut findings = Vec::new();
        for service in ground.databases()? {
            let unnamed = service.mounts.iter().find(|mount| {
                let Mount {
                    source, read_only, ..
                } = &mount.value;
                mount.value.is_volume() && source.is_none() && !read_only
            });
            let Some(mount) = unnamed else { continue };
            let target = &mount.value.target;
            let what = format!("Its volume at {target} has no name.");
            findings.push(
                Finding::new(Severity::Warning, service.subject(), what)
                    .why("Every new task gets an empty one: after an update, or after the stack was removed and deployed again, the data is gone.")
                    .instead(format!("volumes: [\"data:{target}\"]\n# and at the top: volumes: {{data: {{}}}}"))
                    .at(mount.place.as_ref()),
            );
        }
        Ok(findings)
    },
};

/// Paths that every node has.
const EVERYWHERE: [&str; 7] = [
    "/var/run/",
    "/run/",
    "/etc/",
    "/proc",
    "/sys",
    "/dev/",
    "/var/lib/docker",
];

pub const PATH: Check<Ground> = Check {
    name: "bind-path",
    finds: "a directory of the node that not every node may have",
    run: |ground| {
        let mut findings = Vec::new();
        let databases = ground.databases().unwrap_or_default();
        for service in &ground.stack.services {
            let is_database = databases.iter().any(|other| other.name == service.name);
            let one_node = service.constraints.iter().any(|constraint| {
                let plain: String = constraint.value.split_whitespace().collect();
                plain.starts_with("node.hostname==") || plain.starts_with("node.id==")
            });
            let path = service.mounts.iter().find(|mount| {
                let source = mount.value.source.as_deref().unwrap_or_default();
                let absolute = source.starts_with('/');
                let known = EVERYWHERE.iter().any(|path| source.starts_with(path)) || source == "/";
                mount.value.is_bind() && !known && (is_database || !absolute)
            });
            let Some(mount) = path.filter(|_| !one_node) else {
                continue;
            };
            let source = mount.value.source.as_deref().unwrap_or_default();
            let what = format!("{source} must be on every node that may run it.");
            findings.push(
                Finding::new(Severity::Hint, service.subject(), what)
                    .why("Docker makes no such directory: on a node without it each task is rejected, with 'bind source path does not exist'.")
                    .instead(format!("a volume: \"data:{}\"; for files, configs; or the directory made on each node", mount.value.target))
                    .at(mount.place.as_ref()),
            );
        }
        Ok(findings)
    },
};

fn find(stack: &Stack, member: &Service, mount: &At<Mount>) -> Option<Finding> {
    let Mount {
        source,
        target,
        kind,
        read_only,
    } = &mount.value;
    let source = source.as_ref()?;
    let is_shared = matches!(kind, MountKind::Volume | MountKind::Bind);
    if !is_shared || *read_only || is_own(source) || target.ends_with("docker.sock") {
        return None;
    }
    let volume = stack
        .volumes
        .get(source)
        .filter(|_| mount.value.is_volume());
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
                "volumes:\n  {source}:\n    name: \"{source}-{{{{.Task.Slot}}}}\" # from version 3.4 of the file format on\n# or, under the supervisor:\nenvironment:\n  MESHWORKER_DATA_DIR: {target}"
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
/// is told. Swarm fills in no template of a command, and a host name is no
/// directory.
fn knows_its_slot(member: &Service) -> bool {
    let mut variables = member.environment.iter();
    variables
        .any(|(name, variable)| !name.starts_with("MESHWORKER_") && is_own(&variable.value.value))
}
