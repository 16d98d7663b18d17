//! The token that requests must carry.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, StatusCode, header};
use meshworker_engines::{SecretFile, SecretFileError};
use subtle::ConstantTimeEq;
use tracing::{info, warn};

use super::Problem;

/// The token that requests must carry, in a file. It is read at each use, so
/// that another one takes effect at once, and is never logged.
#[derive(Debug)]
pub struct Token {
    file: SecretFile,
    /// Whether it could not be read last time: that is told once.
    missing: AtomicBool,
}

impl Token {
    /// The token in this file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds nothing.
    pub fn in_file(file: SecretFile) -> Result<Token, SecretFileError> {
        file.read()?;
        Ok(Token {
            file,
            missing: AtomicBool::new(false),
        })
    }

    /// Checks that a request carries the token: `Authorization: Bearer TOKEN`.
    ///
    /// # Errors
    ///
    /// It carries none or another one, or nobody can tell because the file
    /// cannot be read any more.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = self.read().ok_or_else(|| {
            let error = "the token cannot be read here: no request can be checked";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
        })?;
        let given = headers.get(header::AUTHORIZATION);
        let given = given.map(|value| value.as_bytes()).and_then(bearer);
        // Takes as long wherever the first difference is.
        if given.is_some_and(|given| given.ct_eq(token.as_bytes()).into()) {
            return Ok(());
        }
        let found = given.map_or("no bearer token", |_| "another token");
        Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            format!("authorization: found {found}; allowed: Bearer with this worker's token"),
        ))
    }

    fn read(&self) -> Option<String> {
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

    fn checked(token: &Token, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        token.check(&headers).is_ok()
    }

    #[test]
    fn only_the_whole_token_of_this_moment_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let token = Token::in_file(SecretFile::new(&file)).unwrap();
        assert!(checked(&token, "Bearer one"));
        assert!(checked(&token, "bearer one"));
        for wrong in [
            "one",
            "Bearer",
            "Bearer ",
            "Bearer on",
            "Bearer onee",
            "Basic one",
        ] {
            assert!(!checked(&token, wrong), "{wrong}");
        }
        assert!(token.check(&HeaderMap::new()).is_err());

        std::fs::write(&file, "two").unwrap();
        assert!(!checked(&token, "Bearer one"));
        assert!(checked(&token, "Bearer two"));
        // Nothing is allowed by an empty token.
        std::fs::write(&file, "").unwrap();
        for wrong in ["Bearer ", "Bearer two"] {
            assert!(!checked(&token, wrong), "{wrong}");
        }
        std::fs::write(&file, "three").unwrap();
        assert!(checked(&token, "Bearer three"));
    }
}
