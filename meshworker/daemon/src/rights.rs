//! The rights that this process gives away before it does anything.

use std::ffi::OsStr;
use std::io;

use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid, getgroups};
use rustix::thread::{set_no_new_privs, set_thread_gid, set_thread_groups, set_thread_uid};

/// What this program is besides itself in the worker's own image, and nowhere else:
/// the old stack's script begins with this name.
const SCRIPTS: &str = "/usr/bin/env";

/// The command that keeps root's rights: the root of a volume belongs to root.
const INSTALL: &str = "install";

/// Whom the worker runs as in its own image: nobody in particular.
const NOBODY: u32 = 65_532;

/// Gives root's rights away for good, if this is the worker's own image. Its
/// containers begin as root unless the stack says otherwise, for one reason: the
/// old stack's entry point is a script that only root may execute, and the kernel
/// asks who does before this program runs.
///
/// A member's container, which has the same program on a volume, keeps them: its
/// database's entry point may need them.
///
/// Called before any other thread is started: each would have its own rights.
/// Groups that the stack adds are kept, so that a Docker socket can be used.
///
/// # Errors
///
/// The system refuses. Then nothing may be done, as root least of all.
pub fn give_away(command: Option<&OsStr>) -> io::Result<()> {
    let installs = command.is_some_and(|command| command == INSTALL);
    if geteuid() != Uid::ROOT || installs || !is_own_image()? {
        return Ok(());
    }
    let groups = getgroups()?.into_iter();
    let groups: Vec<Gid> = groups.filter(|group| *group != Gid::ROOT).collect();
    match set_thread_groups(&groups) {
        // A stack that takes all capabilities takes this one too: what is left of
        // root then is a name.
        Err(Errno::PERM) => {
            eprintln!(
                "meshworker: runs as root without capabilities, since it may not become user {NOBODY}; give the service user: \"{NOBODY}:{NOBODY}\""
            );
            return Ok(());
        }
        other => other?,
    }
    set_thread_gid(Gid::from_raw(NOBODY))?;
    // The last: whoever is not root any more may change nothing of this. The
    // capabilities go with it.
    set_thread_uid(Uid::from_raw(NOBODY))?;
    set_no_new_privs(true)?;
    Ok(())
}

/// Whether this program is its image, rather than a guest in another one.
fn is_own_image() -> io::Result<bool> {
    let program = std::env::current_exe()?;
    Ok(std::fs::canonicalize(SCRIPTS).is_ok_and(|scripts| scripts == program))
}
