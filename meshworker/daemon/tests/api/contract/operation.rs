//! One operation of the document, and what it says of an answer.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::schema::{resolved, validator};
use crate::reply::Reply;

/// One operation of the document.
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With its parts in braces.
    pub path: String,
    pub parameters: Vec<Parameter>,
    /// What its body must be, when it has one.
    pub body: Option<Body>,
    /// Whether it needs the token.
    pub secured: bool,
    /// What each status is answered with, by its type.
    answers: BTreeMap<u16, BTreeMap<String, Validator>>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
}

/// A parameter of an operation.
pub struct Parameter {
    pub name: String,
    pub place: Place,
    pub required: bool,
    pub schema: Map<String, Value>,
    /// Says which values are allowed.
    pub validator: Validator,
}

/// What a body must be: an object of JSON.
pub struct Body {
    pub properties: BTreeMap<String, Map<String, Value>>,
    /// Says which values are allowed.
    pub validator: Validator,
}

/// A part of the document, and the components that it refers to.
type Part<'a> = (&'a Value, &'a Value);

impl Operation {
    /// Reads it, as it is asked and as it is answered.
    pub fn read(path: &str, method: &str, asked: Part<'_>, answered: Part<'_>) -> Operation {
        let (asked, components) = asked;
        let parameters = list(&asked["parameters"]).iter();
        let security = asked.get("security").map(list).unwrap_or_default();
        Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            parameters: parameters.map(|p| Parameter::read(p, components)).collect(),
            body: asked.get("requestBody").map(|b| Body::read(b, components)),
            secured: !security.is_empty(),
            answers: answers(answered),
        }
    }

    /// Every status that the document has.
    pub fn statuses(&self) -> Vec<u16> {
        self.answers.keys().copied().collect()
    }

    /// Whether it is answered with a stream of events.
    pub fn streams(&self) -> bool {
        let mut kinds = self.answers.values().flat_map(BTreeMap::keys);
        kinds.any(|kind| kind == "text/event-stream")
    }

    /// Whether an answer is one that the document has; otherwise, what is wrong with it.
    pub fn judge(&self, reply: &Reply) -> Result<(), String> {
        let kinds = self.answers.get(&reply.status);
        let kinds = kinds.ok_or_else(|| format!("status {} is not documented", reply.status))?;
        let kind = kind(reply);
        let validator = kinds
            .get(kind)
            .ok_or_else(|| format!("content-type '{kind}' is not documented"))?;
        let body = if kind == "application/json" {
            serde_json::from_str(&reply.text).map_err(|why| why.to_string())?
        } else {
            Value::String(reply.text.clone())
        };
        validator
            .validate(&body)
            .map_err(|why| format!("{}: {why}", why.instance_path()))?;
        match body.get("error") {
            Some(Value::String(error)) if !is_line(error) => Err(format!("no line: {error:?}")),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Parameter {
    fn read(parameter: &Value, components: &Value) -> Parameter {
        let schema = &parameter["schema"];
        Parameter {
            name: parameter["name"].as_str().unwrap().to_owned(),
            place: match parameter["in"].as_str() {
                Some("path") => Place::Path,
                Some("query") => Place::Query,
                other => panic!("these tests know no parameters in {other:?}"),
            },
            required: parameter["required"] == true,
            schema: resolved(schema, components),
            validator: validator(schema, components),
        }
    }
}

impl Body {
    fn read(body: &Value, components: &Value) -> Body {
        let kinds = body["content"].as_object().unwrap();
        let schema = &kinds["application/json"]["schema"];
        assert_eq!(kinds.len(), 1, "these tests know bodies of JSON alone");
        let object = resolved(schema, components);
        let properties = object["properties"].as_object().unwrap().iter();
        Body {
            properties: properties
                .map(|(name, schema)| (name.clone(), resolved(schema, components)))
                .collect(),
            validator: validator(schema, components),
        }
    }
}

/// An answer's type, without what follows it.
pub fn kind(reply: &Reply) -> &str {
    let kind = reply.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether a problem is told in one line, which moves no terminal's cursor.
pub fn is_line(error: &str) -> bool {
    !error.trim().is_empty() && !error.chars().any(char::is_control)
}

fn answers((operation, components): Part<'_>) -> BTreeMap<u16, BTreeMap<String, Validator>> {
    let statuses = operation["responses"].as_object().unwrap().iter();
    let kinds = |answer: &Value| {
        let kinds = answer["content"].as_object().unwrap().iter();
        let each = kinds.map(|(kind, of)| (kind.clone(), validator(&of["schema"], components)));
        each.collect()
    };
    statuses
        .map(|(status, answer)| (status.parse().unwrap(), kinds(answer)))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
