//! What is logged, changeable while the process runs.

use tracing_subscriber::reload::Handle;
use tracing_subscriber::{EnvFilter, Registry};

/// What is logged, changeable while the process runs.
#[derive(Debug, Clone)]
pub struct LogLevel(Handle<EnvFilter, Registry>);

impl LogLevel {
    /// The level behind this handle.
    pub fn new(handle: Handle<EnvFilter, Registry>) -> LogLevel {
        LogLevel(handle)
    }

    /// Logs from now on what this filter lets through, in the syntax of
    /// tracing's filters: `debug`, `warn,meshworker=debug`.
    ///
    /// # Errors
    ///
    /// It is no filter.
    pub fn set(&self, filter: &str) -> Result<(), String> {
        let filter = filter
            .parse::<EnvFilter>()
            .map_err(|error| error.to_string())?;
        self.0.reload(filter).map_err(|error| error.to_string())
    }
}
