//! An engine that only builds images: it uses the host's network, keeps its layers between runs, and is recorded like a
//! lab, so that it goes away like one.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::engine::{self, EngineSpec, Place};
use crate::process::ProcessId;
use crate::record::{LabRecord, NodeRecord, PREFIX, node_directory};
use crate::{Docker, Host, LabError, Result, clean_up_on_signals, guard, remove_lab, sweep};

/// A running engine of this process. It ends when the value is dropped; its layers stay.
#[derive(Debug)]
pub struct BuildEngine {
    dir: PathBuf,
    cache: PathBuf,
    /// Held as long as the engine uses its data.
    _lock: File,
}

impl BuildEngine {
    /// Starts the engine whose layers are kept in `cache`, after waiting for another process that uses them.
    ///
    /// # Errors
    ///
    /// When the machine lacks something, or the engine does not start.
    pub fn start(cache: &Path) -> Result<Self> {
        Host::prepare()?;
        clean_up_on_signals()?;
        std::fs::create_dir_all(cache).map_err(LabError::file("create", cache))?;
        let lock = lock_file(cache);
        let file = File::create(&lock).map_err(LabError::file("create", &lock))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another run, which builds images here");
            file.lock().map_err(LabError::file("lock", &lock))?;
        }
        // Whoever had the lock may have been killed, and its engine still use the layers.
        sweep()?;
        let name = format!("build-{}", std::process::id());
        let dir = std::env::temp_dir().join(format!("{PREFIX}{name}"));
        let node = node_directory(&dir, 1);
        std::fs::create_dir_all(&node).map_err(LabError::file("create", &node))?;
        guard::adopt(&dir);
        let engine = Self {
            dir,
            cache: cache.to_owned(),
            _lock: file,
        };
        let spec = EngineSpec {
            dir: node.clone(),
            data: engine.data(),
            node: 1,
            hostname: "builder".into(),
            control_group: format!("mwl-{name}"),
            place: Place::Host,
        };
        LabRecord {
            owner: ProcessId::current(),
            network: None,
            control_group: spec.control_group.clone(),
            nodes: 1,
            managers: 0,
        }
        .write(&engine.dir)?;
        let id = spec.start(|engine| {
            let node_id = None;
            NodeRecord { engine, node_id }.write(&node)
        })?;
        spec.wait_ready(id)?;
        Ok(engine)
    }

    /// The client for it.
    pub fn docker(&self) -> Docker {
        let socket = engine::socket(&node_directory(&self.dir, 1));
        Docker::at(format!("unix://{}", socket.display()))
    }

    /// Where it keeps its layers.
    pub(super) fn data(&self) -> PathBuf {
        self.cache.join("engine")
    }

    /// Locked as long as an engine uses the layers.
    pub(super) fn lock_file(&self) -> PathBuf {
        lock_file(&self.cache)
    }
}

impl Drop for BuildEngine {
    fn drop(&mut self) {
        if let Err(error) = remove_lab(&self.dir) {
            eprintln!("the build engine is not fully removed: {}", error.chain());
        }
    }
}

fn lock_file(cache: &Path) -> PathBuf {
    cache.join("engine.lock")
}
