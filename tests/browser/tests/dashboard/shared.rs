//! One browser for all tests: it takes longer to start than most of them.

use std::sync::{Arc, Mutex};

use meshworker_browser::Browser;

/// The browser that tests use one after another; it starts with the first and
/// ends with this value.
#[derive(Debug, Clone, Default)]
pub struct SharedBrowser(Arc<Mutex<Option<Browser>>>);

impl SharedBrowser {
    /// A test as a suite runs it: in a window where nothing was before.
    pub fn lend(&self, test: fn(&Browser)) -> impl FnOnce() + Send + 'static {
        let SharedBrowser(shared) = self.clone();
        move || {
            if !meshworker_browser::is_there() {
                return;
            }
            // Not put back by a test that fails: it may have broken it.
            let used = shared.lock().unwrap().take();
            let renewed = used.filter(|browser| browser.renew().is_ok());
            let browser = renewed.unwrap_or_else(|| Browser::start().unwrap());
            test(&browser);
            shared.lock().unwrap().replace(browser);
        }
    }
}
