//! What is done to a server to have each of its answers: the state that it is in, and a request that is made from one
//! that the document allows.
//!
//! A recipe knows no operation by name: what it takes is read from the document, so that it serves operations that
//! are still to come.

use serde_json::Value;

use super::scene::GONE;
use super::{Call, Operation, Place, State};

/// More than any body may have.
const TOO_LARGE: usize = 20_000;

/// One way to an answer.
pub struct Recipe {
    /// What the server is in the middle of.
    pub state: State,
    /// The request, where the operation has what it takes.
    pub call: Make,
}

type Make = for<'a> fn(&'a Operation) -> Option<Call<'a>>;

const fn to(state: State, call: Make) -> Recipe {
    Recipe { state, call }
}

/// Every recipe, below the status that it is there for. Whatever else it is answered with must be documented.
pub const RECIPES: [Recipe; 25] = [
    // 200, 202
    to(State::Seen, whole),
    to(State::Seen, about_who_is_gone),
    to(State::Seen, with_nothing),
    to(State::Chosen, whole),
    to(State::Grouped, among_workers),
    to(State::Lessened, about_who_is_lost),
    // 400
    to(State::Seen, broken_body),
    to(State::Seen, unknown_query),
    to(State::Seen, part_that_is_no_text),
    // 401, 403
    to(State::Seen, without_token),
    to(State::Orderless, whole),
    // 404
    to(State::Seen, elsewhere),
    to(State::Seen, about_nobody),
    to(State::Chosen, about_nobody),
    to(State::Grouped, among_workers_about_nobody),
    // 409
    to(State::Busy, whole),
    // 413, 415
    to(State::Seen, large_body),
    to(State::Seen, body_of_text),
    // 429
    to(State::Tired, whole),
    // 503, and 200 where that takes the worst
    to(State::Bereft, whole),
    to(State::Unseen, whole),
    to(State::Unseen, about_who_is_gone),
    to(State::TokenLost, whole),
    to(State::Chosen, with_nothing),
    to(State::Crowded, streamed),
];

fn whole(operation: &Operation) -> Option<Call<'_>> {
    Some(Call::allowed(operation))
}

fn about_who_is_gone(operation: &Operation) -> Option<Call<'_>> {
    Call::about(operation, GONE)
}

/// All that may be nothing is nothing.
fn with_nothing(operation: &Operation) -> Option<Call<'_>> {
    let body = operation.body.as_ref()?;
    let names = body.properties.keys().cloned();
    let nothing = Value::Object(names.map(|name| (name, Value::Null)).collect());
    let allowed = body.validator.is_valid(&nothing);
    allowed.then(|| Call::allowed(operation).with_body(nothing.to_string()))
}

fn about_nobody(operation: &Operation) -> Option<Call<'_>> {
    Call::about(operation, "nobody")
}

fn among_workers(operation: &Operation) -> Option<Call<'_>> {
    let of_a_cluster = operation.path.contains("{cluster}");
    (!of_a_cluster).then(|| Call::allowed(operation))
}

/// Who answers is not removed.
fn about_who_is_lost(operation: &Operation) -> Option<Call<'_>> {
    let removes = operation.path == "/v1/group/remove";
    removes.then(|| Call::allowed(operation))
}

fn among_workers_about_nobody(operation: &Operation) -> Option<Call<'_>> {
    among_workers(operation)?;
    about_nobody(operation)
}

fn elsewhere(operation: &Operation) -> Option<Call<'_>> {
    Some(Call::allowed(operation).with_part(parts(operation).next()?, "nobody"))
}

fn part_that_is_no_text(operation: &Operation) -> Option<Call<'_>> {
    Some(Call::allowed(operation).with_part(parts(operation).next()?, "%ff"))
}

fn unknown_query(operation: &Operation) -> Option<Call<'_>> {
    let mut parameters = operation.parameters.iter();
    parameters.find(|parameter| parameter.place == Place::Query)?;
    Some(Call::allowed(operation).with_query("nothing=here"))
}

fn without_token(operation: &Operation) -> Option<Call<'_>> {
    let call = Call::allowed(operation).without_token();
    operation.secured.then_some(call)
}

fn broken_body(operation: &Operation) -> Option<Call<'_>> {
    operation.body.as_ref()?;
    Some(Call::allowed(operation).with_body("{"))
}

fn large_body(operation: &Operation) -> Option<Call<'_>> {
    operation.body.as_ref()?;
    Some(Call::allowed(operation).with_body(" ".repeat(TOO_LARGE)))
}

fn body_of_text(operation: &Operation) -> Option<Call<'_>> {
    operation.body.as_ref()?;
    Some(Call::allowed(operation).with_type(Some("text/plain")))
}

fn streamed(operation: &Operation) -> Option<Call<'_>> {
    let call = Call::allowed(operation);
    operation.streams().then_some(call)
}

/// The names of a path's parts, in their order.
fn parts(operation: &Operation) -> impl Iterator<Item = &str> {
    let parts = operation.path.split('/');
    parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
