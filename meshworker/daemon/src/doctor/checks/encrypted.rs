//! Whether the nodes understand each other's encrypted packets.

use crate::doctor::Facts;
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

pub const CHECK: Check<Facts> = Check {
    name: "encrypted",
    finds: "an encrypted overlay between engines of different versions",
    run: |facts| {
        let overlays = facts.overlays.as_ref().map_err(Clone::clone)?;
        let engines = facts.engines.as_ref().map_err(Clone::clone)?;
        let major = |version: &String| version.split('.').next().map(str::to_owned);
        let first = engines.keys().next().and_then(major);
        // What is known to differ differs between 28 and 29.
        let severity = match engines.keys().all(|version| major(version) == first) {
            true => Severity::Hint,
            false => Severity::Warning,
        };
        let versions = engines.iter();
        let versions: Vec<String> = versions
            .map(|(version, nodes)| format!("{version} ({})", nodes.join(", ")))
            .collect();
        let encrypted = overlays.iter().filter(|overlay| overlay.encrypted);
        let found = encrypted.filter(|_| engines.len() > 1).map(|overlay| {
            let what = format!(
                "It is encrypted, and its nodes' engines are {}.",
                versions.join(" and ")
            );
            Finding::new(severity, format!("network {}", overlay.name), what)
                .why("Engines of some versions drop each other's encrypted packets: names resolve, and no packet of another node arrives.")
                .instead("one version of the engine on every node; until then, driver_opts without encrypted")
        });
        Ok(found.collect())
    },
};
