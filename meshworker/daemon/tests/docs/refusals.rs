//! Whoever sees a refusal finds it by its kind.

use crate::page::Page;

/// Where the kinds are written down: each in a function `kind`.
const SOURCES: [&str; 3] = [
    include_str!("../../../core/src/refusal.rs"),
    include_str!("../../../core/src/gate.rs"),
    include_str!("../../../core/src/release_gate.rs"),
];

fn kinds() -> Vec<&'static str> {
    let bodies = SOURCES.iter().flat_map(|source| {
        let body = source.split("fn kind(").nth(1).unwrap();
        body.split("\n    }\n")
            .next()
            .unwrap()
            .split("=> \"")
            .skip(1)
    });
    bodies.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn every_kind_of_refusal_is_on_the_page() {
    let kinds = kinds();
    assert!(kinds.len() >= 28, "{kinds:?}");
    let page = Page::read("docs/troubleshooting.md");
    let missing: Vec<_> = kinds
        .into_iter()
        .filter(|kind| !page.text.contains(&format!("`{kind}`")))
        .collect();
    assert!(missing.is_empty(), "{} misses {missing:?}", page.path);
}
