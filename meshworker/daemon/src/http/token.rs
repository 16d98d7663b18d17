//! The tokens of which requests must carry one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, StatusCode, header};
use tracing::{info, warn};

use super::Problem;
use crate::token_file::{Token, TokenFile, TokenFileError, is_one_of};

/// The tokens of which requests must carry one, in a file. It is read at each use,
/// so that another one takes effect at once, and is never logged.
#[derive(Debug, Clone)]
pub struct Tokens {
    file: TokenFile,
    /// Whether it could not be read last time: that is told once.
    missing: Arc<AtomicBool>,
}

impl Tokens {
    /// The tokens in this file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds what is no token.
    pub fn in_file(file: TokenFile) -> Result<Tokens, TokenFileError> {
        file.read()?;
        Ok(Tokens {
            file,
            missing: Arc::default(),
        })
    }

    /// Checks that a request carries one of them: `Authorization: Bearer TOKEN`.
    ///
    /// # Errors
    ///
    /// It carries none or another one, or nobody can tell because the file
    /// cannot be read any more.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let tokens = self.read().ok_or_else(|| {
            let error = "the token cannot be read here: no request can be checked";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
        })?;
        let given = headers.get(header::AUTHORIZATION);
        let given = given.map(|value| value.as_bytes()).and_then(bearer);
        if given.is_some_and(|given| is_one_of(given, &tokens)) {
            return Ok(());
        }
        let found = given.map_or("no bearer token", |_| "another token");
        Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            format!("authorization: found {found}; allowed: Bearer with this worker's token"),
        ))
    }

    fn read(&self) -> Option<Vec<Token>> {
        let read = self.file.read();
        let was_missing = self.missing.swap(read.is_err(), Ordering::Relaxed);
        match &read {
            Err(error) if !was_missing => warn!("token-file: {error}: requests are refused"),
            Ok(_) if was_missing => info!("token-file: it can be read again"),
            _ => {}
        }
        read.ok()
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(tokens: &Tokens, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        tokens.check(&headers).is_ok()
    }

    #[test]
    fn only_a_whole_token_of_this_moment_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "the-first-token-1\n").unwrap();
        let tokens = Tokens::in_file(TokenFile::new(&file)).unwrap();
        assert!(checked(&tokens, "Bearer the-first-token-1"));
        assert!(checked(&tokens, "bearer the-first-token-1"));
        for wrong in [
            "the-first-token-1",
            "Bearer",
            "Bearer ",
            "Bearer the-first-token-",
            "Bearer the-first-token-12",
            "Basic the-first-token-1",
        ] {
            assert!(!checked(&tokens, wrong), "{wrong}");
        }
        assert!(tokens.check(&HeaderMap::new()).is_err());

        // While it is changed, both will do.
        std::fs::write(&file, "the-second-token-2\nthe-first-token-1").unwrap();
        assert!(checked(&tokens, "Bearer the-first-token-1"));
        assert!(checked(&tokens, "Bearer the-second-token-2"));
        std::fs::write(&file, "the-second-token-2").unwrap();
        assert!(!checked(&tokens, "Bearer the-first-token-1"));
        // Nothing is allowed by an empty file, or by one that is too short.
        for content in ["", "two"] {
            std::fs::write(&file, content).unwrap();
            for wrong in ["Bearer ", "Bearer two", "Bearer the-second-token-2"] {
                assert!(!checked(&tokens, wrong), "{wrong}");
            }
        }
        std::fs::write(&file, "the-third-token-3").unwrap();
        assert!(checked(&tokens, "Bearer the-third-token-3"));
    }
}
