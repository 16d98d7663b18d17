//! What is run before and after another member becomes primary, as it is configured.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::token_file::TokenFile;

/// What a hook may be.
pub const HOOK: &str =
    "the whole path of an executable, or http:// or https:// without user, password and query";

/// Whom to ask, or to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// An executable of the worker's image.
    Program(PathBuf),
    /// A server.
    Web(Url),
}

/// What is run before and after another member becomes primary.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Before: it may refuse one that is planned.
    pub before: Option<Hook>,
    /// After.
    pub after: Option<Hook>,
    /// What servers know the worker by.
    pub token: Option<TokenFile>,
    /// How long each may take.
    pub patience: Duration,
}

impl Hook {
    /// The hook in these words; none where they are none. What it names is shown: whatever is
    /// secret belongs into the token's file.
    pub fn parse(text: &str) -> Option<Hook> {
        if text.starts_with('/') {
            return Some(Hook::Program(text.into()));
        }
        let url = Url::parse(text).ok()?;
        let is_web = ["http", "https"].contains(&url.scheme()) && url.has_host();
        let is_bare = url.username().is_empty() && url.password().is_none();
        (is_web && is_bare && url.query().is_none()).then_some(Hook::Web(url))
    }
}

#[cfg(test)]
mod tests {
    use super::Hook;

    #[test]
    fn a_hook_is_an_executable_or_an_address_that_holds_no_secret() {
        assert!(matches!(
            Hook::parse("/hooks/before"),
            Some(Hook::Program(_))
        ));
        assert!(matches!(
            Hook::parse("https://pager.internal/moved"),
            Some(Hook::Web(_))
        ));
        for none in [
            "before.sh",
            "ftp://pager/moved",
            "https://ana:secret@pager/moved",
            "https://pager/moved?token=secret",
            "",
        ] {
            assert_eq!(Hook::parse(none), None, "{none}");
        }
    }
}
