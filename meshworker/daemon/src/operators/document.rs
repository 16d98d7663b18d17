//! The OpenAPI document: what is so of every operation of a kind is said here once.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Required};
use utoipa::{Modify, OpenApi as _};

use super::input::LONGEST;
use crate::http::{ProblemBody, limited_answer};

/// One line of words, as [`line`](super::input::line) takes it: fields that say `format = "line"`.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "meshworker",
        description = "What a worker sees, does and refuses, and orders to it."
    ),
    tags(
        (name = "read", description = "Open to whoever reaches the address."),
        (name = "act", description = "Needs the operators' token.")
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer)
)]
struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// What every order may be answered with.
const ORDERS: [(u16, &str); 6] = [
    (400, "A field is not allowed."),
    (401, "No token, or another one."),
    (403, "This worker takes no orders."),
    (413, "The body is too large."),
    (415, "The body is no JSON."),
    (503, "The token cannot be read."),
];

/// What every question about a cluster may be answered with.
const OF_A_CLUSTER: [(u16, &str); 2] = [(400, "The path is no text."), (404, "No such cluster.")];

/// The document before its operations.
pub fn head() -> OpenApi {
    Head::openapi()
}

/// Adds what is so of all operations, of all orders, of all that are about a cluster, and of all
/// lines.
pub fn complete(document: &mut OpenApi) {
    let components = document.components.iter_mut();
    for schema in components.flat_map(|all| all.schemas.values_mut()) {
        if let RefOr::T(Schema::Object(schema)) = schema {
            schema.properties.values_mut().for_each(bound);
        }
    }
    for (path, item) in &mut document.paths.paths {
        let of_a_cluster = path.contains("{cluster}");
        let methods = [&mut item.get, &mut item.put, &mut item.post];
        for operation in methods.into_iter().flatten() {
            let limited = limited_answer().into();
            let answers = &mut operation.responses.responses;
            answers.insert("429".to_owned(), limited);
            if operation.tags.iter().flatten().any(|tag| tag == "act") {
                let token = SecurityRequirement::new("token", Vec::<String>::new());
                operation.security = Some(vec![token]);
                add(operation, &ORDERS);
            }
            if of_a_cluster {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.insert(0, cluster().into());
                add(operation, &OF_A_CLUSTER);
            }
        }
    }
}

/// Says of a line what it must be.
fn bound(field: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(field)) = field
        && field.format == Some(SchemaFormat::Custom("line".to_owned()))
    {
        field.format = None;
        field.max_length = Some(LONGEST);
        field.pattern = Some(LINE.to_owned());
    }
}

/// Adds these answers, where an operation has no words of its own for them.
fn add(operation: &mut Operation, answers: &[(u16, &str)]) {
    for (status, description) in answers {
        let answer = operation.responses.responses.entry(status.to_string());
        answer.or_insert_with(|| ProblemBody::answer(description).into());
    }
}

fn cluster() -> Parameter {
    ParameterBuilder::new()
        .name("cluster")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("What the cluster is called."))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}
