//! Whoever sees a refusal finds it by its kind.

use meshworker_core::Change;

use crate::page::Page;

/// The kinds of a function `kind`, and those of all gates.
fn kinds() -> Vec<String> {
    let source = include_str!("../../../core/src/refusal.rs");
    let body = source.split("fn kind(").nth(1).unwrap();
    let body = body.split("\n    }\n").next().unwrap();
    let kinds = body.split("=> \"").skip(1);
    let kinds = kinds.map(|rest| rest.split('"').next().unwrap().to_owned());
    let changes = [
        Change::Forget,
        Change::Part,
        Change::Arrange,
        Change::Nominate,
        Change::Succeed,
    ];
    let gates = changes.iter().flat_map(|change| {
        let gates = change.gates().iter();
        gates.map(|gate| change.closed(*gate, "").kind())
    });
    kinds.chain(gates).collect()
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
