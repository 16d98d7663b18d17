//! How large the image is.

use std::path::Path;

use anyhow::Result;

use crate::figure::{Figure, Section, short};

/// Measures the static binary, and the image when it was built.
///
/// # Errors
///
/// When the binary is not there.
pub fn measure(program: &Path, image: Option<u64>) -> Result<Section> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let binary = megabytes(program.metadata()?.len());
    let image = image.map(megabytes);
    let what = if image.is_some() { "image" } else { "binary" };
    let column = |text: &str| text.to_owned();
    Ok(Section {
        title: "Size",
        only: "size",
        how: "The image is the static binary and nothing else, as `docker image inspect` tells its size.".into(),
        figures: vec![Figure::new(
            format!("size of the {what}"),
            image.unwrap_or(binary),
            10.0,
            "MB",
        )],
        table: vec![
            vec![column("static binary"), column("image")],
            vec![
                format!("{} MB", short(binary)),
                image.map_or("not built".into(), |image| format!("{} MB", short(image))),
            ],
        ],
    })
}
