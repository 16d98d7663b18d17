//! The binary: see [`meshworker_hostile`].

use clap::Parser;
use meshworker_hostile::{Options, attack};

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(attack(Options::parse()));
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
