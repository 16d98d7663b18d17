//! The clusters of a worker's configuration file, where the stack brings it along.

use std::collections::BTreeMap;

use super::model::{Service, Stack};
use super::parts;

/// Settings by their names; `option.NAME` for the engine's own.
pub type Settings = BTreeMap<String, String>;

/// What the worker's file says, one after the other; nothing where it has none, or
/// where it cannot be read: the worker says in better words what is wrong with it.
pub fn clusters(stack: &Stack, worker: &Service) -> Vec<Settings> {
    let Some(path) = parts::setting(worker, "config") else {
        return Vec::new();
    };
    let mut mounted = worker.configs.iter();
    let config = mounted.find(|config| config.value.path("/") == path.value);
    let config = config.and_then(|config| stack.configs.get(&config.value.source));
    let text = config.and_then(|config| config.text.as_deref());
    let table: toml::Table = text.and_then(|text| text.parse().ok()).unwrap_or_default();
    let clusters = table.get("cluster").and_then(toml::Value::as_array);
    let tables = clusters
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table);
    tables.map(settings).collect()
}

fn settings(cluster: &toml::Table) -> Settings {
    let mut settings = Settings::new();
    for (name, value) in cluster {
        match value {
            toml::Value::Table(options) => settings.extend(
                options
                    .iter()
                    .map(|(option, value)| (format!("{name}.{option}"), text(value))),
            ),
            value => {
                settings.insert(name.clone(), text(value));
            }
        }
    }
    settings
}

fn text(value: &toml::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
