//! The supervisor's program: whether anything brings it to the members, and which.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::field::At;
use crate::stack::model::{Mount, Service, Stack};
use crate::stack::{Ground, Watched, parts};

pub const CHECK: Check<Ground> = Check {
    name: "supervisor-program",
    finds: "a supervisor that nothing brings to its members, that they could change, or that is of another version than the worker",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let findings = clusters
            .iter()
            .map(|cluster| find(&ground.stack, cluster))
            .collect::<Vec<_>>();
        Ok(findings.into_iter().flatten().collect())
    },
};

/// What brings a program to a volume.
struct Installer<'a> {
    service: &'a Service,
    /// What it says that it is.
    expects: Option<&'a str>,
}

fn find(stack: &Stack, cluster: &Watched<'_>) -> Vec<Finding> {
    let member = cluster.member;
    let Some(program) = parts::supervisor(member).filter(|program| program.starts_with('/')) else {
        // By its name alone: the image has it.
        return Vec::new();
    };
    let Some(mount) = mount_of(member, program) else {
        return missing(member, program).into_iter().collect();
    };
    let mut findings = Vec::new();
    if !mount.value.read_only {
        findings.push(
            Finding::new(Severity::Warning, member.subject(), format!("Its replicas may write to {}, where their supervisor's program is.", mount.value.target))
                .why("Whoever breaks into one database changes what the others on this node run at their next start, as root.")
                .instead(format!("volumes:\n  - {}:{}:ro", mount.value.source.as_deref().unwrap_or("meshworker"), mount.value.target))
                .at(mount.place.as_ref()),
        );
    }
    let source = mount.value.source.as_deref();
    let Some(volume) = source.filter(|_| mount.value.is_volume()) else {
        return findings;
    };
    let installers: Vec<Installer<'_>> = stack
        .services
        .iter()
        .filter_map(|service| installer(service, volume))
        .collect();
    if installers.is_empty() {
        findings.extend(unfilled(stack, member, mount, volume));
    }
    for installer in &installers {
        findings.extend(everywhere(member, installer.service));
        findings.extend(versions(stack, cluster, installer, volume));
    }
    findings
}

/// The mount in which a file is.
fn mount_of<'a>(member: &'a Service, program: &str) -> Option<&'a At<Mount>> {
    let (directory, _) = program.rsplit_once('/')?;
    member.mounts.iter().find(|mount| {
        let target = mount.value.target.trim_end_matches('/');
        std::path::Path::new(directory).starts_with(target) && !target.is_empty()
    })
}

fn missing(member: &Service, program: &str) -> Option<Finding> {
    // Without a script that waits, an image of one's own may well have it.
    parts::waits_for_program(member).then(|| {
        Finding::new(Severity::Error, member.subject(), format!("It waits for {program}, and mounts no volume there."))
            .why("Its replicas wait for ever, and no database starts.")
            .instead("volumes:\n  - meshworker:/opt/meshworker:ro\n# and the service 'install' of stack/redis.yml")
            .at(member.words_place.as_ref().or(member.place.as_ref()))
    })
}

fn installer<'a>(service: &'a Service, volume: &str) -> Option<Installer<'a>> {
    let words = parts::installs(service)?;
    let mut mounts = service.mounts.iter();
    let target = mounts.find(|mount| mount.value.source.as_deref() == Some(volume))?;
    let target = target.value.target.trim_end_matches('/');
    words
        .iter()
        .any(|word| word.trim_end_matches('/') == target)
        .then_some(())?;
    let mut expects = words.iter().zip(words.iter().skip(1));
    let expects = expects.find_map(|(flag, value)| (*flag == "--expect").then_some(*value));
    let joined = words.iter().find_map(|word| word.strip_prefix("--expect="));
    Some(Installer {
        service,
        expects: expects.or(joined),
    })
}

fn unfilled(stack: &Stack, member: &Service, mount: &At<Mount>, volume: &str) -> Option<Finding> {
    // Of a volume that is made elsewhere nothing is known.
    let declared = stack.volumes.get(volume)?;
    (!declared.external).then(|| {
        Finding::new(Severity::Error, member.subject(), format!("Nothing puts the supervisor's program on the volume '{volume}'."))
            .why("Its replicas wait for ever, or fail to start, on each node where the volume is empty.")
            .instead(format!("the service 'install' of stack/redis.yml: mode global, command [\"install\", \"--stay\", \"/volume\"], and volumes [\"{volume}:/volume\"]"))
            .at(mount.place.as_ref())
    })
}

/// Whether the program gets to each node on which a member may run.
fn everywhere(member: &Service, installer: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    if installer.wanted().is_some() {
        let place = installer.mode.as_ref().map(|mode| &mode.place);
        findings.push(
            Finding::new(
                Severity::Error,
                installer.subject(),
                "It does not run on every node.",
            )
            .why("A member on a node without it waits for ever for its supervisor's program.")
            .instead("deploy:\n  mode: global")
            .at(place.unwrap_or(&installer.place).as_ref()),
        );
    }
    let kept_out = installer.constraints.iter().find(|constraint| {
        let mut own = member.constraints.iter();
        !own.any(|own| own.value == constraint.value)
    });
    if let Some(constraint) = kept_out {
        findings.push(
            Finding::new(
                Severity::Error,
                installer.subject(),
                format!(
                    "It runs only where {}, and members may run elsewhere.",
                    constraint.value
                ),
            )
            .why("A member on a node without it waits for ever for its supervisor's program.")
            .instead("no constraints, or the members' own")
            .at(installer.place.as_ref()),
        );
    }
    findings
}

/// Whether everything that tells a version tells the same one.
fn versions(
    stack: &Stack,
    cluster: &Watched<'_>,
    installer: &Installer<'_>,
    volume: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let brought = installer.service.image.as_ref();
    let worker = cluster.worker.and_then(|worker| worker.image.as_ref());
    if let (Some(brought), Some(worker)) = (brought, worker)
        && brought.value != worker.value
    {
        findings.push(
            Finding::new(Severity::Warning, installer.service.subject(), format!("It brings the supervisor of {}, and the worker runs {}.", brought.value, worker.value))
                .why("A worker and members of two versions understand each other during an update, and are not tested beyond it.")
                .instead(format!("image: {}", worker.value))
                .at(brought.place.as_ref()),
        );
    }
    let declared = stack.volumes.get(volume);
    let name = declared.and_then(|declared| declared.name.as_deref());
    let name = name.unwrap_or(volume);
    if let Some(expects) = installer.expects.filter(|expects| !name.ends_with(expects)) {
        findings.push(
            Finding::new(Severity::Warning, installer.service.subject(), format!("It brings version {expects} to the volume '{name}'."))
                .why("Where the volume's name does not change with the version, members that restart run another one than the others, outside of any update.")
                .instead(format!("volumes:\n  {volume}:\n    name: meshworker-{expects}"))
                .at(installer.service.words_place.as_ref()),
        );
    }
    findings
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
