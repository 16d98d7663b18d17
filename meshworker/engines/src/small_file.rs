//! Files that people write: secrets, configuration, stack files.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The longest secret or configuration file, in bytes.
pub const LONGEST: u64 = 64 * 1024;

/// The longest file of certificates or keys, in bytes: that with the system's
/// hundreds of authorities takes a fifth.
pub const LONGEST_PEM: u64 = 1 << 20;

/// What an editor may put first, to say that it is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a regular file of at most so many bytes, without a byte order
/// mark. A symbolic link to one will do. Never waits: a pipe whose other end
/// nobody holds would make it wait for ever.
///
/// # Errors
///
/// It cannot be opened, is no regular file, is longer, or is no UTF-8.
pub fn read_text(path: &Path, longest: u64) -> io::Result<String> {
    let bytes = read_bytes(path, longest)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::other("found bytes that are no text; allowed: UTF-8"))?;
    let start = text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned);
    Ok(start.unwrap_or(text))
}

/// The bytes of a regular file of at most so many, or of a symbolic link to one.
/// Never waits.
///
/// # Errors
///
/// It cannot be opened, is no regular file, or is longer.
pub fn read_bytes(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(
            "found something else than a regular file; allowed: one, or a link to one",
        ));
    }
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        let why = format!("found more than {longest} bytes; allowed: {longest} at most");
        return Err(io::Error::other(why));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_a_device_a_folder_and_a_long_file_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        let pipe = file("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let long = file("long");
        std::fs::write(&long, "x".repeat(65 * 1024)).unwrap();
        let refused = |path: &Path| read_text(path, LONGEST).unwrap_err().to_string();
        for path in [&pipe, Path::new("/dev/zero"), dir.path()] {
            assert!(refused(path).contains("regular file"), "{}", refused(path));
        }
        assert!(refused(&long).starts_with("found more than 65536 bytes"));
        std::fs::write(file("latin"), b"\xfc").unwrap();
        assert!(refused(&file("latin")).contains("UTF-8"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_it_and_a_link_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "\u{feff}text\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_text(&link, LONGEST).unwrap(), "text\n");
    }
}
