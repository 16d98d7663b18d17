//! What operators do to a deployed stack besides scaling it.

use std::path::Path;

use crate::{Result, Stack, Task};

impl Stack<'_> {
    /// Restarts all replicas of a service, one after another as its `update_config` says; returns at once.
    ///
    /// # Errors
    ///
    /// When the manager refuses.
    pub fn force_update(&self, service: &str) -> Result<()> {
        let service = self.full(service);
        let update = ["service", "update", "--detach", "--force", "--quiet"];
        let update: Vec<&str> = update.into_iter().chain([service.as_str()]).collect();
        self.manager()?.change(&update).map(drop)
    }

    /// How far the last update of a service is, in Docker's words: `updating`, `completed`, `paused`, ...; empty when
    /// it never had one.
    ///
    /// # Errors
    ///
    /// When the service does not exist.
    pub fn update_state(&self, service: &str) -> Result<String> {
        let format = "{{with .UpdateStatus}}{{.State}} {{.Message}}{{end}}";
        let service = self.full(service);
        self.manager()?
            .run(["service", "inspect", "--format", format, &service])
    }

    /// Copies a file of the host into a task's container.
    ///
    /// # Errors
    ///
    /// When the container cannot be found, or does not take it.
    pub fn copy_into(&self, task: &Task, file: &Path, path: &str) -> Result<()> {
        let (docker, container) = self.locate(task)?;
        let to = format!("{container}:{path}");
        docker
            .run(["cp".as_ref(), file.as_os_str(), to.as_ref()])
            .map(drop)
    }
}
