//! The configuration file: any number of clusters in TOML.

use std::path::{Path, PathBuf};

use meshworker_core::Told;
use meshworker_engines::small_file::read_text;
use toml::{Table, Value};

use super::raw::{Origin, Raw, UnknownSetting};

/// A configuration file that could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{path}: line {line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It has something else than clusters.
    #[error(
        "{path}: line {line}: found {found}; allowed: tables [[cluster]] with text, numbers, yes/no, and in them a table [cluster.option]"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was found.
        found: String,
    },
    /// A key that is no setting.
    #[error(transparent)]
    Unknown(#[from] UnknownSetting),
}

/// In bytes: thousands of clusters.
const LONGEST: u64 = 1 << 20;

/// Reads the clusters of a file.
///
/// # Errors
///
/// The file cannot be read, is not TOML, or holds something that is no setting.
pub fn read(path: &Path) -> Result<Vec<Raw>, FileError> {
    let text = read_text(path, LONGEST).map_err(|source| FileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

/// The clusters in the text of a file.
///
/// # Errors
///
/// It is not TOML, or holds something that is no setting.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<Raw>, FileError> {
    let shape = |key: &str, found: String| FileError::Shape {
        path: path.to_owned(),
        line: line_of(text, key),
        found: Told::<300>::from(found).into_string(),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        FileError::Syntax {
            path: path.to_owned(),
            line: text.bytes().take(start).filter(|b| *b == b'\n').count() + 1,
            message: Told::<300>::from(error.message()).into_string(),
        }
    })?;
    if let Some(key) = table.keys().find(|key| *key != "cluster") {
        return Err(shape(key, format!("'{key}' at the top")));
    }
    let Some(Value::Array(clusters)) = table.get("cluster") else {
        return Err(shape("cluster", "no [[cluster]]".into()));
    };
    let origin = Origin::File(path.display().to_string());
    let mut found = Vec::new();
    for cluster in clusters {
        let Value::Table(cluster) = cluster else {
            return Err(shape("cluster", "a cluster that is no table".into()));
        };
        let mut raw = Raw::default();
        for (key, value) in flatten(cluster) {
            let text = scalar(value)
                .ok_or_else(|| shape(&key, format!("'{key}' as {}", value.type_str())))?;
            raw.give(&key, text, origin.clone())?;
        }
        found.push(raw);
    }
    Ok(found)
}

/// The first line, counted from 1, that gives this key or a table of this name; the first
/// of all where none does.
fn line_of(text: &str, key: &str) -> usize {
    let name = key.trim_start_matches("option.");
    let gives = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
        let before = line.split('=').next().unwrap_or_default().trim();
        let heads = before.starts_with('[') && words.any(|word| word == name);
        heads || before.trim_matches(['"', '\'']) == name
    };
    text.lines().position(gives).unwrap_or_default() + 1
}

/// The keys of a cluster; those of its table `option` as `option.NAME`.
fn flatten(cluster: &Table) -> Vec<(String, &Value)> {
    let mut flat = Vec::new();
    for (key, value) in cluster {
        match value {
            Value::Table(options) if key == "option" => flat.extend(
                options
                    .iter()
                    .map(|(name, value)| (format!("option.{name}"), value)),
            ),
            _ => flat.push((key.clone(), value)),
        }
    }
    flat
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("m.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn two_clusters_with_options() {
        let text = "[[cluster]]\nservicename = 'a'\nport = 7000\n[cluster.option]\nreplicas-per-master = 2\n[[cluster]]\nservicename = 'b'\ntls = true\n";
        let clusters = parse(Path::new("m.toml"), text).unwrap();
        assert_eq!(clusters.len(), 2);
        assert_eq!(clusters[0].settings["port"].value, "7000");
        assert_eq!(clusters[0].options["replicas-per-master"].value, "2");
        assert_eq!(clusters[1].settings["tls"].value, "true");
    }

    #[test]
    fn each_mistake_is_one_line_that_names_it() {
        assert!(error("[[cluster]]\nservicename = \n").starts_with("m.toml: line 2: "));
        assert!(error("servicename = 'a'").contains("'servicename' at the top"));
        assert!(error("[[cluster]]\nports = 1").contains("'ports': there is no such setting"));
        assert!(error("[[cluster]]\nport = [1]").contains("'port' as array"));
        assert!(error("").contains("no [[cluster]]"));
        // No line was named, and not what is meant.
        let options = error("[[cluster]]\nport = 1\n[cluster.options]\nx = 1");
        assert_eq!(
            options,
            "m.toml: line 3: found 'options' as table; allowed: tables [[cluster]] with text, \
             numbers, yes/no, and in them a table [cluster.option]"
        );
        assert!(error("[[cluster]]\nport = 1\n[cluster.option]\na = []").contains("line 4"));
    }
}
