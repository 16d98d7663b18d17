//! A browser with one window.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use meshworker_lab::{Host, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Key;
use crate::driver::Driver;
use crate::session::Session;

/// A headless Chromium with one window and a profile of its own.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    // Dropped in this order: what uses the profile goes before it.
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// Chromium or chromedriver are not installed, or do not start.
    pub fn start() -> Result<Browser> {
        let profile = tempfile::tempdir()?;
        let driver = Driver::start(profile.path())?;
        let binary = Host::program("chromium")?;
        let session = Session::begin(&driver.url(), &binary, profile.path())?;
        Ok(Browser {
            session,
            _driver: driver,
            _profile: profile,
        })
    }

    /// Changes to a new window, in which nothing is left of what was before: no
    /// page, cookie, storage, emulation or word on the console.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn renew(&self) -> Result<()> {
        let everything = json!({ "origin": self.eval("location.origin")?, "storageTypes": "all" });
        self.devtools("Storage.clearDataForOrigin", &everything)?;
        self.devtools("Network.clearBrowserCookies", &json!({}))?;
        let old = self.session.get("/window/handles")?;
        let tab = json!({ "type": "tab" });
        let new = self.session.post("/window/new", &tab)?;
        for window in old.as_array().into_iter().flatten() {
            self.change_to(window)?;
            self.session.delete("/window")?;
        }
        self.change_to(&new["handle"])?;
        self.console_errors().map(drop)
    }

    fn change_to(&self, window: &Value) -> Result<()> {
        let window = json!({ "handle": window });
        self.session.post("/window", &window).map(drop)
    }

    /// Opens a page, and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// It cannot be loaded.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.session.post("/url", &json!({ "url": url })).map(drop)
    }

    /// The value of a JavaScript expression on the page.
    ///
    /// # Errors
    ///
    /// It throws, or its value is not JSON.
    pub fn eval(&self, expression: &str) -> Result<Value> {
        self.run(&format!("return ({expression});"))
    }

    /// What a function body returns on the page; a promise is waited for. It is
    /// not subject to the page's Content-Security-Policy.
    ///
    /// # Errors
    ///
    /// It throws, or what it returns is not JSON.
    pub fn run(&self, body: &str) -> Result<Value> {
        let script = json!({ "script": body, "args": [] });
        self.session.post("/execute/sync", &script)
    }

    /// Waits until a JavaScript expression is true.
    ///
    /// # Errors
    ///
    /// The deadline has passed: tells the value that the expression `seen` has
    /// then, and what the console says.
    pub fn wait_for(&self, condition: &str, deadline: Duration, seen: &str) -> Result<()> {
        let waited = wait_for(condition, deadline, || match self.eval(condition) {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(other) => Err(other.to_string()),
            Err(error) => Err(format!("{error:#}")),
        });
        waited.with_context(|| {
            let seen = self.eval(seen);
            let seen = seen.unwrap_or_else(|error| error.to_string().into());
            format!("seen: {seen:#}; the console: {:?}", self.console_errors())
        })
    }

    /// Makes the page this large, in CSS pixels, also where a window cannot be.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)
            .map(drop)
    }

    /// Lets the page believe that its reader wants dark, or light.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn emulate_dark(&self, dark: bool) -> Result<()> {
        self.emulate("prefers-color-scheme", if dark { "dark" } else { "light" })
    }

    /// Lets the page believe that a media feature has this value.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn emulate(&self, feature: &str, value: &str) -> Result<()> {
        let media = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &media)
            .map(drop)
    }

    /// Presses a key, wherever the focus is.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn press(&self, key: Key) -> Result<()> {
        self.type_text(key.code())
    }

    /// Types a text, wherever the focus is.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn type_text(&self, text: &str) -> Result<()> {
        let strokes: Vec<Value> = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        let actions = json!({ "actions": [keyboard] });
        self.session.post("/actions", &actions).map(drop)
    }

    /// Writes what the window shows as PNG.
    ///
    /// # Errors
    ///
    /// The browser refuses, or the file cannot be written.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        let picture = self.session.get("/screenshot")?;
        let picture = base64(picture.as_str().context("no picture")?);
        std::fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))
    }

    /// What the console tells of errors since it was last asked: exceptions,
    /// loads that failed, violations of the Content-Security-Policy.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn console_errors(&self) -> Result<Vec<String>> {
        let log = self
            .session
            .post("/se/log", &json!({ "type": "browser" }))?;
        let entries = log.as_array().context("the log is no list")?;
        let bad = entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["source"] == "security");
        Ok(bad.map(|entry| text(&entry["message"])).collect())
    }

    /// A command of Chromium's DevTools.
    ///
    /// # Errors
    ///
    /// The browser refuses.
    pub fn devtools(&self, command: &str, params: &Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": params });
        self.session.post("/goog/cdp/execute", &body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session.end();
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// RFC 4648, and nothing that is not of its alphabet.
fn base64(text: &str) -> Vec<u8> {
    let sextets = text.bytes().filter_map(|letter| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for sextet in sextets {
        held = (held << 6 | u32::from(sextet)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("TWVzaHdvcmtlcg=="), b"Meshworker".as_slice());
        assert_eq!(base64("////"), [255, 255, 255]);
        assert!(base64("").is_empty());
    }
}
