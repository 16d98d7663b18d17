//! Every command that the documentation shows is run here, or a comment before it says
//! why not: `<!-- not run: it needs a swarm -->`.

use std::io::Write;
use std::process::{Command, Output};

use crate::page::{Page, root};
use crate::process::PROGRAM;
use crate::server::{Server, TOKEN};
use crate::shell::{call, words};
use crate::story;

const MARK: &str = "<!-- not run: ";

/// What a line of shell begins with; others are configuration, or what is printed.
const PROGRAMS: [&str; 19] = [
    "apt-get",
    "cargo",
    "curl",
    "docker",
    "export",
    "for",
    "git",
    "head",
    "ip",
    "meshworker",
    "mkdir",
    "openssl",
    "printf",
    "promtool",
    "redis-cli",
    "sed",
    "sh",
    "sudo",
    "xargs",
];

/// Those that ask a worker, which one of this test answers, and those that ask nobody.
const RUN: [&str; 14] = [
    "acknowledge",
    "completions",
    "doctor",
    "events",
    "forget",
    "group",
    "hold",
    "members",
    "plan",
    "resume",
    "status",
    "version",
    "why",
    "config",
];

fn is_command(line: &str) -> bool {
    // A picture, or a program in Rust.
    if line.contains('·') || line.ends_with('{') {
        return false;
    }
    let words = words(line.trim_start_matches("$ "));
    let is_setting = |word: &&String| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let first = words.iter().find(|word| !is_setting(word));
    first.is_some_and(|word| PROGRAMS.contains(&word.as_str()))
}

/// The arguments with which it is run here, if it is: what stands for something is
/// replaced, and nothing goes on for ever.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = call(line)?;
    let command = words.get(1)?;
    let elsewhere = command == "doctor" && !words.iter().any(|word| word == "--stack");
    // For the worst alone, which this test's worker has not met.
    let worst = words.iter().any(|word| word == "restart");
    if !RUN.contains(&command.as_str()) || elsewhere || worst {
        return None;
    }
    let words = words.iter().skip(1);
    let words = words.filter(|word| !["--follow", "--watch"].contains(&word.as_str()));
    let words = words.map(|word| match word.as_str() {
        // The one that this test's worker knows more of.
        "MEMBER" | "2" => "4".to_owned(),
        "NODE" | "NODE_ID" => "77ab3390".to_owned(),
        word => word.to_owned(),
    });
    Some(words.collect())
}

/// Whether the block of code that this line is in has a comment that says why it is not
/// run.
fn is_marked(page: &Page, line: usize) -> bool {
    let above: Vec<&str> = page.text.lines().take(line - 1).collect();
    let mut above = above.iter().rev();
    let is_code = |line: &&&str| line.is_empty() || line.starts_with("    ");
    above
        .find(|line| !is_code(line) && !line.starts_with("```"))
        .is_some_and(|line| line.starts_with(MARK) && line.ends_with(" -->"))
}

#[test]
fn every_command_that_is_shown_is_run_or_says_why_not() {
    let server = Server::of(vec![story::calm()]);
    let mut token = tempfile::NamedTempFile::new().unwrap();
    writeln!(token, "{TOKEN}").unwrap();
    let run = |arguments: &[String]| -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(root()).env_clear();
        command.env("MESHWORKER_API", server.url());
        command.env("MESHWORKER_API_TOKEN_FILE", token.path());
        command.output().unwrap()
    };
    let (mut wrong, mut ran) = (Vec::new(), 0);
    // The page of figures is about how each was measured.
    let pages = Page::all().into_iter();
    for page in pages.filter(|page| page.path != "docs/benchmarks.md") {
        for (line, text) in page.code() {
            // What is fenced is what a command prints; those of `docs.rs` are compared.
            let is_indented = page.text.lines().nth(line - 1);
            let is_indented = is_indented.is_some_and(|line| line.starts_with("    "));
            if !is_indented || !is_command(&text) {
                continue;
            }
            let place = format!("{}:{line}: {text}", page.path);
            if let Some(arguments) = arguments(&text) {
                let output = run(&arguments);
                let said = String::from_utf8_lossy(&output.stderr);
                // A stack file may have mistakes: that is what is looked for.
                let allowed: &[i32] = if arguments[0] == "doctor" {
                    &[0, 1]
                } else {
                    &[0]
                };
                if !output
                    .status
                    .code()
                    .is_some_and(|code| allowed.contains(&code))
                {
                    wrong.push(format!("{place}: {:?}: {said}", output.status.code()));
                }
                ran += 1;
            } else if !is_marked(&page, line) {
                wrong.push(format!("{place}: nobody runs it; {MARK}WHY --> before it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 25, "only {ran} were run");
}
