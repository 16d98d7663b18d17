//! What stands on a member's own disk about terms: the table `meshworker.fence`.
//!
//! It is local, and in no binary log. Its engine is CSV: one line of text, which the server
//! replaces whole, by a new file that is synced and renamed, and which its supervisor reads
//! while the server does not run.

use serde::Serialize;

/// Where the line is, in the slot's directory.
pub const FILE: &str = "mysql/meshworker/fence.CSV";

/// What stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The highest term that was promised: nothing is done here under a lower one.
    pub promised: u64,
    /// To whom it was promised.
    pub holder: String,
    /// What it was told to be last: [`PRIMARY`], [`REPLICA`], [`JOINING`], or nothing yet.
    pub role: String,
    /// In which term.
    pub term: u64,
    /// Of which cluster; nothing before it was in one.
    pub cluster: String,
}

/// It was opened in its term.
pub const PRIMARY: &str = "primary";

/// It followed whoever was opened in its term.
pub const REPLICA: &str = "replica";

/// It was told to follow in its term, and has thrown away what it had received before: it
/// vouches for nothing until it has what the primary had then.
pub const JOINING: &str = "joining";

impl Mark {
    /// The term in which it was opened; none where it was told to follow since.
    pub fn opened(&self) -> Option<u64> {
        (self.role == PRIMARY).then_some(self.term)
    }

    /// The mark in the file's text, as the CSV engine writes it.
    pub fn parse(text: &str) -> Option<Mark> {
        let mut fields = text.lines().next()?.split(',');
        let mut next = || Some(fields.next()?.trim_matches('"').to_owned());
        let mark = Mark {
            promised: next()?.parse().ok()?,
            holder: next()?,
            role: next()?,
            term: next()?.parse().ok()?,
            cluster: next()?,
        };
        let plain = |word: &String| word.len() <= 64 && word.chars().all(is_plain);
        let words = [&mark.holder, &mark.role, &mark.cluster];
        let all_plain = words.into_iter().all(plain);
        all_plain.then_some(mark)
    }
}

/// What the words of a mark are made of.
pub fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':')
}

/// What makes the table, with its one line, where it is missing. In no binary log.
pub const MAKE: [&str; 3] = [
    "CREATE DATABASE IF NOT EXISTS meshworker",
    "CREATE TABLE IF NOT EXISTS meshworker.fence (promised BIGINT UNSIGNED NOT NULL, \
     holder VARCHAR(64) NOT NULL, role VARCHAR(16) NOT NULL, term BIGINT UNSIGNED NOT NULL, \
     cluster VARCHAR(64) NOT NULL) ENGINE=CSV",
    "INSERT INTO meshworker.fence SELECT 0, '', '', 0, '' FROM DUAL \
     WHERE NOT EXISTS (SELECT 1 FROM meshworker.fence)",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_as_the_server_writes_it() {
        let text = "7,\"worker-1\",\"primary\",6,\"t1-1\"\n";
        let mark = Mark::parse(text).unwrap();
        assert_eq!((mark.promised, &*mark.holder), (7, "worker-1"));
        assert_eq!((mark.opened(), &*mark.cluster), (Some(6), "t1-1"));
        assert_eq!(Mark::parse("0,\"\",\"\",0,\"\"\n"), Some(Mark::default()));
        for none in ["", "7", "x,\"\",\"\",0,\"\"", "1,\"a b\",\"\",0,\"\""] {
            assert_eq!(Mark::parse(none), None, "{none}");
        }
    }
}
