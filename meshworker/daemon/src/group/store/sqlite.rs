//! A store in a file of its own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use meshworker_group::{Save, Saved, Store, StoreFailed, StoreId};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{StoreError, rows};

/// The file's name within its directory.
pub const FILE: &str = "meshworker.sqlite3";

/// What it was called that was given up last: one is kept, for people.
const BEFORE: &str = "meshworker.sqlite3.before";

/// Says that a file is a store of ours, and not just any file of SQLite's: `mshw`.
const OURS: i64 = 0x6d73_6877;

/// The version of its tables.
const VERSION: i64 = 1;

/// A store in a file: no other process has it.
#[derive(Debug)]
pub struct Sqlite {
    file: PathBuf,
    connection: Connection,
}

impl Sqlite {
    /// Opens the store in this directory, and reads what was kept. Where none is, both are made, and it is the store
    /// `fresh`. What is there and cannot be read is never written to.
    ///
    /// # Errors
    ///
    /// Another process has it, it is not ours, or the disk refuses.
    pub fn open(directory: &Path, fresh: StoreId) -> Result<(Sqlite, Saved), StoreError> {
        let file = directory.join(FILE);
        make(directory).map_err(|why| StoreError::Unusable {
            file: directory.to_owned(),
            why: why.to_string(),
        })?;
        let opened = open(&file, fresh);
        let (connection, saved) = opened.map_err(|why| why.at(&file))?;
        Ok((Sqlite { file, connection }, saved))
    }

    /// What the store in this directory has kept, which cannot be written to; none where none
    /// is. It is read from a copy in memory.
    ///
    /// # Errors
    ///
    /// It cannot be read either.
    pub fn read(directory: &Path) -> Result<Option<Saved>, StoreError> {
        let file = directory.join(FILE);
        let unusable = |why: io::Error| StoreError::Unusable {
            file: file.clone(),
            why: why.to_string(),
        };
        if !file.is_file() {
            return Ok(None);
        }
        let copies = Copies::of(&file).map_err(unusable)?;
        let opened = open(&copies.0.join(FILE), StoreId(0));
        let (_, saved) = opened.map_err(|why| why.at(&file))?;
        Ok(Some(saved))
    }

    fn write(&mut self, save: &Save) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        rows::write(&transaction, save)?;
        transaction.commit()
    }

    /// Sets aside what is given up, for people: the last one is kept.
    fn set_aside(&self) -> Result<(), String> {
        let before = self.file.with_file_name(BEFORE);
        match fs::remove_file(&before) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.to_string()),
            _ => {}
        }
        let set_aside = self
            .connection
            .execute("VACUUM INTO ?1", [before.to_string_lossy()]);
        set_aside.map(drop).map_err(|why| why.to_string())
    }
}

impl Store for Sqlite {
    fn save(&mut self, save: &Save) -> Result<(), StoreFailed> {
        let set_aside = match save.anew {
            Some(_) => self.set_aside(),
            None => Ok(()),
        };
        let written = set_aside.and_then(|()| self.write(save).map_err(|why| why.to_string()));
        written.map_err(|why| StoreFailed(format!("{}: {why}", self.file.display())))
    }
}

/// A copy of a store's files in memory, until it is dropped.
struct Copies(PathBuf);

impl Copies {
    fn of(file: &Path) -> io::Result<Copies> {
        let name = format!(
            "meshworker-{}-{:x}",
            std::process::id(),
            crate::clock::chance()
        );
        let copies = Copies(Path::new("/dev/shm").join(name));
        fs::create_dir(&copies.0)?;
        fs::copy(file, copies.0.join(FILE))?;
        let wal = format!("{FILE}-wal");
        let from = file.with_file_name(&wal);
        if from.is_file() {
            fs::copy(from, copies.0.join(wal))?;
        }
        Ok(copies)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        // What is left is in memory, and ends with the container.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes the directory, and has its name on the disk: a store that is lost with it is another one.
fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    let above = directory.parent().filter(|above| *above != Path::new(""));
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

fn open(file: &Path, fresh: StoreId) -> Result<(Connection, Saved), Unopened> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = Connection::open_with_flags(file, flags)?;
    // Whoever has it has it for as long as it lives.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    })?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if tables == 0 => {
            transaction.pragma_update(None, "application_id", OURS)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            rows::create(&transaction)?;
            rows::begin(&transaction, fresh)?;
        }
        (OURS, VERSION) => {}
        (OURS, found) => return Err(Unopened::Newer(found)),
        _ => return Err(Unopened::Foreign("another program's SQLite file".into())),
    }
    rows::complete(&transaction)?;
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let saved = rows::read(&connection).map_err(Unopened::Unread)?;
    Ok((connection, saved))
}

/// Why there is no store in a file.
enum Unopened {
    Sqlite(rusqlite::Error),
    Unread(rusqlite::Error),
    Io(io::Error),
    Foreign(String),
    Newer(i64),
}

impl Unopened {
    fn at(self, file: &Path) -> StoreError {
        let file = file.to_owned();
        let (why, read) = match self {
            Unopened::Newer(found) => {
                return StoreError::Newer {
                    file,
                    found,
                    known: VERSION,
                };
            }
            Unopened::Foreign(what) => return StoreError::Foreign { file, what },
            Unopened::Io(why) => {
                let why = why.to_string();
                return StoreError::Unusable { file, why };
            }
            Unopened::Sqlite(why) => (why, false),
            Unopened::Unread(why) => (why, true),
        };
        let what = why.to_string();
        match why.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Held(file),
            Some(ErrorCode::NotADatabase) => StoreError::Foreign { file, what },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { file, what },
            _ if read => StoreError::Damaged { file, what },
            _ => StoreError::Unusable { file, why: what },
        }
    }
}

impl From<rusqlite::Error> for Unopened {
    fn from(why: rusqlite::Error) -> Unopened {
        Unopened::Sqlite(why)
    }
}

impl From<io::Error> for Unopened {
    fn from(why: io::Error) -> Unopened {
        Unopened::Io(why)
    }
}
