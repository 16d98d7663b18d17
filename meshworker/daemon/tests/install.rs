//! `meshworker install`: the program is in the folder as a whole, or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_meshworker");

fn meshworker(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).unwrap().trim_end().to_owned()
}

fn version() -> String {
    said(&meshworker(&["version"]))
}

/// Installs into the folder; what it said.
fn install(folder: &Path) -> String {
    let output = meshworker(&["install", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Its one line on a bad input.
fn refused(args: &[&str]) -> String {
    let output = meshworker(args);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    said(&output)
}

#[test]
fn it_is_there_for_everybody_and_runs_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, version) = (folder.path(), version());
    assert_eq!(
        install(path),
        format!("meshworker {version} is in {}", path.display())
    );
    let installed = path.join("meshworker");
    assert_eq!(names(path), ["meshworker"]);
    let mode = installed.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    let output = Command::new(&installed).arg("version").output().unwrap();
    assert_eq!(said(&output), version);
    // From there it goes on to elsewhere: how a host gets it out of a volume.
    let further = tempfile::tempdir().unwrap();
    let mut command = Command::new(&installed);
    let output = command.arg("install").arg(further.path()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        fs::read(further.path().join("meshworker")).unwrap(),
        fs::read(PROGRAM).unwrap()
    );
}

#[test]
fn a_second_time_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path());
    let before = folder.path().join("meshworker").metadata().unwrap();
    assert!(install(folder.path()).contains(" was already in "));
    let after = folder.path().join("meshworker").metadata().unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec(), before.ctime_nsec()),
        (after.ino(), after.mtime_nsec(), after.ctime_nsec())
    );
}

/// Writing into the file that a supervisor runs from would fail, or break the supervisor.
#[test]
fn whoever_runs_the_former_program_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meshworker");
    fs::copy("/bin/cat", &file).unwrap();
    let mut running = Command::new(&file);
    running.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = running.spawn().unwrap();
    let inode = file.metadata().unwrap().ino();
    assert!(install(folder.path()).contains(" has replaced another one in "));
    assert_ne!(file.metadata().unwrap().ino(), inode);
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
}

#[test]
fn what_a_killed_one_left_behind_is_no_obstacle_and_does_not_stay() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".meshworker.new"), "half of it").unwrap();
    fs::write(folder.path().join("meshworker"), "").unwrap();
    assert!(install(folder.path()).contains(" has replaced another one in "));
    assert_eq!(names(folder.path()), ["meshworker"]);
}

#[test]
fn one_that_nobody_may_run_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path());
    let file = folder.path().join("meshworker");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    install(folder.path());
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o7777,
        0o755
    );
}

#[test]
fn many_at_once_leave_one_whole_program() {
    let folder = tempfile::tempdir().unwrap();
    let start = |_| {
        let mut command = Command::new(PROGRAM);
        command.arg("install").arg(folder.path());
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut all: Vec<Child> = (0..4).map(start).collect();
    let mut first = 0;
    for child in &mut all {
        assert!(child.wait().unwrap().success());
        let mut text = String::new();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_string(&mut text).unwrap();
        first += usize::from(text.contains(" is in "));
    }
    assert_eq!(first, 1, "one wrote it, and the others found it");
    assert_eq!(names(folder.path()), ["meshworker"]);
    assert_eq!(
        fs::read(folder.path().join("meshworker")).unwrap(),
        fs::read(PROGRAM).unwrap()
    );
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let allowed = "allowed: a directory that exists, such as a volume's mount point";
    assert_eq!(
        refused(&["install", "/no/such"]),
        format!(
            "meshworker: DIR: found '/no/such': No such file or directory (os error 2); {allowed}"
        )
    );
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let said = refused(&["install", file.to_str().unwrap()]);
    assert!(said.contains("Not a directory"), "{said}");
    fs::create_dir(folder.path().join("meshworker")).unwrap();
    let said = refused(&["install", path]);
    assert!(said.contains("which is a directory"), "{said}");
    let said = refused(&["install", "--expect", "0.0.0", path]);
    let version = version();
    assert_eq!(
        said,
        format!("meshworker: expect: found '0.0.0'; allowed: {version}, which this program is")
    );
}

#[test]
fn the_version_that_a_volume_is_named_after_is_expected_with_or_without_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let version = version();
    let (release, digest) = version.rsplit_once('-').unwrap();
    assert_eq!(release, env!("CARGO_PKG_VERSION"));
    assert!(digest.len() == 12 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
    for expected in [release, &version] {
        let output = meshworker(&["install", "--expect", expected, path]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let other = format!("{release}-000000000000");
    refused(&["install", "--expect", &other, path]);
}

/// As in the stack: the volume stays in use, and the service ends when it is told to.
#[test]
fn one_that_stays_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["install", "--stay"]).arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut byte = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut byte).unwrap();
    assert!(folder.path().join("meshworker").is_file());
    assert_eq!(child.try_wait().unwrap(), None);
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    // By itself or by the signal that it did not hear yet.
    let ended = child.wait().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&ended);
    assert!(ended.success() || signal == Some(15), "{ended}");
}
