//! The password is told by nothing that runs: no command line, no variable, no log, no answer.
//! A worker and supervisors are processes of their own here, as in containers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use aerospike_sim::testing::{Loopback, PATIENCE, Process, wait_for};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use fake_dns::{Behaviour, FakeDns};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{self, PASSWORD, PORT, USER};

/// What the program is started with, when this test is it: words, with this between.
const PLAYED: &str = "MESHWORKER_TEST_PLAYED";
const BETWEEN: &str = "\u{1f}";

/// What members and workers know each other by, and operators.
const TOKENS: [&str; 2] = ["a-token-of-the-members", "a-token-of-the-operators"];

/// Between two looks at what runs.
const EACH: Duration = Duration::from_millis(5);

/// Is `meshworker`, where the story below asks for it.
#[test]
fn as_meshworker() -> ExitCode {
    match std::env::var(PLAYED) {
        Ok(words) => meshworker::cli::main(words.split(BETWEEN).map(Into::into)),
        Err(_) => ExitCode::SUCCESS,
    }
}

/// Every way in which the password may stand in a text.
fn forms() -> BTreeSet<String> {
    let upper: String = PASSWORD
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let some = |kept: fn(u8) -> bool| -> String {
        let written = |byte: u8| match kept(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        PASSWORD.bytes().map(written).collect()
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let path = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'/';
    let ascii = |byte: u8| byte.is_ascii();
    let urls = [upper, some(plain), some(path), some(ascii)];
    let json = PASSWORD.replace('/', "\\/");
    let escaped = PASSWORD.replace('ü', "\\u00fc");
    let pair = format!("{USER}:{PASSWORD}");
    let mut forms: BTreeSet<String> = [PASSWORD.to_owned(), json, escaped].into();
    for text in [PASSWORD, &pair] {
        forms.extend([STANDARD.encode(text), URL_SAFE.encode(text)]);
    }
    forms.extend(urls.iter().map(|form| form.to_lowercase()));
    forms.extend(urls);
    forms
}

/// Which of these forms stand in a text.
fn told(text: &str, forms: &BTreeSet<String>) -> Vec<String> {
    let told = forms.iter().filter(|form| text.contains(form.as_str()));
    told.cloned().collect()
}

/// Looks at every process that this one started, and those that they did, until it is over:
/// what stands on their command lines and in their variables.
struct Watch {
    over: Arc<AtomicBool>,
    seen: JoinHandle<BTreeMap<u32, BTreeSet<String>>>,
}

impl Watch {
    fn begin() -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let seen = std::thread::spawn(move || {
            let mut seen: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
            while !until.load(Ordering::Relaxed) {
                for process in descendants(std::process::id()) {
                    let file = |name| fs::read(format!("/proc/{process}/{name}"));
                    // One that ended meanwhile says nothing.
                    let both = ["cmdline", "environ"].map(|name| file(name).unwrap_or_default());
                    let texts = both.map(|text| String::from_utf8_lossy(&text).replace('\0', "\n"));
                    seen.entry(process).or_default().extend(texts);
                }
                std::thread::sleep(EACH);
            }
            seen
        });
        Watch { over, seen }
    }

    fn end(self) -> BTreeMap<u32, BTreeSet<String>> {
        self.over.store(true, Ordering::Relaxed);
        self.seen.join().unwrap()
    }
}

/// All processes that this one started, and those that they did.
fn descendants(of: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // After the program's name, which stands in parentheses: its state and its parent.
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
        let parent = fields.and_then(|fields| fields.split(' ').nth(1)?.parse().ok());
        parents.extend(parent.map(|parent| (process, parent)));
    }
    let mut found = vec![of];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let children = parents.iter().filter(|(_, own)| *own == parent);
        found.extend(children.map(|(process, _)| *process));
        at += 1;
    }
    found.split_off(1)
}

/// A controlling server and a copy under their supervisors, and a worker.
struct Scene {
    folder: TempDir,
    dns: FakeDns,
    block: Loopback,
    running: Vec<(&'static str, Process)>,
}

impl Scene {
    async fn begin() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("password", &format!("{PASSWORD}\n"));
        write("token", TOKENS[0]);
        write("operators", TOKENS[1]);
        let block = Loopback::claim().unwrap();
        write("hosts", &format!("{} agraph\n", block.address(1)));
        let dns = FakeDns::start().await.unwrap();
        for (name, number) in [("controlling.test", 1), ("copy.test", 2)] {
            dns.set(name, Behaviour::Answer(vec![block.address(number)]));
        }
        Scene {
            folder,
            dns,
            block,
            running: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the worker is.
    fn worker(&self) -> String {
        self.block.address(9).to_string()
    }

    /// Starts `meshworker` with these words and settings; all that it writes is kept.
    fn start(&mut self, name: &'static str, words: &[&str], own: &[(&str, &str)]) {
        let path = |name: &str| self.path(name).display().to_string();
        let file = |kind: &str| File::create(self.path(&format!("{name}.{kind}"))).unwrap();
        let (password, token) = (path("password"), path("token"));
        let name_server = self.dns.address().to_string();
        let socket = path(&format!("{name}.socket"));
        let both = [
            ("NAME", "graph"),
            ("ENGINE", "allegrograph"),
            ("NAME_SERVER", &*name_server),
            ("USER", USER),
            ("PASSWORD_FILE", &*password),
            ("TOKEN_FILE", &*token),
            ("INTERVAL", "0.2"),
            ("DEADLINE", "1"),
            ("DOCKER", "no"),
            ("KUBERNETES", "no"),
            // Whatever is said at all.
            ("LOG", "trace"),
            ("HEALTH_SOCKET", &*socket),
        ];
        let words = [&["meshworker"], words].concat().join(BETWEEN);
        let process = Process::start(std::env::current_exe().unwrap(), |command| {
            command.args(["--exact", "secret::as_meshworker", "--nocapture"]);
            command
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env(PLAYED, words);
            for (name, value) in both.iter().chain(own) {
                command.env(format!("MESHWORKER_{name}"), value);
            }
            command.stdin(Stdio::null());
            command.stdout(file("out")).stderr(file("err"));
        });
        self.running.push((name, process.unwrap()));
    }

    /// A server under its supervisor.
    fn member(&mut self, name: &'static str, number: u16) {
        let address = self.block.address(number).to_string();
        let own = self.path(name);
        let words = |name: &str| own.join(name).display().to_string();
        let (data, settings) = (words("rootcatalog"), words("settings"));
        let folders = ["--data", &*data, "--settings", &*settings];
        let program = env!("CARGO_BIN_EXE_allegrograph-sim");
        let mut install = Command::new(program);
        install
            .args(folders)
            .arg("--install")
            .arg(self.path("password"));
        assert!(install.status().unwrap().success());
        let (hosts, listen) = (
            self.path("hosts").display().to_string(),
            format!("{address}:{PORT}"),
        );
        // It ends with its supervisor, also when that is killed.
        let begin = [
            "init",
            "--",
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            program,
        ];
        let database = [
            &begin[..],
            &folders,
            &["--listen", &*listen, "--hosts", &*hosts],
        ];
        let (service, of) = (format!("db_{name}"), format!("{name}.test"));
        let worker = self.worker();
        let own = [
            ("SERVICENAME", &*of),
            ("WORKERS", &*worker),
            ("ADDRESS", &*address),
            ("SERVICE", &*service),
            ("SLOT", "1"),
            ("TASK", "t4sk1d"),
            ("NODE", "a-node"),
            ("GRACE", "60"),
        ];
        self.start(name, &database.concat(), &own);
    }

    /// What was written by these, and how long it is.
    fn logs(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.folder.path()).unwrap().flatten();
        let written = |path: &Path| {
            path.extension()
                .is_some_and(|kind| kind == "out" || kind == "err")
        };
        let files = files.map(|entry| entry.path()).filter(|path| written(path));
        let read = |path: PathBuf| {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                text,
            )
        };
        files.map(read).collect()
    }

    /// What the worker's API answers here.
    async fn api(&self, path: &str) -> String {
        let mut stream = TcpStream::connect((self.worker(), 4748)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
        reply
    }
}

/// Somebody who listens there, and what he is told.
async fn stranger(at: std::net::IpAddr) -> (tokio::task::JoinHandle<()>, Arc<Mutex<Vec<u8>>>) {
    let listener = tokio::net::TcpListener::bind((at, PORT)).await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let listens = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 4096];
            if let Ok(count) = stream.read(&mut some).await {
                told.lock().unwrap().extend_from_slice(&some[..count]);
            }
        }
    });
    (listens, heard)
}

/// A server that repeats what it is asked, a cluster that forms, and a copy that goes.
#[tokio::test]
async fn no_password_on_a_command_line_in_a_variable_a_log_or_an_answer() {
    let watch = Watch::begin();
    let mut scene = Scene::begin().await;
    scene.member("controlling", 1);
    let controlling = scene.block.address(1);
    client::until_up(controlling).await;
    client::put(controlling, "/sim/behave?echoes=true")
        .await
        .unwrap();
    scene.member("copy", 2);
    let (listen, operators) = (
        scene.worker(),
        scene.path("operators").display().to_string(),
    );
    let [members, api] = [4747, 4748].map(|port| format!("{listen}:{port}"));
    let settings = [
        ("SERVICENAME", "controlling.test,copy.test"),
        ("OPTION_CONTROLLING_HOST", "agraph"),
        ("LISTEN", &*members),
        ("API_LISTEN", &*api),
        ("API_TOKEN_FILE", &*operators),
    ];
    scene.start("worker", &["run"], &settings);

    // It was repeated to the worker, and the worker said so.
    let echoed = async || scene.logs()["worker.err"].contains("cannot do PUT");
    let seen = wait_for("an echo in the log", PATIENCE, echoed, |echoed| *echoed).await;
    seen.unwrap_or_else(|why| panic!("{why}\n{:#?}", scene.logs()));
    let mut answers = Vec::new();
    for path in [
        "/v1/clusters",
        "/v1/clusters/graph",
        "/v1/events",
        "/metrics",
    ] {
        answers.push((path.to_owned(), scene.api(path).await));
    }
    client::put(controlling, "/sim/behave").await.unwrap();
    let listed = async || {
        let status = client::get(controlling, "/repositories/main/repl/status").await;
        let (_, text) = status.unwrap_or_default();
        text.matches("instanceName").count()
    };
    let formed = wait_for("a cluster of two", PATIENCE, &listed, |count| *count == 2).await;
    formed.unwrap_or_else(|why| panic!("{why}\n{:#?}", scene.logs()));
    for path in [
        "/v1/clusters",
        "/v1/clusters/graph",
        "/v1/events",
        "/metrics",
    ] {
        answers.push((path.to_owned(), scene.api(path).await));
    }
    // Somebody whom the name server alone names: he is told nothing at all.
    let (stranger, heard) = stranger(scene.block.address(3)).await;
    let both = [2, 3].map(|number| scene.block.address(number));
    scene.dns.set("copy.test", Behaviour::Answer(both.into()));
    let known = async || {
        scene
            .api("/v1/clusters/graph")
            .await
            .contains(&both[1].to_string())
    };
    let named = wait_for("the stranger in the status", PATIENCE, known, |known| {
        *known
    })
    .await;
    named.unwrap_or_else(|why| panic!("{why}\n{:#?}", scene.logs()));
    scene.dns.set("copy.test", Behaviour::Answer(vec![both[0]]));
    stranger.abort();
    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    answers.push(("a stranger".to_owned(), heard));

    // A copy that goes is taken out first.
    let copy = scene.running.iter().find(|(name, _)| *name == "copy");
    copy.unwrap().1.terminate().unwrap();
    let gone = wait_for("a cluster of one", PATIENCE, &listed, |count| *count == 1).await;
    gone.unwrap_or_else(|why| panic!("{why}\n{:#?}", scene.logs()));

    let processes = watch.end();
    let forms = forms();
    let mut leaks = Vec::new();
    let mut look = |at: String, text: &str| {
        leaks.extend(
            told(text, &forms)
                .into_iter()
                .map(|form| format!("{at}: {form}")),
        );
    };
    for (process, texts) in &processes {
        let words = texts
            .iter()
            .find(|text| text.contains('/'))
            .cloned()
            .unwrap_or_default();
        for text in texts {
            look(
                format!("process {process} ({})", words.replace('\n', " ")),
                text,
            );
        }
    }
    let logs = scene.logs();
    logs.iter()
        .for_each(|(name, text)| look(name.clone(), text));
    answers
        .iter()
        .for_each(|(path, text)| look(path.clone(), text));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));

    // It looked at all of them: three of ours, two servers.
    let runs = |word: &str| {
        let has = |texts: &&BTreeSet<String>| texts.iter().any(|text| text.contains(word));
        processes.values().filter(has).count()
    };
    assert!(
        runs("secret::as_meshworker") >= 3 && runs("--listen\n") >= 2,
        "{processes:#?}"
    );
    assert!(runs("MESHWORKER_PASSWORD_FILE=") >= 3);
    for name in ["controlling", "copy", "worker"] {
        assert!(!logs[&format!("{name}.err")].is_empty(), "{name}");
    }
}

/// What is looked for is what this password looks like.
#[test]
fn the_forms_of_a_password_are_those_that_it_is_written_in() {
    let forms = forms();
    for form in [
        "xy&zzy/ü=1",
        "xy%26zzy%2F%C3%BC%3D1",
        "xy%26zzy%2f%c3%bc%3d1",
        "xy%26zzy/%C3%BC%3D1",
        "xy&zzy/%C3%BC=1",
        "xy&zzy\\/ü=1",
        "eHkmenp5L8O8PTE=",
        "dGVzdDp4eSZ6enkvw7w9MQ==",
    ] {
        assert!(forms.contains(form), "{form}: {forms:?}");
    }
}
