//! Keeps the names of the members of this service in `/etc/hosts`.
//!
//! A database that knows its members by name finds them where they are now, whatever
//! addresses Swarm gave them: all may have others after a restart. Docker mounts the file
//! into the container, so it is written in place; lines without our mark are left alone.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tracing::{info, warn};

use super::siblings::Siblings;

/// What ends each line of ours.
const MARK: &str = " # meshworker";

/// More names than any database has members; a file that is longer is none of Docker's.
const MOST: usize = 1024;

/// In bytes.
const LONGEST: u64 = 1 << 20;

/// The name of the member in this slot, for the members of a database that is called so.
fn name(database: &str, slot: u64) -> String {
    format!("{database}-{slot}.mesh")
}

/// Keeps the names of one database's members there.
#[derive(Debug)]
pub(super) struct Hosts {
    file: PathBuf,
    database: &'static str,
    /// By which number this member is known, and its address: nobody knows it better.
    own: (u64, IpAddr),
    /// The last known address of each slot: whoever is silent for a while keeps its name.
    known: BTreeMap<u64, IpAddr>,
    refused: bool,
}

impl Hosts {
    /// Those of this database's members, in this file; this member is one of them.
    pub(super) fn new(file: &Path, database: &'static str, own: (u64, IpAddr)) -> Hosts {
        Hosts {
            file: file.to_owned(),
            database,
            own,
            known: BTreeMap::new(),
            refused: false,
        }
    }

    /// Writes whatever is news, until nobody says any more.
    pub(super) async fn keep(
        mut self,
        mut siblings: watch::Receiver<Siblings>,
        mut own: watch::Receiver<u64>,
    ) {
        loop {
            self.own.0 = *own.borrow_and_update();
            let now = siblings.borrow_and_update().addresses();
            self.note(now);
            let changed = tokio::select! {
                changed = siblings.changed() => changed,
                changed = own.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Notes these addresses, and writes them where they are others. What could not be
    /// written is said once, and written with the next news.
    fn note(&mut self, now: BTreeMap<u64, IpAddr>) {
        let before = self.known.clone();
        self.known.extend(now);
        while self.known.len() >= MOST {
            self.known.pop_last();
        }
        let (own, here) = self.own;
        self.known.retain(|_, at| *at != here);
        self.known.insert(own, here);
        if self.known == before && !self.refused {
            return;
        }
        let file = self.file.display();
        match self.write() {
            Ok(()) => {
                info!("{file} has the names of {} members", self.known.len());
                self.refused = false;
            }
            Err(why) if !self.refused => {
                warn!(
                    "{file}: {why}: members are not found by name once all have other addresses; \
                     allowed: a file that the container's user may write to"
                );
                self.refused = true;
            }
            Err(_) => {}
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.file)?;
        let mut text = String::new();
        Read::take(&mut file, LONGEST).read_to_string(&mut text)?;
        let new = rewritten(&text, self.database, &self.known);
        if new == text {
            return Ok(());
        }
        // Never empty, not even for a moment: whoever reads meanwhile finds each name.
        file.write_all_at(new.as_bytes(), 0)?;
        file.set_len(new.len() as u64)?;
        file.flush()
    }
}

/// The same file with these names, and without those that it had from here.
fn rewritten(text: &str, database: &str, known: &BTreeMap<u64, IpAddr>) -> String {
    let others = text.lines().filter(|line| !line.ends_with(MARK));
    let others = others.map(str::to_owned);
    let own = known
        .iter()
        .map(|(slot, address)| format!("{address}\t{}{MARK}", name(database, *slot)));
    others.chain(own).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const DOCKERS: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n10.0.1.9\tb6c3\n";

    fn at<const N: usize>(slots: [(u64, u8); N]) -> BTreeMap<u64, IpAddr> {
        let address = |last| IpAddr::from([10, 0, 1, last]);
        slots.map(|(slot, last)| (slot, address(last))).into()
    }

    #[test]
    fn names_follow_their_members_in_the_same_file_and_other_lines_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hosts");
        std::fs::write(&file, DOCKERS).unwrap();
        let inode = || std::fs::metadata(&file).unwrap().ino();
        let text = || std::fs::read_to_string(&file).unwrap();
        let before = inode();
        let own = (10, IpAddr::from([10, 0, 1, 110]));
        let mut hosts = Hosts::new(&file, "etcd", own);
        // Who was at its slot before is not it.
        hosts.note(at([(1, 11), (2, 12), (10, 9)]));
        let two = "10.0.1.11\tetcd-1.mesh # meshworker\n10.0.1.12\tetcd-2.mesh # meshworker\n";
        let tenth = "10.0.1.110\tetcd-10.mesh # meshworker\n";
        assert_eq!(text(), format!("{DOCKERS}{two}{tenth}"));
        // One is silent, one has moved, somebody else wrote a line.
        std::fs::write(&file, format!("{}10.9.9.9\tothers\n", text())).unwrap();
        hosts.note(at([(2, 2)]));
        let two = "10.0.1.11\tetcd-1.mesh # meshworker\n10.0.1.2\tetcd-2.mesh # meshworker\n";
        let expected = format!("{DOCKERS}10.9.9.9\tothers\n{two}{tenth}");
        assert_eq!(text(), expected);
        // A supervisor that begins anew takes over what it finds.
        Hosts::new(&file, "etcd", own).note(at([(3, 3)]));
        let third = "10.0.1.3\tetcd-3.mesh # meshworker\n";
        assert_eq!(text(), format!("{DOCKERS}10.9.9.9\tothers\n{third}{tenth}"));
        assert_eq!(inode(), before);
    }

    /// Its data is another slot's: so is its name.
    #[test]
    fn one_that_is_known_by_another_number_is_found_by_that_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hosts");
        std::fs::write(&file, "").unwrap();
        let mut hosts = Hosts::new(&file, "etcd", (1, IpAddr::from([10, 0, 1, 1])));
        hosts.note(at([(2, 2)]));
        hosts.own.0 = 2;
        // A worker that has not heard of it yet.
        hosts.note(at([(1, 1), (2, 2), (3, 3)]));
        let text = std::fs::read_to_string(&file).unwrap();
        let expected = "10.0.1.1\tetcd-2.mesh # meshworker\n10.0.1.3\tetcd-3.mesh # meshworker\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_tried_again_with_each_news() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hosts");
        let mut hosts = Hosts::new(&file, "etcd", (1, IpAddr::from([10, 0, 1, 1])));
        hosts.note(at([(1, 1)]));
        assert!(hosts.refused && !file.exists());
        std::fs::write(&file, "").unwrap();
        hosts.note(at([(1, 1)]));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "10.0.1.1\tetcd-1.mesh # meshworker\n");
        assert!(!hosts.refused);
    }
}
