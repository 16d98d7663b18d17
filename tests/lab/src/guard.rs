//! No lab outlives its program: the labs that this process owns, and their removal when it is told to end.
//!
//! Making a part of a lab (a namespace, a process) happens under a shared lock; removing all labs takes the lock
//! alone and closes it for good. So nothing can be made behind the back of the removal.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{LabError, Result, clients, remove_lab, sweep};

/// The exit code of a program that was ended by an interrupt, as shells report it.
const INTERRUPTED: i32 = 130;

static OWNED: RwLock<Owned> = RwLock::new(Owned {
    closing: false,
    labs: Vec::new(),
});

struct Owned {
    closing: bool,
    labs: Vec<PathBuf>,
}

/// Makes a part of a lab, unless the process is ending.
pub(crate) fn while_open<T>(make: impl FnOnce() -> Result<T>) -> Result<T> {
    let owned = OWNED.read().unwrap_or_else(PoisonError::into_inner);
    if owned.closing {
        return Err(LabError::Interrupted);
    }
    make()
}

/// From now on this process removes the lab when it is told to end.
pub(crate) fn adopt(lab: &Path) {
    let mut owned = OWNED.write().unwrap_or_else(PoisonError::into_inner);
    owned.labs.push(lab.to_owned());
}

/// The lab is removed, or is to stay when this process ends.
pub(crate) fn release(lab: &Path) {
    let mut owned = OWNED.write().unwrap_or_else(PoisonError::into_inner);
    owned.labs.retain(|known| known != lab);
}

/// Starts to listen for SIGINT, SIGTERM and SIGHUP (once per process, later calls do nothing): the first one removes
/// this process's labs and ends it with code 130. Starting a lab calls this.
///
/// # Errors
///
/// [`LabError::Invalid`] when the signals cannot be listened to.
pub fn clean_up_on_signals() -> Result<()> {
    static LISTENING: OnceLock<std::result::Result<(), String>> = OnceLock::new();
    LISTENING
        .get_or_init(|| {
            let mut signals =
                Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| error.to_string())?;
            std::thread::spawn(move || {
                if signals.forever().next().is_some() {
                    remove_all();
                    std::process::exit(INTERRUPTED);
                }
            });
            Ok(())
        })
        .clone()
        .map_err(|error| LabError::Invalid(format!("cannot listen for signals: {error}")))
}

fn remove_all() {
    let labs = {
        let mut owned = OWNED.write().unwrap_or_else(PoisonError::into_inner);
        owned.closing = true;
        std::mem::take(&mut owned.labs)
    };
    // Before their labs' addresses are somebody else's.
    clients::end_all();
    for lab in labs {
        tell(format_args!("interrupted: removing {}", lab.display()));
        if let Err(error) = remove_lab(&lab) {
            tell(format_args!("{}", error.chain()));
        }
    }
    // Those of programs that were started from here, and have just been ended.
    if let Err(error) = sweep() {
        tell(format_args!("{}", error.chain()));
    }
}

/// Says something to whoever is still there to hear it: a terminal may be closed by now.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
