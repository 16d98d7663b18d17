//! Every link leads somewhere, and every page is in the book.

use std::path::Path;

use crate::page::{Page, root};

/// Why a link leads nowhere.
fn broken(page: &Page, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match (file, Path::new(&page.path).parent()) {
        ("", _) | (_, None) => page.path.clone(),
        (file, Some(folder)) => folder.join(file).display().to_string(),
    };
    if !root().join(&path).exists() {
        return Some(format!("there is no {path}"));
    }
    let has = |anchor: &str| Page::read(&path).anchors().iter().any(|a| a == anchor);
    (!anchor.is_empty() && !has(anchor)).then(|| format!("{path} has no heading '{anchor}'"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in Page::all() {
        for (line, target) in page.links() {
            if let Some(why) = broken(&page, &target) {
                wrong.push(format!("{}:{line}: ({target}): {why}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_book() {
    let summary = Page::read("docs/SUMMARY.md");
    let listed: Vec<String> = summary.links().into_iter().map(|(_, link)| link).collect();
    let pages = Page::of_the_book();
    let pages = pages
        .iter()
        .map(|page| page.path.trim_start_matches("docs/"));
    let unlisted: Vec<&str> = pages
        .filter(|page| *page != "SUMMARY.md" && !listed.iter().any(|link| link == page))
        .collect();
    assert!(
        unlisted.is_empty(),
        "docs/SUMMARY.md does not list {unlisted:?}"
    );
}

#[test]
fn every_page_says_first_what_it_is_for() {
    for page in Page::of_the_book() {
        let mut lines = page.text.lines().filter(|line| !line.is_empty());
        let heading = lines.next().unwrap_or_default();
        assert!(heading.starts_with("# "), "{}: no heading", page.path);
        let first = lines.next().unwrap_or_default();
        let is_prose = first.chars().next().is_some_and(char::is_alphabetic);
        let is_prose = is_prose || page.path == "docs/SUMMARY.md";
        assert!(is_prose, "{}: begins with '{first}'", page.path);
    }
}
