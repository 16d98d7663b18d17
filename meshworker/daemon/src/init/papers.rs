//! Writes the certificates by which this member's database and the others know
//! each other.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::proof::{Papers, Unusable};
use crate::token_file::{TokenFile, TokenFileError};

/// The certificates could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum NoPapers {
    /// The token cannot be read.
    #[error("token-file: {0}")]
    Token(#[from] TokenFileError),
    /// None can be made.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// A file cannot be written.
    #[error("certificates: {}: {why}; allowed: a folder that this container may write to, such as /dev/shm/meshworker", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
}

/// Writes `ca.pem`, `cert.pem` and `key.pem`, made from the token, to this folder.
///
/// Everybody in the container may read them: the database drops its rights
/// before it does, and whoever is in here can read the token as well.
///
/// # Errors
///
/// The token cannot be used, or a file not be written.
pub(super) fn write(folder: &Path, token: &TokenFile) -> Result<(), NoPapers> {
    let papers = Papers::of(&token.read()?)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        |why| NoPapers::File { path, why }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for (name, content) in [
        ("ca.pem", papers.trusted),
        ("cert.pem", papers.certificate),
        ("key.pem", papers.key),
    ] {
        let path = folder.join(name);
        // Whole or not at all, should the last start have been cut short.
        let unfinished = folder.join(format!("{name}.new"));
        fs::write(&unfinished, content).map_err(failed(&unfinished))?;
        let readable = Permissions::from_mode(0o444);
        fs::set_permissions(&unfinished, readable).map_err(failed(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_anew_at_each_start_and_readable_for_the_database() {
        let token = tempfile::NamedTempFile::new().unwrap();
        fs::write(token.path(), "a-token-of-these-tests").unwrap();
        let token = TokenFile::new(token.path());
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("deep/down");
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        write(&folder, &token).unwrap();
        let first = ["ca.pem", "cert.pem", "key.pem"].map(read);
        assert!(first[2].starts_with("-----BEGIN PRIVATE KEY-----"));
        // Left over by a start that was cut short, and readable for nobody.
        fs::write(folder.join("key.pem.new"), "half").unwrap();
        write(&folder, &token).unwrap();
        let second = ["ca.pem", "cert.pem", "key.pem"].map(read);
        assert_eq!(first[0], second[0]);
        assert_ne!(first[1], second[1]);
        assert_ne!(first[2], second[2]);
        let mode = fs::metadata(folder.join("key.pem")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o444);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "a-token-of-these-tests").unwrap();
        let token = TokenFile::new(file.path());
        let why = write(&file.path().join("sub"), &token).unwrap_err();
        assert!(why.to_string().starts_with("certificates: "), "{why}");
    }
}
