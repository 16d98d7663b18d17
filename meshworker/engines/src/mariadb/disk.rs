//! What is on a member's disk before MariaDB is started.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use meshworker_core::{Disk, Holds, Ids, Office};

use super::fence::{self, Mark};
use crate::small_file::{LONGEST, read_text};

/// The name of the data directory in a slot's.
pub const DATA: &str = "mysql";

/// What a copy of a replica's data leaves: `file position gtid`.
const COPIED: &str = "mysql/xtrabackup_binlog_info";

/// What a data directory without any mark says of its cluster.
pub const UNMARKED: &str = "-";

/// What MariaDB has in this slot's directory.
pub fn disk(directory: &Path) -> Disk {
    match holds(directory) {
        Ok(None) => Disk::Nothing,
        Ok(Some(holds)) => Disk::Holds(holds),
        Err(why) => Disk::Unreadable(why.to_string().into()),
    }
}

fn holds(directory: &Path) -> io::Result<Option<Holds>> {
    // What a broken installation leaves is no data: the image makes it anew only where there
    // is nothing at all.
    let system = directory.join(DATA).join("mysql");
    if !system.try_exists()? {
        let mut entries = match fs::read_dir(directory.join(DATA)) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        return match entries.next() {
            None => Ok(None),
            Some(_) => Err(io::Error::other("mysql/ has no system tables: mysql/mysql")),
        };
    }
    let mark = match text(&directory.join(fence::FILE))? {
        None => Mark::default(),
        Some(text) => Mark::parse(&text)
            .ok_or_else(|| io::Error::other(format!("no terms in {}", fence::FILE)))?,
    };
    let copied = text(&directory.join(COPIED))?;
    let copied = copied.as_deref().and_then(position).unwrap_or_default();
    Ok(Some(Holds {
        ids: Some(Ids {
            node: copied.into(),
            cluster: match mark.cluster.as_str() {
                "" => UNMARKED.into(),
                cluster => cluster.into(),
            },
        }),
        role: (!mark.role.is_empty()).then(|| Office {
            role: mark.role.as_str().into(),
            term: mark.term,
        }),
        ..Holds::default()
    }))
}

/// The position that a copy of data was made at.
pub fn position(text: &str) -> Option<&str> {
    let third = text.split_whitespace().nth(2)?;
    super::gtid::Position::parse(third).map(|_| third)
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match read_text(path, LONGEST) {
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(disk: &Disk) -> Option<(String, u64)> {
        let Disk::Holds(Holds { role, .. }) = disk else {
            panic!("{disk:?}");
        };
        let office = role.as_ref()?;
        Some((office.role.to_string(), office.term))
    }

    #[test]
    fn role_and_term_are_read_without_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let slot = folder.path();
        assert_eq!(disk(slot), Disk::Nothing);
        fs::create_dir_all(slot.join(DATA)).unwrap();
        assert_eq!(disk(slot), Disk::Nothing);
        fs::write(slot.join("mysql/ibdata1"), "").unwrap();
        assert!(matches!(disk(slot), Disk::Unreadable(_)), "half of one");
        fs::create_dir_all(slot.join("mysql/mysql")).unwrap();
        assert_eq!(role(&disk(slot)), None);
        fs::create_dir_all(slot.join("mysql/meshworker")).unwrap();
        fs::write(slot.join(fence::FILE), "3,\"w\",\"primary\",2,\"c1\"\n").unwrap();
        assert_eq!(role(&disk(slot)), Some(("primary".into(), 2)));
        assert_eq!(&*disk(slot).ids().unwrap().cluster, "c1");
        fs::write(slot.join(fence::FILE), "3,\"w\"").unwrap();
        assert!(matches!(disk(slot), Disk::Unreadable(_)));
    }

    #[test]
    fn a_copy_says_at_which_position_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let slot = folder.path();
        fs::create_dir_all(slot.join("mysql/mysql")).unwrap();
        fs::write(slot.join(COPIED), "binlog.000004\t1234\t0-1-77\n").unwrap();
        assert_eq!(&*disk(slot).ids().unwrap().node, "0-1-77");
    }
}
