//! `cargo xtask docs`: what the documentation takes from the program, and the book.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::stage::Stages;
use crate::workspace;

/// The program that makes the book; without the parts that search and serve.
const MDBOOK: (&str, &str) = ("mdbook", "0.5.4");

/// Where tools of this project's own are installed, below the root.
const TOOLS: &str = "target/tools";

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
    let result = run_stages(&mut stages);
    stages.print_summary();
    result
}

fn run_stages(stages: &mut Stages) -> Result<()> {
    for (test, variable) in WRITERS {
        let mut write = workspace::cargo();
        write.args(["test", "--quiet", "-p", "meshworker", "--test", test]);
        write.args(["--", "options"]).env(variable, "1");
        stages.command(&format!("write {test}"), &mut write)?;
    }
    let mut check = workspace::cargo();
    check.args(["test", "--quiet", "-p", "meshworker", "--test", "docs"]);
    stages.command("check", &mut check)?;
    book(stages)
}

/// Builds the book, and what builds it where that is missing.
pub fn book(stages: &mut Stages) -> Result<()> {
    let program = match installed() {
        Some(program) => program,
        None => install(stages)?,
    };
    let docs = workspace::root().join("docs");
    stages.command("book", Command::new(program).arg("build").arg(docs))?;
    println!("the book is in target/book/index.html");
    Ok(())
}

fn own() -> PathBuf {
    workspace::root().join(TOOLS).join("bin").join(MDBOOK.0)
}

/// Ours, or one of the same version on the path.
fn installed() -> Option<PathBuf> {
    let (name, version) = MDBOOK;
    let is_right = |program: &PathBuf| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.is_ok_and(|text| text.trim().ends_with(version))
    };
    [own(), name.into()].into_iter().find(is_right)
}

fn install(stages: &mut Stages) -> Result<PathBuf> {
    let (name, version) = MDBOOK;
    eprintln!("{name} {version} is missing: installing it into {TOOLS}, which takes some minutes");
    let mut install = workspace::cargo();
    install.args(["install", "--quiet", name, "--version", version, "--locked"]);
    install.args(["--no-default-features", "--root", TOOLS]);
    // Twenty pages take no time either way, and the program builds sooner.
    install.arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0");
    stages.command("install", &mut install)?;
    Ok(own())
}
