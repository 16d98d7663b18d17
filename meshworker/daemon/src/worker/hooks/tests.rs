use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use meshworker_core::{Report, Role, StepKind, View, Witness};

use super::*;
use crate::token_file::TokenFile;

/// What a planner may want done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Ask {
    Close,
    Promote,
    Other,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Request for Ask {
    fn kind(&self) -> StepKind {
        StepKind::Arrange
    }

    fn introduces(&self) -> Option<Place> {
        None
    }

    fn closes(&self) -> bool {
        *self == Ask::Close
    }

    fn opens(&self) -> bool {
        *self == Ask::Promote
    }
}

fn at(last: u8) -> Place {
    [10, 0, 0, last].into()
}

fn steps(asks: &[(u8, Ask)]) -> Vec<Step<Ask>> {
    let steps = asks
        .iter()
        .map(|(last, ask)| Step::new(at(*last), *ask, Vec::new()));
    steps.collect()
}

fn roster() -> Roster {
    let listed = Report::addresses(Witness::Dns, [at(1), at(2)]);
    Roster::merge(&[listed], &Default::default())
}

/// A folder with a program of these lines.
fn script(lines: &str) -> (tempfile::TempDir, Hook) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hook");
    let here = folder.path().display();
    std::fs::write(&path, format!("#!/bin/sh\nhere={here}\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, Hook::Program(path))
}

fn hooks(before: Option<Hook>, after: Option<Hook>) -> Hooks {
    let configured = Configured {
        before,
        after,
        token: None,
        patience: Duration::from_secs(30),
    };
    Hooks::of("db", configured)
}

fn primary(last: u8, term: u64) -> BTreeMap<Place, Answer<()>> {
    let answers = [1, 2].map(|one| {
        let role = match one == last {
            true => Role::primary("primary").in_term(term),
            false => Role::of("replica"),
        };
        let view = View {
            node: one.to_string(),
            cluster_name: None,
            role: Some(role),
            size: 2,
            peers: Vec::new().into(),
            working: None,
            holdings: Default::default(),
            detail: (),
        };
        (at(one), Ok(view))
    });
    answers.into()
}

/// Waits until a hook has ended, and takes what is open then.
async fn later(hooks: &mut Hooks, planned: &[Step<Ask>]) -> (Vec<Step<Ask>>, Word) {
    hooks.news().await;
    loop {
        let (open, word) = hooks.screened(planned, &roster(), Some("2"));
        let agreed = !planned.is_empty() && open.len() == planned.len();
        if agreed || word != Word::default() {
            return (open, word);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_is_asked_of_the_primary_until_the_hook_agrees() {
    let (folder, hook) = script("env | sort | grep HOOK > $here/told");
    let mut hooks = hooks(Some(hook), None);
    hooks.seen(&roster(), &primary(1, 6), true);
    let planned = steps(&[(1, Ask::Close), (2, Ask::Other)]);
    let (open, word) = hooks.screened(&planned, &roster(), Some("2"));
    assert_eq!((open, word), (steps(&[(2, Ask::Other)]), Word::default()));
    let (open, word) = later(&mut hooks, &planned).await;
    assert_eq!((open, word), (planned.clone(), Word::default()));
    let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
    let expected = "HOOK_CLUSTER=db\nHOOK_FROM=10.0.0.1\nHOOK_FROM_ADDRESS=10.0.0.1\n\
        HOOK_PLANNED=yes\nHOOK_WHEN=before\n";
    assert_eq!(told, expected);
    // What was agreed on is not told again when it is done.
    let promoted = steps(&[(2, Ask::Promote)]);
    assert_eq!(hooks.screened(&promoted, &roster(), None).0, promoted);
    assert!(hooks.running.is_empty());
}

#[tokio::test]
async fn a_planned_change_that_the_hook_refuses_is_not_made() {
    let (_folder, hook) = script("echo a backup runs >&2; head -c 300000 /dev/zero >&2; exit 3");
    let mut hooks = hooks(Some(hook), None);
    let planned = steps(&[(1, Ask::Close)]);
    assert!(hooks.screened(&planned, &roster(), Some("2")).0.is_empty());
    let (open, word) = later(&mut hooks, &planned).await;
    assert!(open.is_empty());
    assert_eq!(word.refused.as_deref(), Some("2"));
    let said = "the primary stays: hook-before refuses: it ended with exit code 3: a backup runs";
    assert_eq!(word.facts[0].text, said);
    // Its word holds: it is not asked again with each look.
    assert!(hooks.screened(&planned, &roster(), Some("2")).0.is_empty());
    assert!(hooks.running.is_empty());
}

#[tokio::test]
async fn a_fail_over_waits_for_no_hook_and_is_told_once() {
    let (folder, hook) = script("echo $HOOK_PLANNED $HOOK_TO >> $here/told; exit 1");
    let mut hooks = hooks(Some(hook), None);
    hooks.seen(&roster(), &primary(1, 6), true);
    let promoted = steps(&[(2, Ask::Promote)]);
    for _ in 0..2 {
        assert_eq!(hooks.screened(&promoted, &roster(), None).0, promoted);
    }
    hooks.news().await;
    let (open, word) = loop {
        let (open, word) = hooks.screened(&promoted, &roster(), None);
        if word != Word::default() {
            break (open, word);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(open, promoted);
    assert_eq!(word.refused, None);
    assert_eq!(
        word.facts[0].text,
        "hook-before failed: it ended with exit code 1"
    );
    let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
    assert_eq!(told, "no 10.0.0.2\n");
}

#[tokio::test]
async fn a_server_is_told_of_each_new_primary_once_and_knows_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/moved", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.to_lowercase();
            if let Some(said) = line.strip_prefix("content-length: ") {
                length = said.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream
            .write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        (
            head,
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
        )
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a-token-of-the-hook").unwrap();
    let mut hooks = hooks(None, Hook::parse(&url));
    hooks.configured.token = Some(TokenFile::new(file.path()));
    for answers in [
        primary(1, 6),
        primary(1, 7),
        primary(2, 8),
        primary(2, 8),
        primary(1, 7),
    ] {
        hooks.seen(&roster(), &answers, true);
    }
    // An old one that is seen once more is no news, and neither is the new one after it.
    hooks.seen(&roster(), &primary(2, 8), true);
    assert_eq!(hooks.running.len(), 1);
    let (_, word) = later(&mut hooks, &steps(&[])).await;
    let said = word
        .facts
        .iter()
        .map(|fact| &*fact.text)
        .collect::<Vec<_>>();
    let (head, body) = heard.join().unwrap();
    assert!(head.starts_with("post /moved http/1.1"), "{head}");
    assert!(
        head.contains("authorization: bearer a-token-of-the-hook"),
        "{head}"
    );
    let expected = serde_json::json!({
        "when": "after", "cluster": "db", "planned": false,
        "from": "10.0.0.1", "from_address": "10.0.0.1",
        "to": "10.0.0.2", "to_address": "10.0.0.2", "term": 8,
    });
    assert_eq!(body, expected);
    // It is too late to refuse.
    assert_eq!(word.refused, None);
    assert_eq!(
        said,
        ["hook-after failed: it answers 500 Internal Server Error"]
    );
}

#[tokio::test]
async fn one_that_does_not_end_is_ended() {
    let (folder, hook) = script("sleep 600 & echo $! > $here/child; wait");
    let told = Told::default();
    let said = run::run(&hook, &told, None, Duration::from_secs(1)).await;
    assert_eq!(said, Err("no answer within 1 s".to_owned()));
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z"))
    };
    while alive() {
        tokio::task::yield_now().await;
    }
    let missing = Hook::parse("/nowhere/hook").unwrap();
    let said = run::run(&missing, &told, None, Duration::from_secs(1)).await;
    assert!(said.unwrap_err().starts_with("it cannot be run: "));
}

/// One that died in the middle told nobody, and its virtual address stayed where it was.
#[tokio::test(start_paused = true)]
async fn whoever_takes_over_tells_what_the_other_worker_may_not_have_told() {
    let (_folder, hook) = script("exit 0");
    let change = |hooks: &mut Hooks| {
        hooks.seen(&roster(), &primary(1, 6), false);
        hooks.seen(&roster(), &primary(2, 7), false);
        assert!(hooks.running.is_empty());
    };
    let mut soon = hooks(None, Some(hook.clone()));
    change(&mut soon);
    soon.seen(&roster(), &primary(2, 7), true);
    assert_eq!(soon.running.len(), 1);
    // What is long past the other one has told.
    let mut late = hooks(None, Some(hook));
    change(&mut late);
    tokio::time::advance(HOLDS * 2).await;
    late.seen(&roster(), &primary(2, 7), false);
    late.seen(&roster(), &primary(2, 7), true);
    assert!(late.running.is_empty());
}

/// It took the virtual address away at each false alarm.
#[tokio::test]
async fn nobody_is_told_where_nobodys_place_is_taken() {
    let (_folder, hook) = script("exit 0");
    let mut hooks = hooks(Some(hook), None);
    let first = steps(&[(1, Ask::Promote)]);
    assert_eq!(hooks.screened(&first, &roster(), None).0, first, "a birth");
    hooks.seen(&roster(), &primary(1, 6), true);
    assert_eq!(hooks.screened(&first, &roster(), None).0, first, "it stays");
    assert!(hooks.running.is_empty());
}
