//! What the document forbids is refused with a word, what it allows is not, and nothing breaks the server.
//!
//! The requests are derived from the document's parameters and bodies; whether it forbids one is for its own schemas
//! to say.

use serde_json::Value;

use super::odd_text::{encoded, numbers, texts};
use super::operation::Body;
use super::scene::MEMBER;
use super::{Call, Document, Operation, Parameter, Place, Scene, State, odd_bodies, samples};
use crate::reply::Reply;

/// What the document says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Forbidden,
    Allowed,
    /// Whatever comes must be documented.
    Unsaid,
}

impl Verdict {
    /// Of a value that the document's schema allows, or does not.
    pub fn of(allowed: bool) -> Verdict {
        if allowed {
            Verdict::Allowed
        } else {
            Verdict::Forbidden
        }
    }
}

/// A request, and what the document says of it.
type Odd<'a> = (Verdict, Call<'a>);

/// What refuses an input, and not what it asks for.
const REFUSED: [u16; 5] = [400, 401, 404, 413, 415];

/// So many wrong answers are told of each operation: often one fault makes all of them.
const TOLD: usize = 5;

#[tokio::test]
async fn what_the_document_forbids_is_refused_and_what_it_allows_is_not() {
    let scene = Scene::open(State::Seen).await;
    let document = Document::of(&scene.office).await;
    let operations = document.operations();
    let (mut sent, mut told) = (0, Vec::new());
    for operation in &operations {
        let mut wrong = Vec::new();
        for (verdict, call) in odd(operation) {
            let reply = scene.send(&call).await;
            sent += 1;
            wrong.extend(objection(verdict, &call, &reply));
        }
        if !wrong.is_empty() {
            told.push(format!("{operation}: {} answers are wrong:", wrong.len()));
            told.extend(wrong.into_iter().take(TOLD));
        }
    }
    scene.office.close().await;
    println!(
        "contract: {sent} odd requests to {} operations",
        operations.len()
    );
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What is wrong with an answer.
fn objection(verdict: Verdict, call: &Call<'_>, reply: &Reply) -> Option<String> {
    let status = reply.status;
    let why = match (call.operation.judge(reply), verdict) {
        (Err(why), _) => why,
        (Ok(()), _) if status >= 500 => "the server is to blame".into(),
        (Ok(()), Verdict::Forbidden) if !REFUSED.contains(&status) => "it is forbidden".into(),
        (Ok(()), Verdict::Allowed) if status == 400 => "it is allowed".into(),
        _ => return None,
    };
    let text: String = reply.text.chars().take(200).collect();
    Some(format!(
        "{call}: {why}, and is answered with {status} {text}"
    ))
}

/// Everything odd that can be asked of an operation.
fn odd(operation: &Operation) -> Vec<Odd<'_>> {
    let allowed = Call::allowed(operation);
    let mut all = Vec::new();
    if operation.secured {
        all.push((Verdict::Forbidden, allowed.without_token()));
    }
    for parameter in &operation.parameters {
        match parameter.place {
            Place::Path => all.extend(odd_parts(&allowed, parameter)),
            Place::Query => all.extend(odd_queries(&allowed, parameter)),
        }
    }
    if let Some(body) = &operation.body {
        all.extend(odd_bodies(&allowed, body));
    }
    all
}

fn odd_parts<'a>(allowed: &Call<'a>, part: &'a Parameter) -> Vec<Odd<'a>> {
    let with = |text: &str| allowed.with_part(&part.name, text);
    let no_text = ["%ff", "%c3%28", "a%80"].map(|text| (Verdict::Forbidden, with(text)));
    let halves = ["%", "%f", "%zz", "a%"].map(|text| (Verdict::Unsaid, with(text)));
    let texts = texts().into_iter();
    let texts = texts.map(|text| (said(part, &text), with(&encoded(&text))));
    texts.chain(no_text).chain(halves).collect()
}

fn odd_queries<'a>(allowed: &Call<'a>, field: &Parameter) -> Vec<Odd<'a>> {
    let name = &field.name;
    let (mut texts, twice) = if is_number(field) {
        (numbers(), "1")
    } else {
        (texts(), "x")
    };
    for bound in ["minimum", "maximum"] {
        if let Some(bound) = field.schema.get(bound).and_then(Value::as_i64) {
            let around = bound.saturating_sub(1)..=bound.saturating_add(1);
            texts.extend(around.map(|number| number.to_string()));
        }
    }
    let texts = texts.into_iter();
    let texts = texts.map(|text| (said(field, &text), format!("{name}={}", encoded(&text))));
    let others = [
        (said(field, ""), name.clone()),
        (Verdict::of(!field.required), String::new()),
        (Verdict::Forbidden, format!("{name}={twice}&{name}={twice}")),
        (Verdict::Unsaid, format!("{name}=%ff")),
        (Verdict::Unsaid, format!("{name}[]=1")),
    ];
    let unsaid = ["nothing=here", "&&", "=", "%", "%ff=%ff", "?"];
    let unsaid = unsaid.map(|query| (Verdict::Unsaid, query.to_owned()));
    let all = texts.chain(others).chain(unsaid);
    all.map(|(verdict, query)| (verdict, allowed.with_query(query)))
        .collect()
}

fn odd_bodies<'a>(allowed: &Call<'a>, body: &Body) -> Vec<Odd<'a>> {
    let sample = samples::body(body, MEMBER).unwrap();
    let types = ["", "text/plain", "application/jsonx", "multipart/form-data"].map(Some);
    let types = types.into_iter().chain([None]);
    let types = types.map(|kind| allowed.with_type(kind));
    let large = sample.text() + &" ".repeat(20_000);
    let unread = odd_bodies::twice(&sample).into_iter().chain([large.into()]);
    let unread = unread.map(|bytes| allowed.with_body(bytes));
    let forbidden = types.chain(unread).map(|call| (Verdict::Forbidden, call));
    let derived = odd_bodies::all(body, &sample).into_iter();
    let derived = derived.map(|bytes| (odd_bodies::said(body, &bytes), allowed.with_body(bytes)));
    derived.chain(forbidden).collect()
}

/// Whether a parameter's text is meant as a number.
fn is_number(parameter: &Parameter) -> bool {
    parameter.schema["type"] == "integer"
}

/// What the document says of a parameter's text.
fn said(parameter: &Parameter, text: &str) -> Verdict {
    let value = if is_number(parameter) {
        text.parse::<i128>().map(whole).unwrap_or(Value::Null)
    } else {
        text.into()
    };
    Verdict::of(parameter.validator.is_valid(&value))
}

/// JSON has no numbers of this size; what is as large as they are will do.
fn whole(number: i128) -> Value {
    match i64::try_from(number) {
        Ok(number) => number.into(),
        Err(_) => (number as f64).into(),
    }
}
