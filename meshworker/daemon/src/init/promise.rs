//! What was promised beside a member's data: that its disk counts for one birth.

use std::io::{self, ErrorKind};
use std::path::Path;

use meshworker_core::{Disk, Holds, Promise, Told};

use super::aside::put_aside;
use super::notes;

/// The file in the slot's directory.
const PROMISE: &str = "promise";

/// What was promised here, if anything.
///
/// # Errors
///
/// The file cannot be read, or holds no promise.
pub(super) fn promised(directory: &Path) -> io::Result<Option<Promise>> {
    let text = notes::read(directory, PROMISE)?;
    let parsed = text.map(|text| serde_json::from_str(&text));
    parsed
        .transpose()
        .map_err(|_| notes::invalid(directory, PROMISE, "no promise"))
}

/// Promises this here, whole or not at all. A lower number than was promised before, and
/// the same one for another birth, changes nothing.
///
/// # Errors
///
/// The file cannot be used.
pub(super) fn promise(directory: &Path, new: &Promise) -> io::Result<()> {
    if promised(directory)?.is_some_and(|kept| kept.number >= new.number) {
        return Ok(());
    }
    notes::write(directory, PROMISE, &serde_json::to_string(new)?)
}

/// Puts a file aside that holds no promise: what its disk counts for is told anew.
///
/// # Errors
///
/// It cannot be renamed.
pub(super) fn put_damaged_aside(directory: &Path) -> io::Result<()> {
    match promised(directory) {
        Err(why) if why.kind() == ErrorKind::InvalidData => put_aside(directory, PROMISE).map(drop),
        _ => Ok(()),
    }
}

/// What is on this disk, with what was promised beside it.
pub(super) fn with_promise(disk: Disk, directory: &Path) -> Disk {
    let promise = match promised(directory) {
        Ok(promise) => promise,
        // Whoever has data counts for its own cluster, whatever was promised.
        Err(_) if disk.ids().is_some() => return disk,
        Err(why) => return Disk::Unreadable(Told::from(why.to_string())),
    };
    match disk {
        Disk::Nothing if promise.is_none() => Disk::Nothing,
        Disk::Nothing => Disk::Holds(Holds {
            promise,
            ..Holds::default()
        }),
        Disk::Holds(holds) => Disk::Holds(Holds { promise, ..holds }),
        Disk::Unreadable(why) => Disk::Unreadable(why),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn to(number: u64, to: &str) -> Promise {
        let to = to.into();
        Promise { number, to }
    }

    #[test]
    fn one_disk_promised_itself_to_two_births() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert_eq!(with_promise(Disk::Nothing, directory), Disk::Nothing);
        for (asked, kept) in [
            (to(3, "a"), to(3, "a")),
            (to(3, "b"), to(3, "a")),
            (to(2, "b"), to(3, "a")),
            (to(4, "b"), to(4, "b")),
        ] {
            promise(directory, &asked).unwrap();
            assert_eq!(promised(directory).unwrap(), Some(kept));
        }
        let told = with_promise(Disk::Nothing, directory);
        let expected = Holds {
            promise: Some(to(4, "b")),
            ..Holds::default()
        };
        assert_eq!(told, Disk::Holds(expected));
        // What breaks off while it is written is none, and never looks like another one.
        fs::write(directory.join("promise.new"), "{\"num").unwrap();
        assert_eq!(promised(directory).unwrap(), Some(to(4, "b")));
        fs::write(directory.join(PROMISE), "{\"num").unwrap();
        let told = with_promise(Disk::Nothing, directory);
        assert!(matches!(told, Disk::Unreadable(why) if why.ends_with("it holds no promise")));
        assert!(promise(directory, &to(9, "c")).is_err());
        put_damaged_aside(directory).unwrap();
        assert_eq!(with_promise(Disk::Nothing, directory), Disk::Nothing);
        assert!(directory.join("promise.aside-1").exists());
        promise(directory, &to(9, "c")).unwrap();
        put_damaged_aside(directory).unwrap();
        assert_eq!(promised(directory).unwrap(), Some(to(9, "c")));
    }
}
