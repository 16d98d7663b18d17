//! Small files beside a member's data, each of them whole or not there at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

/// More than any of them has, in bytes.
const LONGEST: u64 = 4096;

/// What stands in this file; none where there is none.
///
/// # Errors
///
/// It cannot be read, or is no text.
pub(super) fn read(directory: &Path, name: &str) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(directory.join(name)) {
        Ok(file) => file.take(LONGEST).read_to_string(&mut text)?,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    Ok(Some(text))
}

/// Has this stand there from now on, also after the power was cut. What stands there already
/// is not written again: a full volume keeps nobody from what needs no room.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    if let Ok(Some(there)) = read(directory, name)
        && there.strip_suffix('\n') == Some(text)
    {
        return settle(directory);
    }
    let unfinished = directory.join(format!("{name}.new"));
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(name))?;
    settle(directory)
}

/// Names in this directory are as they are from now on, also after the power was cut.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn settle(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// That a file holds something else than it should.
pub(super) fn invalid(directory: &Path, name: &str, holds: &str) -> io::Error {
    let path = directory.join(name);
    let why = format!("{}: it holds {holds}", path.display());
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The database could have made room, had it been started.
    #[test]
    fn a_full_volume_kept_what_was_known_from_being_known() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        write(directory, "known-as", "3").unwrap();
        // As where no file can be made any more.
        fs::create_dir(directory.join("known-as.new")).unwrap();
        write(directory, "known-as", "3").unwrap();
        write(directory, "known-as", "4").unwrap_err();
        assert_eq!(read(directory, "known-as").unwrap().unwrap(), "3\n");
    }
}
