//! The document's schemas, and what they say of a value.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// What `int64` holds. JSON Schema leaves `format` a remark; the document means it.
const INT64: i64 = i64::MAX;

/// Says of values whether a schema of the document allows them.
pub fn validator(schema: &Value, components: &Value) -> Validator {
    let mut whole = schema.as_object().unwrap().clone();
    // References begin at the document's root.
    whole.insert("components".into(), components.clone());
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.build(&Value::Object(whole)).unwrap()
}

/// The schema, or what it refers to together with what stands beside the reference.
pub fn resolved(schema: &Value, components: &Value) -> Map<String, Value> {
    let mut own = schema.as_object().unwrap().clone();
    let Some(reference) = own.remove("$ref") else {
        return own;
    };
    let pointer = reference.as_str().unwrap().strip_prefix("#/components");
    let meant = components.pointer(pointer.unwrap()).unwrap();
    let mut meant = resolved(meant, components);
    meant.extend(own);
    meant
}

/// Makes the bounds that `format` says bounds, everywhere in this part of the document.
pub fn bound(part: &mut Value) {
    each_object(part, &mut |object| {
        if object.get("format") == Some(&json!("int64")) {
            object.entry("maximum").or_insert(INT64.into());
        }
    });
}

/// Forbids fields that are not listed, everywhere in this part of the document: what is answered and not documented
/// is a promise that nobody knows of.
pub fn close(part: &mut Value) {
    each_object(part, &mut |object| {
        if object.get("properties").is_some_and(Value::is_object) {
            let fields = object.entry("additionalProperties");
            fields.or_insert(false.into());
        }
    });
}

fn each_object(part: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match part {
        Value::Object(object) => {
            change(object);
            object
                .values_mut()
                .for_each(|inner| each_object(inner, change));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| each_object(inner, change)),
        _ => {}
    }
}

#[test]
fn an_answer_with_a_field_too_many_or_too_few_is_none_that_the_document_has() {
    let mut components = json!({"schemas": {"Age": {"type": "integer", "format": "int64"}, "Member": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "age": {"$ref": "#/components/schemas/Age"}},
    }}});
    let members = json!({"type": "array", "items": {"$ref": "#/components/schemas/Member"}});
    bound(&mut components);
    close(&mut components);
    let validator = validator(&members, &components);
    assert!(validator.is_valid(&json!([{"id": "a"}, {"id": "b", "age": INT64}])));
    for wrong in [
        json!({}),
        json!([{"age": 3}]),
        json!([{"id": "a", "name": "b"}]),
        json!([{"id": "a", "age": INT64 as u64 + 1}]),
        json!([{"id": null}]),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}
