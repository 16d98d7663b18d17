//! The document that the server gives of itself.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Operation, schema};
use crate::office::Office;

/// Whatever else a path has is no operation.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The document that the server gives of itself.
pub struct Document {
    /// What may be asked.
    asked: Value,
    /// The same, where nothing is answered that is not listed.
    answered: Value,
}

impl Document {
    /// Reads it from a running server.
    pub async fn of(office: &Office) -> Document {
        let mut asked: Value = office.read("/v1/openapi.json").await;
        schema::bound(&mut asked);
        let mut answered = asked.clone();
        schema::close(&mut answered);
        Document { asked, answered }
    }

    /// All operations, in the order of their paths.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.methods().into_iter();
        let all = paths.flat_map(|(path, methods)| {
            let of_path = methods.into_iter();
            of_path.map(move |method| self.operation(&path, &method))
        });
        all.collect()
    }

    /// Each path, with its methods in capitals.
    pub fn methods(&self) -> BTreeMap<String, BTreeSet<String>> {
        let paths = self.asked["paths"].as_object().unwrap().iter();
        let methods = |item: &Value| {
            let keys = item.as_object().unwrap().keys();
            let methods = keys.filter(|key| METHODS.contains(&key.as_str()));
            methods.map(|method| method.to_uppercase()).collect()
        };
        paths
            .map(|(path, item)| (path.clone(), methods(item)))
            .collect()
    }

    /// What answers of this named kind look like.
    pub fn answer(&self, name: &str) -> Validator {
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        schema::validator(&schema, &self.answered["components"])
    }

    fn operation(&self, path: &str, method: &str) -> Operation {
        let key = method.to_lowercase();
        let of = |document: &Value| document["paths"][path][&key].clone();
        Operation::read(
            path,
            method,
            (&of(&self.asked), &self.asked["components"]),
            (&of(&self.answered), &self.answered["components"]),
        )
    }
}
