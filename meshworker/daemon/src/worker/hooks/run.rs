//! Runs one hook, in its time.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshworker_core::Told as Words;
use meshworker_engines::{Tls, tls};
use reqwest::redirect::Policy;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::time::Instant;

use super::Told;
use crate::config::Hook;
use crate::token_file::TokenFile;

/// Of what a program complains so much is told, in bytes.
const LONGEST: usize = 300;

/// Whom a server's certificate is from: whom the system trusts.
const SYSTEMS: Tls = Tls {
    ca_file: None,
    client: None,
    server_name: None,
};

/// Between two looks whether a program has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Runs it: whether it agrees.
///
/// # Errors
///
/// Why it does not, or did not answer.
pub async fn run(
    hook: &Hook,
    told: &Told,
    token: Option<&TokenFile>,
    patience: Duration,
) -> Result<(), String> {
    match hook {
        Hook::Program(path) => {
            let (path, variables) = (path.clone(), variables(told));
            let run = move || program(&path, variables, patience);
            let ended = tokio::task::spawn_blocking(run).await;
            ended.unwrap_or_else(|_| Err("it could not be run".into()))
        }
        Hook::Web(url) => {
            let encrypted = (url.scheme() == "https").then_some(SYSTEMS);
            let tls = tls::config(encrypted.as_ref());
            let tls = tls.map_err(|why| why.to_string())?;
            let http = reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .no_proxy()
                .redirect(Policy::none())
                .timeout(patience)
                .build();
            let mut request = http
                .map_err(|why| why.to_string())?
                .post(url.clone())
                .json(told);
            if let Some(file) = token {
                let tokens = file.read().map_err(|why| why.to_string())?;
                if let Some(token) = tokens.first() {
                    request = request.bearer_auth(token.as_str());
                }
            }
            let answer = request.send().await;
            let answer = answer.map_err(|why| match why.is_timeout() {
                true => late(patience),
                false => why.without_url().to_string(),
            })?;
            match answer.status() {
                status if status.is_success() => Ok(()),
                status => Err(format!("it answers {status}")),
            }
        }
    }
}

fn late(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs_f64())
}

/// What a program is told, as variables.
fn variables(told: &Told) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(told) else {
        return Vec::new();
    };
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    let named = fields.map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(yes) => if yes { "yes" } else { "no" }.to_owned(),
            other => other.to_string(),
        };
        (format!("HOOK_{}", name.to_uppercase()), text)
    });
    named.collect()
}

/// Runs a program with these variables and no other: what the worker was given is not for it.
fn program(
    path: &Path,
    variables: Vec<(String, String)>,
    patience: Duration,
) -> Result<(), String> {
    let until = Instant::now() + patience;
    let child = Command::new(path)
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = child.map_err(|why| format!("it cannot be run: {why}"))?;
    // Read aside: whoever complains at length would wait for a reader.
    let complaints = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.by_ref().take(LONGEST as u64).read_to_end(&mut text);
            // Whoever says more would be ended by the pipe's end.
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            text
        })
    });
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
            Ok(None) => {
                end(&mut child);
                return Err(late(patience));
            }
            Err(why) => return Err(format!("nobody knows how it ended: {why}")),
        }
    };
    if status.success() {
        return Ok(());
    }
    let ended = match status.code() {
        Some(code) => format!("it ended with exit code {code}"),
        None => "it was killed".to_owned(),
    };
    // Whatever it has left running may keep its complaints open.
    let said = complaints.filter(|reader| {
        while !reader.is_finished() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        reader.is_finished()
    });
    let said = said
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let first = said.lines().next().unwrap_or_default().trim();
    let first = Words::<LONGEST>::from(first).into_string();
    end(&mut child);
    Err(match first.is_empty() {
        true => ended,
        false => format!("{ended}: {first}"),
    })
}

/// Ends it, and what it has started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
