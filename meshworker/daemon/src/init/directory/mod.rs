//! The directory of one slot on the volume that all members of a node share.
//!
//! ```text
//! DATA_DIR/slot-1/lock   held by slot 1's supervisor and its database
//! DATA_DIR/slot-2/lock   held, or free: slot 2 is elsewhere, or stopped
//! ```
//!
//! The lock is the kernel's (`flock`): it ends with the last process that holds
//! it, however that ends. A supervisor keeps it open for its database, which
//! inherits it, so that one without the other holds it too.

mod choose;

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use meshworker_core::Moment;
use rustix::io::{FdFlags, fcntl_setfd};

pub use choose::Elsewhere;
pub(super) use choose::Why;
use choose::{Choice, Found, choose};

/// The file in each directory whose lock says that the directory is in use.
const LOCK: &str = "lock";

/// More than a task's id has.
const LONGEST_USER: usize = 100;

/// The directory of this slot, for as long as this lives.
#[derive(Debug)]
pub(super) struct Directory {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Given back with the last process that has it open.
    _lock: File,
}

/// Looks for this slot's directory.
#[derive(Debug)]
pub(super) struct Search {
    root: PathBuf,
    slot: u64,
    task: String,
    /// Since when each directory was seen free.
    free: BTreeMap<String, Moment>,
}

impl Search {
    /// For the directory of this slot below `root`, on behalf of this task.
    pub(super) fn new(root: PathBuf, slot: u64, task: String) -> Search {
        Search {
            root,
            slot,
            task,
            free: BTreeMap::new(),
        }
    }

    /// Looks once: the directory, or why not yet.
    ///
    /// # Errors
    ///
    /// The volume cannot be used.
    pub(super) fn look(
        &mut self,
        elsewhere: &Elsewhere,
        now: Moment,
    ) -> io::Result<Result<Directory, Why>> {
        let found = self.scan(now)?;
        let name = match choose(&found, self.slot, elsewhere) {
            Choice::Wait(why) => return Ok(Err(why)),
            Choice::Take(name) => name,
            Choice::Begin => {
                let home = self.home();
                // It is there already when another task of this slot was quicker.
                ignore(
                    ErrorKind::AlreadyExists,
                    fs::create_dir(self.root.join(&home)),
                )?;
                home
            }
        };
        Ok(self.take(&name)?.ok_or(Why::Used {
            name,
            user: "somebody who was quicker".to_owned(),
        }))
    }

    fn home(&self) -> String {
        format!("slot-{}", self.slot)
    }

    fn scan(&mut self, now: Moment) -> io::Result<Vec<Found>> {
        let before = std::mem::take(&mut self.free);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let number = name.strip_prefix("slot-");
            if !number.is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit())) {
                continue;
            }
            // One that was renamed meanwhile is found under its new name.
            let Some((user, changed)) = absent(state(&entry))?.flatten() else {
                continue;
            };
            let since = before.get(&name).copied().unwrap_or(now);
            if user.is_none() {
                self.free.insert(name.clone(), since);
            }
            found.push(Found {
                name,
                user,
                free: now.since(since),
                changed,
            });
        }
        Ok(found)
    }

    /// Takes this directory, and gives it the slot's name; nothing when somebody
    /// else was quicker.
    fn take(&self, name: &str) -> io::Result<Option<Directory>> {
        let home = self.root.join(self.home());
        let path = self.root.join(name);
        let Some(lock) = absent(lock(&path))?.flatten() else {
            return Ok(None);
        };
        if path != home {
            if home.is_dir() {
                // An older one of this slot. It is kept, as any data is, under a
                // name by which nobody takes it.
                let Some(_older) = self::lock(&home)? else {
                    return Ok(None);
                };
                let aside = format!("before-{}-{}", self.task, self.home());
                fs::rename(&home, self.root.join(aside))?;
            }
            fs::rename(&path, &home)?;
        }
        // For whoever waits for it: who has it. The lock itself counts.
        let _ = fs::write(home.join(LOCK), format!("task {}\n", self.task));
        // The database inherits it.
        fcntl_setfd(&lock, FdFlags::empty())?;
        Ok(Some(Directory {
            path: home,
            _lock: lock,
        }))
    }
}

/// Who uses a directory, if anybody, and when anything in it was changed last;
/// nothing when it is none.
fn state(entry: &DirEntry) -> io::Result<Option<(Option<String>, SystemTime)>> {
    if !entry.file_type()?.is_dir() {
        return Ok(None);
    }
    let path = entry.path();
    let mut changed = entry.metadata()?.modified()?;
    for file in fs::read_dir(&path)? {
        let file = file?.metadata().and_then(|data| data.modified());
        changed = changed.max(absent(file)?.unwrap_or(changed));
    }
    let Some(lock) = absent(File::open(path.join(LOCK)))? else {
        return Ok(Some((None, changed)));
    };
    // A shared lock keeps nobody else from looking.
    let user = match lock.try_lock_shared() {
        Ok(()) => None,
        Err(TryLockError::WouldBlock) => Some(user(&lock)),
        Err(TryLockError::Error(why)) => return Err(why),
    };
    Ok(Some((user, changed)))
}

/// What stands in a lock that somebody else has.
fn user(lock: &File) -> String {
    let mut text = Vec::new();
    let read = io::Read::read_to_end(&mut io::Read::take(lock, LONGEST_USER as u64), &mut text);
    let said = read.ok().and_then(|_| user_in(&text));
    said.unwrap_or_else(|| "another member".to_owned())
}

/// Who says in a lock that he has it.
pub(crate) fn user_in(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.trim().chars();
    let line: String = line.filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    (!line.is_empty()).then_some(line)
}

/// Locks this directory; nothing when somebody else has, or it is another one by
/// now.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = path.join(LOCK);
    let lock = match File::open(&file) {
        Ok(lock) => lock,
        Err(why) if why.kind() == ErrorKind::NotFound => File::create(&file)?,
        Err(why) => return Err(why),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(why)) => return Err(why),
    }
    let (ours, there) = (lock.metadata()?, fs::metadata(&file)?);
    let same = (ours.dev(), ours.ino()) == (there.dev(), there.ino());
    Ok(same.then_some(lock))
}

/// Nothing where there is no such file any more.
fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// All is well where it failed in this way.
fn ignore(kind: ErrorKind, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(why) if why.kind() == kind => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
