//! WebDriver's requests (<https://www.w3.org/TR/webdriver2/>), as far as they are
//! needed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

/// No request takes this long, even where other tests keep the machine busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A picture of a long page has a few megabytes.
const LARGEST: u64 = 64 << 20;

/// What Chromium is started with, beside its profile.
const SWITCHES: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    // Chromium ends with its driver, also where that one was killed.
    "--remote-debugging-pipe",
    // A page asks its own server, and the browser asks nobody: no name is
    // resolved, and no address but this machine's and its labs' is gone to.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 10.213.*",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
];

/// One session: one window of one browser.
#[derive(Debug)]
pub struct Session {
    agent: Agent,
    url: String,
}

impl Session {
    /// Starts a browser with this profile.
    ///
    /// # Errors
    ///
    /// The browser does not start.
    pub fn begin(driver: &str, binary: &Path, profile: &Path) -> Result<Session> {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // The driver is on this machine.
            .proxy(None)
            .build()
            .new_agent();
        let mut session = Session {
            agent,
            url: format!("{driver}/session"),
        };
        let mut switches = SWITCHES.map(str::to_owned).to_vec();
        switches.push(format!("--user-data-dir={}", profile.display()));
        let options = json!({ "binary": binary, "args": switches });
        let wishes = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "script": 120_000, "pageLoad": 120_000 },
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let begun = session.post("", &wishes)?;
        let id = begun["sessionId"].as_str().context("no session id")?;
        session.url = format!("{}/{id}", session.url);
        Ok(session)
    }

    /// A command with a body.
    ///
    /// # Errors
    ///
    /// The driver does not answer, or the browser refuses.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let answer = self.agent.post(&url).send_json(body);
        value(answer.with_context(|| format!("POST {path}"))?)
    }

    /// A question.
    ///
    /// # Errors
    ///
    /// The driver does not answer, or the browser refuses.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.agent.get(format!("{}{path}", self.url)).call();
        value(answer.with_context(|| format!("GET {path}"))?)
    }

    /// Takes something away.
    ///
    /// # Errors
    ///
    /// The driver does not answer, or the browser refuses.
    pub fn delete(&self, path: &str) -> Result<Value> {
        let answer = self.agent.delete(format!("{}{path}", self.url)).call();
        value(answer.with_context(|| format!("DELETE {path}"))?)
    }

    /// Ends the browser.
    pub fn end(&self) {
        // Where it does not, its driver's end is its own.
        let _ = self.delete("");
    }
}

/// The value of an answer.
fn value(mut answer: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(LARGEST);
    let mut body: Value = body.read_json().context("the driver's answer is no JSON")?;
    let value = body["value"].take();
    if !status.is_success() {
        let message = value["message"].as_str().unwrap_or_default();
        bail!("{}: {message}", value["error"]);
    }
    Ok(value)
}
