//! The page that the figures are written to.

use std::fmt;

use anyhow::Result;

use crate::figure::Section;
use crate::machine;

/// The page.
#[derive(Debug)]
pub struct Page {
    machine: String,
    day: String,
    sections: Vec<Section>,
}

impl Page {
    /// A page without figures, of this machine and day.
    ///
    /// # Errors
    ///
    /// When the machine does not say what it is.
    pub fn begin() -> Result<Page> {
        Ok(Page {
            machine: machine::describe()?,
            day: machine::today()?,
            sections: Vec::new(),
        })
    }

    /// Adds what was measured.
    pub fn add(&mut self, section: Section) {
        self.sections.push(section);
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written by `cargo xtask bench` on {}; do not edit by hand. `--only NAME`\nmeasures one section and prints it. All with the static release binary, on\nloopback: a simulated database, a name server and a Docker API play the swarm.\n",
            self.day
        )?;
        writeln!(f, "Measured on: {}\n", self.machine)?;
        writeln!(
            f,
            "| figure | measured | at most | met |\n|---|---|---|---|"
        )?;
        for figure in self.sections.iter().flat_map(|section| &section.figures) {
            writeln!(f, "{figure}")?;
        }
        for section in &self.sections {
            writeln!(f, "\n## {}\n", section.title)?;
            writeln!(f, "    cargo xtask bench --only {}\n", section.only)?;
            writeln!(f, "{}\n", section.how)?;
            for (number, row) in section.table.iter().enumerate() {
                writeln!(f, "| {} |", row.join(" | "))?;
                if number == 0 {
                    writeln!(f, "|{}", "---|".repeat(row.len()))?;
                }
            }
        }
        Ok(())
    }
}
