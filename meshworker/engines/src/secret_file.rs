//! A secret in a file, read again whenever it is needed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::small_file::{LONGEST, read_text};

/// A secret that lives in a file, such as `/run/secrets/password`.
///
/// The content is read at each use, so that a rotated secret takes effect
/// without a restart, and never stored, printed or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile(PathBuf);

/// A secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds nothing but white space.
    #[error("{path}: found nothing in it; write the secret into it")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFile {
    /// The secret in this file, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> SecretFile {
        SecretFile(path.into())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The secret: the file's content without white space at its end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds nothing.
    pub fn read(&self) -> Result<String, SecretFileError> {
        let content =
            read_text(&self.0, LONGEST).map_err(|source| SecretFileError::Unreadable {
                path: self.0.clone(),
                source,
            })?;
        let secret = content.trim_end();
        if secret.is_empty() {
            return Err(SecretFileError::Empty {
                path: self.0.clone(),
            });
        }
        Ok(secret.to_owned())
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.0.display())
    }
}
