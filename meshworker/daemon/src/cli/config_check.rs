//! `meshworker config check`.

use clap::ArgMatches;

use super::{Failed, cluster_args};

/// Validates the configuration and prints the effective one.
pub fn check(args: &ArgMatches) -> Result<(), Failed> {
    for cluster in cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?
    {
        println!("[[cluster]]");
        let width = cluster.effective.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        for (name, given) in &cluster.effective {
            // No setting holds a secret itself; files that do are named, never read here.
            println!(
                "{name:width$} = {:24} # {}",
                format!("{:?}", given.value),
                given.origin
            );
        }
        println!();
    }
    Ok(())
}
