//! What an image brings along, copied to where a volume hides it, on its first start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, chown};

/// What a file system makes in each new volume of its own.
const OF_THE_VOLUME: &str = "lost+found";

/// Where it is copied to first: as long as this is there, what is beside it is not whole, and no
/// database has started on it.
const UNFINISHED: &str = ".meshworker-restores";

/// Deeper than any such folder; and a link that leads back to it ends.
const DEEPEST: usize = 32;

/// A folder of the image, and where it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    pub from: PathBuf,
    pub to: PathBuf,
}

impl Restore {
    /// Copies it where nothing is yet; whether it did. The folder itself belongs to whom it
    /// belongs to in the image, whatever is in it: a volume's root belongs to root.
    ///
    /// # Errors
    ///
    /// Something cannot be read or written: which file, and why.
    pub fn run(&self) -> io::Result<bool> {
        let named = |why: io::Error, path: &Path| {
            io::Error::new(why.kind(), format!("{}: {why}", path.display()))
        };
        fs::create_dir_all(&self.to).map_err(|why| named(why, &self.to))?;
        owned_as(&self.from, &self.to)?;
        let is_there = fs::read_dir(&self.to).map_err(|why| named(why, &self.to))?;
        let mut is_there = is_there.filter_map(Result::ok);
        let unfinished = self.to.join(UNFINISHED);
        let begun = unfinished.exists();
        if !begun && is_there.any(|entry| entry.file_name() != OF_THE_VOLUME) {
            return Ok(false);
        }
        if begun {
            fs::remove_dir_all(&unfinished).map_err(|why| named(why, &unfinished))?;
        }
        // A process that ends here leaves it unfinished, and the next one begins anew.
        fs::create_dir(&unfinished).map_err(|why| named(why, &unfinished))?;
        copy(&self.from, &unfinished, DEEPEST)?;
        for entry in fs::read_dir(&unfinished)? {
            let entry = entry?;
            let to = self.to.join(entry.file_name());
            if to.is_dir() {
                fs::remove_dir_all(&to).map_err(|why| named(why, &to))?;
            }
            fs::rename(entry.path(), &to).map_err(|why| named(why, &to))?;
        }
        fs::remove_dir(&unfinished).map_err(|why| named(why, &unfinished))?;
        Ok(true)
    }
}

/// Copies what is in a folder, with owners and rights; links as what they lead to.
fn copy(from: &Path, to: &Path, deepest: usize) -> io::Result<()> {
    if deepest == 0 {
        let why = format!("{}: too deep", from.display());
        return Err(io::Error::other(why));
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if fs::metadata(&from)?.is_dir() {
            fs::create_dir_all(&to)?;
            copy(&from, &to, deepest - 1)?;
        } else {
            fs::copy(&from, &to)?;
        }
        owned_as(&from, &to)?;
    }
    Ok(())
}

/// Gives one the owner and the rights of the other. Whoever is not root can only keep his own.
fn owned_as(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (wanted, found) = (fs::metadata(from)?, fs::metadata(to)?);
    if (wanted.uid(), wanted.gid()) != (found.uid(), found.gid()) {
        let (user, group) = (Uid::from_raw(wanted.uid()), Gid::from_raw(wanted.gid()));
        chown(to, Some(user), Some(group))
            .map_err(|why| io::Error::other(format!("{}: its owner: {why}", to.display())))?;
    }
    if wanted.mode() != found.mode() {
        fs::set_permissions(to, wanted.permissions())?;
    }
    Ok(())
}

/// Pairs of folders, comma between: `FROM=TO,FROM=TO`.
pub fn pairs(text: &str) -> Option<Vec<Restore>> {
    let pair = |pair: &str| {
        let (from, to) = pair.trim().split_once('=')?;
        let path = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        Some(Restore {
            from: path(from)?,
            to: path(to)?,
        })
    };
    text.split(',').map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_by_an_empty_volume_is_restored_once() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("seed"), folder.path().join("volume"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("test"), "password").unwrap();
        fs::write(from.join("deep/other"), "x").unwrap();
        fs::create_dir_all(to.join(OF_THE_VOLUME)).unwrap();
        let restore = Restore { from, to };
        assert!(restore.run().unwrap());
        assert_eq!(
            fs::read_to_string(restore.to.join("deep/other")).unwrap(),
            "x"
        );
        // What the database wrote since is never overwritten.
        fs::write(restore.to.join("test"), "token").unwrap();
        assert!(!restore.run().unwrap());
        assert_eq!(
            fs::read_to_string(restore.to.join("test")).unwrap(),
            "token"
        );
        // One that broke off is done anew, whole.
        fs::create_dir(restore.to.join(UNFINISHED)).unwrap();
        fs::write(restore.to.join("deep/other"), "half").unwrap();
        fs::remove_file(restore.to.join("test")).unwrap();
        assert!(restore.run().unwrap());
        for (name, text) in [("test", "password"), ("deep/other", "x")] {
            assert_eq!(fs::read_to_string(restore.to.join(name)).unwrap(), text);
        }
        assert!(!restore.to.join(UNFINISHED).exists() && !restore.run().unwrap());
        let nowhere = Restore {
            from: "/nowhere/seed".into(),
            ..restore
        };
        assert!(nowhere.run().is_err());
    }

    #[test]
    fn pairs_are_whole_paths() {
        let pair = |from: &str, to: &str| Restore {
            from: from.into(),
            to: to.into(),
        };
        assert_eq!(
            pairs("/a=/b, /c=/d"),
            Some(vec![pair("/a", "/b"), pair("/c", "/d")])
        );
        for wrong in ["", "/a", "a=/b", "/a=b", "/a=/b,"] {
            assert_eq!(pairs(wrong), None, "{wrong}");
        }
    }
}
