//! What the server is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

use crate::Shape;

/// A simulated AllegroGraph server.
#[derive(Debug, Clone, Parser)]
#[command(name = "allegrograph-sim", version)]
pub struct Options {
    /// Where it listens.
    #[arg(long, default_value = "0.0.0.0:10035")]
    pub listen: SocketAddr,
    /// The folder of its repositories.
    #[arg(long, default_value = "data/rootcatalog")]
    pub data: PathBuf,
    /// The folder of its settings; accounts are in its folder `user`.
    #[arg(long, default_value = "data/settings")]
    pub settings: PathBuf,
    /// The account that may do everything.
    #[arg(long, default_value = "test")]
    pub user: String,
    /// Writes that account with the password in this file, and ends: what an installation does.
    #[arg(long, value_name = "FILE")]
    pub install: Option<PathBuf>,
    /// Which version it says it is.
    #[arg(long, default_value = "8.3.1")]
    pub says_version: String,
    /// For so many seconds a copy is made.
    #[arg(long, default_value_t = 0.2)]
    pub copy_seconds: f64,
    /// How its status is written.
    #[arg(long, value_enum, default_value_t = Shape::List)]
    pub shape: Shape,
    /// A file of names, as `/etc/hosts` has them, which it reads at each use before it asks the system.
    #[arg(long)]
    pub hosts: Option<PathBuf>,
    /// Answers a request for a copy only once that is made.
    #[arg(long)]
    pub grow_waits: bool,
    /// Refuses a second copy while one is made.
    #[arg(long)]
    pub one_copy_at_a_time: bool,
}

impl Options {
    /// Where this name leads, by the file of names; itself where that has none.
    pub fn address_of(&self, host: &str) -> String {
        let file = self.hosts.as_ref();
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        let text = text.unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let found = lines.find(|(_, name)| name.trim() == host);
        found.map_or(host, |(address, _)| address).to_owned()
    }

    /// Writes the account.
    ///
    /// # Errors
    ///
    /// The password cannot be read, or the folder not written to.
    pub fn install(&self, password: &std::path::Path) -> anyhow::Result<()> {
        let password = std::fs::read_to_string(password).context("the password's file")?;
        let folder = self.settings.join("user");
        std::fs::create_dir_all(&folder).context("the settings' folder")?;
        std::fs::create_dir_all(&self.data).context("the data's folder")?;
        std::fs::write(folder.join(&self.user), password.trim_end()).context("the account")
    }
}
