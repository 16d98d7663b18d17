//! Why there is no store.

use std::path::PathBuf;

/// Why a store cannot be opened, or begun anew.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Two processes would speak for one store.
    #[error("{}: another worker has this store; wait until that one is gone, or give this one a directory of its own", .0.display())]
    Held(PathBuf),
    /// It is not ours to write to.
    #[error("{}: not a store of meshworker ({what}); move it away, or name another directory", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A newer program wrote it.
    #[error("{}: found version {found} of its tables, and this program knows {known}; start the newer meshworker again, or move the file away to begin with an empty store", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// What is in it makes no sense.
    #[error("{}: damaged ({what}); move it away to begin with an empty store, which gets everything from the other workers", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where.
        what: String,
    },
    /// The disk, or what it allows.
    #[error("{}: cannot be used ({why}); let this process write to its directory", file.display())]
    Unusable {
        /// The file, or its directory.
        file: PathBuf,
        /// What was refused.
        why: String,
    },
}
