//! What to do, and to which database.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};

use crate::Seed;

/// The database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatabaseKind {
    /// Redis Cluster.
    Redis,
    /// The simulated Aerospike server, whose records are its own protocol's.
    Aerospike,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Write the base records.
    Fill,
    /// Write and read until stdin ends or SIGTERM comes; a line `mark NAME`
    /// on stdin prints the figures since the last one.
    Run,
    /// Read everything back.
    Verify,
}

/// The command line, as typed.
#[derive(Debug, Parser)]
#[command(name = "meshworker-load", version, about)]
struct Arguments {
    database: DatabaseKind,
    phase: Phase,
    /// HOST or HOST:PORT of a member or of all of them, again and again for
    /// more (ports: 6379 and 3000)
    #[arg(long = "seed", required = true)]
    seeds: Vec<Seed>,
    /// The file with the password
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// How many base records
    #[arg(long, default_value_t = 20_000)]
    records: u64,
    /// How many writes, and as many reads, per second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// The namespace of an Aerospike
    #[arg(long, default_value = "test")]
    namespace: String,
    /// The folder for what must outlive a phase
    #[arg(long)]
    out: PathBuf,
}

/// Validated options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database.
    pub database: DatabaseKind,
    /// What to do.
    pub phase: Phase,
    /// Where to begin.
    pub seeds: Vec<Seed>,
    /// For `AUTH`.
    pub password: Option<String>,
    /// How many base records.
    pub records: u64,
    /// Writes per second, and as many reads.
    pub rate: u32,
    /// The namespace of an Aerospike.
    pub namespace: String,
    /// The folder for what must outlive a phase.
    pub out: PathBuf,
}

impl Options {
    /// Those of this program's command line. `--help` ends the program, and so
    /// does, with exit code 2, what the command line does not know.
    ///
    /// # Errors
    ///
    /// A number out of its bounds, or a password file that cannot be read.
    pub fn from_command_line() -> anyhow::Result<Self> {
        Self::validate(Arguments::parse())
    }

    fn validate(arguments: Arguments) -> anyhow::Result<Self> {
        if arguments.records == 0 {
            bail!("--records is 0: at least 1 is needed");
        }
        if !(1..=100_000).contains(&arguments.rate) {
            bail!("--rate is {}: 1 to 100000 are allowed", arguments.rate);
        }
        let password = match &arguments.password_file {
            None => None,
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("--password-file {}", file.display()))?;
                let password = text.trim_end_matches(['\r', '\n']);
                if password.is_empty() {
                    bail!("--password-file {} is empty", file.display());
                }
                Some(password.to_owned())
            }
        };
        Ok(Self {
            database: arguments.database,
            phase: arguments.phase,
            seeds: arguments.seeds,
            password,
            records: arguments.records,
            rate: arguments.rate,
            namespace: arguments.namespace,
            out: arguments.out,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
