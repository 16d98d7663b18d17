//! The whole program, as a user or a script meets it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::client::dead;
use crate::server::Server;
use crate::story;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_meshworker");

pub fn run(api: &str, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().env("MESHWORKER_API", api);
    command.output().unwrap()
}

/// The program, to run beside the test: it ends with it.
pub fn beside(api: &str, args: &[&str]) -> Child {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", PROGRAM])
        .args(args)
        .env_clear()
        .env("MESHWORKER_API", api)
        .stdout(Stdio::piped());
    command.spawn().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line of a failure, without the program's name.
pub fn failed(output: &Output, code: i32) -> String {
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end()
        .strip_prefix("meshworker: ")
        .unwrap()
        .to_owned()
}

pub fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    out(output)
}

#[test]
fn status_tells_by_its_exit_code_whether_all_is_well() {
    let server = Server::of(vec![story::calm()]);
    let page = done(&run(&server.url(), &["status"]));
    assert!(
        page.starts_with("cache_redis (redis): one cluster of 3 members\nlooked 0.4 s ago"),
        "{page}"
    );
    let listed = done(&run(&server.url(), &["status", "--json"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["members"][2]["id"], "cache_redis.3");

    server.world(|world| world.shown = vec![story::busy()]);
    let output = run(&server.url(), &["status"]);
    assert!(out(&output).lines().all(|line| line.chars().count() <= 80));
    assert!(failed(&output, 1).starts_with("cache_redis: not one cluster: "));
    server.world(|world| world.shown[0].summary.age_seconds = None);
    let output = run(&server.url(), &["status"]);
    assert_eq!(failed(&output, 1), "cache_redis: no pass yet");
}

#[test]
fn every_command_shows_its_page() {
    let server = Server::of(vec![story::busy()]);
    for (args, expected) in [
        (&["members"][..], "cache_redis.4  10.0.1.6"),
        (&["plan"], "not done, and why"),
        (&["why", "4"], "cache_redis.4 at 10.0.1.6: leaving"),
        (&["events"], "03:10:18 not done"),
        (&["events", "--limit", "1"], "  2026-11-21\n! 03:10:18"),
        (&["events", "--member", "4", "--json"], "{\"id\":4,"),
        (&["members", "--json"], "\"standing\": \"leaving\""),
        (
            &["plan", "--json", "--cluster", "cache_redis"],
            "\"refusals\"",
        ),
        (&["why", "cache_redis.4", "--json"], "\"seen_by\""),
    ] {
        let page = done(&run(&server.url(), args));
        assert!(page.contains(expected), "{args:?}: {page}");
        assert!(!page.contains('\x1b'));
        let json = args.contains(&"--json");
        assert!(json || page.lines().all(|line| line.chars().count() <= 80));
    }
}

#[test]
fn bad_input_is_a_line_and_two() {
    let mut other = story::calm();
    other.summary.name = "sessions".into();
    let server = Server::of(vec![story::calm(), other]);
    for (args, expected) in [
        (
            &["members"][..],
            "cluster: found nothing; allowed: one of these, by --cluster: cache_redis, sessions",
        ),
        (
            &["plan", "--cluster", "x"],
            "cluster: found 'x'; allowed: cache_redis, sessions",
        ),
        (
            &["why", "9", "--cluster", "cache_redis"],
            "member: found '9'; allowed: others",
        ),
        (
            &["events", "--limit", "0"],
            "limit: found '0'; allowed: 1 to 1000",
        ),
        (
            &["status", "--api", "a:b"],
            "api: found 'a:b'; allowed: http://HOST:PORT",
        ),
        (&["hold"], "api-token-file: found nothing; allowed: a file"),
        (
            &["forget", "a", "--api-token-file", "/nowhere"],
            "api-token-file: /nowhere: No such file",
        ),
        (
            &["man", "/nowhere"],
            "DIR: found '/nowhere'; allowed: a folder",
        ),
        (&["completions", "tcl"], "SHELL: found 'tcl'; allowed: bash"),
    ] {
        let line = failed(&run(&server.url(), args), 2);
        assert!(line.starts_with(expected), "{args:?}: {line}");
    }
}

#[test]
fn nobody_there_is_a_line_and_one() {
    let (one, two) = (dead(), dead());
    let line = failed(&run(&format!("{one},{two}"), &["status"]), 1);
    let refused = "Connection refused (os error 111)";
    assert_eq!(
        line,
        format!("no worker answers: {one}: {refused}; {two}: {refused}")
    );
    // No name server is asked for a name that cannot be one.
    let name = "x".repeat(64);
    let line = failed(&run(&name, &["status"]), 1);
    assert!(
        line.starts_with(&format!("no worker answers: http://{name}:4748: ")),
        "{line}"
    );
}

/// The program on a terminal of its own, made by `script`.
fn on_a_terminal(api: &str, env: &[(&str, &str)]) -> String {
    let output = Command::new("script")
        .args(["-qec", &format!("{PROGRAM} status"), "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .env("MESHWORKER_API", api)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("script is installed");
    out(&output)
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let server = Server::of(vec![story::calm()]);
    let page = on_a_terminal(&server.url(), &[]);
    assert!(
        page.contains("\x1b[32mcache_redis (redis): one cluster"),
        "{page}"
    );
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let page = on_a_terminal(&server.url(), &[env]);
        assert!(
            page.contains("one cluster of 3") && !page.contains('\x1b'),
            "{page}"
        );
    }
}

#[test]
fn a_watched_status_is_shown_again_when_it_changes() {
    let server = Server::of(vec![story::calm()]);
    let mut child = beside(&server.url(), &["status", "--watch"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let read: Vec<String> = lines
            .by_ref()
            .map(Result::unwrap)
            .take_while(|line| line != wanted)
            .collect();
        read
    };
    until("cache_redis (redis): one cluster of 3 members");
    // Another age is no change, another cluster is.
    server.world(|world| world.shown[0].summary.age_seconds = Some(1.4));
    server.world(|world| world.shown = vec![story::busy()]);
    let between = until(&"-".repeat(80));
    assert!(
        between.iter().any(|line| line.contains("cache_redis.3")),
        "{between:?}"
    );
    until("not done, and why");
    server.world(|world| world.shown.clear());
    until(&"-".repeat(80));
    until("the worker looks after no cluster");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let server = Server::of(vec![story::busy()]);
    let command = format!("{PROGRAM} events; echo $? >&2");
    let output = Command::new("sh")
        .args(["-c", &format!("({command}) | true")])
        .env("MESHWORKER_API", server.url())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "0");
}

#[test]
fn shells_and_man_get_their_pages() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(done(&run("", &["completions", shell])).contains("meshworker"));
    }
    assert!(done(&run("", &["man"])).contains(".TH meshworker 1"));
    let dir = tempfile::tempdir().unwrap();
    done(&run("", &["man", dir.path().to_str().unwrap()]));
    for page in [
        "meshworker.1",
        "meshworker-status.1",
        "meshworker-config-check.1",
    ] {
        assert!(dir.path().join(page).exists(), "{page}");
    }
    let page = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let status = page("meshworker-status.1");
    for said in [
        concat!("\"meshworker ", env!("CARGO_PKG_VERSION"), "\""),
        "MESHWORKER_API",
        ".SH NOTES\n.nf\n\\&Exit codes:\n\\&  0  each cluster is one\n",
        ".SH SEE ALSO\n\\fBmeshworker\\fR(1)\n",
    ] {
        assert!(status.contains(said), "{said}: {status}");
    }
    assert!(page("meshworker.1").contains("\\fBmeshworker\\-status\\fR(1)"));
}

/// What bash offers in place of the last of these words.
fn offered(api: &str, words: &[&str]) -> Vec<String> {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--")
        .arg("meshworker")
        .args(words)
        .env_clear()
        .env("MESHWORKER_API", api)
        .env("MESHWORKER_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let offered = done(&command.output().unwrap());
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_knows_the_values_of_flags() {
    for (flag, values) in [
        (
            "--engine",
            &[
                "aerospike",
                "redis",
                "etcd",
                "mariadb",
                "allegrograph",
                "jgroups",
            ][..],
        ),
        ("--tls", &["yes", "no"]),
        ("--docker", &["auto", "yes", "no"]),
    ] {
        assert_eq!(offered("", &["run", flag, ""]), values, "{flag}");
    }
    assert_eq!(offered("", &["stat"]), ["status"]);
}

#[test]
fn a_shell_offered_files_in_place_of_members() {
    let mut other = story::calm();
    other.summary.name = "sessions".into();
    let server = Server::of(vec![story::calm(), other]);
    let api = server.url();
    let members = ["cache_redis.1", "cache_redis.2", "cache_redis.3"];
    let cluster = ["--cluster", "cache_redis"];
    for command in ["why", "hold", "resume", "drain"] {
        let words = [&[command], &cluster[..], &["c"]].concat();
        assert_eq!(offered(&api, &words), members, "{command}");
    }
    let words = [
        "events",
        "--cluster",
        "sessions",
        "--member",
        "cache_redis.2",
    ];
    assert_eq!(offered(&api, &words), &members[1..2]);
    // Of which of two clusters is not said.
    assert!(offered(&api, &["why", "c"]).is_empty());
    assert_eq!(offered(&api, &["why", "--cluster", "s"]), ["sessions"]);
    let busy = Server::of(vec![story::busy()]);
    let departed = &story::busy().status.unwrap().departed[0].node;
    assert!(offered(&busy.url(), &["forget", ""]).contains(departed));
    // Nobody answers: whoever types is told nothing, and soon.
    assert!(offered(&dead(), &["why", "c"]).is_empty());
}

#[test]
fn help_fits_a_terminal() {
    for command in ["run", "status", "drain", "doctor", "init", "completions"] {
        let help = done(&run("", &[command, "--help"]));
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{command}");
    }
}

#[test]
fn every_command_that_asks_says_what_it_exits_with() {
    let commands = "status members events why plan hold resume forget acknowledge size scale drain completions man";
    for command in commands.split(' ') {
        let help = done(&run("", &[command, "--help"]));
        assert!(help.contains("Exit codes:\n  0  "), "{command}: {help}");
    }
}
