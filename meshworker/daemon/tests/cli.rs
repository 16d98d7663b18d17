//! The command line as a user meets it: bad input is one line and exit code 2.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output};

use fake_docker::FakeEngine;
use serde_json::json;

fn meshworker(args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshworker"))
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

/// The one line that bad input is answered with.
fn refused(args: &[&str], env: &[(&str, &str)]) -> String {
    let output = meshworker(args, env);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_missing_service_name_is_named() {
    assert_eq!(
        refused(&["run"], &[]),
        "meshworker: servicename (default): found nothing; allowed: a DNS name, or several different ones with commas between, at most 16, given by --servicename or MESHWORKER_SERVICENAME"
    );
}

#[test]
fn each_bad_value_is_named_with_its_origin_and_what_is_allowed() {
    let cases = [
        (
            ["--port", "0"],
            "port (flag): found '0'; allowed: 1 to 65535",
        ),
        (
            ["--engine", "mysql"],
            "engine (flag): found 'mysql'; allowed: ",
        ),
        (
            ["--interval", "-1"],
            "interval (flag): found '-1'; allowed: seconds",
        ),
        (
            ["--interval", "NaN"],
            "interval (flag): found 'NaN'; allowed: seconds",
        ),
        (
            ["--deadline", "0"],
            "deadline (flag): found '0'; allowed: seconds",
        ),
        (
            ["--tls", "maybe"],
            "tls (flag): found 'maybe'; allowed: yes, no",
        ),
        (
            ["--name-server", "x"],
            "name-server (flag): found 'x'; allowed: IP",
        ),
        (
            ["--ip-family", "v5"],
            "ip-family (flag): found 'v5'; allowed: both, v4, v6",
        ),
        (
            ["--user", "admin"],
            "user (flag): found 'admin'; allowed: nothing, because logging in to Aerospike",
        ),
        (
            ["--option", "a"],
            "option (flag): found 'a'; allowed: NAME=VALUE",
        ),
        (
            ["--option", "a=b"],
            "option.a (flag): found 'b'; allowed: the options",
        ),
        (
            ["--min-members", "0"],
            "min-members (flag): found '0'; allowed: a count from 1",
        ),
        (
            ["--tls-cert-file", "x"],
            "tls-key-file (default): found nothing beside tls-cert-file",
        ),
    ];
    for (flags, expected) in cases {
        for command in [&["run"][..], &["look"], &["config", "check"]] {
            let args = [command, &["--servicename", "db"], &flags].concat();
            let line = refused(&args, &[]);
            assert!(line.contains(expected), "{args:?}: {line}");
        }
    }
}

#[test]
fn a_mistyped_flag_is_one_line_too() {
    let line = refused(&["run", "--servicenam", "db"], &[]);
    assert!(line.contains("'--servicenam'"), "{line}");
    refused(&["runn"], &[]);
}

#[test]
fn a_variable_is_named_as_the_origin() {
    let line = refused(&["run", "--servicename", "db"], &[("MESHWORKER_PORT", "x")]);
    assert_eq!(
        line,
        "meshworker: port (variable): found 'x'; allowed: 1 to 65535"
    );
}

#[test]
fn a_variable_that_a_stack_file_sets_to_nothing_was_a_bad_port() {
    let check = ["config", "check", "--servicename", "db"];
    let output = meshworker(&check, &[("MESHWORKER_PORT", "")]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let line = refused(&["run", "--servicename", "db", "--port", ""], &[]);
    assert!(line.contains("port (flag): found ''"), "{line}");
}

#[test]
fn the_file_is_named_with_the_line() {
    let broken = file("[[cluster]]\nservicename = \n");
    let path = broken.path().display().to_string();
    let line = refused(&["run", "--config", &path], &[]);
    assert!(line.contains(&format!("{path}: line 2:")), "{line}");
    let twice = file("[[cluster]]\nservicename = 'a'\n[[cluster]]\nservicename = 'a'\n");
    let line = refused(
        &["run", "--config", &twice.path().display().to_string()],
        &[],
    );
    assert!(line.contains("name: found 'a' twice"), "{line}");
    let line = refused(&["run", "--config", "/nowhere"], &[]);
    assert!(line.contains("/nowhere: No such file"), "{line}");
}

#[test]
fn flag_over_variable_over_file_over_default() {
    let given = file("[[cluster]]\nservicename = 'a'\nport = 1\nservice-port = 1\ninterval = 1\n");
    let path = given.path().display().to_string();
    let args = ["config", "check", "--config", &path, "-p", "3"];
    let env = [("MESHWORKER_PORT", "2"), ("MESHWORKER_SERVICE_PORT", "2")];
    let output = meshworker(&args, &env);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        line.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("port"), "port = \"3\" # flag");
    assert_eq!(line("service-port"), "service-port = \"2\" # variable");
    assert_eq!(line("interval"), format!("interval = \"1\" # {path}"));
    assert_eq!(line("deadline"), "deadline = \"1\" # default");
}

#[test]
fn what_config_check_prints_is_a_configuration_itself() {
    let first = meshworker(
        &[
            "config",
            "check",
            "--servicename",
            "db",
            "--engine",
            "redis",
        ],
        &[],
    );
    assert!(first.status.success());
    let printed = file(std::str::from_utf8(&first.stdout).unwrap());
    let path = printed.path().display().to_string();
    let second = meshworker(&["config", "check", "--config", &path], &[]);
    assert!(second.status.success(), "{second:?}");
}

#[test]
fn the_old_scripts_options_work() {
    for name in ["--servicename", "--fqdn", "--hostname"] {
        let args = [
            "config",
            "check",
            name,
            "aerospikedb",
            "-p",
            "3002",
            "-i",
            "5",
            "-v",
        ];
        assert!(meshworker(&args, &[]).status.success());
    }
}

#[test]
fn once_names_what_is_missing_and_exits_with_one() {
    let args = [
        "run",
        "--servicename",
        "db.invalid",
        "--once",
        "--once-timeout",
        "0.5",
        "--name-server",
        "127.0.0.1:1",
        "--dns-deadline",
        "0.2",
        "--docker",
        "no",
    ];
    let output = meshworker(&args, &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("meshworker: db.invalid: not one cluster: dns: "),
        "{text}"
    );
}

#[test]
fn every_setting_has_help_and_no_two_flags_collide() {
    meshworker::cli::command().debug_assert();
}

#[test]
fn where_to_listen_and_to_whom_is_checked_before_anything_starts() {
    let run = ["run", "--servicename", "db", "--listen"];
    let line = refused(&[&run[..], &["4747"]].concat(), &[]);
    assert_eq!(
        line,
        "meshworker: listen (flag): found '4747'; allowed: ADDR:PORT, such as 0.0.0.0:4747"
    );
    let line = refused(
        &["run", "--servicename", "db"],
        &[("MESHWORKER_LISTEN", "db:4747")],
    );
    assert!(
        line.contains("listen (variable): found 'db:4747'"),
        "{line}"
    );

    let listen = [&run[..], &["127.0.0.1:0"]].concat();
    let line = refused(&listen, &[]);
    assert_eq!(
        line,
        "meshworker: token-file (default): found nothing beside listen; allowed: a file that holds a token"
    );
    let line = refused(&[&listen[..], &["--token-file", "/nowhere"]].concat(), &[]);
    assert!(
        line.contains("token-file (flag): /nowhere: No such file"),
        "{line}"
    );
    let empty = file("\n");
    let path = empty.path().display().to_string();
    let line = refused(&listen, &[("MESHWORKER_TOKEN_FILE", &path)]);
    assert!(
        line.contains(&format!(
            "token-file (variable): {path}: found nothing in it"
        )),
        "{line}"
    );

    let token = file("secret-of-the-tests\n");
    let path = token.path().display().to_string();
    let listen = [&listen[..], &["--token-file", &path]].concat();
    let line = refused(&[&listen[..], &["--once"]].concat(), &[]);
    assert!(
        line.contains("once (flag): found it beside listen"),
        "{line}"
    );
}

/// Every file of a secret of `run`, and what it is asked for beside.
const SECRETS: [(&str, &[&str]); 4] = [
    ("token-file", &["--listen", "127.0.0.1:0"]),
    ("api-token-file", &["--api-listen", "127.0.0.1:0"]),
    ("api-read-token-file", &["--api-listen", "127.0.0.1:0"]),
    (
        "api-cert-file",
        &["--api-listen", "127.0.0.1:0", "--api-key-file", "/nowhere"],
    ),
];

/// A pipe made the start wait for ever, a device filled the memory, and what an editor
/// puts first became a part of the token.
#[test]
fn whatever_is_no_file_of_a_secret_ends_the_start_with_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), kind, mode, 0).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(at("long"), "x".repeat(65 * 1024)).unwrap();
    std::fs::write(at("short"), "\u{feff}0123456789abcde\n").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("wide"), b"\xff\xfe0\x001\x002\x00").unwrap();
    for (link, to) in [
        ("to-a-pipe", "pipe"),
        ("to-a-folder", "folder"),
        ("to-nothing", "none"),
        ("to-itself", "to-itself"),
    ] {
        std::os::unix::fs::symlink(at(to), at(link)).unwrap();
    }
    std::os::unix::fs::symlink("/dev/zero", at("to-a-device")).unwrap();
    for (setting, beside) in SECRETS {
        for name in [
            "pipe",
            "folder",
            "long",
            "short",
            "empty",
            "wide",
            "to-a-pipe",
            "to-a-folder",
            "to-nothing",
            "to-itself",
            "to-a-device",
        ] {
            let path = at(name).display().to_string();
            let flag = format!("--{setting}");
            let output = Command::new("timeout")
                .args(["60", env!("CARGO_BIN_EXE_meshworker"), "run"])
                .args(["--servicename", "db", "--docker", "no", &flag, &path])
                .args(beside)
                .env_clear()
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{setting} {name}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains(setting) && said.contains(&path), "{said}");
            assert!(!said.contains("0123456789"), "{said}");
        }
    }
}

/// One file for both made every member an operator.
#[test]
fn one_token_for_members_and_operators_is_refused_at_the_start() {
    let one = file("the-token-of-members\n");
    let both = file("\u{feff}the-new-token-of-all\r\n  the-token-of-members  \n");
    let other = file("the-token-of-others\nthe-new-token-of-all");
    let [one, both, other] = [&one, &both, &other].map(|file| file.path().to_str().unwrap());
    let run = [
        "run",
        "--servicename",
        "db",
        "--docker",
        "no",
        "--listen",
        "127.0.0.1:0",
        "--api-listen",
        "127.0.0.1:0",
    ];
    for (members, operators) in [(one, one), (one, both), (both, one), (both, other)] {
        let line = refused(
            &[
                &run[..],
                &["--token-file", members, "--api-token-file", operators],
            ]
            .concat(),
            &[],
        );
        let says = "token-file (flag): found a token that api-token-file has too; allowed: ";
        assert!(line.contains(says), "{line}");
        let line = refused(
            &run,
            &[
                ("MESHWORKER_TOKEN_FILE", members),
                ("MESHWORKER_API_TOKEN_FILE", operators),
            ],
        );
        assert!(
            line.contains("token-file (variable): found a token that"),
            "{line}"
        );
        let apart = file("the-token-of-nobody-else\n");
        let apart = apart.path().to_str().unwrap();
        for (beside, others) in [
            ("token-file", "api-token-file"),
            ("api-token-file", "token-file"),
        ] {
            let given = [
                (beside, members),
                (others, apart),
                ("api-read-token-file", operators),
            ];
            let given = given
                .map(|(name, path)| [format!("--{name}"), path.to_owned()])
                .concat();
            let args: Vec<&str> = run
                .into_iter()
                .chain(given.iter().map(String::as_str))
                .collect();
            let line = refused(&args, &[]);
            let says = format!("api-read-token-file (flag): found a token that {beside} has too");
            assert!(line.contains(&says), "{line}");
        }
    }
}

#[test]
fn an_address_in_use_is_one_line_and_exit_code_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let token = file("secret-of-the-tests\n");
    let path = token.path().display().to_string();
    let args = [
        "run",
        "--servicename",
        "db",
        "--docker",
        "no",
        "--listen",
        &address,
        "--token-file",
        &path,
    ];
    let output = meshworker(&args, &[("MESHWORKER_LOG", "off")]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with(&format!("meshworker: listen: {address}: Address")),
        "{text}"
    );
}

#[test]
fn a_scale_or_drain_that_cannot_be_is_one_line_and_two() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "secret-of-the-tests").unwrap();
    let file = token.path().to_str().unwrap();
    let empty = tempfile::NamedTempFile::new().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["scale", "db"], "SERVICE=N: found 'db'"),
        (&["scale", "db=many"], "SERVICE=N: found 'db=many'"),
        (&["scale", "=3"], "SERVICE=N: found '=3'"),
        (&["drain", "db"], "MEMBER: found 'db'"),
        (&["drain", "db.-1"], "MEMBER: found 'db.-1'"),
        (&["scale", "db=3"], "api-token-file: found nothing"),
        (
            &[
                "scale",
                "db=3",
                "--token-file",
                empty.path().to_str().unwrap(),
            ],
            "token-file:",
        ),
        (
            &["scale", "db=3", "--token-file", file, "--workers-port", "0"],
            "workers-port: found '0'",
        ),
        (
            &["scale", "db=3", "--token-file", file, "--timeout", "soon"],
            "timeout: found 'soon'",
        ),
    ];
    for (args, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_meshworker"))
            .args(*args)
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

#[test]
fn an_unknown_word_is_no_truth_value() {
    for (word, variable) in [
        ("maybe", "DRY_RUN"),
        ("flase", "DRY_RUN"),
        ("ja", "NO_REMOVALS"),
    ] {
        let variable = format!("MESHWORKER_{variable}");
        for command in [
            &["run", "--servicename", "x"][..],
            &["config", "check", "--servicename", "x"],
        ] {
            let line = refused(command, &[(&variable, word)]);
            let found = format!(": found '{word}'; allowed: yes, no");
            assert!(line.contains(&found), "{line}");
        }
    }
}

#[test]
fn config_check_shows_what_a_worker_is_told_to_leave_undone() {
    let shown = |env: &[(&str, &str)]| {
        let output = meshworker(&["config", "check", "--servicename", "x"], env);
        assert_eq!(output.status.code(), Some(0));
        let lines = String::from_utf8(output.stdout).unwrap();
        let powers = lines.lines().filter(|line| line.contains("\"yes\""));
        powers.map(str::to_owned).collect::<Vec<_>>()
    };
    let yes = ("MESHWORKER_DRY_RUN", "On");
    assert_eq!(
        shown(&[("MESHWORKER_DRY_RUN", "on")]),
        ["dry-run = \"yes\" # variable"]
    );
    assert_eq!(
        shown(&[
            ("MESHWORKER_DRY_RUN", ""),
            ("MESHWORKER_NO_REMOVALS", "off")
        ]),
        [""; 0]
    );
    assert!(shown(&[yes]).len() == 1, "in capitals");
}

#[test]
fn a_mistake_on_the_command_line_names_what_is_allowed_or_meant() {
    let cases: [(&[&str], &str); 8] = [
        (
            &["why"],
            "meshworker: MEMBER: found nothing; see --help for what is allowed",
        ),
        (
            &["completions", "tcsh"],
            "meshworker: SHELL: found 'tcsh'; allowed: bash, elvish, fish, powershell, zsh; perhaps you mean zsh",
        ),
        (
            &["statsu"],
            "meshworker: found 'statsu', which is no command; perhaps you mean status; see --help for what is allowed",
        ),
        (
            &["run", "--intervall", "3"],
            "meshworker: found '--intervall', which is no option here; perhaps you mean --interval; see --help for what is allowed",
        ),
        (
            &["status", "-o", "json"],
            "meshworker: found '-o', which is no option here; perhaps you mean --json; see --help for what is allowed",
        ),
        (
            &["status", "-v"],
            "meshworker: found '-v', which is no option here; perhaps you mean --json; see --help for what is allowed",
        ),
        (
            &["scale"],
            "meshworker: SERVICE=N: found nothing; see --help for what is allowed",
        ),
        (
            &["drain"],
            "meshworker: MEMBER: found nothing; see --help for what is allowed",
        ),
    ];
    for (args, line) in cases {
        assert_eq!(refused(args, &[]), line);
    }
}

/// The order waited for an hour, and said once why.
#[test]
fn a_scale_or_drain_that_nobody_can_do_waited_for_an_hour() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "secret-of-the-tests").unwrap();
    let file = token.path().to_str().unwrap();
    let engine = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    for order in [["scale", "db=3"], ["drain", "db.3"]] {
        let args = [&order[..], &["--token-file", file]].concat();
        let output = meshworker(&args, &engine);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(
            said,
            "meshworker: /nowhere/docker.sock: there is no such socket; mount the engine's, or \
             set DOCKER_HOST\n"
        );
    }
}

/// From here as over the API: a slip of the pen must not read as data that is safe.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_from_here_of_a_member_that_does_not_exist_ended_well() {
    let engine = FakeEngine::start();
    let mode = json!({ "Replicated": { "Replicas": 1 } });
    let spec = json!({ "Name": "db", "Mode": mode });
    engine
        .world
        .services(json!([{ "ID": "s1", "Version": { "Index": 7 }, "Spec": spec }]));
    engine.world.tasks(json!([{
        "ID": "t1", "ServiceID": "s1", "Slot": 1, "NodeID": "n1",
        "Status": { "State": "running" }, "DesiredState": "running",
        "NetworksAttachments": [{
            "Network": { "ID": "w", "Spec": { "Name": "net" }, "DriverState": { "Name": "overlay" } },
            "Addresses": ["10.0.1.1/24"],
        }],
    }]));
    let token = file("secret-of-the-tests");
    let host = format!("unix://{}", engine.socket().display());
    let token = token.path().to_str().unwrap();
    let args = ["drain", "db.99", "--token-file", token, "--timeout", "60"];
    assert_eq!(
        refused(&args, &[("DOCKER_HOST", &host)]),
        "meshworker: member: found 'db.99'; allowed: db.1"
    );
    assert_eq!(engine.world.bodies(), [json!(null); 0]);
}
