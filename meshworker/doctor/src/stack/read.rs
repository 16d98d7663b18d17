//! From files to a [`Stack`].

use std::io::Read;
use std::path::Path;

use meshworker_engines::small_file::read_text;

use super::bad::BadStack;
use super::field::{At, Field};
use super::interpolate::{self, Lookup};
use super::model::{Network, Service, Source, Stack, Variable, Volume};
use super::node::{Node, Value};
use super::schema::{self, Refused};
use super::{merge, service, yaml};

/// The longest stack file, and the longest config, that is read: Swarm's own
/// limit of a config is 1000 KB.
const LONGEST: u64 = 1 << 20;

/// Reads these files as one stack, variables filled in; `-` is standard input.
/// Configs that the files name are read too where they can be; secrets never.
///
/// # Errors
///
/// A file cannot be read, is no YAML, or holds something that no stack file has.
pub fn read(files: &[impl AsRef<Path>], lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let mut texts = Vec::new();
    for path in files {
        texts.push(text_of(path.as_ref())?);
    }
    of_texts(&texts, lookup)
}

/// The same of files that were read before, by name and text.
///
/// # Errors
///
/// As above.
pub fn of_texts(texts: &[(String, String)], lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let mut stack = parse(texts, lookup)?;
    // Docker looks for all files from the folder of the first stack file on.
    let folder = texts.first().and_then(|(file, _)| Path::new(file).parent());
    let folder = folder.unwrap_or(Path::new(""));
    let sources = stack.configs.values_mut().chain(stack.secrets.values_mut());
    for source in sources {
        let file = source.file.as_ref().map(|file| folder.join(&file.value));
        source.absent = !source.external && file.is_some_and(|file| !file.exists());
    }
    for config in stack.configs.values_mut() {
        if let Some(file) = &config.file {
            // A config that cannot be read is no mistake of the stack file: it may
            // be generated later. The checks that need it say so.
            config.text = read_text(&folder.join(&file.value), LONGEST).ok();
        }
    }
    let Stack {
        services, refused, ..
    } = &mut stack;
    for service in services {
        if let Err(why) = environment(service, folder, lookup) {
            refused.push(why);
        }
    }
    Ok(stack)
}

/// The name and the text of this file; `-` is standard input.
///
/// # Errors
///
/// It cannot be read.
pub fn text_of(path: &Path) -> Result<(String, String), BadStack> {
    let file = path.display().to_string();
    let text = match file.as_str() {
        "-" => standard_input(),
        _ => read_text(path, LONGEST),
    };
    match text {
        Ok(text) => Ok((file, text)),
        Err(why) => Err(BadStack::Unreadable {
            file,
            why: why.to_string(),
        }),
    }
}

fn standard_input() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// What the files of a service's environment say: the later one first, and the
/// stack file itself before all of them.
fn environment(service: &mut Service, folder: &Path, lookup: Lookup<'_>) -> Result<(), Refused> {
    for file in service.env_files.iter().rev() {
        let text = read_text(&folder.join(&file.value), LONGEST).map_err(|why| Refused {
            subject: service.subject(),
            what: format!("Its env_file {}: {why}.", file.value),
            instead: "a file that is there, looked for from the stack file's folder on".into(),
            place: file.place.clone(),
        })?;
        for line in text.lines().rev() {
            let line = line.trim_start_matches('\u{feff}').trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(Refused {
                    subject: service.subject(),
                    what: format!(
                        "Its env_file {} has a line without a variable's name.",
                        file.value
                    ),
                    instead: "lines of NAME=VALUE, comments after #".into(),
                    place: file.place.clone(),
                });
            }
            let outside = lookup(name).filter(|_| value.is_empty());
            let variable = Variable {
                filled_in: outside.is_some(),
                value: outside.unwrap_or_else(|| value.to_owned()),
            };
            let place = file.place.clone();
            let known = service.environment.entry(name.to_owned());
            known.or_insert(At {
                value: variable,
                place,
            });
        }
    }
    Ok(())
}

/// These files, by name and text, as one stack. Reads nothing.
///
/// # Errors
///
/// One is no YAML, or holds something that cannot even be read as a stack file.
pub fn parse(files: &[(String, String)], lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let mut merged: Option<Node> = None;
    let mut notes = Vec::new();
    let mut refused = Vec::new();
    let mut version = None;
    for (file, text) in files {
        let mut root = yaml::parse(file, text)?;
        notes.extend(interpolate::fill_in(&mut root, lookup)?);
        if !matches!(root.value, Value::Map(_)) {
            let what = format!(
                "services: found {}; allowed: a map of services",
                root.kind()
            );
            return Err(BadStack::at(&root.place, what));
        }
        let (own, wrong) = schema::version(&root);
        let first = *version.get_or_insert(own);
        refused.extend(wrong);
        if first != own {
            refused.push(Refused {
                subject: "version".into(),
                what: format!("It is of version 3.{own}, and the first file is of 3.{first}."),
                instead: format!("version: \"3.{first}\", the same in all files"),
                place: Some(root.get("version").unwrap_or(&root).place.clone()),
            });
        }
        refused.extend(schema::check(&root, own));
        merged = Some(match merged {
            Some(earlier) => merge::merge(earlier, root),
            None => root,
        });
    }
    let read = merged.map_or_else(|| Ok(Stack::default()), |root| of(root, lookup));
    let stack = match read {
        Ok(stack) => stack,
        // What is refused says why it cannot be read, and of all of it.
        Err(_) if !refused.is_empty() => Stack::default(),
        Err(why) => return Err(why),
    };
    Ok(Stack {
        notes,
        refused,
        version,
        ..stack
    })
}

fn of(root: Node, lookup: Lookup<'_>) -> Result<Stack, BadStack> {
    let root = Field::root(root);
    let mut stack = Stack::default();
    for (name, field) in section(&root, "services")? {
        stack.services.push(service::read(name, &field, lookup)?);
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
    network.name = name(field)?;
    network.driver = field.get("driver")?.map(|f| f.at()).transpose()?;
    if let Some(attachable) = field.get("attachable")? {
        network.attachable = Some(At {
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

/// `name`, or the older form below `external`.
fn name(field: &Field) -> Result<Option<String>, BadStack> {
    let outer = match field.get("external")? {
        Some(external) if external.is_map() => external.get("name")?,
        _ => None,
    };
    let name = field.get("name")?.or(outer);
    name.map(|name| name.text()).transpose()
}

fn volume(field: &Field) -> Result<Volume, BadStack> {
    let mut volume = Volume::default();
    if !field.is_map() {
        field.text()?;
        return Ok(volume);
    }
    volume.name = name(field)?;
    volume.external = external(field)?;
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
    Ok(Source {
        file,
        external: external(field)?,
        ..Source::default()
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
