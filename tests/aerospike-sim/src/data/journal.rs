//! The file of a namespace: every record that was taken in, one a line, so that a node that starts again has them.
//!
//! Nothing is ever taken out: of two lines about a key the newer version counts, wherever it stands.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use super::Entry;

/// An open file.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Opens the file, and returns what is in it. A last line that was cut off, with the node, is no record.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let lines = BufReader::new(&file).lines();
        let entries: io::Result<Vec<Option<Entry>>> = lines
            .map(|line| Ok(serde_json::from_str(&line?).ok()))
            .collect();
        let entries = entries?.into_iter().flatten().collect();
        Ok((Self(file), entries))
    }

    /// Adds a record. It is on the disk's way when this returns: whoever kills the node loses nothing.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
