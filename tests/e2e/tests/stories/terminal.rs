//! What an operator types, and what he sees, kept as text.

use std::fmt::Write as _;
use std::path::Path;

use meshworker_e2e::Deployment;

/// Every terminal is at least so wide.
const WIDTH: usize = 80;

/// What was typed into the tools container, and what came.
#[derive(Default)]
pub struct Terminal {
    text: String,
}

impl Terminal {
    /// A heading between commands.
    pub fn heading(&mut self, text: &str) {
        let _ = write!(self.text, "\n== {text}\n\n");
        eprintln!("  == {text}");
    }

    /// Types a command of `meshworker`, and returns what it printed. Whether it
    /// ended well is part of what is kept.
    pub fn type_in(&mut self, deployment: &Deployment<'_>, args: &[&str]) -> String {
        let command = [&["meshworker"], args].concat();
        let output = deployment.tools().ask(&command).expect("the tools answer");
        let quoted = command.iter().map(|word| match word.contains(' ') {
            true => format!("'{word}'"),
            false => (*word).to_owned(),
        });
        let quoted: Vec<String> = quoted.collect();
        let both = format!("{}\n{}", output.stdout, output.stderr);
        let both = both.trim_end().to_owned();
        let _ = write!(self.text, "$ {}\n{both}\n\n", quoted.join(" "));
        if !args.contains(&"--json") {
            for line in output.stdout.lines() {
                let width = line.chars().count();
                assert!(width <= WIDTH, "{width} columns in {quoted:?}:\n{line}");
            }
        }
        assert!(
            !both.contains('\u{1b}'),
            "colours without a terminal: {both}"
        );
        both
    }

    /// Types a command until what it prints has all of this.
    pub fn until(&mut self, deployment: &Deployment<'_>, args: &[&str], parts: &[&str]) -> String {
        let command = [&["meshworker"], args].concat();
        deployment.wait(&format!("{} to say {parts:?}", command.join(" ")), || {
            let output = deployment
                .tools()
                .ask(&command)
                .map_err(|e| e.to_string())?;
            let both = format!("{}\n{}", output.stdout, output.stderr);
            if parts.iter().all(|part| both.contains(part)) {
                return Ok(());
            }
            Err(both)
        });
        self.type_in(deployment, args)
    }

    /// Writes everything to a file.
    pub fn save(&self, file: &Path) {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        std::fs::write(file, self.text.trim_start()).expect("it can be written");
    }

    /// Everything so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}
