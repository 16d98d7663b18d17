//! One repository, on disk: an id, a log of statements, and its place in a cluster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::membership::Membership;

/// A statement with where and as which it was written first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub origin: String,
    pub number: u64,
    pub text: String,
}

/// How far somebody has the entries of each origin.
pub type Have = BTreeMap<String, u64>;

#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    /// Which one it is, whatever its name.
    pub id: String,
    entries: Vec<Entry>,
    have: Have,
    log: File,
    pub membership: Option<Membership>,
    /// Whether the server ended while it was copied to: it is never whole any more.
    pub broken: bool,
}

impl Repository {
    /// A new one.
    pub fn create(folder: PathBuf, id: String) -> io::Result<Repository> {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("id"), &id)?;
        Repository::open(folder)
    }

    /// The one that is in this folder.
    pub fn open(folder: PathBuf) -> io::Result<Repository> {
        let id = fs::read_to_string(folder.join("id"))?;
        let path = folder.join("statements");
        let written = fs::read_to_string(&path).unwrap_or_default();
        // What was being written when the server died was acknowledged to nobody.
        let entries = written
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let entries: Vec<Entry> = entries.collect();
        let membership = fs::read_to_string(folder.join("cluster"));
        let membership = membership
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let membership: Option<Membership> = membership;
        let mut have = Have::new();
        for entry in &entries {
            let last = have.entry(entry.origin.clone()).or_default();
            *last = entry.number.max(*last);
        }
        Ok(Repository {
            broken: membership.as_ref().is_some_and(|one| one.copying),
            log: File::options().create(true).append(true).open(path)?,
            folder,
            id,
            entries,
            have,
            membership,
        })
    }

    /// Throws it away.
    pub fn delete(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }

    /// Keeps what it knows of its cluster, whole or not at all.
    pub fn keep(&self) -> io::Result<()> {
        let Some(membership) = &self.membership else {
            return Ok(());
        };
        let new = self.folder.join("cluster.new");
        fs::write(&new, serde_json::to_string(membership).unwrap_or_default())?;
        fs::rename(new, self.folder.join("cluster"))
    }

    /// Writes statements of its own.
    pub fn write(&mut self, statements: impl Iterator<Item = String>) -> io::Result<()> {
        let next = self.have.get(&self.id).copied().unwrap_or_default();
        let own = (next + 1..).zip(statements).map(|(number, text)| Entry {
            origin: self.id.clone(),
            number,
            text,
        });
        self.take(own.collect())
    }

    /// Takes what others have; what is there already changes nothing.
    pub fn take(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        let mut text = String::new();
        for entry in entries {
            let last = self.have.entry(entry.origin.clone()).or_default();
            // In order: what is missed before it comes first, by the next look.
            if entry.number == *last + 1 {
                *last = entry.number;
                text += &serde_json::to_string(&entry).unwrap_or_default();
                text += "\n";
                self.entries.push(entry);
            }
        }
        self.log.write_all(text.as_bytes())
    }

    /// What somebody lacks who has this.
    pub fn since(&self, have: &Have) -> Vec<Entry> {
        let lacks = |entry: &&Entry| {
            let last = have.get(&entry.origin).copied().unwrap_or_default();
            entry.number > last
        };
        self.entries.iter().filter(lacks).cloned().collect()
    }

    pub fn have(&self) -> &Have {
        &self.have
    }

    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.text.as_str())
    }

    pub fn size(&self) -> usize {
        self.entries.len()
    }

    /// Whether its cluster took it out, as far as it knows.
    pub fn is_removed(&self) -> bool {
        let removed = |one: &Membership| one.roll.removed.contains(&self.id);
        self.membership.as_ref().is_some_and(removed)
    }
}

/// All repositories in a folder, by their names.
pub fn all(folder: &Path) -> io::Result<BTreeMap<String, Repository>> {
    fs::create_dir_all(folder)?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|_| path.join("id").is_file()) {
            found.insert(name.to_owned(), Repository::open(path.clone())?);
        }
    }
    Ok(found)
}
