//! From files to a [`Stack`].

use std::path::Path;

use meshworker_engines::small_file::read_text;

use super::bad::BadStack;
use super::field::Field;
use super::interpolate::{self, Lookup};
use super::model::{Network, Source, Stack, Volume};
use super::node::{Node, Value};
use super::{merge, service, yaml};

/// The longest stack file, and the longest config, that is read: Swarm's own
/// limit of a config is 1000 KB.
const LONGEST: u64 = 1 << 20;

/// Reads these files as one stack, variables filled in. Configs that the files
/// name are read too where they can be; secrets never.
///
/// # Errors
///
/// A file cannot be read, is no YAML, or holds something that no stack file has.
pub fn read(files: &[impl AsRef<Path>], lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let mut texts = Vec::new();
    for path in files {
        let file = path.as_ref().display().to_string();
        let text = read_text(path.as_ref(), LONGEST).map_err(|why| BadStack::Unreadable {
            file: file.clone(),
            why: why.to_string(),
        })?;
        texts.push((file, text));
    }
    let mut stack = parse(&texts, lookup)?;
    for config in stack.configs.values_mut() {
        let Some(file) = &config.file else { continue };
        let Some(place) = &file.place else { continue };
        let folder = Path::new(&*place.file).parent().unwrap_or(Path::new(""));
        // A config that cannot be read is no mistake of the stack file: it may
        // be generated later. The checks that need it say so.
        config.text = read_text(&folder.join(&file.value), LONGEST).ok();
    }
    Ok(stack)
}

/// These files, by name and text, as one stack. Reads nothing.
///
/// # Errors
///
/// One is no YAML, or holds something that no stack file has.
pub fn parse(files: &[(String, String)], lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let mut merged: Option<Node> = None;
    let mut unset = Vec::new();
    for (file, text) in files {
        let mut root = yaml::parse(file, text)?;
        unset.extend(interpolate::fill_in(&mut root, lookup)?);
        if !matches!(root.value, Value::Map(_)) {
            return Err(not_a_stack(&root, root.kind()));
        }
        merged = Some(match merged {
            Some(earlier) => merge::merge(earlier, root),
            None => root,
        });
    }
    let mut stack = match merged {
        Some(root) => of(root)?,
        None => Stack::default(),
    };
    stack.unset = unset;
    Ok(stack)
}

fn not_a_stack(root: &Node, found: &str) -> BadStack {
    let what = format!("services: found {found}; allowed: a map of services");
    BadStack::at(&root.place, what)
}

fn of(root: Node) -> Result<Stack, BadStack> {
    let nothing = not_a_stack(&root, "nothing");
    let root = Field::root(root);
    let Some(services) = root.get("services")? else {
        return Err(nothing);
    };
    let mut stack = Stack::default();
    for (name, field) in services.entries()? {
        stack.services.push(service::read(name, &field)?);
    }
    for (name, field) in section(&root, "networks")? {
        stack.networks.insert(name, network(&field)?);
    }
    for (name, field) in section(&root, "volumes")? {
        stack.volumes.insert(name, volume(&field)?);
    }
    for (name, field) in section(&root, "secrets")? {
        stack.secrets.insert(name, source(&field)?);
    }
    for (name, field) in section(&root, "configs")? {
        stack.configs.insert(name, source(&field)?);
    }
    Ok(stack)
}

fn section(root: &Field, name: &str) -> Result<Vec<(String, Field)>, BadStack> {
    match root.get(name)? {
        Some(section) => section.entries(),
        None => Ok(Vec::new()),
    }
}

fn network(field: &Field) -> Result<Network, BadStack> {
    let mut network = Network {
        place: Some(field.place()),
        ..Network::default()
    };
    if !field.is_map() {
        // `NAME:` with nothing after it: the defaults.
        field.text()?;
        return Ok(network);
    }
    network.external = external(field)?;
    network.driver = field.get("driver")?.map(|f| f.at()).transpose()?;
    if let Some(attachable) = field.get("attachable")? {
        network.attachable = Some(super::field::At {
            value: attachable.truth()?,
            place: Some(attachable.place()),
        });
    }
    if let Some(options) = field.get("driver_opts")? {
        for (name, option) in options.entries()? {
            network.options.insert(name, option.at()?);
        }
    }
    let ipam = field.get("ipam")?.map(|ipam| ipam.get("config"));
    for pool in ipam
        .transpose()?
        .flatten()
        .map(|f| f.items())
        .transpose()?
        .unwrap_or_default()
    {
        if let Some(subnet) = pool.get("subnet")? {
            network.subnets.push(subnet.at()?);
        }
    }
    Ok(network)
}

fn external(field: &Field) -> Result<bool, BadStack> {
    match field.get("external")? {
        Some(external) if external.is_map() => Ok(true),
        Some(external) => external.truth(),
        None => Ok(false),
    }
}

fn volume(field: &Field) -> Result<Volume, BadStack> {
    let mut volume = Volume::default();
    if !field.is_map() {
        field.text()?;
        return Ok(volume);
    }
    volume.external = external(field)?;
    volume.name = field.get("name")?.map(|f| f.text()).transpose()?;
    volume.driver = field.get("driver")?.map(|f| f.text()).transpose()?;
    if let Some(options) = field.get("driver_opts")? {
        for (name, option) in options.entries()? {
            volume.options.insert(name, option.text()?);
        }
    }
    Ok(volume)
}

fn source(field: &Field) -> Result<Source, BadStack> {
    if !field.is_map() {
        field.text()?;
        return Ok(Source::default());
    }
    let file = field.get("file")?.map(|file| file.at()).transpose()?;
    Ok(Source { file, text: None })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
