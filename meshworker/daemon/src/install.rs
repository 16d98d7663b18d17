//! Puts this program into a directory from which others run it: a volume that the
//! containers of vendors' images mount, or a folder of a host.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use rustix::fs::{FlockOperation, OFlags, flock};

/// What the program is called there.
const NAME: &str = "meshworker";

/// What it is called until it is all there.
const DRAFT: &str = ".meshworker.new";

/// Everybody may run it, whoever the database's container runs as; nobody but its
/// owner may change it.
const MODE: u32 = 0o755;

/// So much is read at once.
const PIECE: usize = 256 * 1024;

/// Of the program's SHA-256, so many hexadecimal digits tell builds apart.
const DIGITS: usize = 12;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// It is there now.
    New,
    /// This very program was there already; nothing was done.
    Same,
    /// Another one was there. Whoever runs that one keeps it until it ends.
    Replaced,
}

/// Why it is not there.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not a directory, or one with something else in the program's place.
    #[error("DIR: found {0}; allowed: a directory that exists, such as a volume's mount point")]
    Directory(String),
    /// The directory does not take it.
    #[error("{path}: {why}")]
    Write {
        /// What was written.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// The version of this program and a part of its SHA-256, such as
/// `0.1.0-3f9a2c1b4d5e`: two builds that differ in anything differ in this.
///
/// # Errors
///
/// The program's own file cannot be read.
pub fn version() -> io::Result<String> {
    let mut program = buffered(own()?);
    let mut context = Context::new(&SHA256);
    loop {
        let piece = program.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            break;
        }
        context.update(piece);
        program.consume(length);
    }
    let digest = context.finish();
    let digest: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let digits = digest.get(..DIGITS).unwrap_or(&digest);
    Ok(format!("{}-{digits}", env!("CARGO_PKG_VERSION")))
}

/// Whether `version` is what somebody `expects`: all of it, or without the digest.
pub fn is(version: &str, expects: &str) -> bool {
    let release = version.rsplit_once('-').map(|(release, _)| release);
    version == expects || release == Some(expects)
}

/// Puts this program into a directory, as `meshworker`.
///
/// It is there as a whole or not at all, whatever happens meanwhile, and others may
/// do the same at the same time.
///
/// # Errors
///
/// There is no such directory, or it does not take the program.
pub fn install(directory: &Path) -> Result<Installed, Refused> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(OFlags::DIRECTORY.bits().cast_signed());
    let lock = options
        .open(directory)
        .map_err(|error| Refused::Directory(format!("'{}': {error}", directory.display())))?;
    // Several stacks of one node have one volume.
    flock(&lock, FlockOperation::LockExclusive).map_err(failed(directory))?;
    let target = directory.join(NAME);
    let was = target.symlink_metadata().ok();
    if was.as_ref().is_some_and(fs::Metadata::is_dir) {
        let found = format!("'{}', which is a directory", target.display());
        return Err(Refused::Directory(found));
    }
    if is_this_program(&target).map_err(failed(&target))? {
        return Ok(Installed::Same);
    }
    let draft = directory.join(DRAFT);
    let written = write(&draft).and_then(|()| fs::rename(&draft, &target));
    if let Err(error) = written {
        let _ = fs::remove_file(&draft);
        return Err(failed(&target)(error));
    }
    lock.sync_all().map_err(failed(directory))?;
    Ok(match was {
        Some(_) => Installed::Replaced,
        None => Installed::New,
    })
}

fn failed<E: Into<io::Error>>(path: &Path) -> impl Fn(E) -> Refused {
    move |error| Refused::Write {
        path: path.to_owned(),
        why: error.into(),
    }
}

/// Whether the file is this program, and everybody may run it.
fn is_this_program(file: &Path) -> io::Result<bool> {
    let Ok(found) = file.symlink_metadata() else {
        return Ok(false);
    };
    let own = own()?;
    let alike = found.is_file()
        && found.permissions().mode() & 0o7777 == MODE
        && found.len() == own.metadata()?.len();
    Ok(alike && are_alike(own, File::open(file)?)?)
}

fn are_alike(one: File, other: File) -> io::Result<bool> {
    let (mut one, mut other) = (buffered(one), buffered(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if left.get(..length) != right.get(..length) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(length);
        other.consume(length);
    }
}

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(PIECE, file)
}

/// Writes this program into a new file, down to the disk.
fn write(draft: &Path) -> io::Result<()> {
    match fs::remove_file(draft) {
        // What somebody left who was killed.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(draft)?;
    io::copy(&mut own()?, &mut file)?;
    // Whatever the umask is.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.sync_all()
}

/// This program's file, also where its name is gone.
fn own() -> io::Result<File> {
    File::open("/proc/self/exe")
}
