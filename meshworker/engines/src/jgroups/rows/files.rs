//! Files of `FILE_PING`: `LOCATION/GROUP/UUID.NAME.list`, which a coordinator writes at its start
//! and with each view, one line for each member: name, UUID, place, and whether it coordinates.

use std::io::{self, ErrorKind};
use std::path::Path;

use meshworker_core::Told;

use super::super::words::is_uuid;
use super::{Coordinator, Row, Store, at};
use crate::Failure;
use crate::small_file::read_bytes;

/// The longest file that is read: some thousand members.
const LONGEST: u64 = 256 << 10;

/// More groups' coordinators than there are at a time.
const MOST: usize = 256;

/// All that coordinators have written in this group's folder.
///
/// # Errors
///
/// It cannot be read.
pub fn read(folder: &Path, group: &str) -> Result<Vec<Row>, String> {
    let folder = folder.join(in_a_name(group));
    let told = |why: io::Error| format!("files: {}: {why}", folder.display());
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        // Nobody has been there yet.
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(told(why)),
    };
    let mut rows = Vec::new();
    for entry in entries {
        let name = entry.map_err(told)?.file_name();
        let Some(name) = name.to_str().filter(|name| name.ends_with(".list")) else {
            continue;
        };
        if rows.len() >= MOST {
            return Err(format!("files: {}: more than {MOST}", folder.display()));
        }
        match read_bytes(&folder.join(name), LONGEST) {
            Ok(bytes) => rows.extend(file(group, name, &String::from_utf8_lossy(&bytes))),
            Err(why) if why.kind() == ErrorKind::NotFound => {}
            Err(why) => return Err(told(why)),
        }
    }
    Ok(rows)
}

/// A file, if it is that of one coordinator.
pub fn file(group: &str, key: &str, text: &str) -> Option<Row> {
    let coordinators = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, uuid, place) = (words.next()?, words.next()?, words.next()?);
        let coordinates = words.next()? == "T" && words.next().is_none();
        (coordinates && is_uuid(uuid)).then(|| Coordinator {
            node: uuid.to_owned(),
            name: Told::<200>::from(name).into_string(),
            place: at(place),
        })
    });
    let mut coordinators = coordinators;
    let (first, second) = (coordinators.next()?, coordinators.next());
    // Whose it is, its name says too.
    let is_its = key.starts_with(&first.node) || !key.get(..36).is_some_and(is_uuid);
    (second.is_none() && is_its).then(|| Row {
        store: Store::File,
        group: group.to_owned(),
        key: key.to_owned(),
        content: text.as_bytes().to_vec(),
        coordinator: first,
    })
}

/// Removes a file that is still what it was. It is taken out of the readers' sight first, and put
/// back where its writer has changed it meanwhile.
///
/// # Errors
///
/// It cannot be removed.
pub fn remove(folder: &Path, row: &Row) -> Result<String, Failure> {
    let failed = |why: io::Error| Failure::Refused(format!("{}: {why}", row.key));
    if row.key.contains('/') {
        return Err(Failure::NotMade("that is no file's name".into()));
    }
    let folder = folder.join(in_a_name(&row.group));
    let (path, aside) = (
        folder.join(&row.key),
        folder.join(format!("{}.gone", row.key)),
    );
    let same = |path: &Path| {
        let bytes = read_bytes(path, LONGEST)?;
        Ok::<bool, io::Error>(String::from_utf8_lossy(&bytes).as_bytes() == row.content)
    };
    match same(&path) {
        Ok(true) => {}
        Ok(false) => return Ok("it is another one by now".into()),
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok("it is gone".into()),
        Err(why) => return Err(failed(why)),
    }
    std::fs::rename(&path, &aside).map_err(failed)?;
    if !same(&aside).map_err(failed)? {
        // Unless there is a newer one.
        let _ = std::fs::hard_link(&aside, &path);
        std::fs::remove_file(&aside).map_err(failed)?;
        return Ok("it is another one by now".into());
    }
    std::fs::remove_file(&aside).map_err(failed)?;
    Ok("removed".into())
}

/// What cannot stand in a file's name stands there as a hyphen.
fn in_a_name(group: &str) -> String {
    let bad = |c: char| {
        matches!(
            c,
            '\0' | '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*'
        )
    };
    let name: String = group
        .chars()
        .map(|c| if bad(c) { '-' } else { c })
        .collect();
    match name.as_str() {
        "" | "." | ".." => "-".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "1128d579-e23c-4a38-9fd0-42bcf40aa007";
    const OTHER: &str = "2128d579-e23c-4a38-9fd0-42bcf40aa007";

    fn text() -> String {
        format!("A \t{UUID} \t127.0.0.1:7901 \tT\nB \t{OTHER} \t127.0.0.1:7902 \tF\n")
    }

    #[test]
    fn a_file_is_its_coordinators() {
        let key = format!("{UUID}.A.list");
        let row = file("chat", &key, &text()).unwrap();
        assert_eq!(
            (row.coordinator.node.as_str(), row.coordinator.name.as_str()),
            (UUID, "A")
        );
        assert_eq!(row.coordinator.place, "127.0.0.1:7901".parse().ok());
        // Nobody coordinates, or two do, or it is somebody else's.
        assert_eq!(file("chat", &key, &text().replace('T', "F")), None);
        assert_eq!(file("chat", &key, &text().replace('F', "T")), None);
        assert_eq!(file("chat", &format!("{OTHER}.B.list"), &text()), None);
    }

    #[test]
    fn a_file_is_removed_only_as_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let chat = folder.path().join("chat");
        assert_eq!(read(folder.path(), "chat").unwrap(), []);
        std::fs::create_dir(&chat).unwrap();
        let path = chat.join(format!("{UUID}.A.list"));
        std::fs::write(&path, text()).unwrap();
        std::fs::write(chat.join("notes.txt"), "mine").unwrap();
        let rows = read(folder.path(), "chat").unwrap();
        assert_eq!(rows.len(), 1);
        std::fs::write(&path, text().replace("7902", "7903")).unwrap();
        remove(folder.path(), &rows[0]).unwrap();
        assert!(path.exists());
        let rows = read(folder.path(), "chat").unwrap();
        assert_eq!(remove(folder.path(), &rows[0]), Ok("removed".into()));
        assert_eq!(remove(folder.path(), &rows[0]), Ok("it is gone".into()));
        let left: Vec<_> = std::fs::read_dir(&chat).unwrap().collect();
        assert_eq!(left.len(), 1);
        let outside = Row {
            key: "../notes.txt".into(),
            ..rows[0].clone()
        };
        assert!(remove(folder.path(), &outside).is_err());
    }
}
