//! `cargo xtask sbom`: what the released program is made of, as CycloneDX 1.6.
//!
//! Made from what cargo itself says: the locked versions that the program is built from for this platform, with the
//! hashes of their sources. Nothing is asked of a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::workspace;

/// What cargo says of a package.
#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Debug, Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

/// Writes it to `target/meshworker.cdx.json`, and tells where that is.
pub fn run() -> Result<()> {
    let file = write()?;
    println!("{}", file.display());
    Ok(())
}

/// The same, for whoever makes a release.
pub fn write() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["metadata", "--format-version=1", "--locked"]);
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let said = command.output().context("cannot start cargo")?;
    if !said.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&said.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&said.stdout)?;
    let lock = std::fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let bill = bill(&metadata, &checksums(&lock))?;
    let file = workspace::root().join("target/meshworker.cdx.json");
    std::fs::write(&file, format!("{bill:#}\n")).with_context(|| file.display().to_string())?;
    Ok(file)
}

/// The hash of each package's source, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
        };
        if let (Some(name), Some(version), Some(hash)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert((name, version), hash);
        }
    }
    found
}

/// The program, and all that is in it or builds it; what only tests use is left out.
fn bill(metadata: &Metadata, checksums: &BTreeMap<(String, String), String>) -> Result<Value> {
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|one| (one.id.as_str(), one))
        .collect();
    let program = metadata
        .packages
        .iter()
        .find(|one| one.name == "meshworker");
    let program = program.context("there is no package meshworker")?;
    let nodes: BTreeMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|one| (one.id.as_str(), one))
        .collect();
    let within = |id: &str| -> Vec<&str> {
        let deps = nodes
            .get(id)
            .map(|node| node.deps.as_slice())
            .unwrap_or_default();
        let in_it = |dep: &&Dep| {
            dep.dep_kinds
                .iter()
                .any(|one| one.kind.as_deref() != Some("dev"))
        };
        deps.iter()
            .filter(in_it)
            .map(|dep| dep.pkg.as_str())
            .collect()
    };
    let mut all = BTreeSet::new();
    let mut left = vec![program.id.as_str()];
    while let Some(id) = left.pop() {
        if all.insert(id) {
            left.extend(within(id));
        }
    }
    let name = |id: &str| packages.get(id).map(|one| url(one)).unwrap_or_default();
    let others = all
        .iter()
        .filter(|id| **id != program.id)
        .filter_map(|id| packages.get(id));
    let components: Vec<Value> = others
        .map(|one| component(one, "library", checksums))
        .collect();
    let dependencies: Vec<Value> = all
        .iter()
        .map(|id| json!({ "ref": name(id), "dependsOn": within(id).into_iter().map(name).collect::<BTreeSet<_>>() }))
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": component(program, "application", checksums) },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A package's address, which is also what it is called here.
fn url(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(
    package: &Package,
    kind: &str,
    checksums: &BTreeMap<(String, String), String>,
) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": url(package),
        "name": package.name,
        "version": package.version,
        "purl": url(package),
    });
    if let Some(license) = &package.license {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    let hash = checksums.get(&(package.name.clone(), package.version.clone()));
    if let (Some(hash), Some(_)) = (hash, &package.source) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_names_what_is_in_the_program_and_nothing_else() {
        let file = write().unwrap();
        let bill: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "meshworker");
        let components = bill["components"].as_array().unwrap();
        let names: BTreeSet<&str> = components
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        for inside in ["meshworker-core", "tokio", "rustls", "serde_derive"] {
            assert!(names.contains(inside), "{inside} is missing");
        }
        for outside in [
            "proptest",
            "tempfile",
            "aerospike-sim",
            "xtask",
            "libfuzzer-sys",
        ] {
            assert!(!names.contains(outside), "{outside} is not in it");
        }
        // Whatever comes from elsewhere has the hash that it is locked by.
        for one in components {
            let ours = one["name"].as_str().unwrap().starts_with("meshworker-");
            assert_eq!(one["hashes"].is_array(), !ours, "{one}");
            assert!(one["licenses"].is_array(), "{one}");
        }
    }
}
