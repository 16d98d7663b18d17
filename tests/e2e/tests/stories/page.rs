//! The dashboard in a real browser, held against the API.

use std::path::Path;
use std::time::Duration;

use meshworker_browser::Browser;
use meshworker_e2e::Deployment;
use serde_json::Value;

/// Generous: the page follows within a second.
const DEADLINE: Duration = Duration::from_secs(300);

/// What the page shows of its members, in the order of their names.
const SHOWN: &str = "JSON.stringify([...document.querySelectorAll('[data-member]')]\
    .map(e => [e.dataset.member, e.dataset.state]).sort())";

/// What a picture is taken with.
pub struct Shot {
    width: u32,
    height: u32,
    dark: bool,
}

impl Shot {
    pub const DESK: Shot = Shot::of(1200, 800, false);
    pub const DARK: Shot = Shot::of(1200, 800, true);
    pub const PHONE: Shot = Shot::of(390, 844, true);

    const fn of(width: u32, height: u32, dark: bool) -> Shot {
        Shot {
            width,
            height,
            dark,
        }
    }
}

/// The dashboard in a real browser.
pub struct Page<'d, 'w> {
    browser: Browser,
    deployment: &'d Deployment<'w>,
    api: String,
}

impl<'d, 'w> Page<'d, 'w> {
    /// Opens the dashboard of a deployment, which answers at `url` and, in its
    /// own network, at `api`.
    pub fn open(deployment: &'d Deployment<'w>, url: &str, api: String) -> Self {
        let browser = Browser::start().expect("the browser starts");
        browser.goto(url).expect("the dashboard opens");
        Page {
            browser,
            deployment,
            api,
        }
    }

    /// Waits until the page shows exactly what the API says, and so many
    /// members are in the cluster.
    pub fn equals_the_api(&self, joined: usize) {
        let what = format!("the page to equal the API with {joined} joined");
        self.deployment.wait(&what, || {
            let before = self.members()?;
            let shown = self.browser.eval(SHOWN).map_err(|e| e.to_string())?;
            let shown = shown.as_str().unwrap_or_default().to_owned();
            let said = Value::from(before.clone()).to_string();
            let count = before.iter().filter(|m| m[1] == "joined").count();
            if shown == said && count == joined {
                return Ok(());
            }
            Err(format!("the page: {shown}\nthe API: {said}"))
        });
    }

    /// Waits until this is true on the page.
    pub fn shows(&self, condition: &str) {
        let seen = "document.body.innerText";
        let waited = self.browser.wait_for(condition, DEADLINE, seen);
        assert!(waited.is_ok(), "{waited:?}");
    }

    /// Keeps what the page looks like, with this behind its address.
    pub fn shot(&self, file: &Path, shot: &Shot, path: &str) {
        let Shot {
            width,
            height,
            dark,
        } = *shot;
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        let looks = || {
            self.browser.resize(width, height)?;
            self.browser.emulate_dark(dark)?;
            self.browser.eval(&format!("location.hash = '{path}'"))
        };
        looks().expect("the page takes it");
        self.shows(
            "document.getElementById('line').dataset.line === 'live' \
             && !!document.querySelector('.picture') \
             && (!location.hash || !!document.querySelector('#evidence .who'))",
        );
        self.browser.screenshot(file).expect("a screenshot");
    }

    /// Checks that the browser had nothing to complain about.
    pub fn is_clean(&self) {
        let errors = self.browser.console_errors().expect("the console");
        assert!(errors.is_empty(), "{errors:#?}");
    }

    /// The members and their states, as the API says.
    fn members(&self) -> Result<Vec<Value>, String> {
        let cluster = self.deployment.stack().full("redis");
        let url = format!("{}/v1/clusters/{cluster}", self.api);
        let tools = self.deployment.tools();
        let text = tools
            .exec(&["curl", "-sf", &url])
            .map_err(|e| e.to_string())?;
        let status: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        let members = status["members"].as_array().cloned().unwrap_or_default();
        let mut pairs: Vec<[String; 2]> = members
            .iter()
            .map(|m| ["id", "state"].map(|f| m[f].as_str().unwrap_or_default().to_owned()))
            .collect();
        pairs.sort();
        Ok(pairs.into_iter().map(|pair| pair.to_vec().into()).collect())
    }
}
