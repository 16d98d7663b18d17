//! Puts data aside that is nobody's here: it is renamed, and never deleted.

use std::fs;
use std::io;
use std::path::Path;

use super::notes;

/// Gives this directory a name that nobody looks for; that name, unless there is none.
///
/// # Errors
///
/// It cannot be renamed.
pub(super) fn put_aside(directory: &Path, data: &str) -> io::Result<Option<String>> {
    let from = directory.join(data);
    if !from.try_exists()? {
        return Ok(None);
    }
    let mut names = (1_u64..).map(|number| format!("{data}.aside-{number}"));
    loop {
        let Some(name) = names.next() else {
            return Ok(None);
        };
        if !directory.join(&name).try_exists()? {
            fs::rename(&from, directory.join(&name))?;
            notes::settle(directory)?;
            return Ok(Some(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_is_put_aside_twice_is_there_twice() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert_eq!(put_aside(directory, "etcd").unwrap(), None);
        for (number, text) in [(1, "first"), (2, "second")] {
            let data = directory.join("etcd");
            fs::create_dir(&data).unwrap();
            fs::write(data.join("wal"), text).unwrap();
            let name = put_aside(directory, "etcd").unwrap().unwrap();
            assert_eq!(name, format!("etcd.aside-{number}"));
            assert!(!data.exists());
        }
        let kept = ["etcd.aside-1/wal", "etcd.aside-2/wal"];
        let kept = kept.map(|path| fs::read_to_string(directory.join(path)).unwrap());
        assert_eq!(kept, ["first", "second"]);
    }
}
