//! `cargo xtask docs`: what the documentation takes from the program, and the book.

use std::process::Command;

use anyhow::Result;

use crate::stage::Stages;
use crate::{tools, workspace};

/// The tests that write what is taken from the program when they are told so:
/// each with the variable that does.
const WRITERS: [(&str, &str); 2] = [
    ("docs", "MESHWORKER_UPDATE_DOCS"),
    ("readme", "MESHWORKER_UPDATE_README"),
];

/// Writes the tables of options, checks all pages, and builds the book into
/// `target/book`.
pub fn run() -> Result<()> {
    let mut stages = Stages::default();
    let result = write(&mut stages).and_then(|()| run_stages(&mut stages));
    stages.print_summary();
    result
}

fn write(stages: &mut Stages) -> Result<()> {
    for (test, variable) in WRITERS {
        let mut write = workspace::cargo();
        write.args(["test", "--quiet", "-p", "meshworker", "--test", test]);
        write.args(["--", "options"]).env(variable, "1");
        stages.command(&format!("write {test}"), &mut write)?;
    }
    let mut check = workspace::cargo();
    check.args(["test", "--quiet", "-p", "meshworker", "--test", "docs"]);
    stages.command("check", &mut check)
}

/// Builds the book, as steps of a longer chore. It changes no page.
pub fn run_stages(stages: &mut Stages) -> Result<()> {
    let program = stages.step("mdbook", |_| tools::MDBOOK.installed())?;
    let docs = workspace::root().join("docs");
    stages.command("book", Command::new(program).arg("build").arg(docs))?;
    println!("the book is in target/book/index.html");
    Ok(())
}
