//! One parser under libFuzzer: `cargo xtask fuzz` builds and calls it.
#![no_main]
#![allow(clippy::panic, reason = "libFuzzer hears of it so")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use meshworker_engines::outside::Parser;
use meshworker_fuzz::{judge, target};

/// The parser that the environment names.
static TARGET: LazyLock<Option<Parser>> =
    LazyLock::new(|| target(&std::env::var("MESHWORKER_FUZZ").ok()?));

fuzz_target!(|bytes: &[u8]| {
    match &*TARGET {
        Some(parser) => {
            if let Err(broken) = judge(parser, bytes) {
                panic!("{broken}");
            }
        }
        None => {
            eprintln!("MESHWORKER_FUZZ names no parser");
            std::process::exit(2);
        }
    }
});
