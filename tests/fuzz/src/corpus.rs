//! Inputs that are kept: what is well formed, and what once broke something.

use std::path::{Path, PathBuf};

use meshworker_engines::outside::Parser;

/// The kept inputs of a parser, by file.
///
/// # Panics
///
/// There are none.
pub fn corpus(parser: &Parser) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(parser.name);
    let files = std::fs::read_dir(&folder)
        .unwrap_or_else(|why| panic!("{}: {why}: keep some inputs there", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "{}: keep some inputs there",
        folder.display()
    );
    files
        .into_iter()
        .map(|file| {
            let bytes = std::fs::read(&file).unwrap();
            (file, bytes)
        })
        .collect()
}
