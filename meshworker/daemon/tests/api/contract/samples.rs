//! Values that the document allows, and that mean something in a [`Scene`](super::Scene).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Parameter;
use super::operation::Body;
use super::scene::{CLUSTER, GROUP, MEMBER};
use crate::workers::node;

/// An object of JSON as the texts of its values, so that one of them can be none that JSON knows.
#[derive(Clone)]
pub struct Fields(pub BTreeMap<String, String>);

impl Fields {
    /// The same, with this for one of its values.
    pub fn with(&self, name: &str, text: impl Into<String>) -> Fields {
        let mut fields = self.clone();
        fields.0.insert(name.to_owned(), text.into());
        fields
    }

    /// The same, without one of its values.
    pub fn without(&self, name: &str) -> Fields {
        let mut fields = self.clone();
        fields.0.remove(name);
        fields
    }

    /// As it is sent.
    pub fn text(&self) -> String {
        let fields = self.0.iter();
        let fields: Vec<String> = fields
            .map(|(name, text)| format!("{}:{text}", Value::from(name.as_str())))
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// What a parameter may be, as it is sent; none where it cannot be about this member.
pub fn parameter(parameter: &Parameter, member: &str) -> Option<String> {
    let value = value(&parameter.name, &parameter.schema, member);
    parameter.validator.is_valid(&value).then(|| match value {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// What a body may be, with all its fields; none where it cannot be about this member.
pub fn body(body: &Body, member: &str) -> Option<Fields> {
    let fields = body.properties.iter();
    let fields: Map<String, Value> = fields
        .map(|(name, schema)| (name.clone(), value(name, schema, member)))
        .collect();
    let texts = fields.iter();
    let texts = texts.map(|(name, value)| (name.clone(), value.to_string()));
    let texts = Fields(texts.collect());
    body.validator.is_valid(&fields.into()).then_some(texts)
}

fn value(name: &str, schema: &Map<String, Value>, member: &str) -> Value {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return values[0].clone();
    }
    match (name, kind(schema)) {
        ("cluster", "string") => CLUSTER.into(),
        ("member", "string") => member.into(),
        ("to" | "worker", "string") if member == MEMBER => node(2).into(),
        ("to" | "worker", "string") => member.into(),
        ("group", "string") => GROUP.into(),
        ("lost", "array") => Vec::<Value>::new().into(),
        (_, "string") => "a test".into(),
        (_, "integer") => schema.get("minimum").cloned().unwrap_or(1.into()),
        (_, "boolean") => true.into(),
        (name, kind) => panic!("these tests have no sample of {name}, which is of the kind {kind}"),
    }
}

/// The kind of value that is meant; it may also be left out.
fn kind(schema: &Map<String, Value>) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find_map(|kind| kind.as_str().filter(|kind| *kind != "null"))
            .unwrap(),
        kind => kind.as_str().unwrap(),
    }
}
