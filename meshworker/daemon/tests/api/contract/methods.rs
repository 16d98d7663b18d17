//! What is not documented for a path is refused there, and says what is.

use std::collections::BTreeSet;

use super::operation::{is_line, kind};
use super::{Call, Document, Operation, Scene, State};
use crate::reply::Reply;

/// Those that HTTP has but for HEAD, and two that it has not.
const METHODS: [&str; 9] = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get",
];

#[tokio::test]
async fn a_method_that_is_not_documented_is_refused_and_what_can_be_got_has_a_head() {
    let scene = Scene::open(State::Seen).await;
    let document = Document::of(&scene.office).await;
    let problem = document.answer("ProblemBody");
    let methods = document.methods();
    for operation in document.operations() {
        let documented = &methods[&operation.path];
        for method in METHODS
            .iter()
            .filter(|method| !documented.contains(**method))
        {
            let reply = scene.send(&as_method(&operation, method)).await;
            let told = format!("{method} {}: {reply:?}", operation.path);
            assert_eq!(reply.status, 405, "{told}");
            assert_eq!(kind(&reply), "application/json", "{told}");
            assert_eq!(allow(&reply), with_head(documented), "{told}");
            assert!(problem.is_valid(&reply.json()), "{told}");
            assert!(is_line(reply.json()["error"].as_str().unwrap()), "{told}");
        }
        let head = scene.send(&as_method(&operation, "HEAD")).await;
        let told = format!("HEAD {}: {head:?}", operation.path);
        let status = if operation.method == "GET" { 200 } else { 405 };
        assert_eq!((head.status, &*head.text), (status, ""), "{told}");
        let streams = kind(&head) == "text/event-stream";
        assert_eq!(streams, operation.streams(), "{told}");
    }
    scene.office.close().await;
}

fn as_method<'a>(operation: &'a Operation, method: &'a str) -> Call<'a> {
    Call {
        method,
        ..Call::allowed(operation)
    }
}

/// These methods, and HEAD where anything can be got.
fn with_head(documented: &BTreeSet<String>) -> BTreeSet<String> {
    let head = documented.contains("GET").then(|| "HEAD".to_owned());
    documented.iter().cloned().chain(head).collect()
}

/// What is said to be allowed.
fn allow(reply: &Reply) -> BTreeSet<String> {
    let allow = reply.header("allow").unwrap_or_default().to_uppercase();
    allow
        .split(',')
        .map(|method| method.trim().to_owned())
        .collect()
}
