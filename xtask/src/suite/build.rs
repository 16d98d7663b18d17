//! Building all test programs, and holding the code to the lints in the same go.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Program;
use crate::workspace;

/// Warnings are errors. Clippy's driver takes its options from a variable, each with this at its end.
const LINTS: (&str, &str) = (
    "CLIPPY_ARGS",
    "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
);

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// All programs with tests in them.
    pub programs: Vec<Program>,
    /// The folder with the binaries that go into images.
    pub binaries: PathBuf,
}

/// What cargo tells of each thing that it has built, as far as it matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// A cargo command of the build that everything shares: clippy's driver is the compiler, which compiles as the compiler
/// does and warns besides. So nothing is read twice.
///
/// # Errors
///
/// Clippy is not installed.
pub fn cargo() -> Result<Command> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.context("cannot start rustc")?.stdout;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    let driver = sysroot.join("bin/clippy-driver");
    if !driver.is_file() {
        bail!("clippy is missing: install it (rustup component add clippy)");
    }
    let mut command = workspace::cargo();
    command
        .env("RUSTC_WORKSPACE_WRAPPER", driver)
        .env(LINTS.0, LINTS.1)
        // They would take the place of the workspace's own.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // Whoever runs all tests does not change a line between two of them.
        .env("CARGO_INCREMENTAL", "0");
    Ok(command)
}

/// Builds all test programs of the workspace.
///
/// # Errors
///
/// The compiler or a lint has something to say; it is on standard error.
pub fn build() -> Result<Built> {
    let mut command = cargo()?;
    command
        .args([
            "test",
            "--locked",
            "--workspace",
            "--all-targets",
            "--no-run",
        ])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    let output = command.spawn().context("cannot start cargo")?;
    let output = output.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "the code does not compile without warnings ({})",
            output.status
        );
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

fn read(messages: &str) -> Result<Built> {
    let mut programs = Vec::new();
    let mut binaries = None;
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Message = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let (Some(manifest), Some(target), Some(profile), Some(executable)) = (
            message.manifest_path,
            message.target,
            message.profile,
            message.executable,
        ) else {
            continue;
        };
        let folder = manifest.parent().context("a manifest is in a folder")?;
        // An example is compiled here, and has no tests.
        if target.kind == ["example"] {
            continue;
        }
        if message.reason == "compiler-artifact" && profile.test {
            programs.push(Program {
                package: package(&manifest)?,
                target: target.name,
                executable,
                folder: folder.to_owned(),
            });
        } else if target.kind == ["bin"] {
            binaries = executable.parent().map(PathBuf::from);
        }
    }
    programs.sort_by_key(Program::name);
    let binaries = binaries.context("cargo has built no binary")?;
    Ok(Built { programs, binaries })
}

/// The name in a manifest: its folder may be called otherwise.
fn package(manifest: &std::path::Path) -> Result<String> {
    let text = std::fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    name.map(str::to_owned)
        .with_context(|| format!("{}: no name", manifest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_and_the_folder_of_binaries_are_found() {
        let root = workspace::root();
        let manifest = root.join("tests/lab/Cargo.toml");
        let message = |target: &str, kind: &str, test: bool, file: &str| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "manifest_path": manifest,
                "target": { "name": target, "kind": [kind] },
                "profile": { "test": test },
                "executable": file,
            })
            .to_string()
        };
        let messages = [
            message("smoke", "test", true, "/t/debug/deps/smoke-1"),
            message(
                "screenshots",
                "example",
                true,
                "/t/debug/examples/screenshots-1",
            ),
            message("worker", "bin", false, "/t/debug/worker"),
            r#"{"reason":"build-finished","success":true}"#.into(),
        ];
        let built = read(&messages.join("\n")).unwrap();
        assert_eq!(built.binaries, PathBuf::from("/t/debug"));
        let names: Vec<String> = built.programs.iter().map(Program::name).collect();
        assert_eq!(names, ["lab::smoke"]);
        assert_eq!(built.programs[0].folder, root.join("tests/lab"));
    }

    #[test]
    fn a_build_without_a_binary_is_told() {
        assert!(read("").is_err());
    }
}
