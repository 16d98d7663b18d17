//! From the text of a file to objects.

use super::object::{Manifests, Object, at, items, text};
use crate::stack::BadStack;
use crate::stack::node::Node;
use crate::stack::yaml;

/// Whether this text is manifests of Kubernetes, and no stack file.
pub fn is_manifest(text: &str) -> bool {
    let says = |name: &str| text.lines().any(|line| line.starts_with(name));
    says("apiVersion:") && says("kind:")
}

/// All objects of these files, by name and text.
///
/// # Errors
///
/// One is no YAML, or an object has no kind.
pub fn parse(files: &[(String, String)]) -> Result<Manifests, BadStack> {
    let mut all = Manifests::default();
    for (file, text) in files {
        for document in documents(text) {
            let root = yaml::parse(file, &document)?;
            if root.kind() != "nothing" {
                take(root, &mut all)?;
            }
        }
    }
    Ok(all)
}

/// Its documents, each with as many lines before it as there are in the file.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for (number, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            documents.push("\n".repeat(number + 1));
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    documents
}

fn take(root: Node, all: &mut Manifests) -> Result<(), BadStack> {
    let kind = root
        .get("kind")
        .and_then(text)
        .unwrap_or_default()
        .to_owned();
    if kind.is_empty() {
        return Err(BadStack::at(&root.place, "an object without a kind"));
    }
    // What `kubectl get -o yaml` prints.
    if kind == "List" {
        for item in items(root.get("items")) {
            take(item.clone(), all)?;
        }
        return Ok(());
    }
    let name = at(&root, "metadata.name")
        .and_then(text)
        .unwrap_or_default();
    all.0.push(Object {
        name: name.to_owned(),
        kind,
        root,
    });
    Ok(())
}
