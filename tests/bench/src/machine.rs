//! The machine that was measured on, and the day.

use std::fs::read_to_string;
use std::process::Command;

use anyhow::{Context, Result};

/// One line on the machine, in words.
pub fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = kilobytes("/proc/meminfo", "MemTotal")? / 1e6;
    let kernel = read_to_string("/proc/sys/kernel/osrelease")?;
    let load = read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "{cores} cores ({model}), {memory:.0} GB of memory, Linux {}; load average {load} at the start.",
        kernel.trim()
    ))
}

/// The day, as in 2024-06-07.
pub fn today() -> Result<String> {
    let output = Command::new("date").arg("+%F").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A field of a file of `name: number kB` lines.
///
/// # Errors
///
/// When the file or the field is not there: the process may be gone.
pub fn kilobytes(file: &str, name: &str) -> Result<f64> {
    let text = field(file, name).with_context(|| format!("no {name} in {file}"))?;
    let number = text.split(' ').next().unwrap_or_default();
    Ok(number.parse()?)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}
