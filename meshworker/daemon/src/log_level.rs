//! What is logged, changeable while the process runs.

use tracing_subscriber::reload::Handle;
use tracing_subscriber::{EnvFilter, Registry};

use crate::status::Level;

/// What is logged, changeable while the process runs.
#[derive(Debug, Clone)]
pub struct LogLevel(Handle<EnvFilter, Registry>);

impl LogLevel {
    /// The level behind this handle.
    pub fn new(handle: Handle<EnvFilter, Registry>) -> LogLevel {
        LogLevel(handle)
    }

    /// Logs from now on what is at least of this level.
    ///
    /// # Errors
    ///
    /// Nobody logs any more.
    pub fn set(&self, level: Level) -> Result<(), String> {
        let filter = EnvFilter::new(filter(level.name()));
        self.0.reload(filter).map_err(|error| error.to_string())
    }
}

/// The filter for this level: libraries speak only when something is wrong.
pub fn filter(level: &str) -> String {
    format!("warn,meshworker={level},meshworker_engines={level}")
}
