//! Images that are ready for a lab, and the fast way in which its nodes get them.
//!
//! Loading an image into three engines writes every one of its files three times. The layers of an image never change,
//! so a node that is about to start for the first time gets hard links to the files of the engine that built them
//! instead: a quarter of a second, and no space.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BuildEngine, Image};
use crate::command::run;
use crate::{LabError, Result};

/// What an engine with the classic storage keeps of its images: the files of the layers, and what it knows of them. Only
/// these are shared: they are written once and replaced as a whole. All else (databases that are changed in place) is
/// each engine's own.
const SHARED: [&str; 2] = ["overlay2", "image"];

/// Images that were built.
#[derive(Debug, Clone)]
pub struct ImageSet(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// In the data of the engine that built them.
    Layers {
        data: PathBuf,
        /// Locked by whoever runs an engine on the data.
        lock: PathBuf,
    },
    /// In a file that `docker save` made.
    Archive(PathBuf),
}

impl ImageSet {
    /// The images in a file that `docker save` made.
    pub fn archive(file: impl Into<PathBuf>) -> Self {
        Self(Kind::Archive(file.into()))
    }

    /// The images of the engine that has its data here, if labs on this machine can share them.
    pub(super) fn shared(data: &Path, lock: &Path) -> Option<Self> {
        let device = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
        let has_all = SHARED.iter().all(|part| data.join(part).is_dir());
        // Hard links do not lead from one file system to another.
        (has_all && device(data) == device(&std::env::temp_dir())).then(|| {
            Self(Kind::Layers {
                data: data.to_owned(),
                lock: lock.to_owned(),
            })
        })
    }

    /// Gives the images to an engine that has not run yet, if that is possible before it does.
    pub(crate) fn give(&self, data: &Path) -> Result<()> {
        let Kind::Layers { data: from, lock } = &self.0 else {
            return Ok(());
        };
        let file = File::open(lock).map_err(LabError::file("open", lock))?;
        file.lock_shared().map_err(LabError::file("lock", lock))?;
        std::fs::create_dir_all(data).map_err(LabError::file("create", data))?;
        let mut copy = Command::new("cp");
        copy.arg("-al").args(SHARED.map(|part| from.join(part)));
        run(copy.arg(data)).map(drop)
    }

    /// Saves these of the images into a file, for [`crate::Swarm::load`].
    ///
    /// # Errors
    ///
    /// When they are not all there.
    pub fn save(&self, images: &[Image], archive: &Path) -> Result<()> {
        match &self.0 {
            Kind::Archive(file) => std::fs::copy(file, archive)
                .map(drop)
                .map_err(LabError::file("copy", file)),
            Kind::Layers { lock, .. } => {
                let cache = lock.parent().unwrap_or(lock);
                super::save(&BuildEngine::start(cache)?.docker(), images, archive)
            }
        }
    }

    /// The file to load, where the images could not be given beforehand.
    pub(crate) fn to_load(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Layers { .. } => None,
            Kind::Archive(file) => Some(file),
        }
    }
}
