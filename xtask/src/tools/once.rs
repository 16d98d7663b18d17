//! Folders that are made once, and are there whole or not at all.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

/// Makes the folder where it is missing: `fill` gets an empty one beside it, which takes its place when `fill` is done.
/// Whoever is killed at it leaves nothing that looks done, and of two at the same time one waits for the other.
pub fn make(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let parent = folder.parent().context("a folder has a parent")?;
    fs::create_dir_all(parent)?;
    let lock = File::create(folder.with_added_extension("lock"))?;
    // The system frees it when its holder dies.
    if lock.try_lock().is_err() {
        eprintln!("waiting for another run, which makes {}", folder.display());
        lock.lock()?;
    }
    if folder.exists() {
        return Ok(());
    }
    let partial = folder.with_added_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir(&partial)?;
    fill(&partial)?;
    fs::rename(&partial, folder)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use anyhow::bail;

    use super::*;

    #[test]
    fn what_was_interrupted_is_not_there_and_is_begun_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("tools/thing-1.2.3");
        let interrupted = make(&folder, |partial| {
            fs::write(partial.join("half"), "")?;
            bail!("the network is gone")
        });
        assert_eq!(interrupted.unwrap_err().to_string(), "the network is gone");
        assert!(!folder.exists());

        // What it left is not taken over.
        make(&folder, |partial| Ok(fs::write(partial.join("all"), "")?)).unwrap();
        assert!(folder.join("all").exists() && !folder.join("half").exists());
    }

    #[test]
    fn of_several_at_the_same_time_one_does_it_and_all_have_it() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("thing");
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    make(&folder, |partial| {
                        made.fetch_add(1, Ordering::SeqCst);
                        Ok(fs::write(partial.join("all"), "")?)
                    })
                    .unwrap();
                    assert!(folder.join("all").exists());
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
