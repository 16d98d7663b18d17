//! Every parser on its kept inputs, and on mutations of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt;

use meshworker_engines::outside::Parser;
use meshworker_fuzz::{corpus, judge, mutated, mutations, targets};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// How many mutations each parser is tried with.
const MANY: u32 = 1_000;

/// In the long tier.
const VERY_MANY: u32 = 100_000;

/// Tries this one, and says which promise it broke, and how to see that again.
fn tried(parser: &Parser, cases: u32) -> Result<(), String> {
    let kept = corpus(parser);
    for (file, bytes) in &kept {
        // Wherever the other side stops.
        for end in (0..bytes.len().min(512)).chain([bytes.len()]) {
            let judged = judge(parser, &bytes[..end]);
            judged.map_err(|why| format!("{why}: {}, {end} bytes", file.display()))?;
        }
    }
    let config = Config {
        cases,
        max_shrink_iters: 10_000,
        // What failed is kept as a file of the corpus, by whoever mends it.
        failure_persistence: None,
        ..Config::default()
    };
    let kept: Vec<Vec<u8>> = kept.into_iter().map(|(_, bytes)| bytes).collect();
    let begun = prop::sample::select(kept);
    let inputs = (begun, mutations()).prop_map(|(begun, changes)| Input(mutated(&begun, &changes)));
    let run = TestRunner::new(config).run(&inputs, |Input(bytes)| {
        judge(parser, &bytes).map_err(TestCaseError::fail)
    });
    run.map_err(|why| format!("{}: {why}", parser.name))
}

/// What a parser was tried with, as `printf` would write it.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "printf '{}'", self.0.escape_ascii())
    }
}

/// Tries all of them, one after another: the memory that is counted is the process's.
fn all_tried(cases: u32) {
    let tried = |parser: &Parser| tried(parser, cases).err();
    let broken: Vec<String> = targets().iter().filter_map(tried).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_parser_keeps_its_promises_whatever_the_bytes() {
    all_tried(MANY);
}

#[test]
#[ignore = "the long tier: many more inputs"]
fn every_parser_keeps_its_promises_whatever_many_more_bytes() {
    all_tried(VERY_MANY);
}

/// Of each kept folder there is a parser, which says what is in it.
#[test]
fn nothing_is_kept_for_a_parser_that_is_gone() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")).unwrap();
    let kept = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut kept: Vec<String> = kept.collect();
    kept.sort();
    let mut all: Vec<&str> = targets().iter().map(|parser| parser.name).collect();
    all.sort_unstable();
    assert_eq!(kept, all);
}
