//! Aerospike in the demo: the simulator, because the real server's image may not be had.

use anyhow::{Context, Result};
use meshworker_lab::Tools;
use meshworker_lab::images::{Image, Tested};

use super::driver::Driver;

/// The simulated Aerospike server, with its own commands for records.
pub struct Aerospike;

/// Asks any node, and returns the number after `key=` in its answer.
fn ask(tools: &Tools<'_>, command: &str, key: &str) -> Result<usize> {
    let answer = tools.exec(&["aerospike-sim", "info", "-h", "aerospikedb", command])?;
    answer
        .split(';')
        .find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='))
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("`{command}` was answered with `{answer}`"))
}

impl Driver for Aerospike {
    fn files(&self) -> &'static [&'static str] {
        &["stack/aerospike.yml"]
    }

    fn environment(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("AEROSPIKE_IMAGE", Tested::Aerospike.reference()),
            ("MESHWORKER_IMAGE", Image::Meshworker.reference()),
            ("TOOLS_IMAGE", Image::Tools.reference()),
        ]
    }

    fn service(&self) -> &'static str {
        "aerospikedb"
    }

    fn write(&self, tools: &Tools<'_>, count: usize) -> Result<usize> {
        let command = format!("sim-put-many:ns=test;prefix=record-;from=1;to={count}");
        ask(tools, &command, "written")
    }

    fn read(&self, tools: &Tools<'_>, count: usize) -> Result<usize> {
        let command = format!("sim-check-many:ns=test;prefix=record-;from=1;to={count}");
        ask(tools, &command, "found")
    }

    fn query(&self) -> &'static str {
        "aerospike-sim info -h aerospikedb statistics"
    }
}
